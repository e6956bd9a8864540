"""An RDS for PostgreSQL instance and its read replica: how they were set up, and what is observed of them."""

from __future__ import annotations

from dataclasses import dataclass

from drgen.recovery.facts import Absent, Answer, Lag, NotObserved, Observed, Secret, Stack


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
class Other:
    """Another recovery region: its copy of the database, and a failover that was started there earlier, or ""."""

    region: str
    database: Instance | Absent | NotObserved
    older_run: str = ""

    @property
    def may_write(self) -> bool:
        """Whether its database stands alone."""
        return isinstance(self.database, Instance) and not self.database.source


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


@dataclass(frozen=True, kw_only=True)
class ReplicaFacts(Observed):
    """`replica` is the database of the target region, `primary` that of the region to leave; `others` are the recovery
    regions besides."""

    replica: Instance | Absent | NotObserved
    primary: Instance | Absent | NotObserved
    replica_sql: Answer | NotObserved
    primary_sql: Answer | NotObserved
    lag: Lag | NotObserved
    stack: Stack | Absent | NotObserved
    secret: Secret | Absent | NotObserved
    others: tuple[Other, ...] = ()

    @property
    def is_replica(self) -> bool:
        """Whether the target's database is seen to have a source still."""
        return isinstance(self.replica, Instance) and self.replica.source != ""

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
