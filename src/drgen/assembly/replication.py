"""What ties the regions: peering with routes on both sides, and the name that follows the failover.

The recovery region owns the connection and the zone, so that both can be changed while the primary region is dark.
"""

from __future__ import annotations

from drgen.assembly.region import Side, draft
from drgen.builders import dns, peering
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload

STAGE = "replication"


def tie(workload: Workload, *, primary: Side, recovery: Side) -> tuple[StackDraft, ...]:
    """The stacks of the replication stage."""
    drafts: list[StackDraft] = []
    if workload.network.peering:
        drafts.extend(_peering(workload, primary=primary, recovery=recovery))
    drafts.append(_dns(workload, primary=primary, recovery=recovery))
    return tuple(drafts)


def _peering(workload: Workload, *, primary: Side, recovery: Side) -> tuple[StackDraft, StackDraft]:
    here, there = recovery.foundation.network, primary.foundation.network
    about = "The connection, and the route from this region."
    owner = draft(workload, stage=STAGE, layer="peering", region=here.region, side="Recovery", about=about)
    connection = peering.peering(owner, workload.names, own=here, peer=there)
    about = "The route from this region through the peering."
    other = draft(workload, stage=STAGE, layer="routes", region=there.region, side="Primary", about=about)
    peering.route(other, connection=connection, own=there, peer=here)
    return owner, other


def _dns(workload: Workload, *, primary: Side, recovery: Side) -> StackDraft:
    region = recovery.foundation.network.region
    about = "Private zone, both records, and the health checks that move traffic."
    stack = draft(workload, stage=STAGE, layer="dns", region=region, side="Recovery", about=about)
    wanted = workload.dns
    hosted = dns.zone(stack, name=wanted.zone, networks=[primary.foundation.network, recovery.foundation.network])
    primary_health, recovery_health = dns.switch(stack, workload.names)
    dns.records(
        stack,
        hosted,
        name=f"{wanted.record}.{wanted.zone}",
        policy=wanted.policy,
        ttl=wanted.ttl,
        primary=(primary.database, primary_health),
        recovery=(recovery.database, recovery_health),
    )
    return stack
