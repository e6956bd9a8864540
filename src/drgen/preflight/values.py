"""Questions about resolved values: every alternative of one, its text, the ARN it is, the region it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drgen.template.resolve import NO_VALUE, Attribute, Either, Resolved, Text, Unknown

GLOBAL_SERVICES = (
    "AWS::IAM::",
    "AWS::Route53::",
    "AWS::CloudFront::",
    "AWS::Organizations::",
    "AWS::GlobalAccelerator::",
)
"""Prefixes of resource types that belong to no region. Source: AWS General Reference, "Service endpoints and
quotas"."""

_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):(.*?)\}\}")


@dataclass(frozen=True)
class Arn:
    """The parts of an ARN; a part that is not known holds `*`."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @property
    def name(self) -> str:
        """The last part of the resource: what stands behind its type."""
        return re.split(r"[:/]", self.resource)[-1]


def alternatives(value: Resolved) -> Iterator[Resolved]:
    """Every value that `value` may come to: both branches of each undecided condition, without AWS::NoValue."""
    if isinstance(value, Either):
        yield from alternatives(value.then)
        yield from alternatives(value.otherwise)
    elif value is not NO_VALUE and value is not None:
        yield value


def leaves(value: Resolved) -> Sequence[Resolved]:
    """Every single value inside lists and alternatives; mappings are not entered."""
    # Lists, not generators: rules ask this a thousand times for each stack, most often about a single text.
    if not isinstance(value, list | Either):
        return () if value is NO_VALUE or value is None else (value,)
    found: list[Resolved] = []
    for item in value if isinstance(value, list) else (value.then, value.otherwise):
        found.extend(leaves(item))
    return found


def at(value: Resolved, path: str) -> Sequence[Resolved]:
    """Every value at the dotted `path`; lists on the way and at the end are entered, alternatives are followed."""
    found = leaves(value)
    for key in path.split(".") if path else ():
        inner: list[Resolved] = []
        for leaf in found:
            if isinstance(leaf, dict) and key in leaf:
                inner.extend(leaves(leaf[key]))
        found = inner
    return found


Inside = tuple[str, tuple[Any, ...], Resolved]
"""A property: its dotted path without list positions, the mappings around it (nearest first), and its value."""


def walk(value: Resolved, path: str = "", around: tuple[Any, ...] = ()) -> list[Inside]:
    """Every property inside `value`, both branches of undecided conditions."""
    found: list[Inside] = []
    _walk(value, path, around, found)
    return found


def _walk(value: Resolved, path: str, around: tuple[Any, ...], found: list[Inside]) -> None:
    if isinstance(value, dict):
        around = (value, *around)
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            found.append((here, around, item))
            if isinstance(item, dict | list | Either):
                _walk(item, here, around, found)
    elif isinstance(value, list):
        for item in value:
            _walk(item, path, around, found)
    elif isinstance(value, Either):
        _walk(value.then, path, around, found)
        _walk(value.otherwise, path, around, found)


def pattern(value: Resolved) -> str | None:
    """The text of `value` with `*` for each unknown part; None where it is no text at all or nothing is known."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case Text():
            return value.pattern
    return None


def known_text(value: Resolved) -> str | None:
    """The text of `value`; None if any part of it is unknown."""
    return None if isinstance(value, Text) else pattern(value)


def number(value: Resolved) -> float | None:
    """`value` as a number, also where the template writes it as text."""
    try:
        return None if isinstance(value, bool) else float(str(pattern(value)))
    except ValueError:
        return None


def is_true(value: Resolved) -> bool:
    """True if `value` is known to be true, in either spelling of CloudFormation."""
    return (pattern(value) or "").lower() == "true"


def is_false(value: Resolved) -> bool:
    return (pattern(value) or "").lower() == "false"


def is_unknown(value: Resolved) -> bool:
    return any(isinstance(leaf, Unknown) for leaf in leaves(value))


def arn(value: Resolved) -> Arn | None:
    """The ARN that `value` is, as far as it is known."""
    text = pattern(value)
    parts = text.split(":", 5) if text else []
    if len(parts) < 6 or parts[0] != "arn":
        return None
    return Arn(*parts[1:])


def parts(value: Resolved) -> tuple[Resolved, ...]:
    """The parts a text is made of; the value itself where it is no text of several parts."""
    return value.parts if isinstance(value, Text) else (value,)


def region_of(value: Resolved) -> str | None:
    """The region whose resource `value` names; None if it names none, a global one, or it is not known."""
    if isinstance(value, Attribute):
        return None if value.type.startswith(GLOBAL_SERVICES) else value.region
    found = arn(value)
    if found is not None:
        return found.region if found.region not in ("", "*") else None
    regions = {part.region for part in parts(value) if isinstance(part, Attribute) and region_of(part)}
    return regions.pop() if len(regions) == 1 else None


@dataclass(frozen=True)
class DynamicReference:
    """One `{{resolve:...}}`: the service, what it names, and the rest of its fields in order."""

    service: str
    name: Resolved
    fields: tuple[str, ...]


def dynamic_references(value: Any) -> Iterator[DynamicReference]:
    """Every dynamic reference anywhere inside a resolved value.

    Source: CloudFormation User Guide, "Get values stored in other services using dynamic references".
    """
    match value:
        case dict():
            for item in value.values():
                yield from dynamic_references(item)
        case list():
            for item in value:
                yield from dynamic_references(item)
        case Either():
            yield from dynamic_references(value.then)
            yield from dynamic_references(value.otherwise)
        case str() | Text():
            yield from _references_in(value)


def _references_in(value: str | Text) -> Iterator[DynamicReference]:
    if isinstance(value, str) and "{{resolve:" not in value:
        return
    marks: list[Any] = []
    text = ""
    for part in parts(value):
        if isinstance(part, str):
            text += part
        else:
            text += f"\0{len(marks)}\0"
            marks.append(part)
    for found in _DYNAMIC.finditer(text):
        name, fields = _name_and_fields(found.group(2))
        mark = re.fullmatch(r"\0(\d+)\0", name)
        resolved = marks[int(mark.group(1))] if mark else re.sub(r"\0\d+\0", "*", name)
        yield DynamicReference(found.group(1), resolved, fields)


def _name_and_fields(reference: str) -> tuple[str, tuple[str, ...]]:
    pieces = reference.split(":")
    length = 7 if pieces[0] == "arn" else 1
    return ":".join(pieces[:length]), tuple(pieces[length:])
