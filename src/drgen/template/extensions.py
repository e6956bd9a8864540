"""What the transform AWS::LanguageExtensions makes of a template: loops unrolled, policies as text, each with its line.

Source: CloudFormation Template Reference, "Fn::ForEach" and "AWS::LanguageExtensions transform".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drgen.template.load import Path, Template
from drgen.template.values import Resolved, ResolveError, Unknown, known, plain_text

TRANSFORM = "AWS::LanguageExtensions"
LOOP = "Fn::ForEach::"
SECTIONS = ("Conditions", "Resources", "Outputs")
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
DEEPEST = 5
"""Loops inside loops."""


@dataclass(frozen=True)
class Gap:
    """A place that could not be processed: what stands there, stands there in the processed template, too, but for
    loops, which are left out."""

    path: Path
    reason: str


def transforms(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The macros that CloudFormation runs over the whole template, in their order."""
    declared = body.get("Transform", ())
    entries = declared if isinstance(declared, list | tuple) else [declared]
    return tuple(str(entry.get("Name") if isinstance(entry, dict) else entry) for entry in entries)


def processed(template: Template, value: Callable[[Any], Resolved]) -> tuple[Template, tuple[Gap, ...]]:
    """The template that CloudFormation deploys, and what is missing in it. Other macros are not run.

    `value` evaluates the collections of loops, and may raise ResolveError.
    """
    if TRANSFORM not in transforms(template.body):
        return template, ()
    unrolling = _Unrolling(template, value)
    body = dict(template.body)
    for section in SECTIONS:
        if isinstance(body.get(section), dict):
            body[section] = unrolling.node(body[section], (section,), (section,), {})
    _write_policies(body.get("Resources"), value, unrolling.gaps)
    found = Template(file=template.file, body=body, lines=unrolling.lines, size=template.size)
    return found, tuple(unrolling.gaps)


def _write_policies(resources: Any, value: Callable[[Any], Resolved], gaps: list[Gap]) -> None:
    for logical_id, resource in resources.items() if isinstance(resources, dict) else ():
        for policy in POLICIES:
            stated = resource.get(policy) if isinstance(resource, dict) else None
            if isinstance(stated, dict):
                found = _evaluated(value, stated)
                if isinstance(found, str):
                    resource[policy] = found
                else:
                    gaps.append(Gap(("Resources", logical_id, policy), _why(found)))


class _Unrolling:
    def __init__(self, template: Template, value: Callable[[Any], Resolved]) -> None:
        self._template = template
        self._value = value
        self.lines = dict(template.lines)
        self.gaps: list[Gap] = []

    def node(self, node: Any, source: Path, target: Path, names: Mapping[str, str]) -> Any:
        """`node` from `source` as it stands at `target`, with `names` for the identifiers of the loops around it."""
        if names:
            self.lines.setdefault(target, self._template.line(source))
        if isinstance(node, dict):
            found = _looped(node, names)
            return self._mapping(node, source, target, names) if found is None else found
        if isinstance(node, list):
            return [self.node(item, (*source, i), (*target, i), names) for i, item in enumerate(node)]
        return _substituted(node, names) if isinstance(node, str) else node

    def _mapping(self, node: dict[str, Any], source: Path, target: Path, names: Mapping[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in node.items():
            for name, value in self._entries(key, item, source, target, names):
                if name in made:
                    self.gaps.append(Gap((*source, key), f"{name} is made twice"))
                made[name] = value
        return made

    def _entries(
        self, key: str, item: Any, source: Path, target: Path, names: Mapping[str, str]
    ) -> Iterator[tuple[str, Any]]:
        if not key.startswith(LOOP):
            name = _substituted(key, names)
            yield name, self.node(item, (*source, key), (*target, name), names)
            return
        at = (*source, key)
        try:
            identifier, values, fragment = self._loop(item, names)
        except ResolveError as error:
            self.gaps.append(Gap(at, str(error)))
            return
        for value in values:
            inner = {**names, identifier: value}
            yield from self._mapping(fragment, (*at, 2), target, inner).items()

    def _loop(self, item: Any, names: Mapping[str, str]) -> tuple[str, list[str], dict[str, Any]]:
        if (
            not isinstance(item, list)
            or len(item) != 3
            or not isinstance(item[0], str)
            or not isinstance(item[2], dict)
        ):
            raise ResolveError("Fn::ForEach takes an identifier, a collection and a mapping")
        identifier, collection, fragment = item
        if identifier in names:
            raise ResolveError(f"identifier {identifier} is already used by a loop around this one")
        if len(names) == DEEPEST:
            raise ResolveError(f"loops are nested more than {DEEPEST} deep")
        values = _evaluated(self._value, _filled(collection, names))
        if not isinstance(values, list) or not all(isinstance(plain_text(value), str) for value in values):
            raise ResolveError(f"the collection of the loop is not known: {_why(values)}")
        return identifier, [plain_text(value) for value in values], fragment


def _filled(node: Any, names: Mapping[str, str]) -> Any:
    """`node` with the values of loops in it."""
    if isinstance(node, dict):
        found = _looped(node, names)
        return {key: _filled(item, names) for key, item in node.items()} if found is None else found
    if isinstance(node, list):
        return [_filled(item, names) for item in node]
    return _substituted(node, names) if isinstance(node, str) else node


def _looped(node: dict[str, Any], names: Mapping[str, str]) -> str | None:
    """The value of the loop that `node` refers to, None if it does not."""
    name = node.get("Ref") if len(node) == 1 else None
    return names.get(name) if isinstance(name, str) else None


def _evaluated(value: Callable[[Any], Resolved], expression: Any) -> Resolved:
    try:
        return value(expression)
    except ResolveError as error:
        return Unknown(str(error))


def _why(value: Resolved) -> str:
    unknown = next((item for item in value if not known(item)), value) if isinstance(value, list) else value
    if isinstance(unknown, Unknown):
        return unknown.reason
    return "it depends on what is known after the deployment" if not known(unknown) else f"it is {unknown!r}"


def _substituted(text: str, names: Mapping[str, str]) -> str:
    """`text` with `${Identifier}` as the value, and `&{Identifier}` as what of the value a logical id may hold."""
    for name, value in names.items():
        text = text.replace("${" + name + "}", value).replace("&{" + name + "}", re.sub("[^A-Za-z0-9]", "", value))
    return text
