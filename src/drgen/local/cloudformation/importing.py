"""Import change sets: existing resources come under a stack, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.cloudformation.document import Document
from drgen.local.cloudformation.plan import ResourceChange
from drgen.local.cloudformation.records import Stack
from drgen.local.cloudformation.store import Store
from drgen.template.schema import schema_for


def identifiers(given: Iterable[Mapping[str, Any]], document: Document, stack: Stack, store: Store) -> dict[str, str]:
    """The physical id of each resource to import, by logical id. Raises ApiError (ValidationError)."""
    found: dict[str, str] = {}
    for item in given:
        logical_id, kind = str(item["LogicalResourceId"]), str(item["ResourceType"])
        definition = document.resources.get(logical_id)
        if definition is None or definition["Type"] != kind:
            raise _wrong(f"The resource to import [{logical_id}] of type {kind} was not found in the template")
        if "DeletionPolicy" not in definition:
            raise _wrong(f"Resources to import must have a DeletionPolicy: [{logical_id}] has none")
        found[logical_id] = _physical_id(kind, item["ResourceIdentifier"], stack.region)
        owner = _owner(store, stack.region, kind, found[logical_id])
        if owner is not None:
            raise _wrong(f"{found[logical_id]} already exists in stack {owner}")
    if not found:
        raise _wrong("An import change set needs ResourcesToImport")
    return found


def only_imports(
    changes: Sequence[ResourceChange], imported: Mapping[str, str], document: Document, stack: Stack
) -> tuple[list[ResourceChange], str]:
    """The imports among `changes`, and what is wrong with the rest ("" if there is no rest)."""
    imports = [
        replace(change, action="Import", physical_id=imported[change.logical_id])
        for change in changes
        if change.action == "Add" and change.logical_id in imported
    ]
    others = sorted({change.logical_id for change in changes} - set(imported))
    others += ["Outputs"] if set(document.section("Outputs")) != {output.key for output in stack.outputs} else []
    problem = f"As part of the import operation, you cannot modify or add [{', '.join(others)}]" if others else ""
    return imports, problem


def _physical_id(kind: str, identifier: Mapping[str, Any], region: str) -> str:
    schema = schema_for(kind, region)
    names = [".".join(path) for path in schema.primary_identifier] if schema is not None else []
    if not names or set(identifier) != set(names):
        raise _wrong(f"The identifier of a resource of type {kind} is [{', '.join(names)}]")
    return "|".join(str(identifier[name]) for name in names)


def _owner(store: Store, region: str, kind: str, physical_id: str) -> str | None:
    with store.lock:
        for stack in store.stacks(region):
            if any(item.type == kind and item.physical_id == physical_id for item in stack.exists()):
                return stack.id
    return None


def _wrong(message: str) -> ApiError:
    return ApiError("ValidationError", message)
