"""AWS::KMS: keys, aliases and replicas of multi-Region keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, is_missing, retag, tags_of

# Changing one of these fails the update; the key is never replaced. Source: CloudFormation guide, "AWS::KMS::Key".
_FIXED = {"MultiRegion": False, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS"}


def usable_key(work: Work, key: str, *, region: str = "") -> dict[str, Any]:
    """The key's metadata; raises ResourceFailed if the region has no such key, or if it cannot be used now."""
    where = region or work.region
    named = key.split(":")
    if len(named) > 3 and named[3] != where:
        raise ResourceFailed(f"Invalid arn {named[3]}", code="InvalidRequest")
    try:
        found: dict[str, Any] = work.api("kms", where).describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if not is_missing(error):
            raise
        raise ResourceFailed(f"Key '{key}' does not exist in {where}", code="NotFound") from error
    if found["KeyState"] not in ("Enabled", "Creating", "Updating"):
        raise ResourceFailed(f"{found['Arn']} is {found['KeyState']}.", code="InvalidRequest")
    return found


def key_policy(work: Work, key: str) -> Mapping[str, Any]:
    """The key's policy; `key` may be an id, an ARN or an alias."""
    client = work.api("kms")
    identity = client.describe_key(KeyId=key)["KeyMetadata"]["KeyId"]
    policy: Mapping[str, Any] = json.loads(client.get_key_policy(KeyId=identity, PolicyName="default")["Policy"])
    return policy


def _check_principals(work: Work, policy: Any) -> None:
    """Every role that the policy names must exist (CloudFormation guide, "AWS::KMS::Key", KeyPolicy)."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement") or []
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        named = statement.get("Principal")
        principals = named.get("AWS", []) if isinstance(named, Mapping) else []
        for principal in [principals] if isinstance(principals, str) else principals:
            _check_role(work, str(principal))


def _check_role(work: Work, principal: str) -> None:
    if ":role/" not in principal or "*" in principal:
        return
    try:
        work.api("iam", "us-east-1").get_role(RoleName=principal.rsplit("/", 1)[1])
    except ClientError as error:
        if not is_missing(error):
            raise
        raise ResourceFailed(
            "Policy contains a statement with one or more invalid principals.", code="InvalidRequest"
        ) from error
    except BotoCoreError:
        # KMS knows the account's principals without IAM's control plane, which may be out of reach.
        return


def _as_key_tags(work: Work) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags_of(work.desired).items()]


def _make_key(work: Work) -> str:
    policy = work.properties.get("KeyPolicy")
    if policy:
        _check_principals(work, policy)
    given = {"Policy": policy} if policy else {}
    answer = call(work.api("kms"), "create_key", work.properties, given, Tags=_as_key_tags(work))
    return str(answer["KeyMetadata"]["KeyId"])


def _change_key(work: Work, key: str) -> None:
    before = work.desired.previous
    if any(str(work.properties.get(n, d)) != str(before.get(n, d)) for n, d in _FIXED.items()):
        what = f"Resource of type '{work.desired.type}' with identifier '{key}'"
        raise ResourceFailed(f"{what} is not updatable with parameters provided.", code="NotUpdatable")
    policy = work.properties.get("KeyPolicy")
    if policy and work.changed("KeyPolicy"):
        _check_principals(work, policy)
        call(work.api("kms"), "put_key_policy", KeyId=key, PolicyName="default", Policy=policy)
    if work.changed("Description"):
        work.api("kms").update_key_description(KeyId=key, Description=str(work.properties.get("Description", "")))
    if work.changed("Enabled") and _enabled(work):
        work.api("kms").enable_key(KeyId=key)
    retag(work, work.api("kms"), {"KeyId": key})


def _enabled(work: Work) -> bool:
    return str(work.properties.get("Enabled", True)).lower() == "true"


def _settle_key(work: Work, key: str) -> None:
    client = work.api("kms")
    if str(work.properties.get("EnableKeyRotation", False)).lower() == "true":
        call(client, "enable_key_rotation", work.properties, KeyId=key)
    elif work.desired.previous.get("EnableKeyRotation"):
        client.disable_key_rotation(KeyId=key)
    if not _enabled(work):
        client.disable_key(KeyId=key)


def _read_key(work: Work, key: str) -> Mapping[str, Any]:
    return {"Arn": work.api("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"], "KeyId": key}


def _remove_key(work: Work, key: str) -> None:
    """Keys are only scheduled for deletion, by default in 30 days."""
    client = work.api("kms")
    if client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"].startswith("Pending"):
        return
    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=int(work.properties.get("PendingWindowInDays", 30)))


def _make_replica(work: Work) -> str:
    primary = str(work.properties["PrimaryKeyArn"])
    region = primary.split(":")[3]
    if region == work.region:
        raise ResourceFailed("A replica key must be in another Region than its primary key", code="InvalidRequest")
    answer = call(
        work.api("kms", region),
        "replicate_key",
        work.properties,
        KeyId=primary,
        ReplicaRegion=work.region,
        Policy=work.properties["KeyPolicy"],
        Tags=_as_key_tags(work),
    )
    return str(answer["ReplicaKeyMetadata"]["KeyId"])


def _make_alias(work: Work) -> str:
    usable_key(work, str(work.properties["TargetKeyId"]))
    call(work.api("kms"), "create_alias", work.properties)
    return str(work.properties["AliasName"])


def _change_alias(work: Work, _alias: str) -> None:
    usable_key(work, str(work.properties["TargetKeyId"]))
    call(work.api("kms"), "update_alias", work.properties)


KEY_PROVIDERS: Mapping[str, Provider] = {
    "AWS::KMS::Key": Resource(
        make=_make_key, change=_change_key, settle=_settle_key, read=_read_key, remove=_remove_key
    ),
    "AWS::KMS::ReplicaKey": Resource(make=_make_replica, change=_change_key, read=_read_key, remove=_remove_key),
    "AWS::KMS::Alias": Resource(
        make=_make_alias,
        change=_change_alias,
        remove=lambda work, alias: work.api("kms").delete_alias(AliasName=alias),
    ),
}
