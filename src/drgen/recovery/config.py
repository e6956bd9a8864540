"""How the functions of the recovery layer learn what they look after: their environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drgen.recovery.aurora_facts import Clusters
from drgen.recovery.kinds import Setup
from drgen.recovery.names import approval_parameter
from drgen.recovery.others import Copy, read_copies
from drgen.recovery.replica_facts import Pair
from drgen.recovery.stateless import Regions


class Trigger(StrEnum):
    """What the alarm "primary is gone" leads to: a message; a run that asks a person; a run that asks nobody."""

    NOTIFY = "notify"
    APPROVE = "approve"
    AUTOMATIC = "automatic"


@dataclass(frozen=True)
class ReplicaSettings:
    """An RDS instance and its replica.

    primary_database     PRIMARY_DATABASE    DB instance identifier
    recovery_database    RECOVERY_DATABASE   DB instance identifier
    stack                DATABASE_STACK      name of the stack of the recovery region that owns the replica
    fence_group          FENCE_GROUP_ID      id of the primary's security group without ingress
    secret               SECRET              name of the replicated secret
    probe_function       PROBE_FUNCTION      name of the probe function
    role_parameter       ROLE_PARAMETER      its parameter with the values replica and standalone (DatabaseRole)
    others               OTHER_DATABASES     those of further recovery regions, "region:identifier,...", default none
    """

    primary_database: str
    recovery_database: str
    stack: str
    fence_group: str
    secret: str
    probe_function: str
    role_parameter: str = "DatabaseRole"
    logical_id: str = "Database"
    others: tuple[Copy, ...] = ()

    @property
    def parameter(self) -> str:
        return self.role_parameter


@dataclass(frozen=True)
class AuroraSettings:
    """An Aurora global database.

    global_cluster       GLOBAL_CLUSTER      identifier of the global database
    primary_cluster      PRIMARY_CLUSTER     DB cluster identifier
    recovery_cluster     RECOVERY_CLUSTER    DB cluster identifier
    stack                DATABASE_STACK      name of the stack of the recovery region that owns the secondary
    secret               SECRET              name of the replicated secret
    probe_function       PROBE_FUNCTION      name of the probe function
    capacity_parameter   CAPACITY_PARAMETER  the stack's parameter with the values headless and running, or nothing
    """

    global_cluster: str
    primary_cluster: str
    recovery_cluster: str
    stack: str
    secret: str
    probe_function: str
    capacity_parameter: str = ""
    logical_id: str = "Cluster"

    @property
    def parameter(self) -> str:
        return self.capacity_parameter


@dataclass(frozen=True)
class StatelessSettings:
    """No database: where each region tells its health, over HTTP.

    primary_health       PRIMARY_HEALTH      URL, or nothing where the services of the region are asked
    recovery_health      RECOVERY_HEALTH     URL, or nothing
    """

    primary_health: str = ""
    recovery_health: str = ""


@dataclass(frozen=True)
class ServiceSettings:
    """The services of the recovery region.

    stack                SERVICES_STACK      name of their stack, with the parameter ServiceRole: standby or active
    cluster              SERVICES_CLUSTER    name of their ECS cluster, the same in both regions
    needed               SERVICES            the tasks that each service starts with when active: web=4,api=2
    """

    stack: str
    cluster: str
    needed: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Switch:
    """What the DNS health checks follow.

    withdrawn_alarm      WITHDRAWN_ALARM     alarm of the primary's record
    writable_alarm       WRITABLE_ALARM      alarm of the recovery region's record, or nothing where it has none
    """

    withdrawn_alarm: str
    writable_alarm: str = ""


@dataclass(frozen=True)
class Config:
    """The settings of the failover function; the name of the variable is behind each field.

    workload             WORKLOAD            dimension of the metrics and what an operator types to confirm
    primary_region       PRIMARY_REGION
    recovery_region      RECOVERY_REGION     where the function runs
    topic                TOPIC_ARN           topic of the recovery region
    machine              MACHINE_ARN         the state machine; a literal made from its name, not a reference
    gone_alarm           GONE_ALARM          alarm on PrimaryReachable
    trigger              TRIGGER             notify, approve or automatic
    loss_objective_s     RPO_SECONDS
    time_objective_s     RTO_SECONDS
    namespace            METRIC_NAMESPACE    default drgen
    """

    workload: str
    primary_region: str
    recovery_region: str
    topic: str
    machine: str
    gone_alarm: str
    trigger: Trigger
    loss_objective_s: float
    time_objective_s: float
    database: ReplicaSettings | AuroraSettings | StatelessSettings
    services: ServiceSettings | None = None
    switch: Switch | None = None
    namespace: str = "drgen"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """The settings in `environment`; KeyError names the variable that is missing."""
        return cls(
            workload=environment["WORKLOAD"],
            primary_region=environment["PRIMARY_REGION"],
            recovery_region=environment["RECOVERY_REGION"],
            topic=environment["TOPIC_ARN"],
            machine=environment["MACHINE_ARN"],
            gone_alarm=environment["GONE_ALARM"],
            trigger=Trigger(environment["TRIGGER"]),
            loss_objective_s=float(environment["RPO_SECONDS"]),
            time_objective_s=float(environment["RTO_SECONDS"]),
            database=_database(environment),
            services=_services(environment),
            switch=_switch(environment),
            namespace=environment.get("METRIC_NAMESPACE", "drgen"),
        )

    @property
    def setup(self) -> Setup:
        """What the resolver holds the facts against."""
        match self.database:
            case ReplicaSettings() as pair:
                return Pair(
                    primary_region=self.primary_region,
                    primary_database=pair.primary_database,
                    recovery_region=self.recovery_region,
                    recovery_database=pair.recovery_database,
                    fence_group=pair.fence_group,
                    loss_objective_s=self.loss_objective_s,
                )
            case AuroraSettings() as aurora:
                return Clusters(
                    global_cluster=aurora.global_cluster,
                    primary_region=self.primary_region,
                    primary_cluster=aurora.primary_cluster,
                    recovery_region=self.recovery_region,
                    recovery_cluster=aurora.recovery_cluster,
                    capacity=aurora.capacity_parameter,
                    loss_objective_s=self.loss_objective_s,
                )
            case StatelessSettings():
                return Regions(self.primary_region, self.recovery_region)

    @property
    def approval_parameter(self) -> str:
        return approval_parameter(self.machine)


def _database(environment: Mapping[str, str]) -> ReplicaSettings | AuroraSettings | StatelessSettings:
    if "GLOBAL_CLUSTER" in environment:
        return AuroraSettings(
            global_cluster=environment["GLOBAL_CLUSTER"],
            primary_cluster=environment["PRIMARY_CLUSTER"],
            recovery_cluster=environment["RECOVERY_CLUSTER"],
            stack=environment["DATABASE_STACK"],
            secret=environment["SECRET"],
            probe_function=environment["PROBE_FUNCTION"],
            capacity_parameter=environment.get("CAPACITY_PARAMETER", ""),
        )
    if "DATABASE_STACK" in environment:
        return ReplicaSettings(
            primary_database=environment["PRIMARY_DATABASE"],
            recovery_database=environment["RECOVERY_DATABASE"],
            stack=environment["DATABASE_STACK"],
            fence_group=environment["FENCE_GROUP_ID"],
            secret=environment["SECRET"],
            probe_function=environment["PROBE_FUNCTION"],
            role_parameter=environment.get("ROLE_PARAMETER", "DatabaseRole"),
            others=read_copies(environment.get("OTHER_DATABASES", "")),
        )
    return StatelessSettings(environment.get("PRIMARY_HEALTH", ""), environment.get("RECOVERY_HEALTH", ""))


def _services(environment: Mapping[str, str]) -> ServiceSettings | None:
    if "SERVICES_STACK" not in environment:
        return None
    named = [each.split("=") for each in environment["SERVICES"].split(",")]
    needed = tuple((name, int(tasks)) for name, tasks in named)
    return ServiceSettings(environment["SERVICES_STACK"], environment["SERVICES_CLUSTER"], needed)


def _switch(environment: Mapping[str, str]) -> Switch | None:
    if "WITHDRAWN_ALARM" not in environment:
        return None
    return Switch(environment["WITHDRAWN_ALARM"], environment.get("WRITABLE_ALARM", ""))
