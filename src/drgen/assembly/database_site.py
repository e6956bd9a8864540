"""What the components of databases share: the secret in the primary region, and what surrounds a database."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import database_health as health
from drgen.builders import secret
from drgen.builders.database_site import Surroundings
from drgen.model.database import Aurora, Postgres


def credentials(system: System, wanted: Postgres | Aurora, *, rules_out: str) -> None:
    """The secret in the foundation of the primary region, and its replicas; `rules_out` is what a managed one would."""
    secret.database_secret(
        system.stack(system.primary, "foundation"),
        system.names,
        username=wanted.username,
        key=system.foundation(system.primary).keys.data,
        replicas={site.name: system.foundation(site).keys.data for site in system.recovery},
        rules_out=rules_out,
    )


def surroundings(system: System, site: Site) -> Surroundings:
    base = system.foundation(site)
    return Surroundings(
        network=base.network,
        clients=[(other.name, other.region.cidr) for other in system.sites],
        data_key=base.keys.data,
        operations_key=base.keys.operations,
    )


def monitored(system: System, site: Site, wanted: Postgres | Aurora, watched: health.Watched) -> None:
    """The alarms of section `monitoring`, where it is there."""
    if wanted.monitoring is None:
        return
    limits = health.Thresholds(**wanted.monitoring.model_dump())
    topic = system.foundation(site).alerts.topic_arn
    health.health_alarms(system.stack(site, "database"), system.names, watched, limits, topic=topic)
