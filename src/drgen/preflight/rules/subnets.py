"""DR41x: what a network needs from itself: gateways, endpoints and zones."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.preflight.networks import SUBNET, zone_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, leaves
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
ENDPOINT = "AWS::EC2::VPCEndpoint"
GATEWAYS = ("AWS::EC2::InternetGateway", "AWS::EC2::VPNGateway")
ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"
GATEWAY_SERVICES = frozenset({"s3", "dynamodb", "s3express"})
"""Services with gateway endpoints. Source: AWS PrivateLink Guide, Gateway endpoints; Directory buckets."""


@rule(
    "DR410",
    "A route through a gateway is made after the gateway is attached",
    source="CloudFormation User Guide, DependsOn attribute (when a VPC-gateway attachment is required)",
    alone=True,
)
def attached_first(world: World) -> Found:
    """The route names the gateway, not its attachment, so CloudFormation makes both at the same time. EC2 refuses the
    route now and then: `route table ... and network gateway ... belong to different networks`.

    Fix: let the route depend on the attachment (DependsOn).
    """
    for route in world.resources("AWS::EC2::Route"):
        for value in route.values("GatewayId"):
            gateway = world.target(value, *GATEWAYS)
            attachments = [
                found.logical_id
                for found in route.stack.resources.values()
                if found.type == ATTACHMENT
                and any(world.target(leaf, *GATEWAYS) is gateway
                        for path in ("InternetGatewayId", "VpnGatewayId") for leaf in found.values(path))
            ] if gateway is not None and gateway.stack is route.stack else []  # fmt: skip
            if attachments and not set(attachments) & before(route):
                message = f"the route may be made before {attachments[0]} attaches the gateway"
                yield Fault(route.place("GatewayId"), message, f"add DependsOn: {attachments[0]}")


def service_of(world: World, endpoint: Resource) -> str | None:
    """The AWS service of an endpoint, such as `s3` or `ecr.api`; None for services of others, or where not known."""
    name = world.literal(endpoint.value("ServiceName")) or ""
    pieces = name.split(".")
    known = len(pieces) >= 4 and pieces[:2] == ["com", "amazonaws"] and "vpce" not in pieces
    return ".".join(pieces[3:]) if known and "*" not in "".join(pieces[3:]) else None


@rule(
    "DR411", "An endpoint is of a type that its service has", source="Registry schema AWS::EC2::VPCEndpoint", alone=True
)
def endpoint_type(world: World) -> Found:
    """The type is Gateway where the template says nothing, and only S3 and DynamoDB have gateways. EC2 refuses others:
    `Endpoint type (Gateway) does not match available service types ([Interface])`. Subnets and groups are for
    interfaces, route tables for gateways.

    Fix: set VpcEndpointType: Interface with SubnetIds, or Gateway with RouteTableIds.
    """
    for endpoint in world.resources(ENDPOINT):
        service = service_of(world, endpoint)
        kind = endpoint.text("VpcEndpointType") if endpoint.has("VpcEndpointType") else "Gateway"
        if service is None or kind not in ("Gateway", "Interface"):
            continue
        if kind == "Gateway" and service not in GATEWAY_SERVICES:
            said = "VpcEndpointType is Gateway" if endpoint.has("VpcEndpointType") else "VpcEndpointType is not set"
            place = endpoint.place("VpcEndpointType")
            yield Fault(place, f"{said}, and {service} has interfaces only", "set VpcEndpointType: Interface")
            continue
        others = ("SubnetIds", "SecurityGroupIds") if kind == "Gateway" else ("RouteTableIds",)
        for name in others:
            if endpoint.has(name):
                yield Fault(endpoint.place(name), f"{name} is not for endpoints of type {kind}", f"remove {name}")
        if kind == "Gateway" and is_true(endpoint.value("PrivateDnsEnabled")):
            place = endpoint.place("PrivateDnsEnabled")
            yield Fault(place, "a gateway endpoint has no private DNS name", "remove PrivateDnsEnabled")


TWO_ZONES = {
    "AWS::RDS::DBSubnetGroup": "SubnetIds",
    "AWS::DocDB::DBSubnetGroup": "SubnetIds",
    "AWS::Neptune::DBSubnetGroup": "SubnetIds",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Subnets",
    "AWS::EKS::Cluster": "ResourcesVpcConfig.SubnetIds",
}
"""Types that need subnets of two zones, and the property with them.

Source: Amazon RDS User Guide, "Working with a DB instance in a VPC" (subnets in at least two Availability Zones);
Elastic Load Balancing API Reference, CreateLoadBalancer (Subnets: at least two zones for an ALB); Amazon EKS User
Guide, VPC and subnet requirements.
"""


@rule(
    "DR412",
    "A subnet group and an application load balancer span two zones",
    source="Amazon RDS User Guide, Working with a DB instance in a VPC; ELB API Reference, CreateLoadBalancer",
)
def two_zones(world: World) -> Found:
    """RDS refuses the group (`does not meet Availability Zone (AZ) coverage requirement`), Elastic Load Balancing the
    load balancer (`cannot be attached to multiple subnets in the same Availability Zone`).

    Fix: put the subnets into different zones.
    """
    for resource_type, path in TWO_ZONES.items():
        for user in world.resources(resource_type):
            if user.text("Type") in ("network", "gateway"):
                continue
            values = [leaf for value in user.values(path) for leaf in leaves(value)]
            subnets = [world.target(value, SUBNET) for value in values]
            zones = [zone_of(subnet) if subnet is not None else None for subnet in subnets]
            if len(zones) > 1 and None not in zones and len(set(zones)) == 1 and len({id(s) for s in subnets}) > 1:
                names = " and ".join(subnet.logical_id for subnet in subnets[:2] if subnet is not None)
                yield Fault(user.place(path), f"{names} are in one zone", "use subnets of two zones")
