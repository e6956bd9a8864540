"""Whatever a workload file declares, together with whatever else: it builds, and nothing is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from folders import built
from hypothesis import HealthCheck, Phase, given, settings
from workloads import Drawn, workloads

from drgen.model.finding import Severity
from drgen.preflight.cache import Cache
from drgen.preflight.fastlint import fast_lint
from drgen.preflight.linting import lint_world
from drgen.preflight.run import Selection, check_world
from drgen.template.load import Template, load

CALM: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.generate],
}
"""Without shrinking: a failure shows the workload that was drawn, after seconds and not minutes."""


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Every name that an expression means, with how: as the CloudFormation function calls it."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        match key, item:
            case "Ref" | "Condition", str():
                yield key, item
            case "Fn::GetAtt", _:
                yield key, item.partition(".")[0] if isinstance(item, str) else item[0]
            case "Fn::If", [str(condition), *branches]:
                yield "Condition", condition
                yield from references(branches)
            case "Fn::Sub", _:
                text, given = (item, {}) if isinstance(item, str) else item
                yield from ((how, name) for how, name in _in_text(text) if name not in given)
                yield from references(given)
            case _:
                yield from references(item)


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    """What stands in `${}` of a text for Fn::Sub."""
    for name in re.findall(r"\$\{([^!][^}]*)\}", text):
        yield "Fn::GetAtt" if "." in name else "Ref", name.partition(".")[0]


def loose_ends(template: Template) -> Iterator[str]:
    """References to nothing, and parameters and conditions that nothing refers to."""
    body = template.body
    parameters, conditions, resources = (set(body.get(part, {})) for part in ("Parameters", "Conditions", "Resources"))
    used = set(references(body))
    for how, name in sorted(used):
        known = {"Ref": parameters | resources, "Fn::GetAtt": resources, "Condition": conditions}[how]
        if name not in known and not name.startswith("AWS::"):
            yield f"{template.file}: {how} {name} leads nowhere"
    for how, names in (("Ref", parameters), ("Condition", conditions)):
        yield from (f"{template.file}: {name} is of no use" for name in sorted(names) if (how, name) not in used)


@settings(max_examples=40, **CALM)
@given(file=workloads())
def test_every_workload_builds_and_no_rule_finds_fault_with_its_stacks(file: Drawn) -> None:
    """The rules look at sizes and at names (DR701-DR703), too, and can decide what templates alone decide."""
    world = built(file).world
    assert [end for stack in world.steps for end in loose_ends(stack.template)] == []
    findings, undecided = check_world(world, Selection())
    assert [finding for finding in findings if finding.severity is not Severity.INFO] == []
    assert [one for one in undecided if "only the account knows" not in one.reason] == []


@settings(max_examples=6, **CALM)
@given(file=workloads())
def test_the_native_validator_takes_every_template_in_its_region(file: Drawn) -> None:
    folder = built(file)
    found = lint_world(folder.world, folder.sources, Selection(), linter=fast_lint, rules="", cache=Cache(None))
    assert found == ()


def test_loose_ends_are_found() -> None:
    text = """
Parameters: {Unused: {Type: String}}
Conditions: {Never: !Equals [a, b]}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "${Absent} ${Queue.Arn} ${!Literal} ${AWS::Region}"}}
  Other: {Type: AWS::SNS::Topic, Condition: Missing}
"""
    assert list(loose_ends(load(text.encode(), file="t"))) == [
        "t: Condition Missing leads nowhere",
        "t: Fn::GetAtt Queue leads nowhere",
        "t: Ref Absent leads nowhere",
        "t: Unused is of no use",
        "t: Never is of no use",
    ]
