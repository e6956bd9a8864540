"""What ties the regions: peering with routes on both sides, and the name that follows the failover.

The recovery region owns the connection and the zone, so that both can be changed while the primary region is dark.
"""

from __future__ import annotations

from drgen.assembly.system import REPLICATION, System
from drgen.builders import dns as route53
from drgen.builders import peering as vpc
from drgen.builders import public_dns as public


def peering(system: System) -> None:
    """A connection from each recovery VPC to the primary VPC, and the route of each side."""
    if not system.workload.network.peering:
        return
    there = system.foundation(system.primary).network
    for site in system.recovery:
        here = system.foundation(site).network
        owner = system.stack(site, "peering", "The connection, and the route from this region.", stage=REPLICATION)
        connection = vpc.peering(owner, system.names, own=here, peer=there)
        about = "The route from this region through the peering."
        other = system.stack(system.primary, "routes", about, stage=REPLICATION)
        vpc.routes(other, connection=connection, own=there, peer=here)


def writer_name(system: System) -> None:
    """The zone with the name of an Aurora database. The record never changes: Aurora moves what it points at."""
    wanted, made = system.workload.dns, system.made.aurora
    if wanted is None or not wanted.private or made is None:
        return
    stack = system.stack(system.recovery[0], "dns", "Private zone with the name of the database.", stage=REPLICATION)
    networks = [system.foundation(each).network for each in system.sites]
    hosted = route53.zone(stack, name=wanted.zone, networks=networks)
    route53.writer_record(stack, hosted, name=wanted.name, ttl=wanted.ttl, writer=made.writer)


def dns(system: System) -> None:
    """The zone with both records, and the health checks that move traffic."""
    wanted, databases = system.workload.dns, system.made.databases
    if wanted is None or not wanted.private or not databases:
        return
    (site,) = system.recovery
    about = "Private zone, both records, and the health checks that move traffic."
    stack = system.stack(site, "dns", about, stage=REPLICATION)
    networks = [system.foundation(each).network for each in system.sites]
    hosted = route53.zone(stack, name=wanted.zone, networks=networks)
    primary_health, recovery_health = route53.switch(stack, system.names)
    route53.records(
        stack,
        hosted,
        name=wanted.name,
        policy=wanted.policy,
        ttl=wanted.ttl,
        primary=(databases[system.primary.name], primary_health),
        recovery=(databases[site.name], recovery_health),
    )


def public_dns(system: System) -> None:
    """The public name of the API, with a record and a health check for each region."""
    wanted, name = system.workload.dns, system.workload.public_name
    if wanted is None or not name:
        return
    (site,) = system.recovery
    about = "The public name of the API, a record per region, and the health checks that move traffic."
    stack = system.stack(site, "dns", about, stage=REPLICATION)
    zone = public.public_zone(stack, name=wanted.zone, zone_id=wanted.zone_id)
    apis = [system.made.apis[each.name] for each in system.sites]
    public.public_records(stack, system.names, zone=zone, name=name, policy=wanted.policy, ttl=wanted.ttl, apis=apis)
