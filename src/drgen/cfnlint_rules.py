"""drgen's rules about one template alone, as rules of cfn-lint: `cfn-lint --append-rules drgen.cfnlint_rules ...`.

DR304 is E9304 here: cfn-lint reads the severity from the first letter, and leaves the numbers from 9000 to others. A
rule that is an error in one case and a warning in another has both, E9304 and W9304.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from drgen.model.deployment import Deployment, Intent, StackEntry
from drgen.model.finding import Finding, Severity
from drgen.preflight.rule import Rule
from drgen.preflight.rules import RULES
from drgen.preflight.run import Selection, check_world
from drgen.preflight.world import World
from drgen.template.load import Template

LETTERS = {Severity.ERROR: "E", Severity.WARNING: "W", Severity.INFO: "I"}
ALONE = tuple(rule for rule in RULES if rule.alone)
_SECTIONS = ("Resources", "Outputs", "Parameters", "Conditions")
_STACK = "template"
_findings: dict[int, tuple[Any, tuple[Finding, ...]]] = {}
"""What was found in a template, by its identity; only the latest, because cfn-lint asks all rules about one."""


def cfn_lint_id(rule_id: str, severity: Severity) -> str:
    """What cfn-lint calls a rule of drgen."""
    return f"{LETTERS[severity]}9{rule_id.removeprefix('DR')}"


def findings(cfn: Any) -> tuple[Finding, ...]:
    """What the rules find in the template that cfn-lint has read, in the region that it is asked about."""
    known = _findings.get(id(cfn))
    if known is None or known[0] is not cfn:
        _findings.clear()
        known = _findings[id(cfn)] = (cfn, check_world(_world(cfn), Selection(), ALONE)[0])
    return known[1]


def _world(cfn: Any) -> World:
    file = str(cfn.filename or _STACK)
    template = Template(file=file, body=cfn.template, lines={}, size=0)
    entry = StackEntry(stack=_STACK, template=file, region=cfn.regions[0], stack_name=_STACK)
    return World(Deployment(path=Path(file), intent=Intent(), stacks=(entry,)), {file: template})


def path_of(template: Any, address: str) -> list[str]:
    """The path of cfn-lint for an address of drgen, as far as the template has it."""
    _, name, *rest = address.split("/", 2)
    section = next((section for section in _SECTIONS if name in (template.get(section) or {})), None)
    if section is None:
        return []
    path, node = [section, name], template[section][name]
    for step in [*(["Properties"] if section == "Resources" else []), *(rest[0].split(".") if rest else [])]:
        if not isinstance(node, dict) or step not in node:
            break
        path, node = [*path, step], node[step]
    return path if path[-1] != "Properties" else path[:-1]


class _Adopted:
    """What all of the rules below do; each of them adds its id and its rule of drgen."""

    adopted: Rule
    adopted_severity: Severity

    def match(self, cfn: Any) -> Iterator[RuleMatch]:
        for finding in findings(cfn):
            if finding.rule == self.adopted.id and finding.severity is self.adopted_severity:
                message = f"{finding.message} ({self.adopted.id}: {finding.fix})"
                yield RuleMatch(path_of(cfn.template, finding.address), message)


def _classes() -> Iterator[type[CloudFormationLintRule]]:
    order = list(LETTERS)
    for rule in ALONE:
        for severity in order[order.index(rule.severity) :]:
            name = cfn_lint_id(rule.id, severity)
            yield type(
                name,
                (_Adopted, CloudFormationLintRule),
                {
                    "id": name,
                    "adopted": rule,
                    "adopted_severity": severity,
                    "shortdesc": rule.title,
                    "description": rule.why,
                    "source_url": "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/Welcome.html",
                    "tags": ["drgen"],
                },
            )


# cfn-lint looks for classes among the names of the module.
globals().update({rule.__name__: rule for rule in _classes()})
