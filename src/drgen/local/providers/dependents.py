"""What stands in the way of deleting a subnet, a security group or a network: the interfaces that use it.

Source of the texts: EC2's answers with the code DependencyViolation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drgen.local.providers.ec2 import by
from drgen.local.providers.provider import ResourceFailed
from drgen.local.providers.work import Work


def _placed(work: Work) -> Iterator[tuple[list[str], list[str]]]:
    """Subnets and security groups of each thing with network interfaces in the region."""
    for instance in work.api("rds").describe_db_instances()["DBInstances"]:
        subnets = instance.get("DBSubnetGroup", {}).get("Subnets", [])
        groups = instance.get("VpcSecurityGroups", [])
        yield [s["SubnetIdentifier"] for s in subnets], [g["VpcSecurityGroupId"] for g in groups]
    for function in work.api("lambda").list_functions()["Functions"]:
        network = function.get("VpcConfig") or {}
        yield network.get("SubnetIds", []), network.get("SecurityGroupIds", [])
    ec2 = work.api("ec2")
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        yield endpoint.get("SubnetIds", []), [group["GroupId"] for group in endpoint.get("Groups", [])]
    for gateway in ec2.describe_nat_gateways()["NatGateways"]:
        if gateway["State"] not in ("deleted", "deleting"):
            yield [gateway.get("SubnetId", "")], []


def _blocked(text: str) -> ResourceFailed:
    return ResourceFailed(f"{text} (Service: EC2, Status Code: 400)", code="ResourceConflict")


def remove_subnet(work: Work, subnet: str) -> None:
    if any(subnet in subnets for subnets, _ in _placed(work)):
        raise _blocked(f"The subnet '{subnet}' has dependencies and cannot be deleted.")
    work.api("ec2").delete_subnet(SubnetId=subnet)


def remove_group(work: Work, group: str) -> None:
    client = work.api("ec2")
    others = [g for g in client.describe_security_groups()["SecurityGroups"] if g["GroupId"] != group]
    named = any(group == pair["GroupId"] for other in others for pair in _pairs(other))
    if named or any(group in groups for _, groups in _placed(work)):
        raise _blocked(f"resource {group} has a dependent object")
    client.delete_security_group(GroupId=group)


def _pairs(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for permission in [*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", [])]:
        yield from permission.get("UserIdGroupPairs", [])


def remove_vpc(work: Work, vpc: str) -> None:
    client = work.api("ec2")
    groups = client.describe_security_groups(Filters=by("vpc-id", vpc))["SecurityGroups"]
    # Upstream does not know every filter, so what has one is filtered here.
    attachments = [a for g in client.describe_internet_gateways()["InternetGateways"] for a in g["Attachments"]]
    gateways = [attachment for attachment in attachments if attachment["VpcId"] == vpc]
    endpoints = [e for e in client.describe_vpc_endpoints()["VpcEndpoints"] if e["VpcId"] == vpc]
    subnets = client.describe_subnets(Filters=by("vpc-id", vpc))["Subnets"]
    if subnets or gateways or endpoints or any(group["GroupName"] != "default" for group in groups):
        raise _blocked(f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    client.delete_vpc(VpcId=vpc)
