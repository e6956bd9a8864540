"""The workload file's reference: JSON Schema for editors, and a page for people. Both come from the models."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Mapping
from typing import Any

from drgen.model import workload
from drgen.model.fields import all_sections, import_all_sections


def schema() -> str:
    """The JSON Schema of a workload file, with the field docstrings as descriptions."""
    import_all_sections()
    document = workload.Workload.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "drgen workload"
    for name, definition in (("Workload", document), *document["$defs"].items()):
        for field, text in _field_docstrings()[name].items():
            definition["properties"][field]["description"] = text
        for field in definition["properties"].values():
            field.pop("title", None)
    return json.dumps(document, indent=2) + "\n"


def _field_docstrings() -> Mapping[str, Mapping[str, str]]:
    """The text below each field of each model. Pydantic can collect it, too, but at the price of a slower start."""
    found: dict[str, dict[str, str]] = {}
    sections = list(all_sections())
    modules = dict.fromkeys(inspect.getmodule(section) for section in sections)
    nodes = [node for module in modules if module for node in ast.parse(inspect.getsource(module)).body]
    for node in nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = found.setdefault(node.name, {})
        for statement, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    fields[statement.target.id] = " ".join(text.value.split())
    return {
        section.__name__: {
            name: text for base in reversed(section.__mro__) for name, text in found.get(base.__name__, {}).items()
        }
        for section in sections
    }


def page() -> str:
    """docs/workload.md."""
    document = json.loads(schema())
    parts = [_PREFACE]
    for key, section in document["properties"].items():
        parts.extend(_section(document, key, section, key in document["required"], depth=2))
    return "\n".join(parts).rstrip() + "\n"


_PREFACE = """# The workload file

Generated from the models by `make docs`. One file, `templates/<workload>/workload.yaml`, says what a workload is.
Editors that know JSON Schema complete and check it with [workload.schema.json](workload.schema.json).
Durations are a whole number and `s`, `m` or `h`.
"""


def _section(document: Any, name: str, field: Any, required: bool, *, depth: int) -> list[str]:
    if choices := _present(field).get("oneOf"):
        return _choices(document, name, field, choices, required, depth=depth)
    target = _target(document, field)
    text = field.get("description") or target.get("description", "")
    facts = (
        "required" if required else "may be left out" if target.get("properties") else f"default: `{_default(field)}`"
    )
    lines = [f"{'#' * depth} `{name}`", "", f"{text} ({_kind(document, field)}; {facts})", ""]
    if not target.get("properties"):
        return lines
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    nested: list[str] = []
    for key, inner in target["properties"].items():
        needed = key in target.get("required", ())
        default = "required" if needed else f"`{_default(inner)}`"
        rows.append(f"| `{key}` | {_kind(document, inner)} | {default} | {inner.get('description', '')} |")
        if _target(document, inner).get("properties"):
            nested.extend(_section(document, f"{name}.{key}", inner, needed, depth=depth + 1))
    return [*lines, *rows, "", *nested]


def _choices(document: Any, name: str, field: Any, choices: list[Any], required: bool, *, depth: int) -> list[str]:
    """A section that takes other keys by what one of them says: each kind of it under a heading of its own."""
    facts = "required" if required else "may be left out"
    lines = [f"{'#' * depth} `{name}`", "", f"{field['description']} (section; {facts})", ""]
    for choice in choices:
        properties = _target(document, choice)["properties"]
        key, kind = next((key, inner["const"]) for key, inner in properties.items() if "const" in inner)
        heading, *rest = _section(document, name, choice, True, depth=depth + 1)
        lines += [f"{heading} with `{key}: {kind}`", *rest]
    return lines


def _target(document: Any, field: Any) -> Any:
    """The definition a field refers to: itself, by its items, or as the one that may be left out."""
    field = _present(field)
    reference = field.get("$ref") or field.get("items", {}).get("$ref")
    return document["$defs"][reference.rsplit("/", 1)[1]] if reference else field


def _present(field: Any) -> Any:
    """The field as it is where it is not left out."""
    return next((choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"), field)


def _default(field: Any) -> str:
    return json.dumps(field["default"]) if "default" in field else "{}"


def _kind(document: Any, field: Any) -> str:
    field = _present(field)
    if "$ref" in field or "oneOf" in field:
        return "section"
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    kind = str(field.get("type", "value"))
    if kind == "array":
        inner = _kind(document, field["items"])
        return f"any of {inner.removeprefix('one of ')}" if inner.startswith("one of ") else f"list of {inner}s"
    if kind == "object":
        return "mapping"
    low, high = field.get("minimum"), field.get("maximum")
    span = f" {low} to {high}" if low is not None and high is not None else ""
    example = f", for example `{field['examples'][0]}`" if field.get("examples") else ""
    return f"{'text' if kind == 'string' else kind}{span}{example}"
