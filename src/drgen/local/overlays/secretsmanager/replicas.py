"""Secrets Manager's operations on replicas and resource policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.overlays.secretsmanager.vault import Secret, Vault

Params = Mapping[str, Any]


def replicate(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    add_replicas(vault, secret, params)
    return {"ARN": vault.arn(secret), "ReplicationStatus": vault.states(secret)}


def add_replicas(vault: Vault, secret: Secret, params: Params) -> None:
    """A region that cannot have the replica gets the status Failed, with the reason; the call itself succeeds."""
    for item in params["AddReplicaRegions"]:
        region, key = str(item["Region"]), str(item.get("KmsKeyId") or "")
        if region == secret.region:
            text = "Invalid replica region. The replica region can't be the primary secret's region."
            raise ApiError("InvalidParameterException", text)
        problem = _obstacle(vault, secret, region, key, force=bool(params.get("ForceOverwriteReplicaSecret")))
        secret.failures.pop(region, None)
        if problem:
            secret.failures[region] = problem
            continue
        replica = Secret(secret.name, region, secret.suffix, vault.env.now(), vault.env.now())
        replica.key, replica.primary = key, secret.region
        vault.secrets[region, secret.name] = replica
        secret.replicas[region] = key
    vault.sync(secret)


def _obstacle(vault: Vault, secret: Secret, region: str, key: str, *, force: bool) -> str:
    there = vault.secrets.get((region, secret.name))
    if there is not None and there.primary != secret.region and not force:
        return f"Replication failed: Secret name simple conflict. A secret named {secret.name} exists in {region}."
    return vault.key_problem(region, key) or vault.region_problem(region)


def remove_regions(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    for gone in params["RemoveReplicaRegions"]:
        if gone not in secret.replicas and gone not in secret.failures:
            raise ApiError("InvalidParameterException", f"The secret has no replica in {gone}.")
        secret.failures.pop(gone, None)
        if gone in secret.replicas:
            del secret.replicas[gone]
            vault.secrets.pop((gone, secret.name), None)
    return {"ARN": vault.arn(secret), "ReplicationStatus": vault.states(secret)}


def stop(vault: Vault, region: str, params: Params) -> Params:
    """Makes the replica a secret of its own, under its own ARN. Needs nothing of the primary's region."""
    replica = vault.find(region, params)
    if not replica.primary:
        text = "Operation not permitted: the secret is not a replica secret."
        raise ApiError("InvalidRequestException", text)
    primary = vault.secrets.get((replica.primary, replica.name))
    if primary is not None:
        primary.replicas.pop(region, None)
    replica.primary = ""
    return {"ARN": vault.arn(replica)}


def put_policy(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    policy = str(params["ResourcePolicy"])
    if not _is_policy(policy):
        raise ApiError("MalformedPolicyDocumentException", "This resource policy contains invalid Json")
    if params.get("BlockPublicPolicy") and _is_public(policy):
        text = "This resource policy grants broad access to secrets in your account."
        raise ApiError("PublicPolicyException", text)
    secret.policy = policy
    vault.sync(secret)
    return vault.named(secret)


def get_policy(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params)
    return {**vault.named(secret), **({"ResourcePolicy": secret.policy} if secret.policy else {})}


def delete_policy(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    secret.policy = None
    vault.sync(secret)
    return vault.named(secret)


def validate_policy(_vault: Vault, _region: str, params: Params) -> Params:
    policy = str(params["ResourcePolicy"])
    problems = []
    if not _is_policy(policy):
        problems.append({"CheckName": "SYNTAX", "ErrorMessage": "This resource policy contains invalid Json"})
    elif _is_public(policy):
        problems.append({"CheckName": "PUBLIC", "ErrorMessage": "This resource policy grants broad access."})
    return {"PolicyValidationPassed": not problems, "ValidationErrors": problems}


def _is_policy(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _is_public(text: str) -> bool:
    found = json.loads(text).get("Statement") or []
    for statement in [found] if isinstance(found, dict) else found:
        principal = statement.get("Principal")
        everybody = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") == "*")
        if everybody and statement.get("Effect") == "Allow" and not statement.get("Condition"):
            return True
    return False
