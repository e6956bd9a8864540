"""The network of the world: which VPC things lie in, where its traffic can go, and what connects VPCs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

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
    for route in world.resources("AWS::EC2::Route"):
        if any(world.target(value, PEERING) is peering.resource for value in route.values("VpcPeeringConnectionId")):
            yield route


def routed_here(world: World, vpc: Resource) -> bool:
    """True if the world makes route tables of `vpc`: only then can a missing route be told from one made elsewhere."""
    return any(vpc_of(world, table.value("VpcId")) is vpc for table in world.resources(ROUTE_TABLE))


def route_table_of(world: World, subnet: Resource) -> Resource | None:
    """The route table that the world associates with `subnet`; None if it stays with the main one of its VPC."""
    for association in world.resources("AWS::EC2::SubnetRouteTableAssociation"):
        if world.target(association.value("SubnetId"), SUBNET) is subnet:
            return world.target(association.value("RouteTableId"), ROUTE_TABLE)
    return None


def has_way_out(world: World, subnet: Resource) -> bool:
    """True if the subnet's route table sends unknown addresses somewhere but to an internet gateway.

    An internet gateway does not count: network interfaces of functions have no public address.
    Source: AWS Lambda Developer Guide, "Enable internet access for VPC-connected Lambda functions".
    """
    table = route_table_of(world, subnet)
    if table is None:
        return False
    for route in world.resources("AWS::EC2::Route"):
        if world.target(route.value("RouteTableId"), ROUTE_TABLE) is not table:
            continue
        everywhere = route.text("DestinationCidrBlock") == "0.0.0.0/0" or route.has("DestinationPrefixListId")
        if everywhere and not route.has("GatewayId"):
            return True
    return False


def endpoint_services(world: World, vpc: Resource) -> frozenset[str]:
    """The services that have an endpoint in `vpc`, as the last part of their names: `rds`, `ecr.api`."""
    found = set()
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        if vpc_of(world, endpoint.value("VpcId")) is vpc:
            name = world.literal(endpoint.value("ServiceName")) or ""
            found.add(".".join(name.split(".")[3:]))
    return frozenset(found)
