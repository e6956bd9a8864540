"""The outputs of a stack, and the rules of exports."""

from __future__ import annotations

import json
from typing import Any

from drgen.local.cloudformation.records import Output, Stack
from drgen.local.cloudformation.scope import View
from drgen.local.cloudformation.store import Store
from drgen.template.resolve import ResolveError


def computed(store: Store, stack: Stack, view: View) -> list[Output]:
    """The outputs that `view` asks for. Raises ResolveError, also where an export breaks a rule (BEHAVIOUR CF44)."""
    outputs = [
        _output(key, entry, view) for key, entry in view.document.section("Outputs").items() if view.holds(entry)
    ]
    with store.lock:
        _check_exports(store, stack, outputs)
    return outputs


def in_use(store: Store, stack: Stack, outputs: list[Output]) -> str | None:
    """Why the stack's exports cannot become those of `outputs`; None if they can."""
    after = {output.export: output.value for output in outputs if output.export}
    for before in stack.outputs:
        if before.export is None or after.get(before.export) == before.value:
            continue
        users = [name for name in store.importers(stack.region, before.export) if name != stack.name]
        if users:
            verb = "updated" if before.export in after else "deleted"
            return f"Export {before.export} cannot be {verb} as it is in use by {' and '.join(users)}"
    return None


def _check_exports(store: Store, stack: Stack, outputs: list[Output]) -> None:
    for other, taken in store.exports(stack.region):
        if other.id != stack.id and taken.export in {output.export for output in outputs}:
            raise ResolveError(f"Export with name {taken.export} is already exported by stack {other.name}")
    refusal = in_use(store, stack, outputs)
    if refusal:
        raise ResolveError(refusal)


def _output(key: str, entry: Any, view: View) -> Output:
    export = entry.get("Export")
    return Output(
        key=key,
        value=_text(key, view.value(entry.get("Value"))),
        description=entry.get("Description"),
        export=None if export is None else str(view.value(export.get("Name"))),
    )


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, dict | list):
        raise ResolveError(f"Template format error: Output {key} is malformed: {json.dumps(value)} is not a string")
    return str(value)
