"""The network of the world: which VPC things lie in, where its traffic can go, and what connects VPCs."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from drgen.preflight.stack import Resource
from drgen.preflight.values import at, known_text, leaves, number
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

VPC = "AWS::EC2::VPC"
SUBNET = "AWS::EC2::Subnet"
GROUP = "AWS::EC2::SecurityGroup"
ROUTE_TABLE = "AWS::EC2::RouteTable"
PEERING = "AWS::EC2::VPCPeeringConnection"

Block = ipaddress.IPv4Network | ipaddress.IPv6Network


def block(text: str | None) -> Block | None:
    """The CIDR block that `text` is; None if it is none or not fully known."""
    try:
        return ipaddress.ip_network(text, strict=False) if text and "*" not in text else None
    except ValueError:
        return None


def blocks(world: World, vpc: Resource) -> list[Block]:
    return [found for text in world.cidrs(vpc) if (found := block(text)) is not None]


def overlapping(left: Iterable[Block], right: Iterable[Block]) -> tuple[Block, Block] | None:
    """The first pair of blocks that share addresses."""
    others = list(right)
    return next(((a, b) for a in left for b in others if a.version == b.version and a.overlaps(b)), None)


def vpc_of(world: World, value: Resolved) -> Resource | None:
    """The VPC that a VPC id, subnet, security group, route table or subnet group lies in."""
    for leaf in leaves(value):
        found = world.target(leaf, VPC, SUBNET, GROUP, ROUTE_TABLE, "AWS::RDS::DBSubnetGroup")
        if found is None:
            continue
        if found.type == VPC:
            return found
        path = "SubnetIds" if found.type == "AWS::RDS::DBSubnetGroup" else "VpcId"
        for inner in found.values(path):
            vpc = vpc_of(world, inner)
            if vpc is not None:
                return vpc
    return None


def subnets_of(world: World, resource: Resource, path: str) -> list[Resource]:
    """The subnets of the world that `path` names."""
    return [subnet for value in resource.values(path) if (subnet := world.target(value, SUBNET))]


def zone_of(subnet: Resource) -> str | None:
    """What says the subnet's zone: its name where known, else the expression, which comes to the same in one stack."""
    known = subnet.text("AvailabilityZone") or subnet.text("AvailabilityZoneId")
    if known is not None:
        return known
    properties = subnet.body.get("Properties")
    written = properties.get("AvailabilityZone") if isinstance(properties, dict) else None
    return f"{subnet.stack.key} {written!r}" if isinstance(written, dict) and "Ref" not in written else None


@dataclass(frozen=True)
class Peering:
    """A peering connection with the VPCs at its ends; None for an end that is not part of the world."""

    resource: Resource
    requester: Resource | None
    accepter: Resource | None

    def other(self, vpc: Resource) -> Resource | None:
        return self.accepter if vpc is self.requester else self.requester


def peerings(world: World) -> Iterator[Peering]:
    for resource in world.resources(PEERING):
        ends = (vpc_of(world, resource.value("VpcId")), vpc_of(world, resource.value("PeerVpcId")))
        yield Peering(resource, *ends)


def peering_routes(world: World, peering: Peering) -> Iterator[Resource]:
    yield from world.once(_routes_by_peering).get(id(peering.resource), ())


def _routes_by_peering(world: World) -> Mapping[int, list[Resource]]:
    found: dict[int, list[Resource]] = defaultdict(list)
    for route in world.resources("AWS::EC2::Route"):
        peerings = {id(world.target(value, PEERING)) for value in route.values("VpcPeeringConnectionId")}
        for peering in peerings - {id(None)}:
            found[peering].append(route)
    return found


def routed_here(world: World, vpc: Resource) -> bool:
    """True if the world makes route tables of `vpc`: only then can a missing route be told from one made elsewhere."""
    return id(vpc) in world.once(_routed)


def _routed(world: World) -> frozenset[int]:
    return frozenset(id(vpc_of(world, table.value("VpcId"))) for table in world.resources(ROUTE_TABLE))


def route_table_of(world: World, subnet: Resource) -> Resource | None:
    """The route table that the world associates with `subnet`; None if it stays with the main one of its VPC."""
    association = world.once(_associations).get(id(subnet))
    return world.target(association.value("RouteTableId"), ROUTE_TABLE) if association else None


def _associations(world: World) -> Mapping[int, Resource]:
    """By the subnet that they are of; the first of several counts."""
    found: dict[int, Resource] = {}
    for association in world.resources("AWS::EC2::SubnetRouteTableAssociation"):
        subnet = world.target(association.value("SubnetId"), SUBNET)
        if subnet is not None:
            found.setdefault(id(subnet), association)
    return found


def has_way_out(world: World, subnet: Resource) -> bool:
    """True if the subnet's route table sends unknown addresses somewhere but to an internet gateway.

    An internet gateway does not count: network interfaces of functions have no public address.
    Source: AWS Lambda Developer Guide, "Enable internet access for VPC-connected Lambda functions".
    """
    table = route_table_of(world, subnet)
    if table is None:
        return False
    for route in world.once(_routes_by_table).get(id(table), ()):
        everywhere = route.text("DestinationCidrBlock") == "0.0.0.0/0" or route.has("DestinationPrefixListId")
        if everywhere and not route.has("GatewayId"):
            return True
    return False


def leads_to_internet(world: World, subnet: Resource) -> bool:
    """True if the subnet's route table sends unknown addresses to a gateway: an internet gateway, or one not known."""
    table = route_table_of(world, subnet)
    return table is not None and any(
        route.has("GatewayId") and route.text("DestinationCidrBlock") in ("0.0.0.0/0", None)
        for route in world.once(_routes_by_table).get(id(table), ())
    )


def _routes_by_table(world: World) -> Mapping[int, list[Resource]]:
    found: dict[int, list[Resource]] = {}
    for route in world.resources("AWS::EC2::Route"):
        table = world.target(route.value("RouteTableId"), ROUTE_TABLE)
        if table is not None:
            found.setdefault(id(table), []).append(route)
    return found


def services_reached(world: World, subnet: Resource) -> frozenset[str]:
    """The services with an endpoint for the subnet: in its VPC, and for gateways in its route table."""
    vpc, table = vpc_of(world, subnet.value("VpcId")), route_table_of(world, subnet)
    found = set()
    for endpoint in world.once(_endpoints_by_vpc).get(id(vpc), ()):
        tables = [world.target(value, ROUTE_TABLE) for value in endpoint.values("RouteTableIds")]
        if not tables or table in tables or None in tables:
            name = world.literal(endpoint.value("ServiceName")) or ""
            found.add(".".join(name.split(".")[3:]))
    return frozenset(found)


def _endpoints_by_vpc(world: World) -> Mapping[int, list[Resource]]:
    found: dict[int, list[Resource]] = {}
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        vpc = vpc_of(world, endpoint.value("VpcId"))
        if vpc is not None:
            found.setdefault(id(vpc), []).append(endpoint)
    return found


Source = Resource | str
"""Whom a rule of a security group admits: a group of the world, or a block, a list or a group that is text."""


def admitted(world: World, group: Resource, port: float | None) -> list[Source]:
    """Whom the group admits on TCP `port` (None: on any): by its own rules and by those of separate resources."""
    rules = list(group.values("SecurityGroupIngress"))
    for other in world.resources("AWS::EC2::SecurityGroupIngress"):
        if any(_may_be(world, value, group) for value in other.values("GroupId") if other.region == group.region):
            rules.append(other.properties)
    rules = [rule for rule in rules if port is None or not isinstance(rule, Mapping) or _covers(rule, port)]
    found: list[Source] = []
    for rule in rules:
        for name in ("SourceSecurityGroupId", "CidrIp", "CidrIpv6", "SourcePrefixListId", "SourceSecurityGroupName"):
            for value in at(rule, name):
                found.append(world.target(value, GROUP) or world.literal(value) or "?")
        if not isinstance(rule, Mapping):
            found.append("?")
    return found


def _may_be(world: World, value: Resolved, group: Resource) -> bool:
    """True if `value` is the group, or something of which nobody can say which group it is."""
    known = world.target(value, GROUP)
    if known is not None:
        return known is group
    if isinstance(value, Attribute):
        return value.type.startswith(("AWS::CloudFormation::", "Custom::"))
    text = known_text(value)
    return text is None or text.startswith("{{resolve:")


def _covers(rule: Mapping[str, Resolved], port: float) -> bool:
    """True if the rule speaks of TCP `port`, or of something that is not known."""
    protocol = known_text(rule.get("IpProtocol"))
    if protocol == "-1":
        return True
    if protocol not in ("tcp", "6", None):
        return False
    start, end = number(rule.get("FromPort")), number(rule.get("ToPort"))
    return (start is None or start <= port or start == -1) and (end is None or port <= end or end == -1)
