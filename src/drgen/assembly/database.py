"""The database on RDS: its secret, the primary instance, a replica in each recovery region."""

from __future__ import annotations

from drgen.assembly.database_site import credentials, monitored, surroundings
from drgen.assembly.system import Site, System
from drgen.builders import database as rds
from drgen.builders import database_watch as watch
from drgen.builders.database_health import Watched
from drgen.model.database import Postgres


def database(system: System) -> None:
    """A stack for each instance, and the secret in the foundation of the primary region."""
    wanted = system.workload.postgres
    if wanted is None:
        return
    credentials(system, wanted, rules_out="read replicas")
    primary = _primary(system, wanted)
    for site in system.recovery:
        _replica(system, wanted, site, primary)
    for site in system.sites:
        made = system.made.databases[site.name]
        system.stack(site, "database").output(made.endpoint)
        alarms = (watch.CPU_ALARM, watch.FREE_STORAGE_ALARM)
        monitored(system, site, wanted, Watched("DBInstanceIdentifier", made.identifier, "Average", alarms))


def settings(wanted: Postgres) -> rds.Postgres:
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


def _primary(system: System, wanted: Postgres) -> rds.Primary:
    site, names = system.primary, system.names
    stack = system.stack(site, "database", "PostgreSQL, the primary instance.")
    around = surroundings(system, site)
    made = rds.primary(stack, names, settings(wanted), around, multi_az=wanted.multi_az.primary)
    topic = system.foundation(site).alerts.topic_arn
    watch.instance_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    watch.source_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    watch.event_rule(stack, names, made.instance, topic=topic)
    system.made.primary_database = made
    system.made.databases[site.name] = made.instance
    return made


def _replica(system: System, wanted: Postgres, site: Site, primary: rds.Primary) -> None:
    names = system.names
    stack = system.stack(site, "database", "PostgreSQL, the read replica that a failover promotes.")
    around = surroundings(system, site)
    source, multi_az = primary.instance, wanted.multi_az.recovery
    made = rds.replica(stack, names, settings(wanted), around, source=source, multi_az=multi_az)
    topic = system.foundation(site).alerts.topic_arn
    watch.instance_alarms(stack, names, made, topic=topic, storage_gib=wanted.storage_gib)
    watch.replica_alarms(stack, names, made, topic=topic, rpo=system.workload.objectives.rpo)
    watch.event_rule(stack, names, made, topic=topic)
    system.made.databases[site.name] = made
