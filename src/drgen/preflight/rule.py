"""What a rule is: a claim about the whole world, and the faults it finds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drgen.model.finding import Severity
from drgen.preflight.stack import Place
from drgen.preflight.world import World


@dataclass(frozen=True)
class Fault:
    """One place where the claim does not hold; `severity` overrides the rule's where this case is milder or worse."""

    place: Place
    message: str
    fix: str
    severity: Severity | None = None


@dataclass(frozen=True)
class NotDecided:
    """A place that the rule cannot judge offline, and why."""

    place: Place
    reason: str


Check = Callable[[World], Iterator[Fault | NotDecided]]


@dataclass(frozen=True)
class Rule:
    """`title` is the claim that should hold; `why` is what happens where it does not; `fix` is the way out.

    `alone` is true where one template shows whether the claim holds: no other stack, and nothing in the manifest, could
    make good what is wrong. Such rules work inside plain cfn-lint, too (cfnlint_rules.py).
    """

    id: str
    title: str
    severity: Severity
    source: str
    why: str
    fix: str
    check: Check = field(repr=False, compare=False)
    alone: bool = False


def rule(
    rule_id: str, title: str, *, source: str, severity: Severity = Severity.ERROR, alone: bool = False
) -> Callable[[Check], Rule]:
    """Makes a Rule of a generator function.

    Its docstring says why, in an operator's words, and ends with a paragraph that begins with "Fix:".
    """

    def made(check: Check) -> Rule:
        why, _, fix = inspect.cleandoc(check.__doc__ or "").partition("Fix:")
        if not why.strip() or not fix.strip():
            raise ValueError(f"the docstring of {rule_id} must say why, and end with a paragraph 'Fix: ...'")
        return Rule(rule_id, title, severity, source, " ".join(why.split()), " ".join(fix.split()), check, alone)

    return made
