"""The secrets of all regions, with their versions and replicas."""

from __future__ import annotations

import base64
import copy
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import ApiError
from drgen.local.providers.provider import Environment

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_DEFAULT_KEY = "alias/aws/secretsmanager"


@dataclass
class Version:
    id: str
    created: float
    stages: list[str]
    text: str | None = None
    # Base64, so that the state can be dumped.
    binary: str | None = None


@dataclass
class Secret:
    """One secret in one region. A replica names its `primary` region; a primary has the `replicas`' keys by region."""

    name: str
    region: str
    suffix: str
    created: float
    changed: float
    description: str = ""
    key: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    primary: str = ""
    replicas: dict[str, str] = field(default_factory=dict)
    # Why a region has no replica although it was asked for.
    failures: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    deleted: float | None = None


class Vault:
    def __init__(self, env: Environment) -> None:
        self.env = env
        self.lock = threading.RLock()
        self.secrets: dict[tuple[str, str], Secret] = {}

    def arn(self, secret: Secret) -> str:
        where = f"arn:{self.env.partition}:secretsmanager:{secret.region}:{self.env.account}"
        return f"{where}:secret:{secret.name}-{secret.suffix}"

    def named(self, secret: Secret) -> dict[str, Any]:
        return {"ARN": self.arn(secret), "Name": secret.name}

    def find(self, region: str, params: Mapping[str, Any], *, deleted: bool = False, changing: bool = False) -> Secret:
        """The secret by name, ARN, or ARN without its suffix. `changing`: a replica changes only with its primary."""
        wanted = str(params["SecretId"])
        found = next((s for s in self.living(region) if wanted in (s.name, self.arn(s), self.arn(s)[:-7])), None)
        if found is None:
            raise ApiError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        if found.deleted is not None and not deleted:
            text = "You can't perform this operation on the secret because it was marked for deletion."
            raise ApiError("InvalidRequestException", text)
        if changing and found.primary:
            text = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
            raise ApiError("InvalidRequestException", text)
        return found

    def living(self, region: str) -> list[Secret]:
        """The region's secrets, without those whose recovery window is over."""
        now = self.env.now()
        for place, secret in list(self.secrets.items()):
            if secret.deleted is not None and secret.deleted <= now:
                del self.secrets[place]
        return [secret for secret in self.secrets.values() if secret.region == region]

    def key_problem(self, region: str, key: str) -> str:
        """Why the key cannot encrypt a secret of the region; "" when it can."""
        if not key or key == _DEFAULT_KEY:
            return ""
        try:
            state = str(self.env.client("kms", region).describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
        except ClientError:
            return f"KMS key {key} does not exist in {region}."
        except BotoCoreError:
            return f"KMS in {region} does not answer."
        return "" if state == "Enabled" else f"KMS key {key} is {state}."

    def region_problem(self, region: str) -> str:
        """Why nothing can be written to the region; "" when something can."""
        try:
            self.env.client("sts", region).get_caller_identity()
        except BotoCoreError:
            return f"Secrets Manager in {region} does not answer."
        return ""

    def check_key(self, region: str, key: str) -> None:
        problem = self.key_problem(region, key)
        if problem:
            raise ApiError("InvalidParameterException", problem)

    def add_version(self, secret: Secret, params: Mapping[str, Any], stages: Iterable[str] = (CURRENT,)) -> str:
        """The id of the new version; "" when the request bears no value."""
        text, binary = params.get("SecretString"), params.get("SecretBinary")
        if text is None and binary is None:
            return ""
        kept = None if binary is None else base64.b64encode(bytes(binary)).decode()
        identity = str(params.get("ClientRequestToken") or uuid.uuid4())
        there = next((version for version in secret.versions if version.id == identity), None)
        if there is not None and (there.text, there.binary) != (text, kept):
            raise ApiError("ResourceExistsException", f"A version with the id {identity} has another value.")
        if there is not None:
            return identity
        version = Version(identity, self.env.now(), [], text, kept)
        secret.versions.append(version)
        for stage in stages:
            move(secret, stage, version)
        secret.changed = self.env.now()
        self.sync(secret)
        return identity

    def sync(self, secret: Secret) -> None:
        """Carries values, description, tags and policy to every replica; a replica's key is its own."""
        for region in secret.replicas:
            replica = self.secrets.get((region, secret.name))
            if replica is None or replica.primary != secret.region:
                continue
            replica.versions = [Version(**{**vars(v), "stages": list(v.stages)}) for v in secret.versions]
            replica.description, replica.tags = secret.description, dict(secret.tags)
            replica.policy, replica.changed = secret.policy, secret.changed

    def states(self, secret: Secret) -> list[dict[str, Any]]:
        """ReplicationStatus, a region each."""
        good = [
            {"Region": r, "Status": "InSync", **({"KmsKeyId": key} if key else {})}
            for r, key in secret.replicas.items()
        ]
        bad = [{"Region": r, "Status": "Failed", "StatusMessage": why} for r, why in secret.failures.items()]
        return [*good, *bad]

    def dump(self) -> Any:
        with self.lock:
            return copy.deepcopy(
                [
                    {**vars(secret), "versions": [vars(version) for version in secret.versions]}
                    for secret in self.secrets.values()
                ]
            )

    def restore(self, state: Any) -> None:
        with self.lock:
            self.secrets = {}
            for item in state:
                versions = [Version(**version) for version in item["versions"]]
                secret = Secret(**{**item, "versions": versions})
                self.secrets[secret.region, secret.name] = secret


def move(secret: Secret, stage: str, version: Version) -> None:
    """Puts the staging label on the version, and AWSPREVIOUS on the one that AWSCURRENT leaves."""
    for other in secret.versions:
        if stage in other.stages:
            other.stages.remove(stage)
            if stage == CURRENT and other is not version:
                move(secret, PREVIOUS, other)
    version.stages.append(stage)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Any) -> dict[str, str]:
    return {str(tag["Key"]): str(tag.get("Value") or "") for tag in tags or ()}
