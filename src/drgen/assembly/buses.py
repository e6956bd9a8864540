"""Event buses in every region, and the rules between them."""

from __future__ import annotations

from drgen.assembly.system import REPLICATION, Site, System
from drgen.builders import buses as eventbridge
from drgen.builders.keys import events_key
from drgen.model.bus import Events


def events(system: System) -> None:
    """A bus per region; when all of them exist, the rules that forward from one to another."""
    wanted = system.workload.events
    if wanted is None:
        return
    made = system.made.buses
    made.update({site.name: _bus(system, wanted, site) for site in system.sites})
    if wanted.forward is not False:
        _forward(system, system.primary, system.recovery, made, layer="forwarding")
    if wanted.forward == "both-ways":
        for site in system.recovery:
            others = tuple(other for other in system.sites if other is not site)
            _forward(system, site, others, made, layer="forwarding-back")


def _bus(system: System, wanted: Events, site: Site) -> eventbridge.Bus:
    base, names = system.foundation(site), system.names
    stack = system.stack(site, "events", "The workload's event bus.")
    return eventbridge.bus(
        stack,
        names,
        key=events_key(stack, names),
        queue_key=base.keys.operations,
        topic=base.alerts.topic_arn,
        archive_days=wanted.archive_days,
    )


def _forward(system: System, site: Site, to: tuple[Site, ...], made: dict[str, eventbridge.Bus], *, layer: str) -> None:
    regions = ", ".join(other.name for other in to)
    stack = system.stack(site, layer, f"The rule that sends events on to {regions}.", stage=REPLICATION)
    eventbridge.forward(stack, system.names, made[site.name], to=[made[other.name] for other in to])
