"""The rule of a composite alarm as a function of the states of its alarms.

Source: CloudWatch User Guide, "Create a composite alarm" (rule expressions); PutCompositeAlarm, AlarmRule.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
MANY = 6
"""Up to so many alarms, every combination of states is tried: 3 to the power of 6 are 729."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>"[^"]*"|'[^']*'|[^()"']+?)\s*\)"""
    r"""|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))\s*""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Is:
    """True while the alarm `name` is in `state`."""

    name: str
    state: State


@dataclass(frozen=True)
class Not:
    of: Expression


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Expression, ...]


Expression = Is | Not | AllOf | AnyOf | bool


def parse(text: str) -> Expression:
    """The rule in `text`. Raises ValueError if CloudWatch could not read it."""
    tokens = list(_tokens(text))
    expression, rest = _either(tokens)
    if rest:
        raise ValueError(f"{_said(rest[0])} is one too many")
    return expression


def _tokens(text: str) -> Iterator[Is | str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{text[at : at + 20].strip()!r} is no part of a rule")
        if found["state"]:
            state = next(name for name in STATES if name == found["state"].upper())
            yield Is(found["name"].strip("\"'"), state)
        else:
            yield found["word"].upper()
        at = found.end()


def _said(token: Is | str) -> str:
    return f"{token.state}({token.name})" if isinstance(token, Is) else token


Tokens = list[Is | str]


def _either(tokens: Tokens) -> tuple[Expression, Tokens]:
    parts, rest = _joined(tokens, "OR", _both)
    return (parts[0] if len(parts) == 1 else AnyOf(parts)), rest


def _both(tokens: Tokens) -> tuple[Expression, Tokens]:
    parts, rest = _joined(tokens, "AND", _one)
    return (parts[0] if len(parts) == 1 else AllOf(parts)), rest


def _joined(
    tokens: Tokens, word: str, inner: Callable[[Tokens], tuple[Expression, Tokens]]
) -> tuple[tuple[Expression, ...], Tokens]:
    """One part, and one more behind each `word`."""
    part, rest = inner(tokens)
    parts = [part]
    while rest and rest[0] == word:
        part, rest = inner(rest[1:])
        parts.append(part)
    return tuple(parts), rest


def _one(tokens: Tokens) -> tuple[Expression, Tokens]:
    if not tokens:
        raise ValueError("something is missing at the end")
    token, rest = tokens[0], tokens[1:]
    if isinstance(token, Is):
        return token, rest
    match token:
        case "NOT":
            inner, rest = _one(rest)
            return Not(inner), rest
        case "TRUE" | "FALSE":
            return token == "TRUE", rest
        case "(":
            inner, rest = _either(rest)
            if not rest or rest[0] != ")":
                raise ValueError("a parenthesis is not closed")
            return inner, rest[1:]
    raise ValueError(f"{token} stands where an alarm is meant")


def names(expression: Expression) -> frozenset[str]:
    """The alarms that the rule names."""
    match expression:
        case bool():
            return frozenset()
        case Is(name, _):
            return frozenset({name})
        case Not(of):
            return names(of)
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(names, parts))


def holds(expression: Expression, states: Mapping[str, State]) -> bool:
    """Whether the composite alarm is in ALARM while its alarms are in `states`."""
    match expression:
        case bool():
            return expression
        case Is(name, state):
            return states[name] == state
        case Not(of):
            return not holds(of, states)
        case AllOf(parts):
            return all(holds(part, states) for part in parts)
        case AnyOf(parts):
            return any(holds(part, states) for part in parts)


def can_hold(expression: Expression) -> bool | None:
    """True if some combination of states makes the composite fire; None if there are too many to try."""
    alarms = sorted(names(expression))
    if len(alarms) > MANY:
        return None
    tried = itertools.product(STATES, repeat=len(alarms))
    return any(holds(expression, dict(zip(alarms, states, strict=True))) for states in tried)
