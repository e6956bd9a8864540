"""Names that follow the failover: private ones for the database and internal services, or a public one.

The first recovery region owns the zone, so that it can be changed while the primary region is dark. Each recovery
region has the switch for its own records, and one that takes the primary region out: either works while all other
regions are dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drgen.assembly.system import REPLICATION, Site, System
from drgen.builders import dns as route53
from drgen.builders import public_dns as public
from drgen.builders.dns import Answer
from drgen.builders.network import title_of
from drgen.model.stack import StackDraft
from drgen.model.workload import API, Dns

if TYPE_CHECKING:
    from drgen.model.services import Service


def private_names(system: System) -> None:
    """The zone with the database's name and those of internal services, and the health checks that move traffic."""
    wanted, aurora = system.workload.dns, system.made.aurora
    if wanted is None or not wanted.private:
        return
    databases, services = system.made.databases, system.workload.internal_services
    stack = system.stack(system.recovery[0], "dns", _private(system), stage=REPLICATION)
    networks = [system.foundation(each).network for each in system.sites]
    zone = route53.zone(stack, name=wanted.zone, networks=networks)
    if aurora is not None:
        name = system.workload.database_name
        route53.writer_record(stack, zone, name=name, ttl=wanted.ttl, writer=aurora.writer)
    if not databases and not services:
        return
    checks = _switch(system, stack) if system.workload.database is not None else _withdrawal(system, stack)
    if databases:
        answers = [
            Answer(each.side, each.name, databases[each.name].endpoint, checks[each.side]) for each in system.sites
        ]
        about, name = "Name of whichever database takes writes", system.workload.database_name
        route53.records(
            stack, zone, name=name, policy=_policy(system, wanted), ttl=wanted.ttl, answers=answers, about=about
        )
    for service in services:
        _service_name(system, stack, zone, wanted, service, checks)


def _private(system: System) -> str:
    if system.workload.internal_services:
        return "Private zone, the records of each name, and the health checks that move traffic."
    if system.made.aurora is not None:
        return "Private zone with the name of the database."
    return f"Private zone, {_all(system)} records, and the health checks that move traffic."


def _policy(system: System, wanted: Dns) -> str:
    """How Route 53 chooses among the regions. Where all of them serve, none comes before another."""
    return "even" if system.workload.all_serve else wanted.policy


def _all(system: System) -> str:
    return "both" if len(system.sites) == 2 else "all"


def _switch(system: System, stack: StackDraft) -> Mapping[str, Any]:
    """The ids of the health checks by side. A recovery region's holds back until its database can write."""
    first, *others = system.recovery
    kept, ready = route53.switch(stack, system.names)
    switches = [route53.switch_elsewhere(_elsewhere(system, other), system.names) for other in others]
    if switches:
        kept = route53.kept_everywhere(stack, system.names, [kept, *(stack.use(kept) for kept, _ in switches)])
    there = {other.side: stack.use(ready) for other, (_, ready) in zip(others, switches, strict=True)}
    return {system.primary.side: kept, first.side: ready, **there}


def _withdrawal(system: System, stack: StackDraft) -> Mapping[str, Any]:
    """As `_switch` where nothing is promoted: only the primary has a check, and the others follow their own health."""
    kept = route53.kept_check(stack, system.names)
    others = [route53.withdrawal_elsewhere(_elsewhere(system, other), system.names) for other in system.recovery[1:]]
    if others:
        kept = route53.kept_everywhere(stack, system.names, [kept, *(stack.use(each) for each in others)])
    return {system.primary.side: kept, **dict.fromkeys((site.side for site in system.recovery), None)}


def _elsewhere(system: System, site: Site) -> StackDraft:
    """The stack of a further recovery region with its part of the switch."""
    return system.stack(site, "switch", "This region's part of the switch that moves traffic.", stage=REPLICATION)


def _service_name(
    system: System, stack: StackDraft, zone: Any, wanted: Dns, service: Service, checks: Mapping[str, Any]
) -> None:
    route53.records(
        stack,
        zone,
        name=f"{service.name}.{wanted.zone}",
        policy=_policy(system, wanted),
        ttl=wanted.ttl,
        answers=_balancers(system, service, checks),
        about=f"Name of {service.name} in whichever region serves",
        title=title_of(service.name),
    )


def _balancers(system: System, service: Service, checks: Mapping[str, Any]) -> list[Answer]:
    made = [(site.side, system.made.balancers[site.name, service.name]) for site in system.sites]
    return [Answer(side, each.region, each.host, checks[side], each.zone_id) for side, each in made]


def public_name(system: System) -> None:
    """The public name, with a record and a health check for each region."""
    wanted, name = system.workload.dns, system.workload.public_name
    if wanted is None or not name:
        return
    service = next((each for each in system.workload.services if each.name == system.workload.public_target), None)
    if system.workload.public_target == API:
        service = None
    what = "the API" if service is None else service.name
    about = f"The public name of {what}, a record per region, and the health checks that move traffic."
    stack = system.stack(system.recovery[0], "dns", about, stage=REPLICATION)
    zone = public.public_zone(stack, name=wanted.zone, zone_id=wanted.zone_id)
    answers = _public_api(system, stack) if service is None else _public_service(system, stack, service)
    about = "Name of whichever region answers"
    route53.records(
        stack, zone, name=name, policy=_policy(system, wanted), ttl=wanted.ttl, answers=answers, about=about
    )


def _public_api(system: System, stack: StackDraft) -> list[Answer]:
    apis = {site.side: system.made.apis[site.name] for site in system.sites}
    asked = {side: public.Asked(api.region, api.host, "/health") for side, api in apis.items()}
    kept = [route53.withdrawal_elsewhere(_elsewhere(system, other), system.names) for other in system.recovery[1:]]
    checks = public.checks(stack, system.names, asked, kept=[stack.use(value) for value in kept], ready={})
    return [Answer(side, api.region, api.target, checks[side]) for side, api in apis.items() if api.target is not None]


def _public_service(system: System, stack: StackDraft, service: Service) -> list[Answer]:
    """Where the service uses the database, a recovery region gets no traffic before it can write."""
    made = {site.side: system.made.balancers[site.name, service.name] for site in system.sites}
    asked = {side: public.Asked(each.region, each.host, service.health_path) for side, each in made.items()}
    first, *others = system.recovery
    ready = {}
    if service.database:
        switches = [route53.switch_elsewhere(_elsewhere(system, other), system.names) for other in others]
        kept = [stack.use(kept) for kept, _ in switches]
        ready = {other.side: stack.use(writes) for other, (_, writes) in zip(others, switches, strict=True)}
        ready[first.side] = route53.writable_check(stack, system.names)
    else:
        withdrawals = [route53.withdrawal_elsewhere(_elsewhere(system, other), system.names) for other in others]
        kept = [stack.use(value) for value in withdrawals]
    checks = public.checks(stack, system.names, asked, kept=kept, ready=ready)
    return _balancers(system, service, checks)
