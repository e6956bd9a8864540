"""Values that depend on conditions nobody can decide: both branches are kept, and functions work on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drgen.template.values import NO_VALUE, Either, Resolved, Unknown, WrongValue, same

MOST_CONDITIONS = 4
"""Of one call. Each doubles the number of branches; with more of them, the result is unknown."""


def either(condition: str, then: Resolved, otherwise: Resolved) -> Resolved:
    """`then` if `condition` holds, else `otherwise`; the value alone where both are the same."""
    then, otherwise = choose(then, condition, True), choose(otherwise, condition, False)
    return then if same(then, otherwise) else Either(condition, then, otherwise)


def choose(value: Resolved, condition: str, truth: bool) -> Resolved:
    """`value` where `condition` is known to be `truth`; what comes to AWS::NoValue by that is left out."""
    match value:
        case Either():
            if value.condition == condition:
                return choose(value.then if truth else value.otherwise, condition, truth)
            then, otherwise = choose(value.then, condition, truth), choose(value.otherwise, condition, truth)
            return then if same(then, otherwise) else Either(value.condition, then, otherwise)
        case list():
            return [item for item in (choose(item, condition, truth) for item in value) if item is not NO_VALUE]
        case dict():
            chosen = {key: choose(item, condition, truth) for key, item in value.items()}
            return {key: item for key, item in chosen.items() if item is not NO_VALUE}
    return value


def by_branch(function: Callable[..., Resolved], *values: Resolved) -> Resolved:
    """What `function` makes of `values`, for each branch of each condition in them.

    A branch that `function` cannot work on is unknown. Raises WrongValue if it can work on none.
    """
    undecided = list(dict.fromkeys(name for value in values for name in _conditions(value)))
    if not undecided:
        return function(*values)
    if len(undecided) > MOST_CONDITIONS:
        return Unknown(f"depends on the conditions {', '.join(undecided)}")
    return _by_branch(function, values, undecided)


def _by_branch(function: Callable[..., Resolved], values: tuple[Any, ...], undecided: list[str]) -> Resolved:
    if not undecided:
        return function(*values)
    condition, *others = undecided
    results: list[Resolved] = []
    errors: list[WrongValue] = []
    for truth in (True, False):
        try:
            chosen = tuple(choose(value, condition, truth) for value in values)
            results.append(_by_branch(function, chosen, others))
        except WrongValue as error:
            errors.append(error)
            results.append(Unknown(str(error)))
    if len(errors) == len(results):
        raise errors[0]
    return either(condition, *results)


def _conditions(value: Resolved) -> Iterator[str]:
    match value:
        case Either():
            yield value.condition
            yield from _conditions(value.then)
            yield from _conditions(value.otherwise)
        case list():
            for item in value:
                yield from _conditions(item)
        case dict():
            for item in value.values():
                yield from _conditions(item)
