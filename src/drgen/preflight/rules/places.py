"""DR73x: places that two stacks claim: in a zone, at a listener, in a route table, in a VPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drgen.preflight.networks import Block, block, blocks, overlapping, vpc_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.collisions import exact
from drgen.preflight.rules.dns import Record, records
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_true, known_text
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]

ROUTING = ("SetIdentifier", "Weight", "Failover", "Region", "GeoLocation", "GeoProximityLocation", "CidrRoutingConfig",
           "MultiValueAnswer")  # fmt: skip


def _plain(record: Record) -> bool:
    """True for a record without a routing policy: there can be one of its name and type."""
    return not any(True for name in ROUTING for _ in at(record.properties, name))


@rule(
    "DR733",
    "A record is made once, and alone if it has no routing policy",
    source="Route 53 API, ChangeResourceRecordSets (InvalidChangeBatch)",
)
def record_is_made_once(world: World) -> Found:
    """Route 53 refuses a second record of a name and type, unless both have the same routing policy and a
    SetIdentifier: the stack of the other region cannot add its own.

    Fix: give both records a routing policy, such as failover, and a SetIdentifier of their own.
    """
    first: dict[tuple[Any, str, str], Record] = {}
    for record in records(world):
        zone, name, kind = record.name
        if zone is None or not name or "*" in name.removeprefix("*."):
            continue
        other = first.setdefault((zone, name, kind), record)
        if other is record or other.resource is record.resource or not record.resource.certain:
            continue
        if _plain(record) and _plain(other):
            message = f"{name} {kind} is made by {other.resource}, too"
            yield Fault(record.resource.place("Name"), message, "give both a routing policy and a SetIdentifier")


@rule(
    "DR734",
    "Rules of a listener differ in priority, listeners of a load balancer in port",
    source="Elastic Load Balancing API, CreateRule (PriorityInUse), CreateListener (DuplicateListener)",
)
def listener_places_differ(world: World) -> Found:
    """Every application's stack brings its rule for the shared listener. The second one with the same priority, and the
    second listener on the same port, is refused.

    Fix: give each stack a priority of its own, for example as a parameter.
    """
    rows = (
        ("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn", "Priority"),
        ("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn", "Port"),
        ("AWS::EC2::NetworkAclEntry", "NetworkAclId", "RuleNumber"),
    )
    for resource_type, owner, place in rows:
        first: dict[tuple[object, ...], Resource] = {}
        for resource in world.resources(resource_type):
            side = resource.text("Egress") or "false"
            within, number = exact(world, resource.value(owner)), known_text(resource.value(place))
            if within is None or number is None or not resource.certain:
                continue
            other = first.setdefault((within, number, side), resource)
            if other is not resource:
                yield Fault(resource.place(place), f"{place} {number} is taken by {other}", f"choose another {place}")


@rule(
    "DR735",
    "A route table has one route to a destination",
    source="Amazon EC2 API, CreateRoute (RouteAlreadyExists)",
)
def route_is_single(world: World) -> Found:
    """The second route to the same block is refused, also where it comes with another stack and leads elsewhere.

    Fix: keep one route, or make one of the two more specific.
    """
    first: dict[tuple[object, ...], Resource] = {}
    for route in world.resources("AWS::EC2::Route"):
        table = exact(world, route.value("RouteTableId"))
        for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"):
            destination = exact(world, route.value(name)) if name in route.properties else None
            if table is None or destination is None or not route.certain:
                continue
            other = first.setdefault((table, name, destination), route)
            if other is not route:
                yield Fault(route.place(name), f"{other} leads there already", "keep one of the two routes")


@rule(
    "DR736",
    "Subnets lie in their VPC and do not overlap",
    source="Amazon EC2 API, CreateSubnet (InvalidSubnet.Conflict, InvalidSubnet.Range)",
)
def subnets_do_not_overlap(world: World) -> Found:
    """Each stack cuts its own subnets out of a VPC that another one makes. EC2 refuses a block that is outside of the
    VPC, or that a subnet has already.

    Fix: cut the subnets of all stacks in one place, for example with Fn::Cidr.
    """
    taken: dict[int, list[tuple[Resource, Block]]] = {}
    for subnet in world.resources("AWS::EC2::Subnet"):
        vpc = vpc_of(world, subnet.value("VpcId"))
        own = block(world.literal(subnet.value("CidrBlock")))
        if vpc is None or own is None or not subnet.certain:
            continue
        around = [known for known in blocks(world, vpc) if known.version == own.version]
        if around and not any(_inside(own, whole) for whole in around):
            message = f"{own} lies outside of {vpc} ({around[0]})"
            yield Fault(subnet.place("CidrBlock"), message, "choose a block inside of the VPC")
        others = taken.setdefault(id(vpc), [])
        for other, block_of_other in others:
            if overlapping([own], [block_of_other]):
                message = f"{own} overlaps {block_of_other} of {other}"
                yield Fault(subnet.place("CidrBlock"), message, "choose a free block")
                break
        others.append((subnet, own))


def _inside(small: Block, whole: Block) -> bool:
    return overlapping([small], [whole]) is not None and small.prefixlen >= whole.prefixlen


@rule(
    "DR737",
    "A VPC has one endpoint with the private name of a service",
    source="AWS PrivateLink Guide, Access an AWS service using an interface VPC endpoint (private DNS)",
)
def endpoint_name_is_free(world: World) -> Found:
    """EC2 refuses the second endpoint: "private-dns-enabled cannot be set because there is already a conflicting DNS
    domain". Application stacks in a shared VPC run into it when each brings its endpoints.

    Fix: make the endpoints in the stack of the VPC, or switch PrivateDnsEnabled off on the second one.
    """
    first: dict[tuple[object, ...], Resource] = {}
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        vpc = vpc_of(world, endpoint.value("VpcId"))
        service = world.literal(endpoint.value("ServiceName"))
        if vpc is None or not service or not is_true(endpoint.value("PrivateDnsEnabled")) or not endpoint.certain:
            continue
        other = first.setdefault((id(vpc), service), endpoint)
        if other is not endpoint:
            yield Fault(endpoint.place("ServiceName"), f"{other} has the name already", "keep one of the two")
