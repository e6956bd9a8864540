"""docs/events.md: what `--json` prints, one event per line, from the event classes themselves."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from drgen.model import events

_PREFACE = """# Events

Generated from the event classes by `make docs`. `drgen deploy --json` and `drgen destroy --json` print one event per
line, an object with `code` and the fields below. Codes are stable; times are ISO 8601.
"""


def page() -> str:
    """The page: one section for each event, in the order of a run."""
    parts = [_PREFACE]
    for event in _events():
        parts.append(f"## `{event.code}`\n\n{inspect.getdoc(event)}\n\n| field | type |\n| --- | --- |")
        parts.extend(f"| `{field.name}` | {_kind(field.type)} |" for field in dataclasses.fields(event))
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _events() -> list[Any]:
    classes = [item for _, item in inspect.getmembers(events, inspect.isclass) if item.__module__ == events.__name__]
    coded = [item for item in classes if dataclasses.is_dataclass(item) and hasattr(item, "code")]
    return sorted(coded, key=lambda item: inspect.getsourcelines(item)[1])


def _kind(annotation: Any) -> str:
    return str(annotation).replace("|", "or").replace("tuple[", "list of ").replace(", ...]", "")
