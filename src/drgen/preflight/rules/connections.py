"""DR413-DR418: attachments, blocks and lists of a network: what EC2 refuses, and what must be there before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from drgen.model.finding import Severity
from drgen.preflight.networks import VPC, Block, block, overlapping, peerings, subnets_of, vpc_of, zone_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
TRANSIT = ("AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayVpcAttachment")
NAT = "AWS::EC2::NatGateway"
ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"
INTERFACE = ("Interface", "GatewayLoadBalancer")


def _interfaces(world: World) -> Iterator[tuple[Resource, str, list[Resource]]]:
    """What puts network interfaces into subnets, one in each zone: the property, and the subnets that it names."""
    for kind in TRANSIT:
        for attachment in world.resources(kind):
            yield attachment, "SubnetIds", subnets_of(world, attachment, "SubnetIds")
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        if endpoint.text("VpcEndpointType") in INTERFACE:
            yield endpoint, "SubnetIds", subnets_of(world, endpoint, "SubnetIds")
    targets: dict[int, list[Resource]] = defaultdict(list)
    for mount in world.resources("AWS::EFS::MountTarget"):
        system = world.target(mount.value("FileSystemId"), "AWS::EFS::FileSystem")
        for subnet in subnets_of(world, mount, "SubnetId") if system is not None else ():
            targets[id(system)].append(subnet)
            yield mount, "SubnetId", list(targets[id(system)])


@rule(
    "DR413",
    "An attachment, an interface endpoint and a file system have one subnet in a zone",
    source="Amazon EC2 API error codes, DuplicateSubnetsInSameZone; Amazon EFS API, CreateMountTarget",
    alone=True,
)
def one_subnet_in_a_zone(world: World) -> Found:
    """The list holds all private subnets, and two of them are in one zone. EC2 takes one per zone and refuses the rest:
    `DuplicateSubnetsInSameZone`; EFS says `mount target already exists in this AZ`.

    Fix: name one subnet of each zone.
    """
    for user, path, subnets in _interfaces(world):
        first: dict[str, Resource] = {}
        for subnet in subnets:
            where = zone_of(subnet)
            other = first.setdefault(where, subnet) if where is not None else subnet
            if other is not subnet and other.certain and subnet.certain:
                message = f"{other.logical_id} and {subnet.logical_id} are in one zone"
                yield Fault(user.place(path), message, "name one subnet of each zone")
                break


@rule(
    "DR414",
    "What uses a connection of the VPC is made after it",
    source="CloudFormation User Guide, DependsOn attribute; Amazon VPC Transit Gateways, VPC attachments",
)
def connected_first(world: World) -> Found:
    """The template names the gateway, or the VPC, and not what connects the two, so CloudFormation makes all at
    the same time. EC2 refuses what comes too early: a route to a transit gateway that is not attached
    (`InvalidTransitGatewayID.NotFound`), propagation from a gateway that is not attached, a NAT gateway in a VPC
    without internet gateway (`has no Internet gateway attached`), a subnet of a block that is not associated yet.

    Fix: add DependsOn with the attachment that the message names.
    """
    for user, path, makers in _waiting(world):
        here = [maker.logical_id for maker in makers if maker.stack is user.stack]
        if here and len(here) == len(makers) and not set(here) & before(user):
            message = f"it may be made before {here[0]}"
            seldom = Severity.WARNING if user.type == NAT else None
            yield Fault(user.place(path), message, f"add DependsOn: {here[0]}", seldom)


def _waiting(world: World) -> Iterator[tuple[Resource, str, list[Resource]]]:
    """What needs a connection that it does not name: the property, and the resources that make the connection."""
    for route in world.resources("AWS::EC2::Route"):
        if route.has("TransitGatewayId"):
            yield route, "TransitGatewayId", _attached(world, route, TRANSIT, "TransitGatewayId")
    for propagation in world.resources("AWS::EC2::VPNGatewayRoutePropagation"):
        yield propagation, "VpnGatewayId", _attached(world, propagation, (ATTACHMENT,), "VpnGatewayId")
    for gateway in world.resources(NAT):
        if gateway.text("ConnectivityType") in (None, "public"):
            vpc = vpc_of(world, gateway.value("SubnetId"))
            yield gateway, "SubnetId", world.once(_internet_gateways).get(id(vpc), []) if vpc is not None else []
    for subnet in world.resources("AWS::EC2::Subnet"):
        yield subnet, "CidrBlock", _secondary(world, subnet)


def _attached(world: World, user: Resource, types: Sequence[str], path: str) -> list[Resource]:
    """The attachments of the gateway that `user` names to the VPC that it belongs to."""
    vpc = vpc_of(world, user.value("RouteTableId") or user.value("RouteTableIds"))
    found = [one for value in user.values(path) for one in world.once(_attachments).get(id(world.target(value)), ())]
    return [one for one in found if one.type in types and (vpc is None or vpc_of(world, one.value("VpcId")) is vpc)]


def _attachments(world: World) -> Mapping[int, list[Resource]]:
    """What attaches gateways to VPCs, by the gateway."""
    found: dict[int, list[Resource]] = defaultdict(list)
    for attachment in world.resources(*TRANSIT, ATTACHMENT):
        for path in ("TransitGatewayId", "VpnGatewayId"):
            for value in attachment.values(path):
                gateway = world.target(value)
                if gateway is not None:
                    found[id(gateway)].append(attachment)
    return found


def _internet_gateways(world: World) -> Mapping[int, list[Resource]]:
    """The attachments of internet gateways, by their VPC; under that of None where the VPC is not known."""
    found: dict[int, list[Resource]] = defaultdict(list)
    for attachment in world.resources(ATTACHMENT):
        if attachment.has("InternetGatewayId"):
            found[id(vpc_of(world, attachment.value("VpcId")))].append(attachment)
    return found


def _secondary(world: World, subnet: Resource) -> list[Resource]:
    """The association of the secondary block that the subnet lies in."""
    own = block(world.literal(subnet.value("CidrBlock")))
    around = world.once(_secondary_blocks).get(id(vpc_of(world, subnet.value("VpcId"))), ())
    return [one for whole, one in around if own is not None and overlapping([own], [whole])]


def _secondary_blocks(world: World) -> Mapping[int, list[tuple[Block, Resource]]]:
    found: dict[int, list[tuple[Block, Resource]]] = defaultdict(list)
    for association in world.resources("AWS::EC2::VPCCidrBlock"):
        vpc = vpc_of(world, association.value("VpcId"))
        whole = block(world.literal(association.value("CidrBlock")))
        if vpc is not None and whole is not None:
            found[id(vpc)].append((whole, association))
    return found


@rule(
    "DR415",
    "Two VPCs are peered once",
    source="Amazon VPC Peering Guide, VPC peering limitations; Amazon EC2 API, VpcPeeringConnectionAlreadyExists",
)
def peered_once(world: World) -> Found:
    """The template of both regions asks for the peering, or each team asks from its side. There is one connection
    between two VPCs: EC2 refuses the second request with VpcPeeringConnectionAlreadyExists.

    Fix: ask from one side, and let the other side make only its routes.
    """
    first: dict[frozenset[int], Resource] = {}
    for peering in peerings(world):
        if peering.requester is None or peering.accepter is None or not peering.resource.certain:
            continue
        other = first.setdefault(frozenset((id(peering.requester), id(peering.accepter))), peering.resource)
        if other is not peering.resource:
            message = f"{other} already connects the two VPCs"
            yield Fault(peering.resource.place("PeerVpcId"), message, "keep one of the two")


SIZED = {VPC: "CidrBlock", "AWS::EC2::Subnet": "CidrBlock", "AWS::EC2::VPCCidrBlock": "CidrBlock"}


@rule(
    "DR416",
    "Blocks of VPCs and subnets have between 16 and 65,536 addresses",
    source="Amazon VPC User Guide, VPC CIDR blocks; Subnet CIDR blocks (/16 to /28)",
    alone=True,
)
def block_has_a_size(world: World) -> Found:
    """EC2 refuses larger and smaller blocks (`InvalidVpc.Range`, `InvalidSubnet.Range`).

    Fix: use a block between /16 and /28.
    """
    for resource_type, path in SIZED.items():
        for resource in world.resources(resource_type):
            found = block(world.literal(resource.value(path)))
            if found is not None and found.version == 4 and not 16 <= found.prefixlen <= 28:
                message = f"{found} is {'larger than /16' if found.prefixlen < 16 else 'smaller than /28'}"
                yield Fault(resource.place(path), message, "use a block between /16 and /28")


LISTS = "Amazon VPC User Guide, Work with customer-managed prefix lists (maximum entries)"
RULES_OF_A_GROUP = 60
"""Default quota, L-0EA8095F. Source: Amazon VPC quotas."""


@rule("DR417", "A prefix list has room for its entries, and fits where it is used", source=LISTS)
def list_has_room(world: World) -> Found:
    """EC2 refuses entries beyond MaxEntries. Where a security group names the list, its MaxEntries counts against the
    rules that the group may have, however few entries there are: `RulesPerSecurityGroupLimitExceeded`.

    Fix: set MaxEntries to what is needed, and not to more.
    """
    for found in world.resources("AWS::EC2::PrefixList"):
        room, entries = number(found.value("MaxEntries")), [*found.values("Entries")]
        if room is not None and len(entries) > room:
            message = f"there are {len(entries)} entries, and MaxEntries is {room:g}"
            yield Fault(found.place("MaxEntries"), message, f"set MaxEntries to {len(entries)}")
    rows = (
        ("AWS::EC2::SecurityGroup", "SecurityGroupIngress.SourcePrefixListId"),
        ("AWS::EC2::SecurityGroup", "SecurityGroupEgress.DestinationPrefixListId"),
        ("AWS::EC2::SecurityGroupIngress", "SourcePrefixListId"),
        ("AWS::EC2::SecurityGroupEgress", "DestinationPrefixListId"),
    )
    for resource_type, path in rows:
        for user in world.resources(resource_type):
            lists = [one for value in user.values(path) if (one := world.target(value, "AWS::EC2::PrefixList"))]
            weight = sum(number(one.value("MaxEntries")) or 0 for one in lists)
            if weight > RULES_OF_A_GROUP:
                message = f"{lists[0].logical_id} counts as {weight:g} rules, and a group has {RULES_OF_A_GROUP}"
                yield Fault(user.place(path), message, "lower MaxEntries of the list, or raise the quota")


@rule(
    "DR418",
    "A database with a public address is in a VPC with an internet gateway",
    source="Amazon RDS User Guide, Working with a DB instance in a VPC (public accessibility)",
)
def public_database_has_gateway(world: World) -> Found:
    """RDS refuses it: `Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway
    attached`.

    Fix: set PubliclyAccessible to false.
    """
    for database in world.resources("AWS::RDS::DBInstance"):
        vpc = vpc_of(world, database.value("DBSubnetGroupName"))
        if vpc is None or not is_true(database.value("PubliclyAccessible")):
            continue
        attached = world.once(_internet_gateways)
        if id(vpc) not in attached and id(None) not in attached:
            message = f"no stack attaches an internet gateway to {vpc}"
            yield Fault(database.place("PubliclyAccessible"), message, "set PubliclyAccessible to false")
