"""Stack policies: which updates of which resources they allow."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError

MAX_BYTES = 16_384
"""Source: botocore, cloudformation.SetStackPolicyInput.StackPolicyBody."""


def checked(body: str) -> str:
    """`body`, if it is a stack policy. Raises ApiError (ValidationError)."""
    try:
        statements = _statements(body)
    except (ValueError, AttributeError, TypeError) as error:
        raise ApiError("ValidationError", f"Error validating stack policy: {error}") from error
    if len(body.encode()) > MAX_BYTES:
        raise ApiError("ValidationError", "Error validating stack policy: Stack policy is too long")
    for statement in statements:
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise ApiError("ValidationError", "Error validating stack policy: Invalid Effect in a statement")
        if not _listed(statement, "Action") and not _listed(statement, "NotAction"):
            raise ApiError("ValidationError", "Error validating stack policy: A statement has no Action")
    return body


def denied(body: str | None, action: str, logical_id: str, type_name: str) -> str | None:
    """Why the policy refuses `action` (Update:Modify, Update:Replace, Update:Delete); None if it allows it.

    Without a policy everything is allowed; with one, everything that no statement allows is refused.
    """
    if body is None:
        return None
    allowed = False
    resource = f"LogicalResourceId/{logical_id}"
    for number, statement in enumerate(_statements(body), start=1):
        if not _applies(statement, action, resource, type_name):
            continue
        if statement["Effect"] == "Deny":
            refusal = f"Statement [#{number}] does not allow [{action}] for resource [{resource}]"
            return f"Action denied by stack policy: {refusal}"
        allowed = True
    return (
        None
        if allowed
        else f"Action not allowed by stack policy: no statement allows [{action}] for resource [{resource}]"
    )


def _applies(statement: Mapping[str, Any], action: str, resource: str, type_name: str) -> bool:
    if "NotAction" in statement:
        acts = not _any(_listed(statement, "NotAction"), action)
    else:
        acts = _any(_listed(statement, "Action"), action)
    if "NotResource" in statement:
        meant = not _any(_listed(statement, "NotResource"), resource)
    else:
        meant = _any(_listed(statement, "Resource") or ["*"], resource)
    return acts and meant and _condition_holds(statement.get("Condition") or {}, type_name)


def _condition_holds(condition: Mapping[str, Any], type_name: str) -> bool:
    for operator in ("StringEquals", "StringLike"):
        types = condition.get(operator, {}).get("ResourceType")
        if types is not None and not _any([types] if isinstance(types, str) else types, type_name):
            return False
    return True


def _any(patterns: list[str], value: str) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _listed(statement: Mapping[str, Any], key: str) -> list[str]:
    found = statement.get(key, [])
    return [found] if isinstance(found, str) else list(found)


def _statements(body: str) -> list[Mapping[str, Any]]:
    found = json.loads(body).get("Statement")
    if found is None:
        raise ValueError("a stack policy needs a Statement")
    return [found] if isinstance(found, dict) else list(found)
