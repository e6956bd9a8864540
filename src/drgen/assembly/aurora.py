"""The database on Aurora: its secret, a cluster in every region, and the global database around them."""

from __future__ import annotations

from drgen.assembly.database_site import credentials, monitored, surroundings
from drgen.assembly.system import Aurora, Site, System
from drgen.builders import aurora as rds
from drgen.builders import aurora_watch as watch
from drgen.builders.aurora import Cluster, GlobalDatabase
from drgen.builders.dashboard import clusters_dashboard
from drgen.builders.database_health import Watched
from drgen.builders.database_watch import CPU_ALARM
from drgen.model.database import Aurora as Wanted


def aurora(system: System) -> None:
    """A stack for each cluster, and the secret in the foundation of the primary region."""
    wanted = system.workload.aurora
    if wanted is None:
        return
    credentials(system, wanted, rules_out="global databases")
    whole = _primary(system, wanted)
    clusters = {system.primary.name: whole.primary}
    headless = system.workload.strategy == "pilot-light"
    for site in system.recovery:
        clusters[site.name] = _secondary(system, wanted, site, whole, headless=headless)
    for site in system.sites:
        _watched(system, wanted, site, clusters[site.name])
    for site in system.recovery:
        clusters_dashboard(system.stack(site, "database"), system.names, clusters=list(clusters.values()))
    system.made.aurora = Aurora(
        global_id=whole.identifier,
        clusters=clusters,
        writer=whole.writer,
        capacity=rds.CAPACITY if headless else "",
        stacks={site.name: system.stack(site, "database").key for site in system.sites},
    )


def _settings(wanted: Wanted) -> rds.Settings:
    return rds.Settings(
        version=wanted.version,
        instance_class=wanted.instance_class,
        storage=wanted.storage,
        port=wanted.port,
        backup_days=wanted.backup_days,
        log_days=wanted.log_days,
        database_name=wanted.name,
        parameters=wanted.parameters,
        instance_parameters=wanted.instance_parameters,
    )


def _primary(system: System, wanted: Wanted) -> GlobalDatabase:
    stack = system.stack(system.primary, "database", "Aurora PostgreSQL, the global database and its first writer.")
    around = surroundings(system, system.primary)
    made = rds.global_database(stack, system.names, _settings(wanted), around, instances=wanted.instances.primary)
    stack.output(made.writer)
    return made


def _secondary(system: System, wanted: Wanted, site: Site, whole: GlobalDatabase, *, headless: bool) -> Cluster:
    return rds.secondary(
        system.stack(site, "database", "Aurora PostgreSQL, the cluster that a failover makes the writer."),
        system.names,
        _settings(wanted),
        surroundings(system, site),
        whole=whole,
        instances=wanted.instances.recovery,
        headless=headless,
    )


def _watched(system: System, wanted: Wanted, site: Site, cluster: Cluster) -> None:
    stack, names, topic = system.stack(site, "database"), system.names, system.foundation(site).alerts.topic_arn
    watch.cluster_alarms(stack, names, cluster, topic=topic, rpo=system.workload.objectives.rpo)
    watch.event_rule(stack, names, cluster, topic=topic)
    monitored(system, site, wanted, Watched("DBClusterIdentifier", cluster.identifier, "Maximum", (CPU_ALARM,)))
