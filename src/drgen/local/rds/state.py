"""Everything the RDS control plane remembers, and how it moves on with the virtual clock.

Nothing here waits. An operation that takes time leaves `Step`s behind, and `World.settle` takes every step that is due,
in order of time, before anything is read. A record has the shape that botocore's model gives `DBInstance`, `DBSnapshot`
and so on, with times as seconds since the epoch, so that the whole world is plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from drgen.local.rds.durations import BACKUP_S

Record = dict[str, Any]

REPLICATING = "replicating"
TERMINATED = "terminated"
GONE = "gone"


@dataclass(frozen=True)
class Step:
    """What becomes true of an instance at `at`: its status, changed fields (None removes one), an event."""

    at: float
    status: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""


@dataclass(frozen=True)
class Instance:
    """`replication` is "" for an instance that is no replica. `backed_up` is the time of the first backup, or None."""

    record: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    replication: str = ""
    backed_up: float | None = None

    @property
    def name(self) -> str:
        return str(self.record["DBInstanceIdentifier"])

    @property
    def arn(self) -> str:
        return str(self.record["DBInstanceArn"])

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def status(self) -> str:
        return str(self.record["DBInstanceStatus"])

    @property
    def source_arn(self) -> str:
        """The ARN of the replication source; "" for an instance that is no replica."""
        source = str(self.record.get("ReadReplicaSourceDBInstanceIdentifier", ""))
        return source if not source or source.startswith("arn:") else self.arn.rpartition(":")[0] + ":" + source

    @property
    def is_promoting(self) -> bool:
        return any(step.changes.get("ReadReplicaSourceDBInstanceIdentifier", "") is None for step in self.steps)

    def with_fields(self, changes: Mapping[str, Any]) -> Instance:
        record = {**self.record, **changes}
        return replace(self, record={key: value for key, value in record.items() if value is not None})

    def then(self, *steps: Step) -> Instance:
        return replace(self, steps=tuple(sorted((*self.steps, *steps), key=lambda step: step.at)))


def backup_steps(at: float, changes: Mapping[str, Any], event: str) -> list[Step]:
    """`changes` and `event` at `at`, and an automated backup that starts right then."""
    return [
        Step(at, "backing-up", changes, event),
        Step(at, "backing-up", {}, "0001"),
        Step(at + BACKUP_S, "available", {}, "0002"),
    ]


@dataclass
class RegionState:
    """`undelivered` are events that no topic or bus has been told of yet."""

    instances: dict[str, Instance] = field(default_factory=dict)
    snapshots: dict[str, Record] = field(default_factory=dict)
    subnet_groups: dict[str, Record] = field(default_factory=dict)
    parameter_groups: dict[str, Record] = field(default_factory=dict)
    subscriptions: dict[str, Record] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    undelivered: list[Record] = field(default_factory=list)


LogEvent = Callable[[RegionState, str, str, str, float], None]


class World:
    """All regions of the one account. `dark` says since when a region does not answer, as far as RDS has noticed."""

    def __init__(self) -> None:
        self.regions: dict[str, RegionState] = {}
        self.dark: dict[str, float] = {}

    def region(self, name: str) -> RegionState:
        return self.regions.setdefault(name, RegionState())

    def instances(self) -> list[Instance]:
        return [instance for state in list(self.regions.values()) for instance in list(state.instances.values())]

    def by_arn(self, arn: str) -> Instance | None:
        parts = arn.split(":")
        return self.region(parts[3]).instances.get(parts[6].lower()) if len(parts) == 7 else None

    def replicas_of(self, source: Instance) -> list[Instance]:
        """The replicas that still follow `source`, in all regions."""
        return [
            instance
            for instance in self.instances()
            if instance.replication == REPLICATING and instance.source_arn == source.arn
        ]

    def put(self, instance: Instance) -> None:
        self.region(instance.region).instances[instance.name] = instance

    def settle(self, now: float, log: LogEvent) -> None:
        """Takes every step that is due at `now`, the earliest first, over all regions."""
        while due := [*self._due_instances(now), *self._due_snapshots(now)]:
            _, region, kind, name = min(due)
            state = self.region(region)
            if kind == "instance":
                self._take(state.instances[name], log)
                continue
            snapshot = state.snapshots[name]
            state.snapshots[name] = {**snapshot, "Status": "available", "PercentProgress": 100}
            log(state, "db-snapshot", snapshot["DBSnapshotArn"], "0042", snapshot["ReadyTime"])

    def _due_instances(self, now: float) -> list[tuple[float, str, str, str]]:
        return [
            (instance.steps[0].at, instance.region, "instance", instance.name)
            for instance in self.instances()
            if instance.steps and instance.steps[0].at <= now
        ]

    def _due_snapshots(self, now: float) -> list[tuple[float, str, str, str]]:
        return [
            (snapshot["ReadyTime"], region, "snapshot", name)
            for region, state in list(self.regions.items())
            for name, snapshot in state.snapshots.items()
            if snapshot["Status"] == "creating" and snapshot["ReadyTime"] <= now
        ]

    def _take(self, instance: Instance, log: LogEvent) -> None:
        step, rest = instance.steps[0], instance.steps[1:]
        state = self.region(instance.region)
        if step.event:
            log(state, "db-instance", instance.arn, step.event, step.at)
        if step.status == GONE:
            del state.instances[instance.name]
            self._orphan(instance, step.at, log)
            return
        after = replace(instance, steps=rest).with_fields({**step.changes, "DBInstanceStatus": step.status})
        if step.changes.get("ReadReplicaSourceDBInstanceIdentifier", "") is None:
            after = replace(after, replication="")
        if step.event == "0002" and after.backed_up is None:
            after = replace(after, backed_up=step.at)
        if after.name != instance.name:
            self._rename(instance, after)
        self.put(after)

    def _orphan(self, source: Instance, at: float, log: LogEvent) -> None:
        """A replica in the source's region becomes standalone; one in another region stays, its replication terminated.

        Source: RDS guide, "Deleting a DB instance" and "Creating a read replica in a different AWS Region".
        """
        for replica in self.replicas_of(source):
            if replica.region == source.region:
                self.put(replace(replica, replication="").with_fields({"ReadReplicaSourceDBInstanceIdentifier": None}))
            elif not replica.is_promoting:
                self.put(replace(replica, replication=TERMINATED))
                log(self.region(replica.region), "db-instance", replica.arn, "0057", at)

    def _rename(self, before: Instance, after: Instance) -> None:
        del self.region(before.region).instances[before.name]
        for replica in self.replicas_of(before):
            source = after.name if replica.region == after.region else after.arn
            self.put(replica.with_fields({"ReadReplicaSourceDBInstanceIdentifier": source}))

    def dump(self) -> dict[str, Any]:
        return {"dark": dict(self.dark), "regions": {name: asdict(state) for name, state in list(self.regions.items())}}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> World:
        world = cls()
        world.dark = dict(state["dark"])
        for name, stored in deepcopy(dict(state["regions"])).items():
            world.regions[name] = RegionState(**{**stored, "instances": {}})
            for instance in stored["instances"].values():
                steps = tuple(Step(**step) for step in instance["steps"])
                world.regions[name].instances[instance["record"]["DBInstanceIdentifier"]] = Instance(
                    **{**instance, "steps": steps}
                )
        return world
