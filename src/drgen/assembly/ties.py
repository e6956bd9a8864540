"""What ties the regions: peering with routes on both sides, and the name that follows the failover.

The recovery region owns the connection and the zone, so that both can be changed while the primary region is dark.
"""

from __future__ import annotations

from drgen.assembly.system import REPLICATION, Site, System
from drgen.builders import dns as route53
from drgen.builders import peering as vpc
from drgen.builders import public_dns as public
from drgen.builders.dns import Answer
from drgen.model.stack import StackDraft


def peering(system: System) -> None:
    """A connection between every two VPCs, and the routes of both sides.

    The region that stands later in the workload file owns it, so a region added at the end touches no other connection.
    """
    if not system.workload.network.peering:
        return
    for index, site in enumerate(system.recovery):
        for other in (system.primary, *system.recovery[:index]):
            _peered(system, site, other, among_several=index > 0)


def _peered(system: System, site: Site, other: Site, *, among_several: bool) -> None:
    here, there = system.foundation(site).network, system.foundation(other).network
    about = "The connections to the others, and the routes" if among_several else "The connection, and the route"
    owner = system.stack(site, "peering", f"{about} from this region.", stage=REPLICATION)
    connection = vpc.peering(owner, system.names, own=here, peer=there, among_several=among_several)
    about = "The route from this region through the peering."
    stack = system.stack(other, "routes", about, stage=REPLICATION)
    vpc.routes(stack, connection=connection, own=there, peer=here, among_several=among_several)


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
    """The zone with a record for each region, and the health checks that move traffic.

    Each recovery region has the switch for its own record, and one that takes the primary region out: either works
    while all other regions are dark.
    """
    wanted, databases = system.workload.dns, system.made.databases
    if wanted is None or not wanted.private or not databases:
        return
    first, *others = system.recovery
    about = f"Private zone, {_all(system)} records, and the health checks that move traffic."
    stack = system.stack(first, "dns", about, stage=REPLICATION)
    networks = [system.foundation(each).network for each in system.sites]
    hosted = route53.zone(stack, name=wanted.zone, networks=networks)
    kept, ready = route53.switch(stack, system.names)
    switches = [route53.switch_elsewhere(_switch(system, other), system.names) for other in others]
    if switches:
        kept = route53.kept_everywhere(stack, system.names, [kept, *(stack.use(kept) for kept, _ in switches)])
    checks = [kept, ready, *(stack.use(ready) for _, ready in switches)]
    answers = [
        Answer(site.side, site.name, databases[site.name].endpoint, check)
        for site, check in zip(system.sites, checks, strict=True)
    ]
    about = "Name of whichever database takes writes"
    route53.records(stack, hosted, name=wanted.name, policy=wanted.policy, ttl=wanted.ttl, answers=answers, about=about)


def _all(system: System) -> str:
    return "both" if len(system.sites) == 2 else "all"


def _switch(system: System, site: Site) -> StackDraft:
    """The stack of a further recovery region with its part of the switch."""
    return system.stack(site, "switch", "This region's part of the switch that moves traffic.", stage=REPLICATION)


def public_dns(system: System) -> None:
    """The public name of the API, with a record and a health check for each region."""
    wanted, name = system.workload.dns, system.workload.public_name
    if wanted is None or not name:
        return
    first, *others = system.recovery
    about = "The public name of the API, a record per region, and the health checks that move traffic."
    stack = system.stack(first, "dns", about, stage=REPLICATION)
    zone = public.public_zone(stack, name=wanted.zone, zone_id=wanted.zone_id)
    kept = [route53.withdrawal_elsewhere(_switch(system, other), system.names) for other in others]
    apis = {site.side: system.made.apis[site.name] for site in system.sites}
    checks = public.checks(stack, system.names, apis, kept=[stack.use(value) for value in kept])
    answers = [
        Answer(side, api.region, api.target, checks[side]) for side, api in apis.items() if api.target is not None
    ]
    about = "Name of whichever region answers"
    route53.records(stack, zone, name=name, policy=wanted.policy, ttl=wanted.ttl, answers=answers, about=about)
