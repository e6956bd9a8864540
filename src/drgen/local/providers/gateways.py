"""AWS::EC2: internet gateways, NAT gateways and their addresses.

Source of the texts: Amazon VPC User Guide, "Troubleshoot NAT gateways"; EC2's error codes AddressLimitExceeded and
DependencyViolation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.ec2 import describe, ec2_tags
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, error_code, settles

ADDRESSES = 5
"""Elastic IP addresses of a region. Source: Service Quotas L-0263D0A3, default."""


def _make_gateway(work: Work) -> str:
    return str(work.api("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"])


def _attach(work: Work) -> str:
    if not work.properties.get("InternetGatewayId"):
        raise ResourceFailed("Only internet gateways can be attached here", code="InvalidRequest")
    call(work.api("ec2"), "attach_internet_gateway", work.properties)
    return f"IGW|{work.properties['VpcId']}"


def _detach(work: Work, _identity: str) -> None:
    vpc = str(work.properties["VpcId"])
    if any(gateway["VpcId"] == vpc for gateway in _gateways(work)):
        text = (
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching "
            "the gateway."
        )
        raise ResourceFailed(text, code="ResourceConflict")
    try:
        call(work.api("ec2"), "detach_internet_gateway", work.properties)
    except ClientError as error:
        if error_code(error) != "Gateway.NotAttached":
            raise


def _make_address(work: Work) -> str:
    """Ref is the public address; AllocationId is an attribute."""
    if len(work.api("ec2").describe_addresses()["Addresses"]) >= ADDRESSES:
        raise ResourceFailed("The maximum number of addresses has been reached.", code="ServiceLimitExceeded")
    return str(work.api("ec2").allocate_address(Domain="vpc")["PublicIp"])


def _address(work: Work, public_ip: str) -> dict[str, Any]:
    # Upstream shows every address, whichever it is asked for.
    addresses = work.api("ec2").describe_addresses()["Addresses"]
    found = [address for address in addresses if address["PublicIp"] == public_ip]
    if not found:
        raise ResourceFailed(f"Address '{public_ip}' not found.", code="NotFound")
    return dict(found[0])


def _read_address(work: Work, public_ip: str) -> Mapping[str, Any]:
    return {"PublicIp": public_ip, "AllocationId": _address(work, public_ip)["AllocationId"]}


def _settle_address(work: Work, public_ip: str) -> None:
    ec2_tags(work, str(_address(work, public_ip)["AllocationId"]))


def _remove_address(work: Work, public_ip: str) -> None:
    work.api("ec2").release_address(AllocationId=_address(work, public_ip)["AllocationId"])


def _gateways(work: Work) -> Iterator[dict[str, Any]]:
    """The region's NAT gateways that are there or on their way."""
    for gateway in work.api("ec2").describe_nat_gateways()["NatGateways"]:
        if gateway["State"] in ("pending", "available"):
            yield dict(gateway)


def _make_nat(work: Work) -> str:
    client = work.api("ec2")
    if work.properties.get("ConnectivityType", "public") == "public":
        _check_public(work)
    gateway = str(call(client, "create_nat_gateway", work.properties)["NatGateway"]["NatGatewayId"])
    if not settles(lambda: _nat(work, gateway)["State"] == "available"):
        text = f"Resource of type '{work.desired.type}' with identifier '{gateway}' did not stabilize."
        raise ResourceFailed(text, code="NotStabilized")
    return gateway


def _check_public(work: Work) -> None:
    client = work.api("ec2")
    vpc = describe(client, "describe_subnets", "Subnets", SubnetIds=[work.properties["SubnetId"]])["VpcId"]
    # Upstream does not know every filter, so the attachments are looked through here.
    attached = [a["VpcId"] for g in client.describe_internet_gateways()["InternetGateways"] for a in g["Attachments"]]
    if vpc not in attached:
        raise ResourceFailed(f"Network {vpc} has no Internet gateway attached", code="NotStabilized")


def _nat(work: Work, gateway: str) -> dict[str, Any]:
    return describe(work.api("ec2"), "describe_nat_gateways", "NatGateways", NatGatewayIds=[gateway])


def _read_nat(work: Work, gateway: str) -> Mapping[str, Any]:
    addresses = _nat(work, gateway).get("NatGatewayAddresses") or [{}]
    return {"NatGatewayId": gateway, "EniId": addresses[0].get("NetworkInterfaceId", "")}


def _remove_nat(work: Work, gateway: str) -> None:
    work.api("ec2").delete_nat_gateway(NatGatewayId=gateway)
    settles(lambda: all(left["NatGatewayId"] != gateway for left in _gateways(work)))


GATEWAY_PROVIDERS: Mapping[str, Provider] = {
    "AWS::EC2::InternetGateway": Resource(
        make=_make_gateway,
        settle=ec2_tags,
        read=lambda _, gateway: {"InternetGatewayId": gateway},
        remove=lambda work, gateway: work.api("ec2").delete_internet_gateway(InternetGatewayId=gateway),
    ),
    "AWS::EC2::VPCGatewayAttachment": Resource(
        make=_attach, read=lambda _work, _id: {"AttachmentType": "IGW"}, remove=_detach
    ),
    "AWS::EC2::EIP": Resource(make=_make_address, settle=_settle_address, read=_read_address, remove=_remove_address),
    "AWS::EC2::NatGateway": Resource(make=_make_nat, settle=ec2_tags, read=_read_nat, remove=_remove_nat),
}
