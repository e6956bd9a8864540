"""Changes in the shape that DescribeChangeSet gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from drgen.local.cloudformation.parameters import MASK
from drgen.local.cloudformation.plan import Detail, ResourceChange
from drgen.local.cloudformation.scope import KNOWN_AFTER_APPLY
from drgen.template.resolve import Attribute, Either, Text, Unknown

_VALUES = ("BeforeContext", "AfterContext")
_TARGET_VALUES = ("BeforeValue", "AfterValue", "Path", "AttributeChangeType")


def rendered(change: ResourceChange, hidden: Iterable[str]) -> dict[str, Any]:
    """The change with all its values. Text that holds a value of `hidden` (NoEcho parameters) is masked."""
    hidden = [value for value in hidden if value]
    resource: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        "Scope": list(change.scope),
        "Details": [_detail(detail, hidden) for detail in change.details],
    }
    optional = {
        "PhysicalResourceId": change.physical_id or None,
        "Replacement": change.replacement,
        "PolicyAction": change.policy_action,
        "BeforeContext": None if change.before is None else json.dumps(_shown(change.before, hidden), sort_keys=True),
        "AfterContext": None if change.after is None else json.dumps(_shown(change.after, hidden), sort_keys=True),
    }
    resource.update({key: value for key, value in optional.items() if value is not None})
    return {"Type": "Resource", "ResourceChange": resource}


def without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    """The change as shown where IncludePropertyValues was not asked for."""
    resource = {key: value for key, value in change["ResourceChange"].items() if key not in _VALUES}
    resource["Details"] = [
        {**detail, "Target": {key: value for key, value in detail["Target"].items() if key not in _TARGET_VALUES}}
        for detail in resource["Details"]
    ]
    return {**change, "ResourceChange": resource}


def _detail(detail: Detail, hidden: list[str]) -> dict[str, Any]:
    target: dict[str, Any] = {"Attribute": detail.attribute, "RequiresRecreation": detail.recreation}
    if detail.name is not None:
        target["Name"] = detail.name
        target["Path"] = f"/Properties/{detail.name}"
        if detail.before is not None:
            target["BeforeValue"] = _text(_shown(detail.before, hidden))
        if detail.after is not None:
            target["AfterValue"] = _text(_shown(detail.after, hidden))
        target["AttributeChangeType"] = (
            "Add" if detail.before is None else "Remove" if detail.after is None else "Modify"
        )
    elif detail.attribute == "Tags":
        target["BeforeValue"] = _text(_shown(detail.before, hidden))
        target["AfterValue"] = _text(_shown(detail.after, hidden))
    shown = {
        "Target": target,
        "Evaluation": "Static" if detail.static else "Dynamic",
        "ChangeSource": detail.source,
    }
    return shown if detail.cause is None else {**shown, "CausingEntity": detail.cause}


def _shown(value: Any, hidden: list[str]) -> Any:
    match value:
        case Unknown() | Either() | Attribute():
            return KNOWN_AFTER_APPLY
        case Text():
            return "".join(part if isinstance(part, str) else KNOWN_AFTER_APPLY for part in value.parts)
        case str():
            for secret in hidden:
                value = value.replace(secret, MASK)
            return value
        case list():
            return [_shown(item, hidden) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _shown(item, hidden) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
