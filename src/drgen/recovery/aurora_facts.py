"""An Aurora global database: how it was set up, and what is observed of it.

Source: botocore, rds DescribeGlobalClusters and DescribeDBClusters; Aurora User Guide, "Using switchover or failover in
Amazon Aurora Global Database".
"""

from __future__ import annotations

from dataclasses import dataclass

from drgen.recovery.facts import Absent, Answer, Lag, NotObserved, Observed, Secret, Stack


@dataclass(frozen=True)
class Node:
    """An instance of a cluster."""

    identifier: str
    status: str
    writer: bool = False


@dataclass(frozen=True)
class Cluster:
    """The cluster of one region as DescribeDBClusters shows it. Without nodes it is headless."""

    identifier: str
    arn: str
    status: str
    version: str
    nodes: tuple[Node, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it has an instance that could become the writer."""
        return any(node.status == "available" for node in self.nodes)


@dataclass(frozen=True)
class Member:
    """A cluster of the global database. `synchronization` is connected or pending-resync."""

    arn: str
    writer: bool
    synchronization: str


@dataclass(frozen=True)
class Move:
    """A switchover or failover that is under way: its status, and the ARN of the cluster that is to write."""

    status: str
    target: str


@dataclass(frozen=True)
class GlobalCluster:
    """The global database as DescribeGlobalClusters shows it in the target region."""

    identifier: str
    status: str
    version: str
    members: tuple[Member, ...]
    move: Move | None = None

    def member(self, arn: str) -> Member | None:
        return next((member for member in self.members if member.arn == arn), None)

    @property
    def writer(self) -> str:
        """ARN of the cluster that writes; "" while there is none."""
        return next((member.arn for member in self.members if member.writer), "")


@dataclass(frozen=True)
class Clusters:
    """The global database as it was set up: what the facts are held against.

    `capacity` is the parameter of the target's database stack that gives a headless cluster its instances, or "".
    `loss_objective_s` is the recovery point objective in seconds.
    """

    global_cluster: str
    primary_region: str
    primary_cluster: str
    recovery_region: str
    recovery_cluster: str
    capacity: str
    loss_objective_s: float

    def is_primary(self, arn: str) -> bool:
        """Whether `arn` is the primary's cluster: arn:PARTITION:rds:REGION:ACCOUNT:cluster:NAME."""
        parts = arn.split(":")
        return len(parts) == 7 and (parts[3], parts[5], parts[6]) == (
            self.primary_region,
            "cluster",
            self.primary_cluster,
        )


@dataclass(frozen=True, kw_only=True)
class AuroraFacts(Observed):
    """`target` is the cluster of the target region, `primary` that of the region to leave."""

    database: GlobalCluster | Absent | NotObserved
    target: Cluster | Absent | NotObserved
    primary: Cluster | Absent | NotObserved
    target_sql: Answer | NotObserved
    primary_sql: Answer | NotObserved
    lag: Lag | NotObserved
    stack: Stack | Absent | NotObserved
    secret: Secret | Absent | NotObserved

    @property
    def target_arn(self) -> str:
        return self.target.arn if isinstance(self.target, Cluster) else ""

    @property
    def member(self) -> Member | None:
        """The target's membership in the global database."""
        return self.database.member(self.target_arn) if isinstance(self.database, GlobalCluster) else None

    @property
    def move(self) -> Move | None:
        return self.database.move if isinstance(self.database, GlobalCluster) else None

    @property
    def target_is_writer(self) -> bool:
        """Whether Aurora has made the target the writer, ready or not."""
        return self.member is not None and self.member.writer

    @property
    def target_takes_writes(self) -> bool:
        """True only if everything that was observed says so: it is the writer, no move is under way, and an instance
        that writes is available."""
        target = self.target
        if not isinstance(target, Cluster) or not self.target_is_writer or self.move is not None:
            return False
        if isinstance(self.target_sql, Answer) and self.target_sql.in_recovery:
            return False
        writes = any(node.writer and node.status == "available" for node in target.nodes)
        return target.status == "available" and writes

    @property
    def primary_takes_writes(self) -> bool:
        """True if the primary said so over SQL. False says nothing: it may only be out of reach."""
        return isinstance(self.primary_sql, Answer) and not self.primary_sql.in_recovery
