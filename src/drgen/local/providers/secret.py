"""AWS::SecretsManager: secrets with their replicas, and resource policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of

_DEFAULT_LENGTH = 32


def _generated(work: Work, wanted: Mapping[str, Any]) -> str:
    """A new secret value; with a template, the password is put into it under GenerateStringKey."""
    answer = call(
        work.api("secretsmanager"),
        "get_random_password",
        wanted,
        PasswordLength=wanted.get("PasswordLength", _DEFAULT_LENGTH),
    )
    password = str(answer["RandomPassword"])
    template, key = wanted.get("SecretStringTemplate"), wanted.get("GenerateStringKey")
    if bool(template) != bool(key):
        raise ResourceFailed("SecretStringTemplate and GenerateStringKey must be given together", code="InvalidRequest")
    if not template:
        return password
    return json.dumps({**json.loads(str(template)), str(key): password})


def _value(work: Work) -> dict[str, str]:
    if work.properties.get("SecretString") is not None:
        return {"SecretString": str(work.properties["SecretString"])}
    wanted = work.properties.get("GenerateSecretString")
    return {} if wanted is None else {"SecretString": _generated(work, wanted)}


def _replicas(properties: Mapping[str, Any]) -> dict[str, str]:
    """Key (or "") by region."""
    return {str(r["Region"]): str(r.get("KmsKeyId") or "") for r in properties.get("ReplicaRegions") or ()}


def _make(work: Work) -> str:
    given = {"Name": work.name("Name", limit=256), **_value(work), "Tags": tags_of(work.desired)}
    for prop in ("Description", "KmsKeyId"):
        if work.properties.get(prop):
            given[prop] = work.properties[prop]
    if given.get("KmsKeyId"):
        usable_key(work, str(given["KmsKeyId"]))
    return str(call(work.api("secretsmanager"), "create_secret", given)["ARN"])


def _settle(work: Work, secret: str) -> None:
    """Adds the replicas that are missing and removes those that the template no longer names."""
    client = work.api("secretsmanager")
    there = {s["Region"] for s in client.describe_secret(SecretId=secret).get("ReplicationStatus", [])}
    wanted = _replicas(work.properties)
    gone = sorted(set(_replicas(work.desired.previous)) & there - set(wanted))
    if gone:
        client.remove_regions_from_replication(SecretId=secret, RemoveReplicaRegions=gone)
    for region, key in wanted.items():
        if key:
            usable_key(work, key, region=region)
    added = [{"Region": r, **({"KmsKeyId": k} if k else {})} for r, k in wanted.items() if r not in there]
    if not added:
        return
    states = client.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=added)["ReplicationStatus"]
    failed = [s for s in states if s["Status"] == "Failed"]
    if failed:
        raise ResourceFailed(f"Replication to {failed[0]['Region']} failed: {failed[0]['StatusMessage']}")


def _change(work: Work, secret: str) -> None:
    client = work.api("secretsmanager")
    more: dict[str, Any] = {}
    if work.changed("Description"):
        more["Description"] = str(work.properties.get("Description", ""))
    if work.changed("KmsKeyId"):
        more["KmsKeyId"] = str(work.properties.get("KmsKeyId") or "alias/aws/secretsmanager")
    # A changed GenerateSecretString makes a new password, as AWS documents for the property.
    if work.changed("SecretString") or work.changed("GenerateSecretString"):
        more |= _value(work)
    if more:
        call(client, "update_secret", more, SecretId=secret)
    retag(work, client, {"SecretId": secret})


def _remove(work: Work, secret: str) -> None:
    """Removes the replicas first, then the secret without a recovery window, as CloudFormation's handler does."""
    client = work.api("secretsmanager")
    there = [s["Region"] for s in client.describe_secret(SecretId=secret).get("ReplicationStatus", [])]
    if there:
        client.remove_regions_from_replication(SecretId=secret, RemoveReplicaRegions=there)
    client.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


def _put_policy(work: Work, _identity: str) -> None:
    call(work.api("secretsmanager"), "put_resource_policy", work.properties)


def _make_policy(work: Work) -> str:
    return str(work.api("secretsmanager").describe_secret(SecretId=work.properties["SecretId"])["ARN"])


SECRET_PROVIDERS: Mapping[str, Provider] = {
    "AWS::SecretsManager::Secret": Resource(
        make=_make, settle=_settle, change=_change, read=lambda _, secret: {"Id": secret}, remove=_remove
    ),
    "AWS::SecretsManager::ResourcePolicy": Resource(
        make=_make_policy,
        settle=_put_policy,
        read=lambda _, secret: {"Id": secret},
        remove=lambda work, secret: work.api("secretsmanager").delete_resource_policy(SecretId=secret),
    ),
}
