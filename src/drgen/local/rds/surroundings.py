"""What an instance needs around it, asked of the services that hold it: subnets, security groups, keys, regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import ApiError
from drgen.local.providers.provider import Environment
from drgen.local.rds.checks import bad_value
from drgen.local.rds.context import Context
from drgen.local.rds.records import Record


def is_reachable(env: Environment, region: str) -> bool:
    try:
        env.client("sts", region).get_caller_identity()
    except (BotoCoreError, ClientError):
        return False
    return True


def subnets(ctx: Context, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The subnets as EC2 of this region knows them. They must exist, share one VPC and cover two zones.

    Source: RDS guide, "Working with DB subnet groups"; wordings as published by users.
    """
    try:
        found = ctx.env.client("ec2", ctx.region).describe_subnets(SubnetIds=list(ids))["Subnets"]
    except ClientError:
        found = []
    if not ids or {subnet["SubnetId"] for subnet in found} != set(ids):
        raise bad_value(f"Some input subnets in :[{', '.join(ids)}] are invalid.")
    if len({subnet["VpcId"] for subnet in found}) > 1:
        raise ApiError("InvalidSubnet", "The subnets of a DB subnet group must all be in one VPC.")
    zones = sorted({subnet["AvailabilityZone"] for subnet in found})
    if len(zones) < 2:
        raise ApiError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )
    return [
        {
            "SubnetIdentifier": subnet["SubnetId"],
            "SubnetAvailabilityZone": {"Name": subnet["AvailabilityZone"]},
            "SubnetOutpost": {},
            "SubnetStatus": "Active",
        }
        for subnet in sorted(found, key=lambda subnet: str(subnet["SubnetId"]))
    ]


def vpc_of_subnets(ctx: Context, ids: Sequence[str]) -> str:
    return str(ctx.env.client("ec2", ctx.region).describe_subnets(SubnetIds=list(ids))["Subnets"][0]["VpcId"])


def default_subnet_group(ctx: Context) -> Record:
    """The group of the default VPC's subnets, which RDS takes where none is named. Raises InvalidSubnet without one."""
    ec2 = ctx.env.client("ec2", ctx.region)
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}])["Subnets"] if vpcs else ()
    if not found:
        raise ApiError(
            "InvalidSubnet",
            "No default subnet detected in VPC. Please contact AWS Support to recreate default Subnets.",
        )
    return {
        "DBSubnetGroupName": "default",
        "DBSubnetGroupDescription": "default",
        "VpcId": vpcs[0]["VpcId"],
        "SubnetGroupStatus": "Complete",
        "Subnets": subnets(ctx, [subnet["SubnetId"] for subnet in found]),
        "DBSubnetGroupArn": ctx.arn("subgrp", "default"),
    }


def security_groups(ctx: Context, ids: Sequence[str] | None, vpc: str) -> list[dict[str, str]]:
    """The memberships of the instance: `ids`, or the default group of `vpc` where none is named."""
    ec2 = ctx.env.client("ec2", ctx.region)
    if not ids:
        wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        found = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    else:
        try:
            found = ec2.describe_security_groups(GroupIds=list(ids))["SecurityGroups"]
        except ClientError as error:
            raise bad_value(f"Invalid security group , groupId= {', '.join(ids)}, groupName=.") from error
    for group in found:
        if group["VpcId"] != vpc:
            raise ApiError(
                "InvalidVPCNetworkStateFault",
                "The DB instance and EC2 security group are in different VPCs. "
                f"The DB instance is in {vpc} and the EC2 security group is in {group['VpcId']}",
            )
    return [{"VpcSecurityGroupId": group["GroupId"], "Status": "active"} for group in found]


def key_arn(ctx: Context, key: str) -> str:
    """The ARN of `key`, an id, ARN or alias, if it is an enabled key of this region."""
    refused = ApiError(
        "KMSKeyNotAccessibleFault",
        f"The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it.",
    )
    if key.startswith("arn:") and key.split(":")[3] != ctx.region:
        raise refused
    try:
        found: Mapping[str, Any] = ctx.env.client("kms", ctx.region).describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        raise refused from error
    if not found.get("Enabled", False):
        raise refused
    return str(found["Arn"])
