"""What the RDS control plane remembers of one instance, cluster or global cluster, and the steps that lie before it.

A record has the shape that botocore's model gives `DBInstance`, `DBCluster` and so on, with times as seconds since the
epoch, so that the whole world is plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from drgen.local.rds.durations import BACKUP_S

Record = dict[str, Any]

REPLICATING = "replicating"
TERMINATED = "terminated"
GONE = "gone"


@dataclass(frozen=True)
class Step:
    """What becomes true of a resource at `at`: its status, changed fields (None removes one), an event."""

    at: float
    status: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""


@dataclass(frozen=True)
class Timed:
    """Something whose state moves on with the virtual clock, in the order of its steps."""

    record: Mapping[str, Any]
    steps: tuple[Step, ...] = ()

    def with_fields(self, changes: Mapping[str, Any]) -> Self:
        record = {**self.record, **changes}
        return replace(self, record={key: value for key, value in record.items() if value is not None})

    def then(self, *steps: Step) -> Self:
        return replace(self, steps=tuple(sorted((*self.steps, *steps), key=lambda step: step.at)))


@dataclass(frozen=True)
class Instance(Timed):
    """`replication` is "" for an instance that is no replica. `backed_up` is the time of the first backup, or None."""

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
    def cluster(self) -> str:
        """The identifier of the cluster that it is a member of; "" for an instance of its own."""
        return str(self.record.get("DBClusterIdentifier", ""))

    @property
    def source_arn(self) -> str:
        """The ARN of the replication source; "" for an instance that is no replica."""
        source = str(self.record.get("ReadReplicaSourceDBInstanceIdentifier", ""))
        return source if not source or source.startswith("arn:") else self.arn.rpartition(":")[0] + ":" + source

    @property
    def is_promoting(self) -> bool:
        return any(step.changes.get("ReadReplicaSourceDBInstanceIdentifier", "") is None for step in self.steps)


@dataclass(frozen=True)
class Cluster(Timed):
    """An Aurora cluster. Four keys of its record are not RDS's, and are never shown:

    Writer: the instance that writes, in a cluster that can. Global: the resource id of the global cluster that it is a
    member of. Joined: since when. Resync: what is left to do before an old primary follows the new one.
    """

    @property
    def name(self) -> str:
        return str(self.record["DBClusterIdentifier"])

    @property
    def arn(self) -> str:
        return str(self.record["DBClusterArn"])

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def status(self) -> str:
        return str(self.record["Status"])

    @property
    def global_id(self) -> str:
        return str(self.record.get("Global", ""))


@dataclass(frozen=True)
class GlobalCluster(Timed):
    """A global database. Two keys of its record are not RDS's, and are never shown:

    Primary: the ARN of the cluster that writes. Resolved: the ARN of the cluster that the writer endpoint leads to.
    """

    @property
    def name(self) -> str:
        return str(self.record["GlobalClusterIdentifier"])

    @property
    def arn(self) -> str:
        return str(self.record["GlobalClusterArn"])

    @property
    def id(self) -> str:
        return str(self.record["GlobalClusterResourceId"])

    @property
    def status(self) -> str:
        return str(self.record["Status"])


def backup_steps(at: float, changes: Mapping[str, Any], event: str) -> list[Step]:
    """`changes` and `event` at `at`, and an automated backup that starts right then."""
    return [
        Step(at, "backing-up", changes, event),
        Step(at, "backing-up", {}, "0001"),
        Step(at + BACKUP_S, "available", {}, "0002"),
    ]
