"""What the CloudFormation registry says about a resource type: its properties, and what changing one of them means.

Source: the registry schemas bundled with cfn-lint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drgen.template.bundled import schemas
from drgen.template.validation import SchemaProblem, node_at, problems

PropertyPath = tuple[str, ...]
"""Steps from the properties of a resource inwards; "*" stands for every item of a list or value of a map."""


@dataclass(frozen=True)
class ResourceSchema:
    """One resource type in one region."""

    type_name: str
    document: Mapping[str, Any]
    required: frozenset[str]
    read_only: frozenset[PropertyPath]
    create_only: frozenset[PropertyPath]
    conditional_create_only: frozenset[PropertyPath]
    write_only: frozenset[PropertyPath]
    primary_identifier: tuple[PropertyPath, ...]
    tag_property: str | None

    @property
    def properties(self) -> Mapping[str, Any]:
        """The schema of each top-level property."""
        found: Mapping[str, Any] = self.document.get("properties", {})
        return found

    @property
    def deletes_before_create(self) -> bool:
        """True if a replacement removes the old resource first (`replacementStrategy`)."""
        return self.document.get("replacementStrategy") == "delete_then_create"

    def at(self, path: PropertyPath) -> Mapping[str, Any]:
        """The schema of the part at `path`, references followed; empty if the schema does not describe it."""
        return node_at(self.document, path)

    def attributes(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each read-only part that GetAtt can name, as ("Endpoint.Address", its schema), outermost first."""
        for path in sorted(self.read_only):
            if "*" not in path:
                yield ".".join(path), self.at(path)

    def validate(self, properties: Mapping[str, Any]) -> tuple[SchemaProblem, ...]:
        """What is wrong with `properties`, worded as CloudFormation words it; empty if nothing is.

        Text stands for numbers and booleans and the other way round, as in templates.
        """
        return tuple(problems(self.document, self.document, dict(properties)))


def schema_for(type_name: str, region: str) -> ResourceSchema | None:
    """The schema of `type_name` in `region`; None if the type does not exist there, or the region is unknown."""
    file = _types(region).get(type_name)
    return _schema(file) if file is not None else None


def known_types(region: str) -> frozenset[str]:
    """Every resource type of `region`; empty for a region cfn-lint does not know."""
    return frozenset(_types(region))


@cache
def _types(region: str) -> Mapping[str, str]:
    path = schemas() / "providers" / f"{region}.json"
    if not region.replace("-", "").isalnum() or not path.is_file():
        return {}
    types: Mapping[str, str] = json.loads(path.read_bytes())
    return types


@cache
def _schema(file: str) -> ResourceSchema:
    document = json.loads((schemas() / "resources" / Path(file).with_suffix(".json").name).read_bytes())
    return ResourceSchema(
        type_name=document["typeName"],
        document=document,
        required=frozenset(document.get("required", ())),
        read_only=_paths(document, "readOnlyProperties"),
        create_only=_paths(document, "createOnlyProperties"),
        conditional_create_only=_paths(document, "conditionalCreateOnlyProperties"),
        write_only=_paths(document, "writeOnlyProperties"),
        primary_identifier=tuple(_path(pointer) for pointer in document.get("primaryIdentifier", ())),
        tag_property=_tag_property(document),
    )


def _paths(document: Mapping[str, Any], key: str) -> frozenset[PropertyPath]:
    return frozenset(_path(pointer) for pointer in document.get(key, ()))


def _path(pointer: str) -> PropertyPath:
    """`/properties/A/items/properties/B` and `/properties/A/*/B` are the same place."""
    steps = pointer.strip("/").split("/")
    return tuple("*" if step == "items" else step for step in steps if step != "properties")


def _tag_property(document: Mapping[str, Any]) -> str | None:
    tagging = document.get("tagging", {})
    if not tagging.get("taggable", False):
        return None
    path = _path(tagging.get("tagProperty", "/properties/Tags"))
    return path[0] if len(path) == 1 and path[0] in document.get("properties", {}) else None
