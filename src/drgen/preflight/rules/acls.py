"""DR419: whether the answers to what a network ACL lets through come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.networks import Block, block, overlapping
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, number, pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
ACL = "AWS::EC2::NetworkAcl"
EPHEMERAL = (32768, 60999)
"""Ports from which Linux clients ask. Source: Amazon VPC User Guide, Ephemeral ports (network ACLs)."""


@dataclass(frozen=True)
class Entry:
    """An entry that allows TCP, with its block and its ports."""

    resource: Resource
    outward: bool
    whole: Block
    ports: tuple[float, float]

    @property
    def answers(self) -> bool:
        """True if the entry lets packets to the ports of clients through."""
        return self.ports[0] <= EPHEMERAL[1] and self.ports[1] >= EPHEMERAL[0]


@rule(
    "DR419",
    "A network ACL lets answers back",
    source="Amazon VPC User Guide, Network ACLs (stateless; ephemeral ports)",
    severity=Severity.WARNING,
)
def answers_come_back(world: World) -> Found:
    """A network ACL does not remember connections. With the port of the service in both directions and nothing for the
    ports of the clients, requests arrive and answers are dropped: every connection times out.

    Fix: allow TCP to ports 1024-65535 in the direction of the answers.
    """
    used = {id(world.target(one.value("NetworkAclId"), ACL))
            for one in world.resources("AWS::EC2::SubnetNetworkAclAssociation")}  # fmt: skip
    for acl, entries in _entries(world).items():
        if id(acl) not in used or entries is None:
            continue
        for entry in entries:
            back = [one for one in entries if one.outward != entry.outward and overlapping([one.whole], [entry.whole])]
            if not entry.answers and not any(one.answers for one in back):
                way = "in" if entry.outward else "out"
                message = f"it allows {entry.whole}, and no entry lets the answers {way}"
                yield Fault(entry.resource.place("PortRange"), message, f"allow TCP 1024-65535 {way}")


def _entries(world: World) -> dict[Resource, list[Entry] | None]:
    """What each network ACL allows of TCP; None for one of which an entry is not known."""
    found: dict[Resource, list[Entry] | None] = defaultdict(list)
    for resource in world.resources("AWS::EC2::NetworkAclEntry"):
        acl = world.target(resource.value("NetworkAclId"), ACL)
        protocol = pattern(resource.value("Protocol"))
        listed = found[acl] if acl is not None else None
        if acl is None or listed is None or (protocol in ("1", "17", "58") or resource.text("RuleAction") == "deny"):
            continue
        entry = _entry(world, resource, protocol) if resource.certain else None
        if entry is None:
            found[acl] = None
        else:
            listed.append(entry)
    return found


def _entry(world: World, resource: Resource, protocol: str | None) -> Entry | None:
    whole = block(world.literal(resource.value("CidrBlock") or resource.value("Ipv6CidrBlock")))
    ports = (number(resource.value("PortRange.From")), number(resource.value("PortRange.To")))
    if protocol == "-1":
        ports = (0.0, 65535.0)
    if whole is None or protocol not in ("6", "-1") or ports[0] is None or ports[1] is None:
        return None
    return Entry(resource, is_true(resource.value("Egress")), whole, (ports[0], ports[1]))
