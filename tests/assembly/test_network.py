"""The way out of private subnets, and the routes between regions, in each mode of network.nat."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from bodies import resources
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_drafts import SOURCE, drafts


def bodies(nat: str, zones: int = 2) -> dict[str, Any]:
    text = SOURCE.replace("nat: none", f"nat: {nat}").replace("zones: 2", f"zones: {zones}")
    return {name: draft.template().body for name, draft in drafts(text).items()}


def properties(body: Any, kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in resources(body, kind).items()}


def test_without_nat_nothing_is_public() -> None:
    body = bodies("none")["primary/foundation"]
    for kind in ("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Route"):
        assert resources(body, kind) == {}


def test_one_gateway_serves_every_zone() -> None:
    body = bodies("one", zones=3)["primary/foundation"]
    assert list(resources(body, "AWS::EC2::NatGateway")) == ["NatGatewayA"]
    routes = properties(body, "AWS::EC2::Route")
    assert routes["PrivateRoutesOut"] == {
        "RouteTableId": {"Ref": "PrivateRoutes"},
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": {"Ref": "NatGatewayA"},
    }
    used = [a["RouteTableId"]["Ref"] for a in properties(body, "AWS::EC2::SubnetRouteTableAssociation").values()]
    assert used == ["PrivateRoutes", "PrivateRoutes", "PrivateRoutes", "PublicRoutes"]
    assert body["Outputs"]["NatAddresses"]["Value"] == {"Ref": "NatAddressA"}


@pytest.mark.parametrize("zones", [2, 3])
def test_each_zone_leaves_through_its_own_gateway(zones: int) -> None:
    body = bodies("per-zone", zones)["primary/foundation"]
    routes, subnets = properties(body, "AWS::EC2::Route"), properties(body, "AWS::EC2::Subnet")
    associations = properties(body, "AWS::EC2::SubnetRouteTableAssociation")
    for letter in "ABC"[:zones]:
        assert associations[f"PrivateSubnet{letter}Routes"]["RouteTableId"] == {"Ref": f"PrivateRoutes{letter}"}
        assert routes[f"PrivateRoutes{letter}Out"]["NatGatewayId"] == {"Ref": f"NatGateway{letter}"}
        gateway = body["Resources"][f"NatGateway{letter}"]
        assert gateway["Properties"]["SubnetId"] == {"Ref": f"PublicSubnet{letter}"}
        assert gateway["DependsOn"] == "InternetAttachment"
        zone = f"us-east-1{letter.lower()}"
        assert [subnets[f"{side}Subnet{letter}"]["AvailabilityZone"] for side in ("Private", "Public")] == [zone, zone]
    assert len(resources(body, "AWS::EC2::EIP")) == zones


def test_the_gateways_alone_have_public_addresses() -> None:
    body = bodies("per-zone")["primary/foundation"]
    assert {subnet["MapPublicIpOnLaunch"] for subnet in properties(body, "AWS::EC2::Subnet").values()} == {False}
    blocks = {name: subnet["CidrBlock"] for name, subnet in properties(body, "AWS::EC2::Subnet").items()}
    assert blocks == {
        "PrivateSubnetA": "10.0.0.0/20",
        "PrivateSubnetB": "10.0.16.0/20",
        "PublicSubnetA": "10.0.128.0/20",
        "PublicSubnetB": "10.0.144.0/20",
    }


def test_every_private_table_leads_to_the_other_region_and_to_the_gateway_endpoints() -> None:
    made = bodies("per-zone")
    for name, block in (("replication/peering", "10.0.0.0/16"), ("replication/routes", "10.1.0.0/16")):
        routes = properties(made[name], "AWS::EC2::Route")
        assert {route["DestinationCidrBlock"] for route in routes.values()} == {block}
        assert [route["RouteTableId"]["Ref"] for route in routes.values()] == [
            "PrivateRouteTableIdA",
            "PrivateRouteTableIdB",
        ]
    endpoint = made["primary/foundation"]["Resources"]["S3Endpoint"]["Properties"]
    assert endpoint["RouteTableIds"] == [{"Ref": "PrivateRoutesA"}, {"Ref": "PrivateRoutesB"}]


def test_endpoints_let_the_account_reach_its_own_resources_only() -> None:
    made = drafts(SOURCE.replace("[s3, secretsmanager]", "[s3, secretsmanager, sts]"))["primary/foundation"]
    found = properties(made.template().body, "AWS::EC2::VPCEndpoint")
    (s3,), (secrets,), (sts,) = (
        found[f"{name}Endpoint"]["PolicyDocument"]["Statement"] for name in ("S3", "Secretsmanager", "Sts")
    )
    account = {"Ref": "AWS::AccountId"}
    assert s3["Condition"] == {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}}
    assert secrets["Condition"] == sts["Condition"] == {"StringEquals": {"aws:PrincipalAccount": account}}
    assert secrets["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*"}
    ]
    assert sts["Resource"] == ["*"]


@settings(max_examples=20)
@given(nat=st.sampled_from(["none", "one", "per-zone"]), zones=st.integers(2, 3), prefix=st.integers(16, 24))
def test_the_subnets_of_any_network_share_no_address(nat: str, zones: int, prefix: int) -> None:
    text = SOURCE.replace("nat: none", f"nat: {nat}").replace("zones: 2", f"zones: {zones}")
    made = drafts(text.replace("10.0.0.0/16", f"10.0.0.0/{prefix}"))["primary/foundation"].template().body
    blocks = [IPv4Network(subnet["CidrBlock"]) for subnet in properties(made, "AWS::EC2::Subnet").values()]
    assert len(blocks) == zones + {"none": 0, "one": 1, "per-zone": zones}[nat]
    assert all(block.subnet_of(IPv4Network(f"10.0.0.0/{prefix}")) and block.prefixlen <= 28 for block in blocks)
    assert [(a, b) for a in blocks for b in blocks if a is not b and a.overlaps(b)] == []
