"""The recovery layer: what watches the primary region's database and takes over from it."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import dashboard, failover
from drgen.builders.database import Primary
from drgen.model.database import Postgres


def recovery(system: System) -> None:
    """In each recovery region: the failover machine, the probe, their alarms and the dashboard."""
    wanted, primary = system.workload.postgres, system.made.primary_database
    if wanted is None or primary is None:
        return
    for site in system.recovery:
        _layer(system, site, wanted, primary)


def _mode(system: System, site: Site) -> str:
    """Only the first recovery region starts a failover by itself: of two that did, each could make a writer."""
    return system.workload.recovery.mode if site is system.recovery[0] else "notify"


def _layer(system: System, site: Site, wanted: Postgres, primary: Primary) -> None:
    workload, names, base = system.workload, system.names, system.foundation(site)
    stack = system.stack(site, "recovery", "What watches the primary region and takes over from it.")
    replica = system.made.databases[site.name]
    target = failover.Protected(
        primary=primary.instance,
        replica=replica,
        primary_cidr=system.primary.region.cidr,
        replica_stack=system.stack(site, "database").key,
        fence_group=primary.fence_group,
        secret=names.secret,
        port=wanted.port,
        database_name=wanted.name,
        rto=workload.objectives.rto,
        rpo=workload.objectives.rpo,
        mode=_mode(system, site),
        others=[system.made.databases[other.name] for other in system.recovery if other is not site],
    )
    around = failover.Around(
        network=base.network,
        topic=base.alerts.topic_arn,
        data_key=base.keys.data,
        operations_key=base.keys.operations,
        log_days=workload.recovery.log_days,
    )
    failover.failover(stack, names, target, around, system.packages)
    dashboard.dashboard(stack, names, primary=primary.instance, replica=replica)
