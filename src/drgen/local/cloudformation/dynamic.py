"""Dynamic references ({{resolve:...}}), looked up in the stack's region at the moment a handler runs."""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Environment, ResourceFailed

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


def revealed(value: Any, env: Environment, region: str) -> Any:
    """`value` with every dynamic reference in it replaced by what it refers to. Raises ResourceFailed."""
    if isinstance(value, dict):
        return {key: revealed(item, env, region) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item, env, region) for item in value]
    if isinstance(value, str) and "{{resolve:" in value:
        return _REFERENCE.sub(lambda match: _looked_up(match[1], match[2], env, region), value)
    return value


def ssm_value(env: Environment, region: str, name: str) -> str:
    """The value of SSM parameter `name` (or `name:version`). Raises ClientError or BotoCoreError."""
    client = env.client("ssm", region)
    return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def _looked_up(service: str, reference: str, env: Environment, region: str) -> str:
    try:
        if service == "secretsmanager":
            return _secret(reference, env, region)
        return ssm_value(env, region, reference)
    except (ClientError, BotoCoreError) as error:
        answer = error.response["Error"] if isinstance(error, ClientError) else {}
        message = answer.get("Message") or str(error)
        raise ResourceFailed(f"Could not resolve {{{{resolve:{service}:{reference}}}}}: {message}") from error


def _secret(reference: str, env: Environment, region: str) -> str:
    parts = reference.split(":")
    length = 7 if reference.startswith("arn:") else 1
    secret_id, rest = ":".join(parts[:length]), [*parts[length:], "", "", "", ""]
    kind, key, stage, version = rest[:4]
    if kind not in ("", "SecretString"):
        raise ResourceFailed(f"A dynamic reference to a secret reads SecretString, not {kind}")
    extra = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
    text = str(env.client("secretsmanager", region).get_secret_value(SecretId=secret_id, **extra)["SecretString"])
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise ResourceFailed("Could not find a value associated with JSONKey in SecretString") from error
