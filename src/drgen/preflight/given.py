"""What a stack has before it has resources: parameters of their type, pseudo parameters, the collections of loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from drgen.model.deployment import StackEntry
from drgen.model.names import partition_of
from drgen.preflight.values import known_text
from drgen.template.load import Template
from drgen.template.resolve import Attribute, Either, Resolved, ResolveError, Scope, Unknown, split

SSM = "AWS::SSM::Parameter::Value"


class Asked(Scope, Protocol):
    """A stack, as far as collections need it."""

    @property
    def written(self) -> Template: ...


def typed(declared: Any, value: Resolved, ssm: Callable[[str], Resolved]) -> Resolved:
    """`value` as a parameter with that declaration holds it; `ssm` reads a parameter of Parameter Store."""
    kind = str(declared.get("Type", "String")) if isinstance(declared, dict) else "String"
    if kind.startswith(SSM):
        source = known_text(value)
        value = ssm(source) if source else Unknown("the SSM parameter is not known")
        kind = kind[kind.index("<") + 1 : -1] if "<" in kind else "String"
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return _listed(value)
    return value if isinstance(value, list | dict) else _text_of_scalar(value)


def _text_of_scalar(value: Resolved) -> Resolved:
    text = known_text(value)
    return text if text is not None else value


def _listed(value: Resolved) -> Resolved:
    """`value` as the list that a list parameter makes of a text with commas."""
    if isinstance(value, Either):
        return Either(value.condition, _listed(value.then), _listed(value.otherwise))
    if isinstance(value, Attribute):
        return [value]
    if value == "":
        return []
    items = split(_text_of_scalar(value), ",")
    return [item.strip() if isinstance(item, str) else item for item in items] if isinstance(items, list) else value


def pseudo(entry: StackEntry, name: str, *, nested: str = "") -> Resolved:
    """The pseudo parameter `name` of a stack; `nested` is the key of a nested one. Raises ResolveError."""
    key, region = nested or entry.stack, entry.region
    match name:
        case "AWS::Region":
            return region
        case "AWS::Partition":
            return partition_of(region)
        case "AWS::URLSuffix":
            return "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"
        case "AWS::StackName":
            return Unknown("the nested stack's name", f"{key}/{name}") if nested else entry.stack_name
        case "AWS::AccountId":
            return entry.account or Unknown("the account", name)
        case "AWS::StackId" | "AWS::NotificationARNs":
            return Unknown(f"{name} is known after the deployment", f"{key}/{name}")
    raise ResolveError(f"there is no pseudo parameter {name}")


class BeforeResources:
    """What the collections of loops may ask of a stack: they are evaluated before there are resources."""

    def __init__(self, stack: Asked) -> None:
        self._stack = stack
        self.import_value = stack.import_value
        self.stack_output = stack.stack_output
        self.zones = stack.zones
        self.spelled = stack.spelled
        self.dynamic_reference = stack.dynamic_reference

    def ref(self, name: str) -> Resolved:
        if name.startswith("AWS::") or name in self._stack.written.section("Parameters"):
            return self._stack.ref(name)
        raise ResolveError(f"{name} is no parameter")

    def get_att(self, logical_id: str, attribute: str) -> Resolved:
        raise ResolveError(f"{attribute} of {logical_id} is not known before the resource is made")
