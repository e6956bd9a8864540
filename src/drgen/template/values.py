"""What expressions come to where not everything is known: the classes of such values, and what is the same in two."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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
    """Cannot be known here; `reason` says why, for people.

    `origin` names the one value that this is, wherever it turns up: two unknowns of one origin are equal. It is empty
    where nothing of the kind can be said.
    """

    reason: str
    origin: str = field(default="", compare=False)


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


class WrongValue(ResolveError):
    """A function cannot work on these values. In the branch of a condition that nobody can decide, that is no error:
    the author may have written the condition to avoid just that."""


def equal(left: Resolved, right: Resolved) -> bool | Unknown:
    """Whether Fn::Equals holds: CloudFormation compares texts, so 1 and "1" are equal."""
    if known(left) and known(right):
        return bool(_plain(left) == _plain(right))
    if same(left, right):
        return True
    return False if _apart(left, right) else about("one side of Fn::Equals is not known", left, right)


def same(left: Resolved, right: Resolved) -> bool:
    """True if both are for certain the same value, known or not."""
    match left, right:
        case Unknown(), Unknown():
            return bool(left.origin) and left.origin == right.origin
        case Text(), Text():
            return len(left.parts) == len(right.parts) and all(map(same, left.parts, right.parts))
        case Either(), Either():
            branches = same(left.then, right.then) and same(left.otherwise, right.otherwise)
            return left.condition == right.condition and branches
        case list(), list():
            return len(left) == len(right) and all(map(same, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def _apart(left: Resolved, right: Resolved) -> bool:
    """True if the two texts differ whatever their unknown parts are."""
    if not isinstance(left, str):
        left, right = right, left
    if isinstance(left, str):
        return _expression(right).fullmatch(left) is None if isinstance(right, _PARTLY) else False
    if not isinstance(left, Text) or not isinstance(right, Text):
        return False
    ends = ((left.parts[0], right.parts[0], str.startswith), (left.parts[-1], right.parts[-1], str.endswith))
    return any(
        isinstance(one, str) and isinstance(other, str) and not (fits(one, other) or fits(other, one))
        for one, other, fits in ends
    )


_PARTLY = Text | Attribute | Unknown


def _expression(value: Text | Attribute | Unknown) -> re.Pattern[str]:
    """Matches every text that `value` may come to: an attribute of a resource that exists is never empty."""
    parts = value.parts if isinstance(value, Text) else (value,)
    wild = {Attribute: ".+", Unknown: ".*"}
    return re.compile("".join(re.escape(p) if isinstance(p, str) else wild[type(p)] for p in parts), re.DOTALL)


def known(value: Resolved) -> bool:
    """True if no part of `value` is unknown."""
    if isinstance(value, Unknown | Attribute | Text | Either):
        return False
    if isinstance(value, list):
        return all(map(known, value))
    if isinstance(value, dict):
        return all(map(known, value.values()))
    return True


def about(what: str, *values: Resolved) -> Unknown:
    """An Unknown that says `what`, and why: the reason of the first unknown part of `values`.

    Raises WrongValue if nothing in them is unknown: then they are of a kind that nobody can use.
    """
    if known(list(values)):
        raise WrongValue(f"{what}: it is {', '.join(map(repr, values))}")
    for value in values:
        reason = _reason(value)
        if reason:
            return Unknown(f"{what}: {reason}")
    return Unknown(what)


def _reason(value: Resolved) -> str:
    match value:
        case Unknown():
            return value.reason
        case Attribute():
            return f"{value.logical_id} of {value.stack} has its {value.attribute} when it exists"
        case Text():
            return next((_reason(part) for part in value.parts if not isinstance(part, str)), "")
        case list():
            return next(filter(None, map(_reason, value)), "")
        case dict():
            return _reason(list(value.values()))
    return ""


def plain_text(value: Resolved) -> Any:
    """`value` as CloudFormation spells it in text; unchanged if it is no plain scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _plain(value: Resolved) -> Any:
    if isinstance(value, list):
        return list(map(_plain, value))
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else plain_text(value)
