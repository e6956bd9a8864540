"""The stack policy: which resources CloudFormation itself must not replace or delete in an update."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def stack_policy(protected: Iterable[str]) -> str:
    """The policy, as JSON, that denies replacing and deleting the resources `protected`, and allows all else.

    A stack with a policy denies whatever no statement allows, so the first statement is needed.
    Source: AWS CloudFormation user guide, "Prevent updates to stack resources".
    """
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
    ]
    resources = [f"LogicalResourceId/{name}" for name in sorted(protected)]
    if resources:
        actions = ["Update:Replace", "Update:Delete"]
        statements.append({"Effect": "Deny", "Action": actions, "Principal": "*", "Resource": resources})
    return json.dumps({"Statement": statements}, indent=1)


def protected_by(policy: str) -> frozenset[str] | None:
    """The resources a policy of drgen's own form protects; None for a policy that people wrote."""
    if not policy:
        return frozenset()
    try:
        body = json.loads(policy)
        listed = body["Statement"][1]["Resource"] if len(body["Statement"]) > 1 else []
        names = frozenset(str(item).removeprefix("LogicalResourceId/") for item in listed)
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return names if body == json.loads(stack_policy(names)) else None
