"""Replicas of global tables: CloudFormation adds or removes one in an update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.template.load import Template, load

Replicas = Mapping[str, frozenset[str]]
"""The regions of a global table's replicas, by its logical id."""

_OWN_REGION = {"Ref": "AWS::Region"}


def replicas(template: Template, *, region: str) -> Replicas:
    """The replicas of a stack in `region`. A table is left out where an expression says what its regions are."""
    found = {}
    for logical_id, resource in template.resources.items():
        if resource["Type"] == "AWS::DynamoDB::GlobalTable":
            named = _regions(resource.get("Properties"), region)
            if named is not None:
                found[logical_id] = named
    return found


def deployed_replicas(text: str, *, stack: str, region: str) -> Replicas:
    """The replicas of a stack by the template that CloudFormation has of it."""
    return replicas(load(text.encode(), file=stack), region=region)


def _regions(properties: Any, region: str) -> frozenset[str] | None:
    entries = properties.get("Replicas") if isinstance(properties, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    named = [region if entry.get("Region") == _OWN_REGION else entry.get("Region") for entry in entries]
    return frozenset(named) if all(isinstance(name, str) for name in named) else None


def too_many_changes(before: Replicas, after: Replicas) -> tuple[str, ...]:
    """What each table would do that is more than one change of its replicas.

    Source: CloudFormation Template Reference, "AWS::DynamoDB::GlobalTable", Replicas.
    """
    changed = {name: before[name] ^ after[name] for name in sorted(before.keys() & after.keys())}
    return tuple(
        f"{name} would change its replicas in {' and '.join(sorted(regions))} at once"
        for name, regions in changed.items()
        if len(regions) > 1
    )
