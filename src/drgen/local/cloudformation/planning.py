"""The changes that a deployment would bring to a stack, from what the store knows."""

from __future__ import annotations

from collections.abc import Sequence

from drgen.local.api import ApiError
from drgen.local.cloudformation.differences import is_known
from drgen.local.cloudformation.document import Document
from drgen.local.cloudformation.parameters import MASK, shown
from drgen.local.cloudformation.plan import Planner, ResourceChange
from drgen.local.cloudformation.records import Deployment, Stack
from drgen.local.cloudformation.run import Engine
from drgen.local.cloudformation.scope import View
from drgen.template.resolve import ResolveError


def check_order(engine: Engine, stack: Stack, document: Document, asked: Deployment) -> None:
    """Raises ApiError (ValidationError) where conditions or dependencies run in a circle."""
    planner = Planner(stack.region, {}, {}, asked.values, asked.tags)
    try:
        engine.view(stack, document, asked, planner.look, planning=True).dependencies()
    except ResolveError as error:
        raise ApiError("ValidationError", str(error)) from error


def planned(engine: Engine, stack: Stack, document: Document, asked: Deployment) -> tuple[list[ResourceChange], bool]:
    """The changes, and whether there is anything at all to do (outputs and parameters count).

    Raises ApiError, ResolveError.
    """
    with engine.store.lock:
        current = {name: resource.copy() for name, resource in stack.resources.items()}
        before = stack.deployment
    planner = Planner(stack.region, current, before.values, asked.values, asked.tags)
    view = engine.view(stack, document, asked, planner.look, planning=True)
    changes = planner.changes(view)
    settings = (before.values, before.tags, before.notification_arns) != (
        asked.values,
        asked.tags,
        asked.notification_arns,
    )
    return changes, bool(changes) or settings or _outputs_differ(stack, view)


def hidden_values(document: Document, asked: Deployment) -> list[str]:
    """The values that no answer may show."""
    declared = document.section("Parameters")
    return [item.effective for item in asked.parameters if shown(declared[item.key], item.effective) == MASK]


def _outputs_differ(stack: Stack, view: View) -> bool:
    wanted = {key: entry for key, entry in view.document.section("Outputs").items() if view.holds(entry)}
    if set(wanted) != {output.key for output in stack.outputs}:
        return True
    return any(_differs(stack, key, view) for key in wanted)


def _differs(stack: Stack, key: str, view: View) -> bool:
    entry = view.document.section("Outputs")[key]
    before = next(output for output in stack.outputs if output.key == key)
    export = view.value((entry.get("Export") or {}).get("Name"))
    value = view.value(entry.get("Value"))
    pairs: Sequence[tuple[object, object]] = (
        (before.description, entry.get("Description")),
        (before.export, export),
        (before.value, _text(value)),
    )
    return any(is_known(after) and old != after for old, after in pairs)


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return str(value) if isinstance(value, int | float) else value
