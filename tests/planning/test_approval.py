from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drgen.model.plan import Action, Change, Foreseen, Pass, Replacement, StepPlan
from drgen.planning.approval import beyond


def approved(*changes: Change, foreseen: Foreseen = Foreseen.UPDATE) -> StepPlan:
    return StepPlan("db", "db", "eu-west-1", "recovery", Pass.ONLY, foreseen, changes=changes)


def topic(action: Action, replacement: Replacement = Replacement.NONE) -> Change:
    return Change("Topic", "AWS::SNS::Topic", action, replacement)


def test_a_replacement_where_a_change_in_place_was_approved_goes_beyond_the_plan() -> None:
    plan = approved(topic(Action.MODIFY, Replacement.FALSE))
    assert beyond(plan, (topic(Action.MODIFY, Replacement.TRUE),)) == (
        "Topic: Modify, replacement True (approved: Modify, replacement False)",
    )


def test_a_resource_that_the_plan_does_not_mention_goes_beyond_it() -> None:
    assert beyond(approved(), (topic(Action.ADD),)) == ("Topic: Add (approved: no change)",)


def test_less_than_the_plan_is_within_it() -> None:
    plan = approved(topic(Action.MODIFY, Replacement.TRUE))
    assert beyond(plan, ()) == ()
    assert beyond(plan, (topic(Action.MODIFY, Replacement.CONDITIONAL),)) == ()


def test_a_step_planned_with_unknown_values_covers_changes_in_place_and_nothing_worse() -> None:
    plan = approved(foreseen=Foreseen.UNKNOWN)
    assert beyond(plan, (topic(Action.ADD), topic(Action.MODIFY, Replacement.FALSE))) == ()
    assert beyond(plan, (topic(Action.REMOVE),)) == ("Topic: Remove (approved: no change)",)


CHANGES = st.builds(
    Change, st.sampled_from("abc"), st.just("AWS::SNS::Topic"), st.sampled_from(Action), st.sampled_from(Replacement)
)


@given(st.lists(CHANGES, unique_by=lambda change: change.logical_id))
def test_what_was_approved_is_always_within_the_approval(changes: list[Change]) -> None:
    assert beyond(approved(*changes), tuple(changes)) == ()
