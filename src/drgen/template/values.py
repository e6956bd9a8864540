"""What expressions come to where not everything is known: the classes of such values, cutting and comparing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Resolved = Any
"""str, int, float, bool, list, dict, NoValue, or one of the classes below."""


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = _NoValue()
"""What `!Ref AWS::NoValue` comes to; a property or list item that has it does not exist."""


@dataclass(frozen=True)
class Unknown:
    """Cannot be known here; `reason` says why, for people."""

    reason: str


@dataclass(frozen=True)
class Attribute:
    """`attribute` of resource `logical_id` in stack `stack` of `region`; `attribute` is "Ref" for its Ref."""

    stack: str
    region: str
    logical_id: str
    type: str
    attribute: str


@dataclass(frozen=True)
class Text:
    """Text of which some parts are not known: at least one part is no str."""

    parts: tuple[str | Unknown | Attribute, ...]

    @property
    def pattern(self) -> str:
        """The known parts, with `*` for each unknown one: for reading and for matching."""
        return "".join(part if isinstance(part, str) else "*" for part in self.parts)


@dataclass(frozen=True)
class Either:
    """`then` if the condition holds and `otherwise` if it does not; the condition cannot be decided here."""

    condition: str
    then: Resolved
    otherwise: Resolved


class ResolveError(Exception):
    """An expression that no CloudFormation would accept: a wrong shape, or a name that does not exist."""


def split(value: Resolved, delimiter: str) -> Resolved:
    """`value` cut at each `delimiter`; Unknown if `value` is no text, or a part that is not known may hold one.

    Only a comma is known to stand in no attribute of a resource (an ARN holds `:` and `/`).
    """
    if isinstance(value, str):
        return value.split(delimiter)
    if not isinstance(value, Text) or delimiter != "," or any(isinstance(part, Unknown) for part in value.parts):
        return Unknown("the text to split is not known")
    pieces: list[list[str | Unknown | Attribute]] = [[]]
    for part in value.parts:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        first, *others = part.split(delimiter)
        pieces[-1].extend([first] if first else [])
        pieces.extend([other] if other else [] for other in others)
    return [_piece(piece) for piece in pieces]


def _piece(parts: Sequence[str | Unknown | Attribute]) -> Resolved:
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else Text(tuple(parts))


def equal(left: Resolved, right: Resolved) -> bool | Unknown:
    """Whether Fn::Equals holds: CloudFormation compares texts, so 1 and "1" are equal."""
    if known(left) and known(right):
        return bool(plain_text(left) == plain_text(right))
    if left == right:
        return True
    if (left == "" and _not_empty(right)) or (right == "" and _not_empty(left)):
        return False
    return Unknown("one side of Fn::Equals is not known")


def _not_empty(value: Resolved) -> bool:
    """True if `value` cannot be empty, known or not: an attribute of a resource that exists never is."""
    parts = value.parts if isinstance(value, Text) else (value,)
    return any(isinstance(part, Attribute) or (isinstance(part, str) and part != "") for part in parts)


def known(value: Resolved) -> bool:
    """True if no part of `value` is unknown."""
    if isinstance(value, Unknown | Attribute | Text | Either):
        return False
    if isinstance(value, list):
        return all(map(known, value))
    if isinstance(value, dict):
        return all(map(known, value.values()))
    return True


def plain_text(value: Resolved) -> Any:
    """`value` as CloudFormation spells it in text; unchanged if it is no plain scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
