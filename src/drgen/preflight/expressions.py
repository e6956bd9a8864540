"""Looking for calls and names in a template's raw nodes, where nothing is evaluated yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


def references(node: Any) -> Iterator[str]:
    """The names that Ref, GetAtt and Sub mention anywhere inside `node`, parameters and resources alike."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                parts = value.split(".", 1) if isinstance(value, str) else value
                yield from (str(part) for part in parts[:1]) if isinstance(parts, list) else ()
            elif key == "Fn::Sub":
                text = value[0] if isinstance(value, list) and value else value
                if isinstance(text, str):
                    yield from (name.strip().split(".", 1)[0] for name in _VARIABLE.findall(text))
                yield from references(value[1:] if isinstance(value, list) else ())
            else:
                yield from references(value)


def arguments(node: Any, function: str) -> Iterator[Any]:
    """The argument of each call of `function` inside a template's raw node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == function:
                yield value
            else:
                yield from arguments(value, function)
    elif isinstance(node, list):
        for item in node:
            yield from arguments(item, function)
