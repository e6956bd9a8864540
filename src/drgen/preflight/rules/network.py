"""DR40x: VPCs, peering between regions, and what lies in which VPC."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.networks import (
    VPC,
    Block,
    Peering,
    block,
    blocks,
    overlapping,
    peering_routes,
    peerings,
    routed_here,
    vpc_of,
)
from drgen.preflight.region_tables import PEERING
from drgen.preflight.requirements import misplaced
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_false, is_true, leaves
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
PEERING_GUIDE = "VPC Peering Guide, How VPC peering connections work"


@rule("DR401", "PeerRegion is the region of the peer VPC", source="Registry schema AWS::EC2::VPCPeeringConnection")
def peer_region(world: World) -> Found:
    """EC2 looks for PeerVpcId in PeerRegion (without it: in the stack's own region). If the VPC is not there, the
    resource fails with "did not stabilize" and the whole stack is rolled back.

    Fix: give PeerVpcId a VPC made by a stack of PeerRegion; two VPCs of one stack are always in one region.
    """
    for case in misplaced(world, PEERING):
        message = f"PeerVpcId is {case.what} in {case.found}, but {case.said_by} says {case.wanted}"
        fix = f"set PeerRegion to {case.found}, or pass a VPC that is made in {case.wanted}"
        yield Fault(case.resource.place("PeerVpcId"), message, fix)


@rule("DR402", "Peered VPCs have no address in common", source=PEERING_GUIDE)
def peered_blocks_differ(world: World) -> Found:
    """A peering connection between overlapping blocks, secondary ones included, goes to status failed.

    Fix: give the VPC of the other region a block of its own, for example 10.1.0.0/16.
    """
    for peering in peerings(world):
        if peering.requester is None or peering.accepter is None:
            place = peering.resource.place("PeerVpcId")
            yield NotDecided(place, "one of the two VPCs is made by no stack of this deployment")
            continue
        if peering.requester is peering.accepter:
            continue
        shared = overlapping(blocks(world, peering.requester), blocks(world, peering.accepter))
        if shared:
            message = f"{shared[0]} of the one VPC overlaps {shared[1]} of the other"
            yield Fault(peering.resource.place(), message, "choose blocks that do not overlap")


@rule("DR403", "Both sides of a peering have a route through it", source=PEERING_GUIDE, severity=Severity.WARNING)
def peering_has_routes(world: World) -> Found:
    """The connection is active, but no packet crosses it; or requests cross and answers do not.

    Fix: add an AWS::EC2::Route with VpcPeeringConnectionId in both VPCs, each in a stack of its region.
    """
    for peering in peerings(world):
        routed = [vpc_of(world, route.value("RouteTableId")) for route in peering_routes(world, peering)]
        for vpc in (peering.requester, peering.accepter):
            if vpc is None or vpc in routed:
                continue
            place = peering.resource.place()
            if None in routed:
                yield NotDecided(place, "the VPC of a route's table is not known")
            elif not routed_here(world, vpc):
                yield NotDecided(place, f"the route tables of {vpc.logical_id} are made by no stack of this deployment")
            else:
                message = (
                    f"no route table of {vpc.logical_id} (stack {vpc.stack.key}, {vpc.region}) has a route through it"
                )
                yield Fault(place, message, f"add a route in {vpc.region} to the other VPC's block")


@rule("DR404", "A peering route leads to the other VPC", source="Amazon VPC User Guide, Configure route tables")
def route_leads_to_peer(world: World) -> Found:
    """A route to the VPC's own block is refused, because the local route wins; one to other addresses carries nothing.

    Fix: set DestinationCidrBlock to the block of the VPC on the other side.
    """
    for peering in peerings(world):
        for route in peering_routes(world, peering):
            vpc = vpc_of(world, route.value("RouteTableId"))
            destination = block(world.literal(route.value("DestinationCidrBlock")))
            if vpc is not None and destination is not None:
                yield from _judge_route(world, peering, route, vpc, destination)


def _judge_route(world: World, peering: Peering, route: Resource, vpc: Resource, destination: Block) -> Found:
    place = route.place("DestinationCidrBlock")
    own, peer = blocks(world, vpc), peering.other(vpc)
    peers = blocks(world, peer) if peer is not None and peer is not vpc else []
    if overlapping([destination], own) and not overlapping([destination], peers):
        yield Fault(place, f"{destination} is the VPC's own block", "use the block of the other VPC")
    elif peers and not overlapping([destination], peers):
        message = f"{destination} is not in the other VPC, which has {', '.join(map(str, peers))}"
        yield Fault(place, message, f"use {peers[0]}", Severity.WARNING)


CONNECTIONS = ("AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::VPNGateway",
               "AWS::EC2::VPCGatewayAttachment", "AWS::NetworkManager::VpcAttachment")  # fmt: skip


@rule("DR405", "Addresses that a group admits can reach it", source=PEERING_GUIDE, severity=Severity.WARNING)
def admitted_region_is_connected(world: World) -> Found:
    """The rules are ready for the other region, but nothing connects the VPCs: no packet ever arrives.

    Fix: add a peering connection (or a transit gateway) with routes on both sides.
    """
    vpcs = [(vpc, blocks(world, vpc)) for vpc in world.resources(VPC)]
    linked = {frozenset((id(p.requester), id(p.accepter))) for p in peerings(world)}
    gateways = {
        id(vpc) for other in world.resources(*CONNECTIONS)
        if (other.type != "AWS::EC2::VPCGatewayAttachment" or other.has("VpnGatewayId"))
        and (vpc := vpc_of(world, other.value("VpcId")))
    }  # fmt: skip
    peer_unknown = {id(p.requester) for p in peerings(world) if p.accepter is None}
    for resource, path, text in _admitted(world):
        home = vpc_of(world, resource.value("VpcId" if path.startswith("Security") else "GroupId"))
        admitted = block(text)
        if home is None or admitted is None or id(home) in gateways | peer_unknown:
            continue
        if overlapping([admitted], blocks(world, home)) or not routed_here(world, home):
            continue
        for vpc, owned in vpcs:
            far = vpc.region != home.region and any(_inside(admitted, own) for own in owned)
            if far and frozenset((id(home), id(vpc))) not in linked and id(vpc) not in gateways:
                message = f"{text} belongs to the VPC of stack {vpc.stack.key} in {vpc.region}, and nothing leads there"
                yield Fault(resource.place(path), message, "connect the two VPCs")


def _inside(small: Block, large: Block) -> bool:
    return small.version == large.version and small.overlaps(large) and small.prefixlen >= large.prefixlen


def _admitted(world: World) -> Iterator[tuple[Resource, str, str]]:
    for resource_type, path in (
        ("AWS::EC2::SecurityGroup", "SecurityGroupIngress.CidrIp"),
        ("AWS::EC2::SecurityGroup", "SecurityGroupEgress.CidrIp"),
        ("AWS::EC2::SecurityGroupIngress", "CidrIp"),
        ("AWS::EC2::SecurityGroupEgress", "CidrIp"),
    ):
        for resource in world.resources(resource_type):
            for value in resource.values(path):
                text = world.literal(value)
                if text:
                    yield resource, path, text


TOGETHER = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Subnets", "SecurityGroups"),
    "AWS::Lambda::Function": ("VpcConfig.SubnetIds", "VpcConfig.SecurityGroupIds"),
    "AWS::RDS::DBInstance": ("DBSubnetGroupName", "VPCSecurityGroups"),
    "AWS::RDS::DBCluster": ("DBSubnetGroupName", "VpcSecurityGroupIds"),
    "AWS::RDS::DBProxy": ("VpcSubnetIds", "VpcSecurityGroupIds"),
    "AWS::ECS::Service": (
        "NetworkConfiguration.AwsvpcConfiguration.Subnets", "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    ),
    "AWS::EC2::VPCEndpoint": ("VpcId", "SecurityGroupIds"),
    "AWS::Synthetics::Canary": ("VPCConfig.SubnetIds", "VPCConfig.SecurityGroupIds"),
    "AWS::EFS::MountTarget": ("SubnetId", "SecurityGroups"),
    "AWS::EC2::NetworkInterface": ("SubnetId", "GroupSet"),
    "AWS::EC2::Instance": ("SubnetId", "SecurityGroupIds"),
    "AWS::EKS::Cluster": ("ResourcesVpcConfig.SubnetIds", "ResourcesVpcConfig.SecurityGroupIds"),
    "AWS::OpenSearchService::Domain": ("VPCOptions.SubnetIds", "VPCOptions.SecurityGroupIds"),
    "AWS::CodeBuild::Project": ("VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    "AWS::MSK::Cluster": ("BrokerNodeGroupInfo.ClientSubnets", "BrokerNodeGroupInfo.SecurityGroups"),
    "AWS::RDS::DBSubnetGroup": ("SubnetIds", "SubnetIds"),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId", "RouteTableId"),
    "AWS::ElastiCache::SubnetGroup": ("SubnetIds", "SubnetIds"),
    "AWS::DocDB::DBSubnetGroup": ("SubnetIds", "SubnetIds"),
    "AWS::Neptune::DBSubnetGroup": ("SubnetIds", "SubnetIds"),
    "AWS::Redshift::ClusterSubnetGroup": ("SubnetIds", "SubnetIds"),
    "AWS::Route53Resolver::ResolverEndpoint": ("IpAddresses.SubnetId", "SecurityGroupIds"),
    "AWS::ApiGatewayV2::VpcLink": ("SubnetIds", "SecurityGroupIds"),
    "AWS::EC2::TransitGatewayAttachment": ("VpcId", "SubnetIds"),
    "AWS::EC2::TransitGatewayVpcAttachment": ("VpcId", "SubnetIds"),
}  # fmt: skip
"""Where a resource names its subnets, and what must be of their VPC, too. Source: registry schemas."""


@rule(
    "DR406",
    "Security groups, route tables and subnets of a resource are of one VPC",
    source="Amazon VPC User Guide, Security groups",
)
def one_vpc(world: World) -> Found:
    """A group or a route table can only be used in its own VPC: the service refuses the resource.

    Fix: use one that is made in the VPC of the subnets.
    """
    for resource_type, (subnets, groups) in TOGETHER.items():
        for resource in world.resources(resource_type):
            homes = [home for value in resource.values(subnets) if (home := vpc_of(world, value))]
            for value in resource.values(groups):
                vpc = vpc_of(world, value)
                if homes and vpc is not None and vpc is not homes[0]:
                    what = "the group" if "Group" in groups else groups
                    message = f"{what} is of {vpc.logical_id} (stack {vpc.stack.key}), the subnets of another VPC"
                    yield Fault(resource.place(groups), message, "use one of the same VPC")


@rule(
    "DR407",
    "Private names have a VPC that resolves them",
    source="Route 53 Developer Guide, Considerations when working with a private hosted zone (DNS support)",
)
def vpc_resolves_names(world: World) -> Found:
    """Private zones and private DNS of endpoints work only where the VPC has DNS support and DNS hostnames, and VPCs
    made by CloudFormation have hostnames off: EC2 refuses the endpoint, and a zone stays silent.

    Fix: set EnableDnsHostnames and EnableDnsSupport of the VPC to true.
    """
    wanting: list[tuple[Resource, str]] = [
        (endpoint, "VpcId") for endpoint in world.resources("AWS::EC2::VPCEndpoint")
        if is_true(endpoint.value("PrivateDnsEnabled"))
    ]  # fmt: skip
    wanting += [(zone, "VPCs.VPCId") for zone in world.resources("AWS::Route53::HostedZone")]
    for resource, path in wanting:
        for value in resource.values(path):
            vpc = vpc_of(world, value)
            if vpc is None:
                continue
            off = (
                []
                if is_true(vpc.value("EnableDnsHostnames")) or not _known(vpc, "EnableDnsHostnames")
                else ["hostnames"]
            )
            off += ["support"] if is_false(vpc.value("EnableDnsSupport")) else []
            if off:
                message = f"{vpc} has DNS {' and '.join(off)} switched off"
                yield Fault(resource.place(path), message, "set EnableDnsHostnames and EnableDnsSupport to true")


def _known(resource: Resource, name: str) -> bool:
    return all(isinstance(leaf, bool | str) for leaf in leaves(resource.properties.get(name)))
