"""The conditions of a template: which hold, as far as that can be known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.template.branches import by_branch
from drgen.template.functions import items
from drgen.template.values import Resolved, ResolveError, Unknown, equal


class Conditions:
    """Each condition is decided once, when it is first asked for. `value` evaluates what Fn::Equals compares."""

    def __init__(self, declared: Mapping[str, Any], value: Callable[[Any], Resolved]) -> None:
        self._declared = declared
        self._value = value
        self._decided: dict[str, bool | Unknown] = {}
        self._deciding: set[str] = set()

    def holds(self, name: str) -> bool | Unknown:
        """Raises ResolveError if there is no condition of that name.

        One that needs itself is unknown: it may do so through a value that goes to another stack and comes back.
        """
        if name not in self._decided:
            if name not in self._declared:
                raise ResolveError(f"condition {name} is not defined")
            if name in self._deciding:
                return Unknown(f"condition {name} needs itself")
            self._deciding.add(name)
            try:
                self._decided[name] = self._truth(self._declared[name])
            finally:
                self._deciding.discard(name)
        return self._decided[name]

    def _truth(self, expression: Any) -> bool | Unknown:
        if isinstance(expression, str) and expression in self._declared:
            return self.holds(expression)
        if not isinstance(expression, dict) or len(expression) != 1:
            raise ResolveError(f"{expression!r} is not a condition")
        function, argument = next(iter(expression.items()))
        match function:
            case "Condition":
                return self.holds(str(argument))
            case "Fn::Equals":
                truth = by_branch(equal, *map(self._value, items(function, argument, 2, 2)))
                return truth if isinstance(truth, bool | Unknown) else Unknown(f"it depends on {truth.condition}")
            case "Fn::Not":
                truth = self._truth(items(function, argument, 1, 1)[0])
                return truth if isinstance(truth, Unknown) else not truth
            case "Fn::And" | "Fn::Or":
                return self._junction(function, items(function, argument, 2, 10))
        raise ResolveError(f"{function} cannot stand in a condition")

    def _junction(self, function: str, arguments: list[Any]) -> bool | Unknown:
        deciding = function == "Fn::Or"
        truths = [self._truth(argument) for argument in arguments]
        if any(truth is deciding for truth in truths):
            return deciding
        return next((truth for truth in truths if isinstance(truth, Unknown)), not deciding)
