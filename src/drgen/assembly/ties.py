"""What ties the regions: peering with routes on both sides.

The recovery region owns the connection, so that it can be changed while the primary region is dark.
"""

from __future__ import annotations

from drgen.assembly.system import REPLICATION, Site, System
from drgen.builders import peering as vpc


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
