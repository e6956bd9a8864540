"""AWS::IAM: roles and policies. IAM is one namespace for all regions of an account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, is_missing, retag, tags_of

_HOME = "us-east-1"


def _iam(work: Work) -> Any:
    return work.api("iam", _HOME)


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _make_role(work: Work) -> str:
    name = work.name("RoleName")
    call(_iam(work), "create_role", {**work.properties, "Tags": tags_of(work.desired)}, RoleName=name)
    return name


def _inline(properties: Mapping[str, Any]) -> dict[str, str]:
    return {str(p["PolicyName"]): _document(p["PolicyDocument"]) for p in properties.get("Policies") or ()}


def _settle_role(work: Work, role: str) -> None:
    client = _iam(work)
    wanted, before = _inline(work.properties), _inline(work.desired.previous)
    for name in sorted(set(before) - set(wanted)):
        client.delete_role_policy(RoleName=role, PolicyName=name)
    for name, document in wanted.items():
        client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    attached = set(work.properties.get("ManagedPolicyArns") or ())
    for arn in sorted(set(work.desired.previous.get("ManagedPolicyArns") or ()) - attached):
        client.detach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in sorted(attached):
        _check_policy(work, arn)
        client.attach_role_policy(RoleName=role, PolicyArn=arn)


def check_trust(work: Work, role: str, service: str, refusal: str) -> None:
    """Raises ResourceFailed with `refusal` where the role is not there or does not trust `service`.

    On AWS the region's STS decides this, so a dark IAM control plane stops nothing.
    """
    failed = ResourceFailed(refusal, code="InvalidRequest")
    try:
        found = _iam(work).get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]
    except ClientError as error:
        if not is_missing(error):
            raise
        raise failed from error
    except BotoCoreError:
        return
    if service not in str(found.get("AssumeRolePolicyDocument", "")):
        raise failed


def _check_policy(work: Work, arn: str) -> None:
    """A policy of the account must exist to be attached; AWS's own are taken as they come."""
    if f":{work.env.account}:policy/" not in arn:
        return
    try:
        _iam(work).get_policy(PolicyArn=arn)
    except ClientError as error:
        if not is_missing(error):
            raise
        text = f"Policy {arn} does not exist or is not attachable. (Service: IAM, Status Code: 404)"
        raise ResourceFailed(text, code="NotFound") from error


def _change_role(work: Work, role: str) -> None:
    client = _iam(work)
    if work.changed("AssumeRolePolicyDocument"):
        document = _document(work.properties["AssumeRolePolicyDocument"])
        client.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    if work.changed("Description") or work.changed("MaxSessionDuration"):
        client.update_role(
            RoleName=role,
            Description=str(work.properties.get("Description", "")),
            MaxSessionDuration=int(work.properties.get("MaxSessionDuration", 3600)),
        )
    boundary = work.properties.get("PermissionsBoundary")
    if work.changed("PermissionsBoundary") and boundary:
        client.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    elif work.changed("PermissionsBoundary"):
        client.delete_role_permissions_boundary(RoleName=role)
    retag(work, client, {"RoleName": role}, add="tag_role", remove="untag_role")


def _read_role(work: Work, role: str) -> Mapping[str, Any]:
    found = _iam(work).get_role(RoleName=role)["Role"]
    return {"Arn": found["Arn"], "RoleId": found["RoleId"], "RoleName": role}


def _remove_role(work: Work, role: str) -> None:
    client = _iam(work)
    for name in client.list_role_policies(RoleName=role)["PolicyNames"]:
        client.delete_role_policy(RoleName=role, PolicyName=name)
    for policy in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=role)


# The calls that put, remove, attach and detach a policy, by the property that lists the principals.
_PRINCIPALS = {"Roles": ("role", "RoleName"), "Users": ("user", "UserName"), "Groups": ("group", "GroupName")}


def _put_inline(work: Work, _identity: str) -> None:
    name, before = str(work.properties["PolicyName"]), work.desired.previous
    old_name = str(before.get("PolicyName", name))
    for prop, (kind, key) in _PRINCIPALS.items():
        principals = set(work.properties.get(prop) or ())
        gone = set(before.get(prop) or ()) - (principals if old_name == name else set())
        for principal in sorted(gone):
            call(_iam(work), f"delete_{kind}_policy", {key: principal, "PolicyName": old_name})
        for principal in sorted(principals):
            document = _document(work.properties["PolicyDocument"])
            call(_iam(work), f"put_{kind}_policy", {key: principal, "PolicyName": name, "PolicyDocument": document})


def _drop_inline(work: Work, _identity: str) -> None:
    for prop, (kind, key) in _PRINCIPALS.items():
        for principal in work.properties.get(prop) or ():
            policy = {key: principal, "PolicyName": work.properties["PolicyName"]}
            call(_iam(work), f"delete_{kind}_policy", policy)


def _put_role_policy(work: Work, _identity: str) -> None:
    given = {"PolicyDocument": {"Version": "2012-10-17", "Statement": []}, **work.properties}
    call(_iam(work), "put_role_policy", given)


def _make_managed(work: Work) -> str:
    name = work.name("ManagedPolicyName", limit=128)
    given = {**work.properties, "PolicyName": name, "Tags": tags_of(work.desired)}
    return str(call(_iam(work), "create_policy", given)["Policy"]["Arn"])


def _attach_managed(work: Work, policy: str) -> None:
    for prop, (kind, key) in _PRINCIPALS.items():
        wanted, before = (set(side.get(prop) or ()) for side in (work.properties, work.desired.previous))
        for principal in sorted(before - wanted):
            call(_iam(work), f"detach_{kind}_policy", {key: principal, "PolicyArn": policy})
        for principal in sorted(wanted):
            call(_iam(work), f"attach_{kind}_policy", {key: principal, "PolicyArn": policy})


def _change_managed(work: Work, policy: str) -> None:
    """A new default version; the oldest goes first when there are five already, as IAM keeps no more."""
    if not work.changed("PolicyDocument"):
        return
    client = _iam(work)
    versions = client.list_policy_versions(PolicyArn=policy)["Versions"]
    spare = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
    if len(versions) >= 5:
        client.delete_policy_version(PolicyArn=policy, VersionId=spare[0]["VersionId"])
    document = _document(work.properties["PolicyDocument"])
    client.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)


def _read_managed(work: Work, policy: str) -> Mapping[str, Any]:
    found = _iam(work).get_policy(PolicyArn=policy)["Policy"]
    return {
        "PolicyArn": policy,
        "PolicyId": found["PolicyId"],
        "AttachmentCount": found.get("AttachmentCount", 0),
        "CreateDate": str(found.get("CreateDate", "")),
        "UpdateDate": str(found.get("UpdateDate", "")),
        "DefaultVersionId": found["DefaultVersionId"],
        "IsAttachable": found.get("IsAttachable", True),
        "PermissionsBoundaryUsageCount": found.get("PermissionsBoundaryUsageCount", 0),
    }


def _remove_managed(work: Work, policy: str) -> None:
    client = _iam(work)
    there = client.list_entities_for_policy(PolicyArn=policy)
    for list_, (kind, key) in (
        ("PolicyRoles", _PRINCIPALS["Roles"]),
        ("PolicyUsers", _PRINCIPALS["Users"]),
        ("PolicyGroups", _PRINCIPALS["Groups"]),
    ):
        for principal in there.get(list_, []):
            call(client, f"detach_{kind}_policy", {key: principal[key], "PolicyArn": policy})
    for version in client.list_policy_versions(PolicyArn=policy)["Versions"]:
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=policy, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=policy)


def _drop_role_policy(work: Work, _identity: str) -> None:
    call(_iam(work), "delete_role_policy", work.properties)


IDENTITY_PROVIDERS: Mapping[str, Provider] = {
    "AWS::IAM::Role": Resource(
        make=_make_role, change=_change_role, settle=_settle_role, read=_read_role, remove=_remove_role
    ),
    "AWS::IAM::Policy": Resource(
        make=lambda work: work.name("Id"),
        settle=_put_inline,
        read=lambda _, identity: {"Id": identity},
        remove=_drop_inline,
    ),
    "AWS::IAM::RolePolicy": Resource(
        make=lambda work: f"{work.properties['PolicyName']}|{work.properties['RoleName']}",
        settle=_put_role_policy,
        remove=_drop_role_policy,
    ),
    "AWS::IAM::ManagedPolicy": Resource(
        make=_make_managed,
        change=_change_managed,
        settle=_attach_managed,
        read=_read_managed,
        remove=_remove_managed,
    ),
}
