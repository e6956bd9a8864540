"""The recovery layer: what watches the primary region and takes over from it."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import dashboard, failover
from drgen.builders.failover_target import (
    AuroraTarget,
    Hosts,
    Protected,
    ReplicaTarget,
    ServicesTarget,
    StatelessTarget,
)
from drgen.model.database import Aurora, Postgres
from drgen.model.value import Value


def recovery(system: System) -> None:
    """In each recovery region: the failover machine, its alarms and, for a database, the probe and the dashboard."""
    for site in system.recovery:
        _layer(system, site)


def _layer(system: System, site: Site) -> None:
    workload, names, base = system.workload, system.names, system.foundation(site)
    stack = system.stack(site, "recovery", "What watches the primary region and takes over from it.")
    target = Protected(
        primary_region=system.primary.name,
        database=_database(system, site),
        services=_services(system, site),
        withdrawable=workload.has_switch,
        writable=workload.has_write_switch,
        rto=workload.objectives.rto,
        rpo=workload.objectives.rpo,
        mode=_mode(system, site),
    )
    around = failover.Around(
        network=base.network,
        topic=base.alerts.topic_arn,
        data_key=base.keys.data,
        operations_key=base.keys.operations,
        log_days=workload.recovery.log_days,
    )
    failover.failover(stack, names, target, around, system.packages)
    primary = system.made.primary_database
    if primary is not None:
        dashboard.dashboard(stack, names, primary=primary.instance, replica=system.made.databases[site.name])


def _mode(system: System, site: Site) -> str:
    """Only the first recovery region starts a failover by itself: of two that did, each could make a writer."""
    return system.workload.recovery.mode if site is system.recovery[0] else "notify"


def _database(system: System, site: Site) -> ReplicaTarget | AuroraTarget | StatelessTarget:
    if system.workload.postgres is not None:
        return _replica(system, site, system.workload.postgres)
    if system.workload.aurora is not None:
        return _aurora(system, site, system.workload.aurora)
    there, here = system.made.apis.get(system.primary.name), system.made.apis.get(site.name)
    return StatelessTarget(there.endpoint if there else None, here.endpoint if here else None)


def _replica(system: System, site: Site, wanted: Postgres) -> ReplicaTarget:
    primary, replica = system.made.primary_database, system.made.databases[site.name]
    assert primary is not None
    hosts = _hosts(system, wanted, primary=primary.instance.endpoint, recovery=replica.endpoint)
    return ReplicaTarget(
        primary=primary.instance.identifier,
        recovery=replica.identifier,
        stack=system.stack(site, "database").key,
        fence_group=primary.fence_group,
        hosts=hosts,
        others=[
            (other.name, system.made.databases[other.name].identifier) for other in system.recovery if other is not site
        ],
    )


def _aurora(system: System, site: Site, wanted: Aurora) -> AuroraTarget:
    made = system.made.aurora
    assert made is not None
    there, here = made.clusters[system.primary.name], made.clusters[site.name]
    return AuroraTarget(
        whole=made.global_id,
        primary=there.identifier,
        recovery=here.identifier,
        stack=made.stacks[site.name],
        capacity=made.capacity,
        hosts=_hosts(system, wanted, primary=there.endpoint, recovery=here.endpoint, reader=here.reader),
    )


def _hosts(
    system: System, wanted: Postgres | Aurora, *, primary: Value, recovery: Value, reader: Value | None = None
) -> Hosts:
    return Hosts(
        primary=primary,
        recovery=recovery,
        primary_cidr=system.primary.region.cidr,
        secret=system.names.secret,
        port=wanted.port,
        database_name=wanted.name,
        reader=reader,
    )


def _services(system: System, site: Site) -> ServicesTarget | None:
    wanted, names = system.workload.services, system.names
    if not wanted:
        return None
    return ServicesTarget(
        stack=system.stack(site, "services").key,
        cluster=names.cluster,
        needed={names.regional(each.name): each.count.primary for each in wanted},
    )
