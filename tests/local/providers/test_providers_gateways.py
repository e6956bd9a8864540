"""NAT gateways, their addresses and the gateway in front of them. Paragraph P17 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

REGION = "us-west-2"
"""A region whose addresses no other test uses: five are all there are."""


def test_a_nat_gateway_needs_an_internet_gateway_as_long_as_it_lives(stacks: Any, fails: Any) -> None:
    def make(kind: str, **properties: Any) -> Any:
        return stacks.make(f"AWS::EC2::{kind}", properties, region=REGION)

    vpc = make("VPC", CidrBlock="10.0.0.0/16")
    subnet = make("Subnet", VpcId=vpc.id, CidrBlock="10.0.1.0/24")
    address = make("EIP", Domain="vpc")
    nat = {"SubnetId": subnet.id, "AllocationId": address.attributes["AllocationId"]}
    assert fails(make, "NatGateway", **nat).message == f"Network {vpc.id} has no Internet gateway attached"

    internet = make("InternetGateway")
    attachment = make("VPCGatewayAttachment", VpcId=vpc.id, InternetGatewayId=internet.id)
    gateway = make("NatGateway", **nat)
    assert fails(stacks.remove, attachment).message.startswith(f"Network {vpc.id} has some mapped public address(es).")

    for resource in (gateway, attachment, address):
        stacks.remove(resource)
    assert stacks.client("ec2", REGION).describe_addresses()["Addresses"] == []


def test_a_region_has_five_addresses(stacks: Any, fails: Any) -> None:
    for _ in range(5):
        stacks.make("AWS::EC2::EIP", {"Domain": "vpc"}, region=REGION)
    refused = fails(stacks.make, "AWS::EC2::EIP", {"Domain": "vpc"}, region=REGION)
    assert (refused.message, refused.code) == (
        "The maximum number of addresses has been reached.",
        "ServiceLimitExceeded",
    )
