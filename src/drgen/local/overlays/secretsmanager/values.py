"""Secrets Manager's operations on secrets and their values."""

from __future__ import annotations

import base64
import secrets as randomness
import string
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.overlays.secretsmanager.replicas import add_replicas
from drgen.local.overlays.secretsmanager.vault import CURRENT, Secret, Vault, Version, moment, move, tag_list, tag_map

Params = Mapping[str, Any]

_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_DAY = 86400.0


def create(vault: Vault, region: str, params: Params) -> Params:
    name, now = str(params["Name"]), vault.env.now()
    there = next((secret for secret in vault.living(region) if secret.name == name), None)
    if there is not None and there.deleted is not None:
        text = "You can't create this secret because a secret with this name is already scheduled for deletion."
        raise ApiError("InvalidRequestException", text)
    if there is not None:
        raise ApiError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
    vault.check_key(region, str(params.get("KmsKeyId") or ""))
    suffix = "".join(randomness.choice(string.ascii_letters + string.digits) for _ in range(6))
    secret = Secret(name, region, suffix, now, now, str(params.get("Description") or ""))
    secret.key = str(params.get("KmsKeyId") or "")
    secret.tags = tag_map(params.get("Tags"))
    vault.secrets[region, name] = secret
    version = vault.add_version(secret, params)
    answer = {**vault.named(secret), **({"VersionId": version} if version else {})}
    if not params.get("AddReplicaRegions"):
        return answer
    add_replicas(vault, secret, params)
    return {**answer, "ReplicationStatus": vault.states(secret)}


def update(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    if params.get("KmsKeyId") is not None:
        vault.check_key(region, str(params["KmsKeyId"]))
        secret.key = str(params["KmsKeyId"])
    if params.get("Description") is not None:
        secret.description = str(params["Description"])
    version = vault.add_version(secret, params)
    secret.changed = vault.env.now()
    vault.sync(secret)
    return {**vault.named(secret), **({"VersionId": version} if version else {})}


def put(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    stages = list(params.get("VersionStages") or [CURRENT])
    return {**vault.named(secret), "VersionId": vault.add_version(secret, params, stages), "VersionStages": stages}


def get(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params)
    identity = params.get("VersionId")
    stage = params.get("VersionStage") or (None if identity else CURRENT)
    for version in secret.versions:
        if identity in (None, version.id) and (stage is None or stage in version.stages):
            return _value(vault, secret, version)
    which = f"staging label: {stage}" if stage else f"VersionId: {identity}"
    raise ApiError("ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {which}")


def _value(vault: Vault, secret: Secret, version: Version) -> dict[str, Any]:
    value = {
        **vault.named(secret),
        "VersionId": version.id,
        "VersionStages": list(version.stages),
        "CreatedDate": moment(version.created),
    }
    if version.text is not None:
        value["SecretString"] = version.text
    if version.binary is not None:
        value["SecretBinary"] = base64.b64decode(version.binary)
    return value


def get_many(vault: Vault, region: str, params: Params) -> Params:
    values, errors = [], []
    for identity in params.get("SecretIdList") or [s.name for s in _matching(vault, region, params)]:
        try:
            values.append(get(vault, region, {"SecretId": identity}))
        except ApiError as error:
            errors.append({"SecretId": identity, "ErrorCode": error.code, "Message": error.message})
    return {"SecretValues": values, "Errors": errors}


def describe(vault: Vault, region: str, params: Params) -> Params:
    return _described(vault, vault.find(region, params, deleted=True))


def _described(vault: Vault, secret: Secret) -> dict[str, Any]:
    answer: dict[str, Any] = {
        **vault.named(secret),
        "CreatedDate": moment(secret.created),
        "LastChangedDate": moment(secret.changed),
        "Tags": tag_list(secret.tags),
        "VersionIdsToStages": {v.id: list(v.stages) for v in secret.versions if v.stages},
    }
    if secret.description:
        answer["Description"] = secret.description
    if secret.key:
        answer["KmsKeyId"] = secret.key
    if secret.deleted is not None:
        answer["DeletedDate"] = moment(secret.deleted)
    if secret.primary or secret.replicas:
        answer["PrimaryRegion"] = secret.primary or secret.region
    if secret.replicas or secret.failures:
        answer["ReplicationStatus"] = vault.states(secret)
    return answer


def _matching(vault: Vault, region: str, params: Params) -> list[Secret]:
    """The secrets that pass every filter: a value given matches the beginning of the secret's."""
    found = [s for s in vault.living(region) if s.deleted is None or params.get("IncludePlannedDeletion")]
    for item in params.get("Filters") or ():
        words = [str(word) for word in item.get("Values") or ()]
        found = [secret for secret in found if _passes(secret, str(item.get("Key")), words)]
    return sorted(found, key=lambda secret: secret.name)


def _passes(secret: Secret, key: str, words: list[str]) -> bool:
    texts = {
        "name": [secret.name],
        "description": [secret.description],
        "tag-key": list(secret.tags),
        "tag-value": list(secret.tags.values()),
        "primary-region": [secret.primary],
    }.get(key, [secret.name, secret.description, *secret.tags, *secret.tags.values()])
    return any(text.startswith(word) for text in texts for word in words)


def list_all(vault: Vault, region: str, params: Params) -> Params:
    found = _matching(vault, region, params)
    first, limit = int(params.get("NextToken") or 0), int(params.get("MaxResults") or 100)
    more = {"NextToken": str(first + limit)} if len(found) > first + limit else {}
    page = [_described(vault, secret) for secret in found[first : first + limit]]
    for item in page:
        item["SecretVersionsToStages"] = item.pop("VersionIdsToStages")
    return {"SecretList": page, **more}


def versions(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, deleted=True)
    shown = [v for v in secret.versions if v.stages or params.get("IncludeDeprecated")]
    items = [{"VersionId": v.id, "VersionStages": list(v.stages), "CreatedDate": moment(v.created)} for v in shown]
    return {**vault.named(secret), "Versions": items}


def move_stage(vault: Vault, region: str, params: Params) -> Params:
    secret, stage = vault.find(region, params, changing=True), str(params["VersionStage"])
    by_id = {version.id: version for version in secret.versions}
    for given in (params.get("MoveToVersionId"), params.get("RemoveFromVersionId")):
        if given and given not in by_id:
            text = f"Secrets Manager can't find the specified secret version: {given}"
            raise ApiError("ResourceNotFoundException", text)
    holder = next((version for version in secret.versions if stage in version.stages), None)
    named = params.get("RemoveFromVersionId")
    if holder is not None and named != holder.id and (named or params.get("MoveToVersionId") != holder.id):
        text = f"The staging label {stage} is currently attached to version {holder.id}."
        raise ApiError("InvalidParameterException", text)
    if params.get("MoveToVersionId"):
        move(secret, stage, by_id[str(params["MoveToVersionId"])])
    elif holder is not None:
        holder.stages.remove(stage)
    vault.sync(secret)
    return vault.named(secret)


def delete(vault: Vault, region: str, params: Params) -> Params:
    """A primary with replicas is refused; a replica is taken away by its primary."""
    secret = vault.find(region, params, changing=True)
    if secret.replicas:
        text = "You can't delete secret that still has replica regions."
        raise ApiError("InvalidRequestException", text)
    if params.get("ForceDeleteWithoutRecovery"):
        secret.deleted = vault.env.now()
    else:
        days = int(params.get("RecoveryWindowInDays") or 30)
        if not 7 <= days <= 30:
            text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
            raise ApiError("InvalidParameterException", text)
        secret.deleted = vault.env.now() + days * _DAY
    return {**vault.named(secret), "DeletionDate": moment(secret.deleted)}


def undelete(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, deleted=True)
    secret.deleted = None
    return vault.named(secret)


def tag(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    secret.tags.update(tag_map(params.get("Tags")))
    vault.sync(secret)
    return {}


def untag(vault: Vault, region: str, params: Params) -> Params:
    secret = vault.find(region, params, changing=True)
    secret.tags = {key: value for key, value in secret.tags.items() if key not in params["TagKeys"]}
    vault.sync(secret)
    return {}


def password(_vault: Vault, _region: str, params: Params) -> Params:
    """Characters of every kind that is not excluded, unless RequireEachIncludedType says they need not appear."""
    excluded = str(params.get("ExcludeCharacters") or "")
    kinds = {
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": _PUNCTUATION,
    }
    allowed = [
        "".join(char for char in chars if char not in excluded) for name, chars in kinds.items() if not params.get(name)
    ]
    allowed = [chars for chars in [*allowed, " " if params.get("IncludeSpace") else ""] if chars]
    length = int(params.get("PasswordLength") or 32)
    each = params.get("RequireEachIncludedType", True)
    if not allowed or length > 4096 or (each and length < len(allowed)):
        raise ApiError("InvalidParameterException", "No password can be generated from these parameters.")
    picked = [randomness.choice(chars) for chars in allowed] if each else []
    everything = "".join(allowed)
    picked += [randomness.choice(everything) for _ in range(length - len(picked))]
    randomness.SystemRandom().shuffle(picked)
    return {"RandomPassword": "".join(picked)}
