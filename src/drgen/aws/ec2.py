"""Security groups: the default one of a VPC, which CloudFormation cannot empty, and what any of them lets in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drgen.aws.failures import asking

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@dataclass(frozen=True)
class DefaultGroup:
    """`ingress` and `egress` are the rules as EC2 describes them, and as it wants them back to revoke them."""

    group_id: str
    ingress: tuple[Any, ...]
    egress: tuple[Any, ...]

    @property
    def is_empty(self) -> bool:
        return not self.ingress and not self.egress


def default_group(client: EC2Client, *, region: str, vpc_id: str) -> DefaultGroup | None:
    """The default security group of the VPC with its rules; None if there is no such VPC."""
    with asking("ec2.DescribeSecurityGroups", region):
        answer = client.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        )
    for group in answer["SecurityGroups"]:
        ingress, egress = group.get("IpPermissions", []), group.get("IpPermissionsEgress", [])
        return DefaultGroup(group["GroupId"], tuple(ingress), tuple(egress))
    return None


def lets_anybody_in(client: EC2Client, group_ids: Sequence[str], *, region: str) -> bool:
    """Whether any of the groups has an ingress rule. Whoever has only groups without one cannot be reached."""
    with asking("ec2.DescribeSecurityGroups", region):
        answer = client.describe_security_groups(GroupIds=list(group_ids))
    return any(group.get("IpPermissions") for group in answer["SecurityGroups"])


def revoke_all(client: EC2Client, group: DefaultGroup, *, region: str) -> None:
    """Revokes exactly the rules of `group`. Nothing is called where there is nothing to revoke."""
    if group.ingress:
        with asking("ec2.RevokeSecurityGroupIngress", region):
            client.revoke_security_group_ingress(GroupId=group.group_id, IpPermissions=list(group.ingress))
    if group.egress:
        with asking("ec2.RevokeSecurityGroupEgress", region):
            client.revoke_security_group_egress(GroupId=group.group_id, IpPermissions=list(group.egress))
