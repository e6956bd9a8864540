"""What a failover looks after, by kind: the settings of its function, and what the function may do.

The settings are those that `drgen.recovery.config` reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

from troposphere import Sub

from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value
from drgen.recovery import permissions
from drgen.recovery.names import copies_text
from drgen.recovery.permissions import Permission


@dataclass(frozen=True)
class Hosts:
    """Where the probe finds the databases. `reader` answers in the recovery region while nothing writes there."""

    primary: Value
    recovery: Value
    primary_cidr: IPv4Network
    secret: str
    port: int
    database_name: str
    reader: Value | None = None


@dataclass(frozen=True)
class ReplicaTarget:
    """An RDS instance and its replica, by identifier. `stack` owns the replica."""

    primary: str
    recovery: str
    stack: str
    fence_group: Value
    hosts: Hosts
    others: Sequence[tuple[str, str]] = ()
    """Regions and databases of further recovery regions."""


@dataclass(frozen=True)
class AuroraTarget:
    """A global database and two of its clusters, by identifier. `capacity`: the parameter of `stack` that gives a
    headless cluster its instances, or nothing."""

    whole: str
    primary: str
    recovery: str
    stack: str
    capacity: str
    hosts: Hosts


@dataclass(frozen=True)
class StatelessTarget:
    """The endpoints of the API in both regions, without a path; None where there is no API."""

    primary: Value | None
    recovery: Value | None
    health_path: str = "/health"


@dataclass(frozen=True)
class ServicesTarget:
    """The services of the recovery region: their stack, their cluster, and the tasks of each when active."""

    stack: str
    cluster: str
    needed: Mapping[str, int]


@dataclass(frozen=True)
class Protected:
    """What the machinery looks after. `withdrawable`: an alarm stands behind the primary's record; `writable`: and one
    behind the recovery region's."""

    primary_region: str
    database: ReplicaTarget | AuroraTarget | StatelessTarget
    services: ServicesTarget | None
    withdrawable: bool
    writable: bool
    rto: timedelta
    rpo: timedelta
    mode: str

    @property
    def hosts(self) -> Hosts | None:
        """Where the probe looks; None where there is no database to ask."""
        return None if isinstance(self.database, StatelessTarget) else self.database.hosts


def settings(stack: StackDraft, names: Names, target: Protected) -> dict[str, Any]:
    """The variables of the failover function that differ by kind."""
    match target.database:
        case ReplicaTarget() as pair:
            found = {
                "PRIMARY_DATABASE": pair.primary,
                "RECOVERY_DATABASE": pair.recovery,
                "DATABASE_STACK": pair.stack,
                "FENCE_GROUP_ID": stack.use(pair.fence_group),
                **({"OTHER_DATABASES": copies_text(pair.others)} if pair.others else {}),
            }
        case AuroraTarget() as aurora:
            found = {
                "GLOBAL_CLUSTER": aurora.whole,
                "PRIMARY_CLUSTER": aurora.primary,
                "RECOVERY_CLUSTER": aurora.recovery,
                "DATABASE_STACK": aurora.stack,
                **({"CAPACITY_PARAMETER": aurora.capacity} if aurora.capacity else {}),
            }
        case StatelessTarget() as regions:
            found = {
                variable: _health(stack, endpoint, regions.health_path)
                for variable, endpoint in (("PRIMARY_HEALTH", regions.primary), ("RECOVERY_HEALTH", regions.recovery))
                if endpoint is not None
            }
    if target.hosts is not None:
        found |= {"SECRET": target.hosts.secret, "PROBE_FUNCTION": names.regional("probe")}
    if target.services is not None:
        needed = ",".join(f"{service}={tasks}" for service, tasks in target.services.needed.items())
        found |= {
            "SERVICES_STACK": target.services.stack,
            "SERVICES_CLUSTER": target.services.cluster,
            "SERVICES": needed,
        }
    return found


def _health(stack: StackDraft, endpoint: Value, path: str) -> Any:
    used = stack.use(endpoint)
    return Sub(f"${{{used.data['Ref']}}}{path}")


def switch(names: Names, target: Protected) -> dict[str, str]:
    """The variables that name the alarms behind the DNS records."""
    return {
        **({"WITHDRAWN_ALARM": names.primary_withdrawn} if target.withdrawable else {}),
        **({"WRITABLE_ALARM": names.recovery_not_writable} if target.writable else {}),
    }


def fields(stack: StackDraft, target: Protected, data_key: Value) -> dict[str, str]:
    """What fills the ARN patterns of this kind."""
    found = {}
    match target.database:
        case ReplicaTarget(primary, recovery, owner):
            found = {"primary_database": primary, "recovery_database": recovery, "database_stack": owner}
        case AuroraTarget(whole, primary, recovery, owner):
            found = {
                "global_cluster": whole,
                "primary_cluster": primary,
                "recovery_cluster": recovery,
                "database_stack": owner,
            }
        case StatelessTarget():
            pass
    if target.hosts is not None:
        found |= {"secret": target.hosts.secret, "secret_key": f"${{{stack.use(data_key).data['Ref']}}}"}
    if target.services is not None:
        found |= {"services_stack": target.services.stack, "services_cluster": target.services.cluster}
    return found


def permitted(target: Protected) -> tuple[Permission, ...]:
    """What the failover function of this kind may do."""
    services = permissions.SERVICES if target.services is not None else ()
    updates = permissions.STACK_UPDATES
    match target.database:
        case ReplicaTarget(others=others):
            own = (*permissions.REPLICA, *permissions.others(others), *services, *updates, *permissions.DATABASE)
        case AuroraTarget(capacity=capacity):
            adding = permissions.CAPACITY if capacity else ()
            own = (*permissions.AURORA, *adding, *services, *(updates if adding or services else ()))
            own = (*own, *permissions.DATABASE)
        case StatelessTarget():
            own = (*services, *(updates if services else ()))
    return (*permissions.WRITE_LOGS, *own, *permissions.COMMON)
