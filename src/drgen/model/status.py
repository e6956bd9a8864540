"""What is deployed of a workload, and whether it still fits together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drgen.model.live import LiveStack


@dataclass(frozen=True)
class Stale:
    """A stack was given `has`; its producer says `now`."""

    parameter: str
    producer: str
    output: str
    has: str
    now: str


class GroupState(StrEnum):
    """Whether the default security group of a VPC is as drgen leaves it."""

    EMPTY = "no rules"
    HAS_RULES = "has rules"
    UNKNOWN = "not known"


SERVING = (
    "available",
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "modifying",
    "storage-optimization",
)
"""The statuses of an instance that answers its clients, or may.

Source: RDS User Guide, "Viewing Amazon RDS DB instance status".
"""


class Ingress(StrEnum):
    """Whether the security groups of a database let anybody in. A failover fences the old primary by a group that
    lets nobody in."""

    OPEN = "open"
    FENCED = "fenced"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class DatabaseState:
    """`replica_of` is empty for an instance that is no replica; `groups` are the ids of its security groups."""

    identifier: str
    status: str
    replica_of: str
    groups: tuple[str, ...] = ()
    ingress: Ingress = Ingress.UNKNOWN

    @property
    def takes_writes(self) -> bool:
        """Where nobody knows whether it is fenced, it counts as a writer: two writers are the danger."""
        return self.status in SERVING and not self.replica_of and self.ingress is not Ingress.FENCED


@dataclass(frozen=True)
class StackState:
    """One stack. `live` is None where it does not exist; `unreachable` says why it could not be asked for."""

    stack: str
    region: str
    stage: str
    live: LiveStack | None = None
    unreachable: str = ""
    stale: tuple[Stale, ...] = ()
    default_group: GroupState | None = None
    databases: tuple[DatabaseState, ...] = ()


@dataclass(frozen=True)
class WorkloadState:
    workload: str
    stacks: tuple[StackState, ...]
    dark: tuple[str, ...] = ()

    @property
    def writers(self) -> tuple[tuple[str, str], ...]:
        """(region, identifier) of every database that takes writes now, as the control plane shows it."""
        return tuple((s.region, d.identifier) for s in self.stacks for d in s.databases if d.takes_writes)
