"""What was observed, at one moment, about the two copies of the database and what surrounds them.

Every value that a failing region or a silent database may withhold can be `NotObserved`; that is never read as "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class NotObserved:
    """Nobody answered, or the answer says nothing. `reason` is one sentence for people; `refused`: somebody is there
    and does not tell us, for lack of permission or because we ask too often."""

    reason: str
    refused: bool = False


@dataclass(frozen=True)
class Absent:
    """The region answered: there is no such thing."""


@dataclass(frozen=True)
class Instance:
    """A database instance as DescribeDBInstances shows it.

    `source` is the ARN it replicates from, "" once it stands alone. `replication` holds the statuses of its
    StatusInfos of type "read replication". `groups` are the ids of its security groups; `groups_settled` says that RDS
    reports each of them as active.
    """

    identifier: str
    status: str
    source: str = ""
    replication: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    groups_settled: bool = True


@dataclass(frozen=True)
class Answer:
    """The database itself answered over SQL. `in_recovery` is pg_is_in_recovery(): False means that it takes writes."""

    in_recovery: bool


@dataclass(frozen=True)
class Lag:
    """How far the replica was behind, in seconds, `age_s` seconds ago; `metric` names where the number comes from."""

    seconds: float
    age_s: float
    metric: str


@dataclass(frozen=True)
class Stack:
    """The stack that owns the replica. `role` is its DatabaseRole; `protected`: its stack policy denies replacement
    and deletion; `reason` is CloudFormation's status reason."""

    status: str
    role: str
    protected: bool
    reason: str = ""


@dataclass(frozen=True)
class Secret:
    """The replicated secret exists in the target region; `read` says that the probe really read its value there."""

    read: bool


@dataclass(frozen=True)
class Other:
    """Another recovery region: its copy of the database, and a failover that was started there earlier, or ""."""

    region: str
    database: Instance | Absent | NotObserved
    older_run: str = ""

    @property
    def may_write(self) -> bool:
        """Whether its database stands alone."""
        return isinstance(self.database, Instance) and not self.database.source


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Alarms:
    """The two alarms that the health checks of the DNS records follow."""

    withdrawn: AlarmState
    writable: AlarmState

    @property
    def show_the_move(self) -> bool:
        """The primary's record counts as unhealthy and the recovery region's as healthy."""
        return self.withdrawn is AlarmState.ALARM and self.writable is AlarmState.OK


@dataclass(frozen=True)
class Facts:
    """One observation. `now` is AWS's clock in the target region; `older_run` names another running execution, or "".

    `replica` is the database of the target region, `primary` that of the region to leave; `others` are the recovery
    regions besides.
    """

    now: float
    replica: Instance | Absent | NotObserved
    primary: Instance | Absent | NotObserved
    replica_sql: Answer | NotObserved
    primary_sql: Answer | NotObserved
    lag: Lag | NotObserved
    stack: Stack | Absent | NotObserved
    secret: Secret | Absent | NotObserved
    alarms: Alarms | NotObserved
    older_run: str = ""
    others: tuple[Other, ...] = ()

    @property
    def replica_takes_writes(self) -> bool:
        """True only if everything that was observed says so.

        `available` alone proves nothing, a replica is `available` too. Source: RDS User Guide, "Promoting a read
        replica to be a standalone DB instance".
        """
        replica = self.replica
        if not isinstance(replica, Instance):
            return False
        if isinstance(self.replica_sql, Answer) and self.replica_sql.in_recovery:
            return False
        return not replica.source and not replica.replication and replica.status == "available"

    @property
    def primary_takes_writes(self) -> bool:
        """True if the primary said so over SQL. False says nothing: it may only be out of reach."""
        return isinstance(self.primary_sql, Answer) and not self.primary_sql.in_recovery


@dataclass(frozen=True)
class Pair:
    """The two databases as they were set up: what the facts are held against.

    `fence_group` is the id of the primary's security group without a single ingress rule. `loss_objective_s` is the
    recovery point objective in seconds.
    """

    primary_region: str
    primary_database: str
    recovery_region: str
    recovery_database: str
    fence_group: str
    loss_objective_s: float

    def is_source(self, arn: str) -> bool:
        """Whether `arn` is the primary: arn:PARTITION:rds:REGION:ACCOUNT:db:NAME."""
        parts = arn.split(":")
        expected = (self.primary_region, "db", self.primary_database)
        return len(parts) == 7 and (parts[3], parts[5], parts[6]) == expected

    def cut_off(self, instance: Instance) -> bool:
        """Whether the instance is in the fence group and in nothing else, and RDS has put that into force."""
        return instance.groups == (self.fence_group,) and instance.groups_settled
