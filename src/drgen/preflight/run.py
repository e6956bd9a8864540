"""Runs rules over a world: findings in the order of files and lines, without those a template suppresses."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drgen.errors import UsageError
from drgen.model.finding import Finding, NotChecked, Severity
from drgen.preflight.rule import Fault, NotDecided, Rule
from drgen.preflight.rules import RULES
from drgen.preflight.rules.suppressions import suppressions
from drgen.preflight.stack import Place
from drgen.preflight.world import World

_PATTERN = re.compile(r"[A-Z]+[0-9]*")


def _nothing(world: World) -> Iterator[Fault | NotDecided]:
    return iter(())


CRASHED = Rule(
    id="DR000",
    title="Every rule comes to an end",
    severity=Severity.ERROR,
    source="drgen",
    why="A rule broke off, so what it looks for was not looked for. This is a bug in drgen.",
    fix="Report it with the template; until then, leave the rule out with --ignore.",
    check=_nothing,
)


@dataclass(frozen=True)
class Selection:
    """Which rule ids count. `select` and `ignore` hold ids or beginnings of ids; nothing selected means all."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (*self.select, *self.ignore):
            if not _PATTERN.fullmatch(text):
                raise UsageError(
                    f"{text!r} is no rule id", fix="give an id such as DR305, or its beginning, such as DR3"
                )

    def has(self, rule_id: str) -> bool:
        wanted = not self.select or rule_id.startswith(self.select)
        return wanted and not (self.ignore and rule_id.startswith(self.ignore))

    @property
    def reaches_linter(self) -> bool:
        """False if only rules of drgen are selected, so that a linter need not be asked."""
        return not self.select or not all(text.startswith("DR") for text in self.select)


def check_world(
    world: World, selection: Selection, rules: Sequence[Rule] = RULES
) -> tuple[tuple[Finding, ...], tuple[NotChecked, ...]]:
    """What the selected rules find in `world`, and what they cannot decide; a rule that crashes is a finding DR000."""
    suppressed = suppressions(world)
    findings: dict[Finding, None] = {}
    undecided: dict[NotChecked, None] = {}
    for rule in rules:
        if not selection.has(rule.id):
            continue
        for said_by, fault in _outcome(rule, world):
            if isinstance(fault, NotDecided):
                undecided[NotChecked(rule.id, fault.place.address, fault.reason)] = None
            elif (rule.id, _subject(fault.place)) not in suppressed:
                findings[_finding(said_by, fault)] = None
    return tuple(sorted(findings, key=_reading_order)), tuple(undecided)


def _outcome(rule: Rule, world: World) -> Iterator[tuple[Rule, Fault | NotDecided]]:
    """What `rule` yields, and if it breaks off, a last fault of CRASHED."""
    try:
        for fault in rule.check(world):
            yield rule, fault
    except Exception as error:
        # One broken rule must not hide what the others find.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.name}, line {frame.lineno}"
        message = f"rule {rule.id} broke off with {type(error).__name__}: {error} ({where})"
        yield CRASHED, Fault(Place("", str(world.deployment.path), 1), message, CRASHED.fix)


def _finding(rule: Rule, fault: Fault) -> Finding:
    return Finding(
        rule=rule.id,
        severity=fault.severity or rule.severity,
        address=fault.place.address,
        file=fault.place.file,
        line=fault.place.line,
        message=fault.message,
        fix=fault.fix,
        why=rule.why,
        source=rule.source,
    )


def _subject(place: Place) -> tuple[str, str]:
    stack, _, rest = place.address.partition("/")
    return stack, rest.partition("/")[0]


def _reading_order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.file, finding.line, finding.rule, finding.address


def by_id(rules: Sequence[Rule] = RULES) -> Mapping[str, Rule]:
    """All rules by id, with the one that reports a broken rule."""
    return {CRASHED.id: CRASHED, **{rule.id: rule for rule in rules}}
