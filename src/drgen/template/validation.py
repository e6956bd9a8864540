"""Whether properties fit a registry schema. The subset of JSON Schema that the registry uses, with its coercions.

Wording follows the validator behind CloudFormation's "Properties validation failed for resource" reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class SchemaProblem:
    """`path` leads from the properties to the place; `message` is CloudFormation's."""

    path: Steps
    message: str

    def __str__(self) -> str:
        return f"{'/'.join(('#', *map(str, self.path)))}: {self.message}"


def problems(
    document: Mapping[str, Any], node: Mapping[str, Any], value: Any, at: Steps = ()
) -> Iterator[SchemaProblem]:
    """What is wrong with `value` by the schema `node`; references are looked up in `document`."""
    node = _followed(document, node)
    kinds = _kinds(node)
    if kinds and not any(_is(kind, value) for kind in kinds):
        found = _FOUND.get(type(value), "Null")
        yield SchemaProblem(at, f"expected type: {_EXPECTED[kinds[0]]}, found: {found}")
        return
    match value:
        case dict():
            yield from _object(document, node, value, at)
        case list():
            yield from _array(document, node, value, at)
        case _:
            yield from _scalar(node, value, at)
    yield from _combined(document, node, value, at)


def node_at(document: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """The part of the schema at `path` ("*" enters items or pattern properties); empty if there is none."""
    node: Mapping[str, Any] = document
    for step in path:
        node = _followed(document, node)
        if "items" in node and (step == "*" or "properties" not in node):
            node = _followed(document, node["items"])
            if step == "*":
                continue
        if step == "*":
            node = next(iter(node.get("patternProperties", {}).values()), {})
        else:
            node = node.get("properties", {}).get(step, {})
    return _followed(document, node)


_EXPECTED = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
    "null": "Null",
}
_FOUND: Mapping[type, str] = {
    str: "String",
    int: "Integer",
    float: "BigDecimal",
    bool: "Boolean",
    list: "JSONArray",
    dict: "JSONObject",
}


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str | int | float)
        case "integer":
            return (isinstance(value, int) and not isinstance(value, bool)) or _number(value, whole=True)
        case "number":
            return (isinstance(value, int | float) and not isinstance(value, bool)) or _number(value, whole=False)
        case "boolean":
            return isinstance(value, bool) or str(value).lower() in ("true", "false")
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return value is None


def _number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, float):
        return not whole or value.is_integer()
    pattern = r"[+-]?\d+" if whole else r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _object(
    document: Mapping[str, Any], node: Mapping[str, Any], value: dict[str, Any], at: Steps
) -> Iterator[SchemaProblem]:
    known = node.get("properties", {})
    patterns = node.get("patternProperties", {})
    for key in node.get("required", ()):
        if key not in value:
            yield SchemaProblem(at, f"required key [{key}] not found")
    for key, item in value.items():
        if key in known:
            yield from problems(document, known[key], item, (*at, key))
            continue
        fitting = [schema for pattern, schema in patterns.items() if _matches(pattern, str(key))]
        for schema in fitting:
            yield from problems(document, schema, item, (*at, key))
        if not fitting and node.get("additionalProperties", True) is False:
            yield SchemaProblem(at, f"extraneous key [{key}] is not permitted")


def _array(
    document: Mapping[str, Any], node: Mapping[str, Any], value: list[Any], at: Steps
) -> Iterator[SchemaProblem]:
    if len(value) < node.get("minItems", 0):
        yield SchemaProblem(at, f"expected minimum item count: {node['minItems']}, found: {len(value)}")
    if len(value) > node.get("maxItems", len(value)):
        yield SchemaProblem(at, f"expected maximum item count: {node['maxItems']}, found: {len(value)}")
    if node.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        yield SchemaProblem(at, "array items are not unique")
    items = node.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            yield from problems(document, items, item, (*at, index))


def _scalar(node: Mapping[str, Any], value: Any, at: Steps) -> Iterator[SchemaProblem]:
    text = _text(value)
    if "enum" in node and text not in {_text(item) for item in node["enum"]}:
        yield SchemaProblem(at, f"{text} is not a valid enum value")
    if "const" in node and text != _text(node["const"]):
        yield SchemaProblem(at, "failed validation constraint for keyword [const]")
    if "string" in _kinds(node):
        for keyword, fits in (
            ("minLength", len(text) >= node.get("minLength", 0)),
            ("maxLength", len(text) <= node.get("maxLength", len(text))),
            ("pattern", _matches(node["pattern"], text) if "pattern" in node else True),
        ):
            if not fits:
                yield SchemaProblem(at, f"failed validation constraint for keyword [{keyword}]")
    if {"integer", "number"} & set(_kinds(node)) and _number(text, whole=False):
        if float(text) < node.get("minimum", float(text)):
            yield SchemaProblem(at, f"{text} is not greater or equal to {node['minimum']}")
        if float(text) > node.get("maximum", float(text)):
            yield SchemaProblem(at, f"{text} is not less or equal to {node['maximum']}")


def _combined(document: Mapping[str, Any], node: Mapping[str, Any], value: Any, at: Steps) -> Iterator[SchemaProblem]:
    for part in node.get("allOf", ()):
        yield from problems(document, part, value, at)
    for keyword in ("anyOf", "oneOf"):
        parts = node.get(keyword, ())
        fitting = sum(next(problems(document, part, value, at), None) is None for part in parts)
        if parts and not fitting:
            yield SchemaProblem(at, f"no subschema matched out of the total {len(parts)} subschemas")
        elif keyword == "oneOf" and fitting > 1:
            yield SchemaProblem(at, f"{fitting} subschemas matched instead of one")


def _followed(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    seen = 0
    while "$ref" in node and seen < 20:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        node, seen = target, seen + 1
    return node


def _kinds(node: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = node.get("type", ())
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _matches(pattern: str, text: str) -> bool:
    expression = _expression(pattern)
    return expression is None or expression.search(text) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str] | None:
    """The compiled pattern; None where Python's dialect cannot express it, and then nothing is checked."""
    if any(mark in pattern for mark in ("[[", "[^[", "--", "&&", "~~", "||")):
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None
