"""DR00x: suppressions, which stand in a resource's Metadata with their reason.

Metadata:
  drgen:
    ignore:
      - {id: DR305, reason: the source has no replicas}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.world import World


def _entries(resource: Resource) -> Iterator[Any]:
    metadata = resource.body.get("Metadata")
    ours = metadata.get("drgen") if isinstance(metadata, dict) else None
    listed = ours.get("ignore") if isinstance(ours, dict) else None
    yield from listed if isinstance(listed, list) else () if listed is None else (listed,)


def _complete(entry: Any) -> bool:
    return isinstance(entry, dict) and all(str(entry.get(key) or "").strip() for key in ("id", "reason"))


def suppressions(world: World) -> frozenset[tuple[str, tuple[str, str]]]:
    """The suppressions that count: rule id, and stack and logical id of the resource. Those without a reason do not."""
    return frozenset(
        (str(entry["id"]), (resource.stack.key, resource.logical_id))
        for resource in world.all_resources()
        for entry in _entries(resource)
        if _complete(entry)
    )


@rule("DR001", "A suppression names a rule and gives a reason", source="docs/rules.md")
def suppression_has_reason(world: World) -> Iterator[Fault | NotDecided]:
    """A suppression without a reason hides a fault from everybody who comes later, so it does not count.

    Fix: write `{id: DRnnn, reason: why this is right here}` for each rule.
    """
    for resource in world.all_resources():
        for entry in _entries(resource):
            if not _complete(entry):
                place = resource.stack.place(resource.logical_id)
                yield Fault(place, f"suppression {entry!r} has no id or no reason", "write {id: ..., reason: ...}")
