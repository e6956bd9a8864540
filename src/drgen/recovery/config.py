"""How the functions of the recovery layer learn what they look after: their environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drgen.recovery.facts import Pair
from drgen.recovery.others import Copy, read_copies


class Trigger(StrEnum):
    """What the alarm "primary is gone" leads to: a message; a run that asks a person; a run that asks nobody."""

    NOTIFY = "notify"
    APPROVE = "approve"
    AUTOMATIC = "automatic"


@dataclass(frozen=True)
class Config:
    """The settings of the failover function; the name of the variable is behind each field.

    workload             WORKLOAD            dimension of the metrics and what an operator types to confirm
    primary_region       PRIMARY_REGION
    recovery_region      RECOVERY_REGION     where the function runs
    primary_database     PRIMARY_DATABASE    DB instance identifier
    recovery_database    RECOVERY_DATABASE   DB instance identifier
    database_stack       DATABASE_STACK      name of the stack of the recovery region that owns the replica
    role_parameter       ROLE_PARAMETER      its parameter with the values replica and standalone (DatabaseRole)
    fence_group          FENCE_GROUP_ID      id of the primary's security group without ingress
    secret               SECRET              name of the replicated secret
    probe_function       PROBE_FUNCTION      name of the probe function
    topic                TOPIC_ARN           topic of the recovery region
    machine              MACHINE_ARN         the state machine; a literal made from its name, not a reference
    withdrawn_alarm      WITHDRAWN_ALARM     alarm that the health check of the primary's record follows
    writable_alarm       WRITABLE_ALARM      alarm that the health check of the recovery region's record follows
    gone_alarm           GONE_ALARM          alarm on PrimaryReachable
    trigger              TRIGGER             notify, approve or automatic
    loss_objective_s     RPO_SECONDS
    time_objective_s     RTO_SECONDS
    namespace            METRIC_NAMESPACE    default drgen
    others               OTHER_DATABASES     those of further recovery regions, "region:identifier,...", default none
    """

    workload: str
    primary_region: str
    recovery_region: str
    primary_database: str
    recovery_database: str
    database_stack: str
    fence_group: str
    secret: str
    probe_function: str
    topic: str
    machine: str
    withdrawn_alarm: str
    writable_alarm: str
    gone_alarm: str
    trigger: Trigger
    loss_objective_s: float
    time_objective_s: float
    role_parameter: str = "DatabaseRole"
    namespace: str = "drgen"
    others: tuple[Copy, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """The settings in `environment`; KeyError names the variable that is missing."""
        return cls(
            workload=environment["WORKLOAD"],
            primary_region=environment["PRIMARY_REGION"],
            recovery_region=environment["RECOVERY_REGION"],
            primary_database=environment["PRIMARY_DATABASE"],
            recovery_database=environment["RECOVERY_DATABASE"],
            database_stack=environment["DATABASE_STACK"],
            fence_group=environment["FENCE_GROUP_ID"],
            secret=environment["SECRET"],
            probe_function=environment["PROBE_FUNCTION"],
            topic=environment["TOPIC_ARN"],
            machine=environment["MACHINE_ARN"],
            withdrawn_alarm=environment["WITHDRAWN_ALARM"],
            writable_alarm=environment["WRITABLE_ALARM"],
            gone_alarm=environment["GONE_ALARM"],
            trigger=Trigger(environment["TRIGGER"]),
            loss_objective_s=float(environment["RPO_SECONDS"]),
            time_objective_s=float(environment["RTO_SECONDS"]),
            role_parameter=environment.get("ROLE_PARAMETER", "DatabaseRole"),
            namespace=environment.get("METRIC_NAMESPACE", "drgen"),
            others=read_copies(environment.get("OTHER_DATABASES", "")),
        )

    @property
    def pair(self) -> Pair:
        return Pair(
            primary_region=self.primary_region,
            primary_database=self.primary_database,
            recovery_region=self.recovery_region,
            recovery_database=self.recovery_database,
            fence_group=self.fence_group,
            loss_objective_s=self.loss_objective_s,
        )

    @property
    def approval_parameter(self) -> str:
        return approval_parameter(self.machine)


def approval_parameter(machine: str) -> str:
    """Name of the SSM parameter that holds the task token while a run of `machine` (an ARN) waits for approval."""
    return f"/{machine.rsplit(':', 1)[-1]}/approval"


PRIMARY_REACHABLE = "PrimaryReachable"
HEARTBEAT_LAG = "HeartbeatLag"
PRIMARY_WITHDRAWN = "PrimaryWithdrawn"
RECOVERY_WRITABLE = "RecoveryWritable"
"""The metrics of a workload. All are published in the recovery region once a minute, dimension Workload.

Their alarms use a period of 60 seconds, one evaluation period, the statistic Maximum, and treat missing data as
`ignore`, so that a watch that is late does not move traffic. PrimaryReachable's alarm takes several periods.
"""
