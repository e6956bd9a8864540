"""What a template says of its resources."""

from __future__ import annotations

from typing import Any


def properties(body: Any, name: str) -> Any:
    """The properties of the resource `name`."""
    return body["Resources"][name]["Properties"]


def resources(body: Any, kind: str) -> dict[str, Any]:
    """The resources of the type `kind`, by name."""
    return {name: one for name, one in body["Resources"].items() if one["Type"] == kind}
