"""Findings: which count, in which order, and what happens when a rule breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from drgen.cli.world import Folder
from drgen.errors import UsageError
from drgen.model.finding import NotChecked, Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules import FAMILIES, RULES
from drgen.preflight.run import Selection, check_world
from drgen.preflight.world import World

Deployed = Callable[..., Folder]
ALL = Selection()
ONE = "stacks: [{stack: t, template: t.yaml, region: us-east-1}]"
BUCKET = """
    Resources:
      Data:
        Type: AWS::S3::Bucket
        DeletionPolicy: Retain
        %s
        Properties: {BucketName: data}
    """


@rule("DR999", "Every rule survives", source="test")
def breaks(world: World) -> Iterator[Fault | NotDecided]:
    """It does not.

    Fix: nothing.
    """
    yield Fault(world.stacks["t"].place("Data"), "found before it broke", "look here")
    raise KeyError("unexpected")


def test_rule_that_breaks_is_a_finding_and_hides_nothing(deployed: Deployed) -> None:
    world = deployed(ONE, t=BUCKET % "").world
    findings, _ = check_world(world, ALL, rules=(breaks, *RULES))
    assert sorted(finding.rule for finding in findings) == ["DR000", "DR310", "DR999"]
    broken = next(finding for finding in findings if finding.rule == "DR000")
    assert broken.severity is Severity.ERROR
    assert broken.message.startswith("rule DR999 broke off with KeyError: 'unexpected'")


def test_suppression_with_a_reason_silences_its_rule_at_its_resource(deployed: Deployed) -> None:
    reason = "Metadata: {drgen: {ignore: [{id: DR310, reason: it is a cache}]}}"
    assert check_world(deployed(ONE, t=BUCKET % reason).world, ALL)[0] == ()


def test_suppression_without_a_reason_silences_nothing(deployed: Deployed) -> None:
    world = deployed(ONE, t=BUCKET % "Metadata: {drgen: {ignore: [{id: DR310}]}}").world
    assert [finding.rule for finding in check_world(world, ALL)[0]] == ["DR001", "DR310"]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(select=("DR3",)), ["DR310"]),
        (Selection(select=("DR1", "DR310")), ["DR310"]),
        (Selection(ignore=("DR31",)), []),
        (Selection(select=("DR3",), ignore=("DR310",)), []),
    ],
)
def test_rules_are_chosen_by_the_beginning_of_their_ids(
    deployed: Deployed, selection: Selection, found: list[str]
) -> None:
    findings, _ = check_world(deployed(ONE, t=BUCKET % "").world, selection)
    assert [finding.rule for finding in findings] == found


def test_selection_that_is_no_rule_id_is_refused() -> None:
    with pytest.raises(UsageError, match="'everything' is no rule id"):
        Selection(select=("everything",))


def test_what_cannot_be_decided_is_listed(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1, parameters: {Key: somebody-elses}}]",
        t="""
        Parameters: {Key: {Type: String}}
        Resources: {L: {Type: "AWS::Logs::LogGroup", Properties: {KmsKeyId: !Ref Key}}}
        """,
    ).world
    _, undecided = check_world(world, ALL)
    assert undecided == (NotChecked("DR601", "t/L/KmsKeyId", "the key is made by no stack of this deployment"),)


def test_ids_are_unique_and_belong_to_a_family() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert {rule_id[:3] for rule_id in ids} == set(FAMILIES)


def test_rule_without_why_or_fix_is_refused() -> None:
    def silent(world: World) -> Iterator[Fault | NotDecided]:
        """Only why."""
        return iter(())

    with pytest.raises(ValueError, match="DR998 must say why"):
        rule("DR998", "A rule explains itself", source="test")(silent)
