"""Templates as YAML bytes: short-form functions, reading order, a comment above a resource that needs one.

PyYAML's C dumper writes each resource by itself; the pieces are put together as text, which is what makes room for
comments and blank lines. The bytes depend on the template alone: there is no fallback to PyYAML's other dumper, which
breaks lines elsewhere.
"""

from __future__ import annotations

import textwrap
from typing import Any

import yaml

from drgen.model.stack import Template

WIDTH = 118


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _mapping(dumper: Any, data: dict[str, Any]) -> yaml.Node:
    if len(data) == 1:
        key, value = next(iter(data.items()))
        short = _short_form(dumper, key, value)
        if short is not None:
            return short
    node: yaml.Node = dumper.represent_mapping("tag:yaml.org,2002:map", data.items())
    return node


def _short_form(dumper: Any, key: str, value: Any) -> yaml.Node | None:
    if key != "Ref" and not key.startswith("Fn::"):
        return None
    node: yaml.Node | None = None
    tag = f"!{key.removeprefix('Fn::')}"
    if key == "Fn::GetAtt" and isinstance(value, list):
        value = ".".join(value)
    if isinstance(value, str):
        node = dumper.represent_scalar(tag, value)
    elif isinstance(value, list):
        plain = all(isinstance(item, str | int) for item in value)
        node = dumper.represent_sequence(tag, value, flow_style=plain)
    return node


def _text(dumper: Any, data: str) -> yaml.Node:
    style = "|" if "\n" in data else None
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)
    return node


_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """`value` as YAML text with a newline at its end."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True, default_flow_style=False)
    return str(text)


def render(template: Template, *, header: str) -> bytes:
    """The template file: `header` as a comment, then the sections, one blank line between resources."""
    parts = [_comment(header, indent="")]
    for name, section in template.body.items():
        if name != "Resources":
            parts.append(dump({name: section}))
            continue
        blocks = []
        for title, resource in section.items():
            comment = template.comments.get(title, "")
            block = textwrap.indent(dump({title: resource}), "  ")
            blocks.append((_comment(comment, indent="  ") if comment else "") + block)
        parts.append("Resources:\n" + "\n".join(blocks))
    return "\n".join(parts).encode()


def _comment(text: str, *, indent: str) -> str:
    prefix = f"{indent}# "
    lines = textwrap.wrap(text, WIDTH - len(prefix), break_long_words=False, break_on_hyphens=False)
    return "".join(f"{prefix}{line}\n" for line in lines)
