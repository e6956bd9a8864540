from __future__ import annotations

from collections.abc import Mapping

from drgen.model.deployment import FromOutput, ParameterSource, StackEntry
from drgen.model.plan import Keep, Known, Pending, Step
from drgen.planning.parameters import Dark, Decided, Lookup, NoOutput, NotDeployed, decide_parameters

ABSENT = NotDeployed()
SOURCE = FromOutput("orders-db", "DatabaseArn")
LATE = FromOutput("orders-db", "DatabaseArn", late=True)


def decide(
    parameters: Mapping[str, ParameterSource],
    answer: Lookup = ABSENT,
    *,
    declared: Mapping[str, Mapping[str, str]] | None = None,
    previous: tuple[str, ...] = (),
    deferred: tuple[str, ...] = (),
) -> Decided:
    entry = StackEntry("replica", "replica.yaml", "eu-west-1", "replica", parameters=parameters)
    step = Step("replica", entry, deferred=deferred)
    names = declared if declared is not None else {name: {"Type": "String"} for name in parameters}
    return decide_parameters(step, declared=names, previous=previous, lookup=lambda source: answer)


def test_an_output_becomes_the_value() -> None:
    assert decide({"Source": SOURCE}, Known("arn:db")).values == {"Source": Known("arn:db")}


def test_a_value_of_a_dark_region_stays_as_it_is_and_is_named() -> None:
    decided = decide({"Source": SOURCE}, Dark("us-east-1"), previous=("Source",))
    assert (decided.values, decided.missing, decided.kept) == ({"Source": Keep()}, (), ("Source",))


def test_a_value_of_a_dark_region_that_was_never_there_is_missing() -> None:
    (missing,) = decide({"Source": SOURCE}, Dark("us-east-1")).missing
    assert missing.problem == "parameter Source needs stack orders-db, and us-east-1 does not answer"


def test_a_missing_output_is_named_with_those_there_are() -> None:
    (missing,) = decide({"Source": SOURCE}, NoOutput(("DatabaseId", "Endpoint"))).missing
    assert missing.problem == (
        "parameter Source needs output DatabaseArn of stack orders-db, whose outputs are: DatabaseId, Endpoint"
    )


def test_a_producer_that_does_not_exist_is_named() -> None:
    (missing,) = decide({"Source": SOURCE}, NotDeployed()).missing
    assert missing.fix == "deploy orders-db first"


def test_a_late_value_that_is_not_there_yet_is_left_alone() -> None:
    declared = {"Source": {"Type": "String", "Default": ""}}
    assert decide({"Source": LATE}, NotDeployed(), declared=declared).values == {"Source": Keep()}
    assert decide({"Source": LATE}, Known("arn"), declared=declared, deferred=("Source",)).values == {"Source": Keep()}
    assert decide({"Source": LATE}, Known("arn"), declared=declared).values == {"Source": Known("arn")}


def test_a_late_value_whose_producer_lacks_the_output_is_an_error_all_the_same() -> None:
    assert decide({"Source": LATE}, NoOutput(())).missing != ()


def test_a_parameter_the_manifest_does_not_mention_keeps_its_value_or_default() -> None:
    declared = {"Size": {"Type": "String", "Default": "1"}, "Class": {"Type": "String"}}
    assert decide({}, declared=declared, previous=("Class",)).values == {"Size": Keep(), "Class": Keep()}
    (missing,) = decide({}, declared=declared).missing
    assert missing.problem == "parameter Class has no value"


def test_a_parameter_the_template_lacks_is_missing_there() -> None:
    (missing,) = decide({"Sise": "2"}, declared={"Size": {"Default": "1"}}).missing
    assert missing.problem == "the template has no parameter Sise"


def test_a_value_known_after_deploy_is_told_by_stack_and_output() -> None:
    decided = decide({"Source": SOURCE}, Pending("orders-db", "DatabaseArn"))
    assert decided.pending == ("orders-db.DatabaseArn",)
