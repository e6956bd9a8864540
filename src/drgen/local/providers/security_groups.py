"""AWS::EC2: security groups and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.dependents import remove_group
from drgen.local.providers.ec2 import by, describe, ec2_tags
from drgen.local.providers.provider import Provider
from drgen.local.providers.work import Resource, Work

# What EC2 gives a new group in a VPC, and what CloudFormation takes away when the template names its own egress.
_ALLOW_ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _permission(rule: Mapping[str, Any], *, peer: str) -> dict[str, Any]:
    """The rule in EC2's shape; `peer` is "Source" or "Destination"."""
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for port in ("FromPort", "ToPort"):
        if rule.get(port) is not None:
            made[port] = int(rule[port])
    text = {"Description": rule["Description"]} if rule.get("Description") else {}
    if rule.get("CidrIp"):
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **text}]
    if rule.get("CidrIpv6"):
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **text}]
    if rule.get(f"{peer}SecurityGroupId"):
        made["UserIdGroupPairs"] = [{"GroupId": rule[f"{peer}SecurityGroupId"], **text}]
    if rule.get(f"{peer}PrefixListId"):
        made["PrefixListIds"] = [{"PrefixListId": rule[f"{peer}PrefixListId"], **text}]
    return made


def _change_rules(work: Work, group: str, direction: str, *, old: list[Any], new: list[Any]) -> None:
    client = work.api("ec2")
    gone = [rule for rule in old if rule not in new]
    added = [rule for rule in new if rule not in old]
    if gone:
        getattr(client, f"revoke_security_group_{direction}")(GroupId=group, IpPermissions=gone)
    if added:
        getattr(client, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=added)


def _ingress(properties: Mapping[str, Any]) -> list[Any]:
    return [_permission(rule, peer="Source") for rule in properties.get("SecurityGroupIngress") or ()]


def _egress(properties: Mapping[str, Any]) -> list[Any]:
    rules = properties.get("SecurityGroupEgress") or ()
    return [_permission(rule, peer="Destination") for rule in rules] or [_ALLOW_ALL]


def _vpc(work: Work) -> str:
    given = work.properties.get("VpcId")
    if given:
        return str(describe(work.api("ec2"), "describe_vpcs", "Vpcs", VpcIds=[given])["VpcId"])
    return str(describe(work.api("ec2"), "describe_vpcs", "Vpcs", Filters=by("is-default", "true"))["VpcId"])


def _make_group(work: Work) -> str:
    client = work.api("ec2")
    created = client.create_security_group(
        GroupName=work.name("GroupName", limit=255),
        Description=str(work.properties["GroupDescription"]),
        VpcId=_vpc(work),
    )
    return str(created["GroupId"])


def _settle_group(work: Work, group: str) -> None:
    is_new = not work.desired.previous
    _change_rules(
        work,
        group,
        "ingress",
        old=[] if is_new else _ingress(work.desired.previous),
        new=_ingress(work.properties),
    )
    _change_rules(
        work,
        group,
        "egress",
        old=[_ALLOW_ALL] if is_new else _egress(work.desired.previous),
        new=_egress(work.properties),
    )
    ec2_tags(work, group)


def _read_group(work: Work, group: str) -> Mapping[str, Any]:
    found = describe(work.api("ec2"), "describe_security_groups", "SecurityGroups", GroupIds=[group])
    return {"Id": group, "GroupId": group, "VpcId": found.get("VpcId", "")}


def _rule(direction: str, peer: str) -> Resource:
    """A rule of its own. Ref is the rule's id where the service tells it, so that two rules never share one."""

    def make(work: Work) -> str:
        authorize = getattr(work.api("ec2"), f"authorize_security_group_{direction}")
        answer = authorize(GroupId=work.properties["GroupId"], IpPermissions=[_permission(work.properties, peer=peer)])
        rules = answer.get("SecurityGroupRules") or []
        return str(rules[0]["SecurityGroupRuleId"]) if rules else work.name("Id")

    def change(work: Work, _identity: str) -> None:
        # Only the description can change in place; EC2 has it in the rule, so the rule is written anew.
        old, new = (_permission(p, peer=peer) for p in (work.desired.previous, work.properties))
        _change_rules(work, str(work.properties["GroupId"]), direction, old=[old], new=[new])

    def remove(work: Work, _identity: str) -> None:
        revoke = getattr(work.api("ec2"), f"revoke_security_group_{direction}")
        revoke(GroupId=work.properties["GroupId"], IpPermissions=[_permission(work.properties, peer=peer)])

    return Resource(make=make, change=change, read=lambda _, identity: {"Id": identity}, remove=remove)


SECURITY_GROUP_PROVIDERS: Mapping[str, Provider] = {
    "AWS::EC2::SecurityGroup": Resource(
        make=_make_group,
        settle=_settle_group,
        read=_read_group,
        remove=remove_group,
    ),
    "AWS::EC2::SecurityGroupIngress": _rule("ingress", "Source"),
    "AWS::EC2::SecurityGroupEgress": _rule("egress", "Destination"),
}
