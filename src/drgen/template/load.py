"""A CloudFormation template as plain values, with the line of every part of it.

YAML and JSON are read alike. Short forms (`!Sub`) come out in their long form (`{"Fn::Sub": ...}`), so that nothing
behind this module has to know that there are two spellings. Dates stay text, as CloudFormation reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from drgen.errors import InputErrors, Problem

Path = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str", "tag:yaml.org,2002:value"}


@dataclass(frozen=True)
class Template:
    """`body` is the template; `file` is the name used in messages; `size` is its length in bytes."""

    file: str
    body: Mapping[str, Any]
    lines: Mapping[Path, int]
    size: int

    def line(self, path: Path) -> int:
        """The 1-based line of the part at `path`, or of the nearest part that encloses it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def section(self, name: str) -> Mapping[str, Any]:
        """The named top-level section; empty if the template has none."""
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}

    def uses(self, function: str) -> bool:
        """False if `function` is called nowhere in the template."""
        return function in self._keys

    @cached_property
    def _keys(self) -> frozenset[str | int]:
        return frozenset(path[-1] for path in self.lines if path)

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Resources by logical id, without entries that are no mapping with a text Type: those cfn-lint reports."""
        return {
            name: resource
            for name, resource in self.section("Resources").items()
            if isinstance(resource, dict) and isinstance(resource.get("Type"), str)
        }


def load(data: bytes, *, file: str) -> Template:
    """The template in `data`.

    Raises InputErrors where it is not UTF-8, not YAML, has a key twice, or is not a mapping.
    """
    try:
        text = data.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise _unreadable(file, 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise _unreadable(
            file, line, problem, "correct the YAML; look for a wrong indent or a missing quote"
        ) from error
    except yaml.YAMLError as error:
        raise _unreadable(file, 1, str(error), "correct the YAML") from error
    reader = _Reader(file)
    reader.lines[()] = node.start_mark.line + 1 if node is not None else 1
    body = reader.value(node, ()) if node is not None else None
    if not isinstance(body, dict):
        raise _unreadable(file, 1, "the top level is no mapping", "write keys and their values, such as `name: value`")
    return Template(file=file, body=body, lines=reader.lines, size=len(data))


def _unreadable(file: str, line: int, problem: str, fix: str) -> InputErrors:
    return InputErrors([Problem(file=file, line=line, at="", problem=problem, fix=fix)])


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self._construct = _LOADER("").construct_object

    def value(self, node: yaml.Node, path: Path) -> Any:
        """What `node` says; the line of `path` is written down already."""
        tag = node.tag
        if tag[0] == "!" and tag != "!":
            name = tag[1:]
            function = name if name in ("Ref", "Condition") else f"Fn::{name}"
            path = (*path, function)
            self.lines[path] = node.start_mark.line + 1
            return {function: self._argument(function, self._plain(node, path))}
        return self._plain(node, path)

    def _argument(self, function: str, argument: Any) -> Any:
        if function == "Fn::GetAtt" and isinstance(argument, str):
            return argument.split(".", 1)
        return argument

    def _plain(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode):
            plain = node.tag in _TEXT_TAGS or node.tag.startswith("!")
            return node.value if plain else self._construct(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return self._sequence(node, path)

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        result = []
        for index, item in enumerate(node.value):
            inner = (*path, index)
            self.lines[inner] = item.start_mark.line + 1
            result.append(self.value(item, inner))
        return result

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                line = key_node.start_mark.line + 1
                raise _unreadable(
                    self.file, line, f"key {key!r} stands twice in the same mapping", "remove one of them"
                )
            inner = (*path, key)
            self.lines[inner] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, inner)
        return result
