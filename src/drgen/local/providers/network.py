"""AWS::EC2: networks, their subnets, route tables and flow logs.

Source of the attributes: the registry schemas' read-only properties, and the "Return values" that the schemas' texts
name beside them (CidrBlock, VpcId, AvailabilityZone).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from drgen.local.providers.dependents import remove_subnet, remove_vpc
from drgen.local.providers.ec2 import by, describe, ec2_tags
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call


def _make_vpc(work: Work) -> str:
    return str(call(work.api("ec2"), "create_vpc", work.properties)["Vpc"]["VpcId"])


def _settle_vpc(work: Work, vpc: str) -> None:
    client = work.api("ec2")
    for attribute, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        value = str(work.properties.get(attribute, default)).lower() == "true"
        client.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": value}})
    ec2_tags(work, vpc)


def _read_vpc(work: Work, vpc: str) -> Mapping[str, Any]:
    client = work.api("ec2")
    found = describe(client, "describe_vpcs", "Vpcs", VpcIds=[vpc])
    groups = client.describe_security_groups(Filters=[*by("vpc-id", vpc), *by("group-name", "default")])
    acls = client.describe_network_acls(Filters=[*by("vpc-id", vpc), *by("default", "true")])
    return {
        "VpcId": vpc,
        "CidrBlock": found["CidrBlock"],
        "CidrBlockAssociations": [a["AssociationId"] for a in found.get("CidrBlockAssociationSet", [])],
        "DefaultSecurityGroup": groups["SecurityGroups"][0]["GroupId"],
        "DefaultNetworkAcl": acls["NetworkAcls"][0]["NetworkAclId"],
        "Ipv6CidrBlocks": [a["Ipv6CidrBlock"] for a in found.get("Ipv6CidrBlockAssociationSet", [])],
    }


def _check_block(work: Work, vpc: str, block: str) -> None:
    """Source: EC2 API error codes InvalidSubnet.Range and InvalidSubnet.Conflict."""
    client, wanted = work.api("ec2"), ipaddress.IPv4Network(block)
    found = describe(client, "describe_vpcs", "Vpcs", VpcIds=[vpc])
    ranges = {found["CidrBlock"]} | {a["CidrBlock"] for a in found.get("CidrBlockAssociationSet", [])}
    if not any(wanted.subnet_of(ipaddress.IPv4Network(range_)) for range_ in ranges):
        raise ResourceFailed(f"The CIDR '{block}' is invalid.", code="InvalidRequest")
    for other in client.describe_subnets(Filters=by("vpc-id", vpc))["Subnets"]:
        if wanted.overlaps(ipaddress.IPv4Network(other["CidrBlock"])):
            raise ResourceFailed(f"The CIDR '{block}' conflicts with another subnet", code="InvalidRequest")


def _make_subnet(work: Work) -> str:
    if work.properties.get("CidrBlock"):
        _check_block(work, str(work.properties["VpcId"]), str(work.properties["CidrBlock"]))
    zone = str(work.properties.get("AvailabilityZone") or "")
    if zone and not zone.startswith(work.region):
        raise ResourceFailed(f"Value ({zone}) for parameter availabilityZone is invalid.", code="InvalidRequest")
    return str(call(work.api("ec2"), "create_subnet", work.properties)["Subnet"]["SubnetId"])


def _settle_subnet(work: Work, subnet: str) -> None:
    public = str(work.properties.get("MapPublicIpOnLaunch", False)).lower() == "true"
    work.api("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})
    ec2_tags(work, subnet)


def _read_subnet(work: Work, subnet: str) -> Mapping[str, Any]:
    client = work.api("ec2")
    found = describe(client, "describe_subnets", "Subnets", SubnetIds=[subnet])
    acls = client.describe_network_acls(Filters=by("vpc-id", found["VpcId"]))["NetworkAcls"]
    associations = [a for acl in acls for a in acl.get("Associations", []) if a.get("SubnetId") == subnet]
    return {
        "SubnetId": subnet,
        "VpcId": found["VpcId"],
        "CidrBlock": found["CidrBlock"],
        "AvailabilityZone": found["AvailabilityZone"],
        "AvailabilityZoneId": found.get("AvailabilityZoneId", ""),
        "NetworkAclAssociationId": associations[0]["NetworkAclAssociationId"] if associations else "",
        "Ipv6CidrBlocks": [],
    }


def _make_route_table(work: Work) -> str:
    return str(call(work.api("ec2"), "create_route_table", work.properties)["RouteTable"]["RouteTableId"])


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


def _destination(work: Work) -> dict[str, str]:
    return {key: str(work.properties[key]) for key in _DESTINATIONS if work.properties.get(key)}


def _make_route(work: Work) -> str:
    """Ref is RouteTableId|Destination, as the registry handler's primary identifier is written."""
    client = work.api("ec2")
    peering = work.properties.get("VpcPeeringConnectionId")
    if peering:
        describe(client, "describe_vpc_peering_connections", "VpcPeeringConnections", VpcPeeringConnectionIds=[peering])
    destination = next(iter(_destination(work).values()), "")
    table = describe(client, "describe_route_tables", "RouteTables", RouteTableIds=[work.properties["RouteTableId"]])
    if any(destination in route.values() for route in table.get("Routes", [])):
        raise ResourceFailed(f"The route identified by {destination} already exists.", code="AlreadyExists")
    call(client, "create_route", work.properties)
    return f"{work.properties['RouteTableId']}|{destination}"


def _change_route(work: Work, _identity: str) -> None:
    call(work.api("ec2"), "replace_route", work.properties)


def _remove_route(work: Work, _identity: str) -> None:
    work.api("ec2").delete_route(RouteTableId=work.properties["RouteTableId"], **_destination(work))


def _read_route(_work: Work, identity: str) -> Mapping[str, Any]:
    return {"CidrBlock": identity.partition("|")[2]}


def _make_association(work: Work) -> str:
    return str(call(work.api("ec2"), "associate_route_table", work.properties)["AssociationId"])


def _make_flow_log(work: Work) -> str:
    answer = call(work.api("ec2"), "create_flow_logs", work.properties, ResourceIds=[work.properties["ResourceId"]])
    problems = answer.get("Unsuccessful") or []
    if problems:
        raise ResourceFailed(str(problems[0]["Error"]["Message"]), code="InvalidRequest")
    return str(answer["FlowLogIds"][0])


NETWORK_PROVIDERS: Mapping[str, Provider] = {
    "AWS::EC2::VPC": Resource(
        make=_make_vpc,
        settle=_settle_vpc,
        read=_read_vpc,
        remove=remove_vpc,
    ),
    "AWS::EC2::Subnet": Resource(
        make=_make_subnet,
        settle=_settle_subnet,
        read=_read_subnet,
        remove=remove_subnet,
    ),
    "AWS::EC2::RouteTable": Resource(
        make=_make_route_table,
        settle=ec2_tags,
        read=lambda _, table: {"RouteTableId": table},
        remove=lambda work, table: work.api("ec2").delete_route_table(RouteTableId=table),
    ),
    "AWS::EC2::Route": Resource(make=_make_route, change=_change_route, read=_read_route, remove=_remove_route),
    "AWS::EC2::SubnetRouteTableAssociation": Resource(
        make=_make_association,
        read=lambda _, association: {"Id": association},
        remove=lambda work, association: work.api("ec2").disassociate_route_table(AssociationId=association),
    ),
    "AWS::EC2::FlowLog": Resource(
        make=_make_flow_log,
        settle=ec2_tags,
        read=lambda _, log: {"Id": log},
        remove=lambda work, log: work.api("ec2").delete_flow_logs(FlowLogIds=[log]),
    ),
}
