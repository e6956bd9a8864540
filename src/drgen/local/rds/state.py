"""Everything the RDS control plane remembers, and how it moves on with the virtual clock.

Nothing here waits. An operation that takes time leaves `Step`s behind, and `World.settle` takes every step that is due,
in order of time, before anything is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from drgen.local.rds.records import GONE, REPLICATING, TERMINATED, Cluster, GlobalCluster, Instance, Record, Step


@dataclass
class RegionState:
    """`undelivered` are events that no topic or bus has been told of yet."""

    instances: dict[str, Instance] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    snapshots: dict[str, Record] = field(default_factory=dict)
    cluster_snapshots: dict[str, Record] = field(default_factory=dict)
    subnet_groups: dict[str, Record] = field(default_factory=dict)
    parameter_groups: dict[str, Record] = field(default_factory=dict)
    cluster_parameter_groups: dict[str, Record] = field(default_factory=dict)
    subscriptions: dict[str, Record] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    undelivered: list[Record] = field(default_factory=list)


LogEvent = Callable[[RegionState, str, str, str, float], None]
_Take = Callable[[LogEvent], None]


class World:
    """All regions of the one account. `dark` says since when a region does not answer, as far as RDS has noticed.

    A global cluster belongs to no region: every region knows it.
    """

    def __init__(self) -> None:
        self.regions: dict[str, RegionState] = {}
        self.global_clusters: dict[str, GlobalCluster] = {}
        self.dark: dict[str, float] = {}

    def region(self, name: str) -> RegionState:
        return self.regions.setdefault(name, RegionState())

    def instances(self) -> list[Instance]:
        return [instance for state in list(self.regions.values()) for instance in list(state.instances.values())]

    def clusters(self) -> list[Cluster]:
        return [cluster for state in list(self.regions.values()) for cluster in list(state.clusters.values())]

    def by_arn(self, arn: str) -> Instance | None:
        parts = arn.split(":")
        return self.region(parts[3]).instances.get(parts[6].lower()) if len(parts) == 7 else None

    def cluster_by_arn(self, arn: str) -> Cluster | None:
        parts = arn.split(":")
        return self.region(parts[3]).clusters.get(parts[6].lower()) if len(parts) == 7 else None

    def replicas_of(self, source: Instance) -> list[Instance]:
        """The replicas that still follow `source`, in all regions."""
        return [
            instance
            for instance in self.instances()
            if instance.replication == REPLICATING and instance.source_arn == source.arn
        ]

    def instances_of(self, cluster: Cluster) -> list[Instance]:
        """The instances of the cluster, the first made first."""
        return [one for one in self.region(cluster.region).instances.values() if one.cluster == cluster.name]

    def members_of(self, group: GlobalCluster) -> list[Cluster]:
        """The clusters of the global cluster, in the order in which they joined it."""
        found = [cluster for cluster in self.clusters() if cluster.global_id == group.id]
        return sorted(found, key=lambda cluster: (float(cluster.record["Joined"]), cluster.arn))

    def group_of(self, cluster: Cluster) -> GlobalCluster | None:
        groups = list(self.global_clusters.values())
        return next((group for group in groups if group.id == cluster.global_id), None)

    def primary_of(self, group: GlobalCluster) -> Cluster | None:
        """The member that writes. A global cluster without members has none."""
        found = self.cluster_by_arn(str(group.record.get("Primary", "")))
        return found if found is not None and found.global_id == group.id else None

    def is_secondary(self, cluster: Cluster) -> bool:
        group = self.group_of(cluster)
        return group is not None and group.record.get("Primary") != cluster.arn

    def put(self, instance: Instance) -> None:
        self.region(instance.region).instances[instance.name] = instance

    def put_cluster(self, cluster: Cluster) -> None:
        self.region(cluster.region).clusters[cluster.name] = cluster
        self.elect(cluster)

    def put_global(self, group: GlobalCluster) -> None:
        self.global_clusters[group.name] = group
        for member in self.members_of(group):
            self.elect(member)

    def elect(self, cluster: Cluster) -> None:
        """Keeps the writer of a cluster that can write, or takes another: the lowest tier first, then the oldest.

        Source: Aurora guide, "High availability for Amazon Aurora" (tiers); that age decides among equals is inferred.
        """
        held = cluster.record.get("Writer")
        alive = [one for one in self.instances_of(cluster) if one.status not in ("creating", "deleting")]
        if self.is_secondary(cluster):
            writer = None
        elif held in {one.name for one in alive}:
            writer = held
        else:
            by_rank = sorted(alive, key=lambda one: (one.record["PromotionTier"], one.record["InstanceCreateTime"]))
            writer = by_rank[0].name if by_rank else None
        if writer != held:
            self.region(cluster.region).clusters[cluster.name] = cluster.with_fields({"Writer": writer})

    def settle(self, now: float, log: LogEvent) -> None:
        """Takes every step that is due at `now`, the earliest first, over all regions."""
        while due := [entry for entry in self._waiting() if entry[0] <= now]:
            min(due, key=lambda entry: entry[:3])[3](log)

    def _waiting(self) -> Iterator[tuple[float, str, str, _Take]]:
        """(time, region, name, what happens then) of every next step."""
        for instance in self.instances():
            if instance.steps:
                yield instance.steps[0].at, instance.region, instance.name, _bound(self._take, instance)
        for cluster in self.clusters():
            if cluster.steps:
                yield cluster.steps[0].at, cluster.region, cluster.name, _bound(self._take_cluster, cluster)
        for group in list(self.global_clusters.values()):
            if group.steps:
                yield group.steps[0].at, "", group.name, _bound(self._take_global, group)
        for region, state in list(self.regions.items()):
            for held, event in ((state.snapshots, "0042"), (state.cluster_snapshots, "0075")):
                for name, snapshot in held.items():
                    if snapshot["Status"] == "creating":
                        yield snapshot["ReadyTime"], region, name, _finished(state, held, name, event)

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
        if after.cluster in state.clusters:
            self.elect(state.clusters[after.cluster])

    def _take_cluster(self, cluster: Cluster, log: LogEvent) -> None:
        step, rest = cluster.steps[0], cluster.steps[1:]
        state = self.region(cluster.region)
        if step.event:
            log(state, "db-cluster", cluster.arn, step.event, step.at)
        if step.status == GONE:
            del state.clusters[cluster.name]
            return
        self.put_cluster(replace(cluster, steps=rest).with_fields({**step.changes, "Status": step.status}))

    def _take_global(self, group: GlobalCluster, log: LogEvent) -> None:
        step, rest = group.steps[0], group.steps[1:]
        if step.status == GONE:
            del self.global_clusters[group.name]
            return
        self.put_global(replace(group, steps=rest).with_fields({**step.changes, "Status": step.status}))

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
        return {
            "dark": dict(self.dark),
            "global": {name: asdict(group) for name, group in list(self.global_clusters.items())},
            "regions": {name: asdict(state) for name, state in list(self.regions.items())},
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> World:
        world = cls()
        world.dark = dict(state["dark"])
        stored = deepcopy(dict(state))
        world.global_clusters = {
            name: GlobalCluster(**_timed(group)) for name, group in stored.get("global", {}).items()
        }
        for name, region in stored["regions"].items():
            instances = {key: Instance(**_timed(one)) for key, one in region["instances"].items()}
            clusters = {key: Cluster(**_timed(one)) for key, one in region.get("clusters", {}).items()}
            world.regions[name] = RegionState(**{**region, "instances": instances, "clusters": clusters})
        return world


_Some = TypeVar("_Some", Instance, Cluster, GlobalCluster)


def _bound(take: Callable[[_Some, LogEvent], None], one: _Some) -> _Take:
    return lambda log: take(one, log)


def _finished(state: RegionState, held: dict[str, Record], name: str, event: str) -> _Take:
    def finish(log: LogEvent) -> None:
        snapshot = held[name]
        held[name] = {**snapshot, "Status": "available", "PercentProgress": 100}
        kind, arn = (
            ("db-snapshot", "DBSnapshotArn") if event == "0042" else ("db-cluster-snapshot", "DBClusterSnapshotArn")
        )
        log(state, kind, snapshot[arn], event, snapshot["ReadyTime"])

    return finish


def _timed(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {**stored, "steps": tuple(Step(**step) for step in stored["steps"])}
