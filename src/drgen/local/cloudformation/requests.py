"""From the parameters of a call to what it asks for: template, values, tags, capabilities."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlparse

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.document import (
    MAX_BODY_BYTES,
    MAX_URL_BYTES,
    Document,
    accepted,
    check_capabilities,
    parse,
)
from drgen.local.cloudformation.dynamic import ssm_value
from drgen.local.cloudformation.parameters import settle
from drgen.local.cloudformation.records import Deployment, Stack
from drgen.local.cloudformation.transform import processed_text
from drgen.local.providers.provider import Environment

_MAX_TAGS = 50
_BUCKET_HOST = re.compile(r"^(?P<bucket>.+)\.s3[.-][a-z0-9-]*\.?amazonaws\.com")


def template_text(params: Mapping[str, Any], env: Environment, region: str, stack: Stack | None = None) -> str:
    """The template of a call: its body, what its URL holds, or the previous one. Raises ApiError."""
    if params.get("UsePreviousTemplate"):
        if stack is None or not stack.deployment.template:
            raise ApiError("ValidationError", "No template to use: the stack has none")
        return stack.deployment.template
    if params.get("TemplateBody"):
        body = str(params["TemplateBody"])
        if len(body.encode()) > MAX_BODY_BYTES:
            raise ApiError(
                "ValidationError",
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_BODY_BYTES}",
            )
        return body
    if params.get("TemplateURL"):
        return _fetched(str(params["TemplateURL"]), env, region)
    raise ApiError("ValidationError", "Either Template URL or Template Body must be specified.")


def deployment(
    params: Mapping[str, Any], env: Environment, region: str, stack: Stack | None
) -> tuple[Document, Deployment]:
    """What a create, update or change set asks for, checked. Tags left out of an update stay. Raises ApiError."""
    _refuse_what_is_missing(params)
    text = template_text(params, env, region, stack)
    document = accepted(text, region)
    given = tuple(params.get("Capabilities", ()))
    # Source: API reference, CreateChangeSet: CAPABILITY_AUTO_EXPAND does not apply to creating change sets.
    check_capabilities(document, (*given, "CAPABILITY_AUTO_EXPAND") if params.get("ChangeSetName") else given)
    previous = {} if stack is None else {item.key: item for item in stack.deployment.parameters}
    before = stack.deployment if stack is not None else Deployment("")
    asked = Deployment(
        template=text,
        parameters=settle(document, params.get("Parameters", ()), previous, _from_ssm(env, region)),
        tags=_tags(params["Tags"]) if params.get("Tags") is not None else before.tags,
        capabilities=given,
        notification_arns=tuple(params.get("NotificationARNs") or before.notification_arns),
        role_arn=params.get("RoleARN") or before.role_arn,
    )
    text = processed_text(document, asked, env, region, str(params.get("StackName", "")))
    if not text:
        return document, asked
    document = accepted(text, region)
    check_capabilities(document, given)
    return document, replace(asked, processed=text)


def _refuse_what_is_missing(params: Mapping[str, Any]) -> None:
    express = (params.get("DeploymentConfig") or {}).get("Mode") == "EXPRESS"
    for name, asked in (
        ("DeploymentConfig.Mode EXPRESS", express),
        ("DeploymentMode", params.get("DeploymentMode")),
        ("ImportExistingResources", params.get("ImportExistingResources")),
        ("IncludeNestedStacks", params.get("IncludeNestedStacks")),
    ):
        if asked:
            raise ApiError("ValidationError", f"The embedded AWS does not act on {name}")


def declared(text: str) -> Mapping[str, Any]:
    """The parameter declarations of a template that was accepted before; empty if there is no template."""
    return parse(text).section("Parameters") if text else {}


def seen_before(stack: Stack, call: Call, token: str | None) -> bool:
    """True if this very call was made before under `token`; remembers it if not.

    Raises ApiError (TokenAlreadyExistsException) if the token was used for another call.
    """
    if not token:
        return False
    text = json.dumps([call.operation, dict(call.params)], sort_keys=True, default=str)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    if token not in stack.tokens:
        stack.tokens[token] = fingerprint
        return False
    if stack.tokens[token] != fingerprint:
        raise ApiError("TokenAlreadyExistsException", f"Token {token} already exists with different arguments")
    return True


def _from_ssm(env: Environment, region: str) -> Callable[[str], str]:
    def value(name: str) -> str:
        try:
            return ssm_value(env, region, name)
        except (ClientError, BotoCoreError) as error:
            message = f"Unable to fetch parameters [{name}] from parameter store for this account."
            raise ApiError("ValidationError", message) from error

    return value


def _tags(given: list[Mapping[str, Any]]) -> dict[str, str]:
    tags = {str(item["Key"]): str(item.get("Value", "")) for item in given}
    if len(tags) > _MAX_TAGS:
        raise ApiError("ValidationError", f"A stack cannot have more than {_MAX_TAGS} tags")
    for key, value in tags.items():
        if key.startswith("aws:"):
            raise ApiError("ValidationError", f"aws: prefixed tag key names are not allowed for external use: {key}")
        if not 1 <= len(key) <= 128 or not 1 <= len(value) <= 256:
            raise ApiError("ValidationError", f"Tag {key} needs a key of 1 to 128 and a value of 1 to 256 characters")
    return tags


def _fetched(url: str, env: Environment, region: str) -> str:
    parts = urlparse(url)
    path = unquote(parts.path.lstrip("/"))
    virtual = _BUCKET_HOST.match(parts.netloc)
    bucket, key = (virtual["bucket"], path) if virtual else path.partition("/")[::2]
    try:
        data = env.client("s3", region).get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise ApiError("ValidationError", f"S3 error: {error}. For more information check {url}") from error
    if len(data) > MAX_URL_BYTES:
        raise ApiError("ValidationError", f"Template may not exceed {MAX_URL_BYTES} bytes in size.")
    return str(data.decode("utf-8-sig"))
