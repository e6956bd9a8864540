"""What changed between two sets of properties, and whether the type's schema lets it change in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from drgen.template.resolve import Attribute, Either, Text, Unknown
from drgen.template.schema import PropertyPath, ResourceSchema

Recreation = Literal["Never", "Conditionally", "Always"]


def canonical(value: Any) -> Any:
    """`value` with scalars as text: 5 and "5", true and "true" are the same to CloudFormation."""
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def unknowns(value: Any) -> Iterator[str]:
    """Why each part of `value` that is not known is not."""
    if isinstance(value, Unknown):
        yield value.reason
    elif isinstance(value, Text | Either | Attribute):
        yield "a part of it is not known"
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from unknowns(item)


def is_known(value: Any) -> bool:
    """False if any part of `value` can only be known while it is deployed."""
    return next(unknowns(value), None) is None


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The top-level properties that differ, in the order of `after`, removed ones last."""
    names = [*after, *(name for name in before if name not in after)]
    return [name for name in names if canonical(before.get(name)) != canonical(after.get(name))]


def recreation(
    schema: ResourceSchema | None, name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Recreation:
    """Whether changing top-level property `name` from `before` to `after` needs a new resource."""
    if schema is None:
        return "Never"
    if _touches(schema.create_only, name, before, after):
        return "Always"
    return "Conditionally" if _touches(schema.conditional_create_only, name, before, after) else "Never"


def replaced_for(schema: ResourceSchema | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> Recreation:
    """The strongest answer over all changed properties."""
    answers = {recreation(schema, name, before, after) for name in changed(before, after)}
    return "Always" if "Always" in answers else "Conditionally" if "Conditionally" in answers else "Never"


def _touches(paths: Iterable[PropertyPath], name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(
        path[0] == name and canonical(_values(before, path)) != canonical(_values(after, path)) for path in paths
    )


def _values(value: Any, path: PropertyPath) -> list[Any]:
    """Every value at `path`; an empty list if there is none. What is not known yet counts as a value of its own."""
    if not path or isinstance(value, Unknown | Text | Either):
        return [value]
    if path[0] == "*":
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [found for item in items for found in _values(item, path[1:])]
    return _values(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []
