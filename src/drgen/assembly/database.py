"""The database: its secret, the primary instance, a replica in each recovery region."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import database as rds
from drgen.builders import database_health as health
from drgen.builders import database_watch as watch
from drgen.builders import secret
from drgen.model.workload import Database


def database(system: System) -> None:
    """A stack for each instance, and the secret in the foundation of the primary region."""
    wanted = system.workload.database
    if wanted is None:
        return
    _secret(system, wanted)
    primary = _primary(system, wanted)
    for site in system.recovery:
        _replica(system, wanted, site, primary)
    for site in system.sites:
        system.stack(site, "database").output(system.made.databases[site.name].endpoint)
        _health(system, wanted, site)


def _health(system: System, wanted: Database, site: Site) -> None:
    if wanted.monitoring is None:
        return
    limits = health.Thresholds(**wanted.monitoring.model_dump())
    topic = system.foundation(site).alerts.topic_arn
    made = system.made.databases[site.name]
    health.health_alarms(system.stack(site, "database"), system.names, made, limits, topic=topic)


def _secret(system: System, wanted: Database) -> None:
    (recovery,) = system.recovery
    secret.database_secret(
        system.stack(system.primary, "foundation"),
        system.names,
        username=wanted.username,
        key=system.foundation(system.primary).keys.data,
        replica_region=recovery.name,
        replica_key=system.foundation(recovery).keys.data,
    )


def settings(wanted: Database) -> rds.Postgres:
    return rds.Postgres(
        version=wanted.version,
        instance_class=wanted.instance_class,
        storage_gib=wanted.storage_gib,
        port=wanted.port,
        backup_days=wanted.backup_days,
        log_days=wanted.log_days,
        database_name=wanted.name,
        parameters=wanted.parameters,
    )


def _surroundings(system: System, site: Site) -> rds.Surroundings:
    base = system.foundation(site)
    return rds.Surroundings(
        network=base.network,
        clients=[(other.name, other.region.cidr) for other in system.sites],
        data_key=base.keys.data,
        operations_key=base.keys.operations,
    )


def _primary(system: System, wanted: Database) -> rds.Primary:
    site, names = system.primary, system.names
    stack = system.stack(site, "database", "PostgreSQL, the primary instance.")
    around = _surroundings(system, site)
    made = rds.primary(stack, names, settings(wanted), around, multi_az=wanted.multi_az.primary)
    topic = system.foundation(site).alerts.topic_arn
    watch.instance_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    watch.source_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    watch.event_rule(stack, names, made.instance, topic=topic)
    system.made.primary_database = made
    system.made.databases[site.name] = made.instance
    return made


def _replica(system: System, wanted: Database, site: Site, primary: rds.Primary) -> None:
    names = system.names
    stack = system.stack(site, "database", "PostgreSQL, the read replica that a failover promotes.")
    around = _surroundings(system, site)
    source, multi_az = primary.instance, wanted.multi_az.recovery
    made = rds.replica(stack, names, settings(wanted), around, source=source, multi_az=multi_az)
    topic = system.foundation(site).alerts.topic_arn
    watch.instance_alarms(stack, names, made, topic=topic, storage_gib=wanted.storage_gib)
    watch.replica_alarms(stack, names, made, topic=topic, rpo=system.workload.objectives.rpo)
    watch.event_rule(stack, names, made, topic=topic)
    system.made.databases[site.name] = made
