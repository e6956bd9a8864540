"""DR71x: what a region of an account has room for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]

ADDRESSES = 5
"""Elastic IP addresses of a region, by default."""


@rule(
    "DR711",
    "The Elastic IP addresses of a region fit its default quota",
    source="Service Quotas, EC2-VPC Elastic IPs (L-0263D0A3), default 5 in each region",
    severity=Severity.WARNING,
)
def addresses_fit(world: World) -> Found:
    """The stack fails on the sixth address of the region. Addresses count as soon as they are allocated, used or not;
    those of other workloads count, too.

    Fix: ask Service Quotas for more of L-0263D0A3 in that region before the deployment, or use fewer NAT gateways.
    """
    by_region: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for address in world.resources("AWS::EC2::EIP"):
        by_region[address.stack.entry.account, address.region].append(address)
    for (_, region), addresses in by_region.items():
        if len(addresses) > ADDRESSES:
            message = (
                f"{len(addresses)} addresses are made in {region}, this is number {ADDRESSES + 1}; the default is 5"
            )
            yield Fault(addresses[ADDRESSES].place(), message, f"ask for a higher quota L-0263D0A3 in {region}")
