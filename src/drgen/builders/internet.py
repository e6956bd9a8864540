"""Public subnets: for NAT gateways, the way out of private subnets, and for load balancers that the internet reaches.

Instances in them get no public address: gateways and load balancers have their own.

Source: Amazon VPC User Guide, "NAT gateways"; registry schemas AWS::EC2::NatGateway and AWS::EC2::EIP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Literal

from troposphere import GetAtt, Join, Ref, Tags, ec2

from drgen.builders.scanners import INTERNET_ROUTE, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT

NatGateways = Literal["none", "one", "per-zone"]
EVERYWHERE = "0.0.0.0/0"

LITERAL_ZONE = {
    "cfn-lint": {"config": {"ignore_checks": ["W3010"]}},
    "reason": "Fn::GetAZs gives no fixed order: a later update could move the subnet, and all that is in it.",
}


@dataclass(frozen=True)
class Zone:
    """Where a public subnet is put: zone, the zone's letter in names, and block."""

    name: str
    letter: str
    block: IPv4Network


def internet(
    stack: StackDraft, names: Names, vpc: Any, *, zones: Sequence[Zone], tables: Sequence[Any]
) -> Sequence[Any]:
    """The public subnets, one in each of `zones`.

    The first of them hold a NAT gateway for each of `tables`: route tables of private subnets, those of the same zones.
    """
    attachment, routes = _gateway(stack, names, vpc)
    subnets, addresses = [], []
    for index, zone in enumerate(zones):
        subnet = _public_subnet(stack, names, vpc, routes, zone)
        subnets.append(subnet)
        if index < len(tables):
            addresses.append(_nat_gateway(stack, names, attachment, subnet, zone, table=tables[index]))
    if addresses:
        shown = Join(", ", addresses) if len(addresses) > 1 else addresses[0]
        about = "Addresses that others see when the workload calls them"
        stack.output(stack.value("NatAddresses", shown, TEXT, about))
    return subnets


def _nat_gateway(stack: StackDraft, names: Names, attachment: Any, subnet: Any, zone: Zone, *, table: Any) -> Any:
    """The address of the gateway in `subnet`; the way out of `table` leads through it."""
    name = Tags(Name=names.regional(f"nat-{zone.letter.lower()}"))
    address = stack.add(ec2.EIP(f"NatAddress{zone.letter}", Domain="vpc", Tags=name, DependsOn=attachment.title))
    gateway = ec2.NatGateway(
        f"NatGateway{zone.letter}",
        SubnetId=Ref(subnet),
        AllocationId=GetAtt(address, "AllocationId"),
        ConnectivityType="public",
        Tags=name,
        DependsOn=attachment.title,
    )
    stack.add(gateway)
    out = {"DestinationCidrBlock": EVERYWHERE, "NatGatewayId": Ref(gateway)}
    stack.add(ec2.Route(f"{table.title}Out", RouteTableId=Ref(table), **out))
    return Ref(address)


def _gateway(stack: StackDraft, names: Names, vpc: Any) -> tuple[Any, Any]:
    """The attachment of the internet gateway, and the route table of the public subnets."""
    name = Tags(Name=names.regional("public"))
    gateway = stack.add(ec2.InternetGateway("InternetGateway", Tags=name))
    attachment = ec2.VPCGatewayAttachment("InternetAttachment", VpcId=Ref(vpc), InternetGatewayId=Ref(gateway))
    stack.add(attachment)
    routes = stack.add(ec2.RouteTable("PublicRoutes", VpcId=Ref(vpc), Tags=name))
    stack.add(
        ec2.Route(
            "PublicRoutesOut",
            RouteTableId=Ref(routes),
            DestinationCidrBlock=EVERYWHERE,
            GatewayId=Ref(gateway),
            DependsOn=attachment.title,
            Metadata=accepted({INTERNET_ROUTE: "Only NAT gateways and public load balancers are in these subnets."}),
        )
    )
    return attachment, routes


def _public_subnet(stack: StackDraft, names: Names, vpc: Any, routes: Any, zone: Zone) -> Any:
    subnet = ec2.Subnet(
        f"PublicSubnet{zone.letter}",
        VpcId=Ref(vpc),
        AvailabilityZone=zone.name,
        CidrBlock=str(zone.block),
        MapPublicIpOnLaunch=False,
        Tags=Tags(Name=names.regional(f"public-{zone.letter.lower()}")),
        Metadata=LITERAL_ZONE,
    )
    stack.add(subnet)
    stack.add(ec2.SubnetRouteTableAssociation(f"{subnet.title}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(routes)))
    return subnet
