"""Networks as EC2 shows them after the providers made them. Paragraphs P10 to P19 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from typing import Any

PEERING = "AWS::EC2::VPCPeeringConnection"


def test_dns_attributes_are_those_of_the_template(stacks: Any) -> None:
    vpc = stacks.make("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": "true"})
    client = stacks.client("ec2")
    shown = [
        client.describe_vpc_attribute(VpcId=vpc.id, Attribute=name)[f"E{name[1:]}"]["Value"]
        for name in ("enableDnsSupport", "enableDnsHostnames")
    ]
    assert shown == [True, True]
    stacks.change(vpc, {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": False})
    assert not client.describe_vpc_attribute(VpcId=vpc.id, Attribute="enableDnsHostnames")["EnableDnsHostnames"][
        "Value"
    ]


def test_a_subnet_must_lie_in_its_network_beside_the_others(stacks: Any, fails: Any) -> None:
    vpc = stacks.network("10.0.0.0/16")
    stacks.make("AWS::EC2::Subnet", {"VpcId": vpc, "CidrBlock": "10.0.1.0/24"})
    outside = fails(stacks.make, "AWS::EC2::Subnet", {"VpcId": vpc, "CidrBlock": "10.1.1.0/24"})
    taken = fails(stacks.make, "AWS::EC2::Subnet", {"VpcId": vpc, "CidrBlock": "10.0.1.128/25"})
    missing = fails(stacks.make, "AWS::EC2::Subnet", {"VpcId": "vpc-0", "CidrBlock": "10.0.1.0/24"})
    assert (outside.message, outside.code) == ("The CIDR '10.1.1.0/24' is invalid.", "InvalidRequest")
    assert taken.message == "The CIDR '10.0.1.128/25' conflicts with another subnet"
    assert missing.code == "NotFound"


def test_egress_rules_of_the_template_replace_the_rule_that_allows_everything(stacks: Any) -> None:
    vpc = stacks.network("10.0.0.0/16")
    https = {"IpProtocol": "tcp", "FromPort": "443", "ToPort": "443", "CidrIp": "10.0.0.0/16"}
    given = {"VpcId": vpc, "GroupDescription": "functions", "SecurityGroupEgress": [https]}
    group = stacks.make("AWS::EC2::SecurityGroup", given)

    def egress() -> list[Any]:
        found = stacks.client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
        return [(p["IpProtocol"], [r["CidrIp"] for r in p["IpRanges"]]) for p in found["IpPermissionsEgress"]]

    assert egress() == [("tcp", ["10.0.0.0/16"])]
    group = stacks.change(group, {"VpcId": vpc, "GroupDescription": "functions"})
    assert egress() == [("-1", ["0.0.0.0/0"])]


def test_peering_is_active_in_both_regions_and_carries_routes(stacks: Any) -> None:
    home, peer = stacks.network("10.1.0.0/16", region="eu-west-1"), stacks.network("10.0.0.0/16")
    given = {"VpcId": home, "PeerVpcId": peer, "PeerRegion": "us-east-1"}
    connection = stacks.make(PEERING, given, region="eu-west-1").id
    table = stacks.make("AWS::EC2::RouteTable", {"VpcId": peer}).id
    route = {"RouteTableId": table, "DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": connection}
    stacks.make("AWS::EC2::Route", route)
    for region in ("us-east-1", "eu-west-1"):
        found = stacks.client("ec2", region).describe_vpc_peering_connections(VpcPeeringConnectionIds=[connection])
        assert found["VpcPeeringConnections"][0]["Status"]["Code"] == "active"
    routes = stacks.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert [r["DestinationCidrBlock"] for r in routes if r.get("VpcPeeringConnectionId") == connection] == [
        "10.1.0.0/16"
    ]


def test_a_peer_that_is_not_in_its_region_does_not_stabilise(stacks: Any, fails: Any) -> None:
    first, second = stacks.network("10.0.0.0/16"), stacks.network("10.2.0.0/16")
    failure = fails(stacks.make, PEERING, {"VpcId": first, "PeerVpcId": second, "PeerRegion": "eu-west-1"})
    assert failure.code == "NotStabilized"
    assert failure.message.startswith("Resource of type 'AWS::EC2::VPCPeeringConnection' with identifier 'pcx-")
    assert failure.message.endswith("' did not stabilize.")


def test_overlapping_networks_do_not_peer(stacks: Any, fails: Any) -> None:
    first, second = stacks.network("10.0.0.0/16"), stacks.network("10.0.128.0/17", region="eu-west-1")
    failure = fails(stacks.make, PEERING, {"VpcId": first, "PeerVpcId": second, "PeerRegion": "eu-west-1"})
    assert failure.code == "NotStabilized"


def test_a_second_route_to_the_same_place_is_refused(stacks: Any, fails: Any) -> None:
    vpc = stacks.network("10.0.0.0/16")
    gateway = stacks.make("AWS::EC2::InternetGateway", {}).id
    stacks.make("AWS::EC2::VPCGatewayAttachment", {"VpcId": vpc, "InternetGatewayId": gateway})
    table = stacks.make("AWS::EC2::RouteTable", {"VpcId": vpc}).id
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    stacks.make("AWS::EC2::Route", route)
    assert fails(stacks.make, "AWS::EC2::Route", route).code == "AlreadyExists"


def test_an_endpoint_of_another_region_is_no_service(stacks: Any, fails: Any) -> None:
    vpc = stacks.network("10.0.0.0/16")
    given = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.s3"}
    failure = fails(stacks.make, "AWS::EC2::VPCEndpoint", given)
    assert failure.message == "The Vpc Endpoint Service 'com.amazonaws.eu-west-1.s3' does not exist"


def test_what_a_function_uses_cannot_be_deleted_under_it(stacks: Any, fails: Any) -> None:
    vpc = stacks.make("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"})
    subnet = stacks.make("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.1.0/24"})
    group = stacks.make("AWS::EC2::SecurityGroup", {"VpcId": vpc.id, "GroupDescription": "functions"})
    given = {
        "Role": stacks.role("lambda.amazonaws.com"),
        "Code": {"ZipFile": "def h(e, c): pass"},
        "Handler": "index.h",
        "Runtime": "python3.13",
        "VpcConfig": {"SubnetIds": [subnet.id], "SecurityGroupIds": [group.id]},
    }
    function = stacks.make("AWS::Lambda::Function", given)
    assert fails(stacks.remove, subnet).message.startswith(f"The subnet '{subnet.id}' has dependencies")
    assert fails(stacks.remove, group).message.startswith(f"resource {group.id} has a dependent object")
    assert fails(stacks.remove, vpc).message.startswith(f"The vpc '{vpc.id}' has dependencies")
    for resource in (function, subnet, group, vpc):
        stacks.remove(resource)
    assert stacks.client("ec2").describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}])["Vpcs"] == []


def test_an_interface_endpoint_keeps_its_policy_groups_and_private_name(stacks: Any, fails: Any) -> None:
    vpc = stacks.make("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"})
    subnets = [
        stacks.make("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": f"10.0.{index}.0/24"}).id for index in (1, 2)
    ]
    group = stacks.make("AWS::EC2::SecurityGroup", {"VpcId": vpc.id, "GroupDescription": "endpoints"}).id
    policy = {"Version": "2012-10-17", "Statement": []}
    given = {
        "VpcId": vpc.id,
        "ServiceName": "com.amazonaws.us-east-1.secretsmanager",
        "VpcEndpointType": "Interface",
        "SubnetIds": subnets[:1],
        "SecurityGroupIds": [group],
        "PrivateDnsEnabled": True,
        "PolicyDocument": policy,
    }
    refused = fails(stacks.make, "AWS::EC2::VPCEndpoint", given).message
    assert refused.startswith("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames")
    stacks.change(vpc, {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True})
    endpoint = stacks.make("AWS::EC2::VPCEndpoint", given)
    stacks.change(endpoint, {**given, "SubnetIds": subnets[1:]})
    client = stacks.client("ec2")
    shown = client.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}])["VpcEndpoints"][0]
    assert [item["GroupId"] for item in shown["Groups"]] == [group]
    assert json.loads(shown["PolicyDocument"]) == policy
    assert [item["DnsName"] for item in shown["DnsEntries"]][1] == "secretsmanager.us-east-1.amazonaws.com"
    placed = client.describe_network_interfaces(NetworkInterfaceIds=shown["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert [item["SubnetId"] for item in placed] == subnets[1:]
    assert "conflicting DNS domain" in fails(stacks.make, "AWS::EC2::VPCEndpoint", given).message
