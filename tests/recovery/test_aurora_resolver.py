"""A global database that moves its writer: every interruption resumes to the same end, and no invariant is broken."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from global_worlds import (
    CALM,
    DARK,
    HEADLESS,
    HERE,
    MOVED,
    NODE,
    PILOT,
    PRIMARY,
    RUNNING,
    SERVING,
    SETUP,
    STARTING,
    THERE,
    WAITING,
    WHOLE,
    WRITING,
    World,
    apply,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery_worlds import SILENT, START, asked

from drgen.recovery import steps as s
from drgen.recovery.aurora_facts import AuroraFacts, Cluster, GlobalCluster, Member, Move
from drgen.recovery.facts import Absent, Answer, Lag, NotObserved, Secret, Services, Stack
from drgen.recovery.record import Approval, Delegated, Fenced, Loss, Mode, NotFenced, Record, Unverified
from drgen.recovery.resolver import InvariantBroken, check_invariants, next_steps

ENDING = [s.Scale, s.AwaitServices, s.MoveTraffic, s.VerifyWrite, s.Notify]


def kinds(steps: tuple[s.Step, ...]) -> list[type]:
    return [type(step) for step in steps]


def plan(facts: AuroraFacts, record: Record) -> list[type]:
    return kinds(next_steps(facts, record, SETUP))


def run(world: World, limit: int = 40) -> World:
    """Performs one step after the other until nothing is left."""
    for _ in range(limit):
        steps = next_steps(world.facts, world.record, SETUP)
        if not steps:
            return world
        world = apply(world, steps[0])
        if isinstance(steps[0], s.Refuse | s.Stop):
            return world
    raise AssertionError(f"no end after {world.log}")


def run_until(world: World, kind: type) -> World:
    """The world when a step of `kind` comes next."""
    for _ in range(40):
        steps = next_steps(world.facts, world.record, SETUP)
        if steps and isinstance(steps[0], kind):
            return world
        world = apply(world, steps[0])
    raise AssertionError(world.log)


def test_planned_aurora_is_left_to_stop_writes_itself() -> None:
    expected = [s.LeaveFence, s.RecordLoss, s.AskApproval, s.SwitchOver, s.AwaitPromotion, *ENDING]
    assert plan(CALM, asked(Mode.PLANNED)) == expected
    end = run(World(CALM, asked(Mode.PLANNED)))
    assert end.record.fence == Fenced(
        (), end.record.fence.at if isinstance(end.record.fence, Fenced) else 0,
        "Aurora stopped writes there before it made orders-prod-eu-west-1 the writer",
    )  # fmt: skip


def test_in_a_disaster_the_fence_is_on_record_as_an_attempt_that_nobody_saw_succeed() -> None:
    steps = next_steps(DARK, asked(Mode.DISASTER), SETUP)
    assert kinds(steps) == [s.RecordFence, s.RecordLoss, s.AskApproval, s.FailOver, s.AwaitPromotion, *ENDING]
    fence = steps[0]
    assert isinstance(fence, s.RecordFence)
    assert (fence.verified, "RDS-EVENT-0390" in fence.evidence) == (False, True)


def test_a_headless_secondary_gets_its_instances_once_somebody_has_approved() -> None:
    facts = replace(DARK, **PILOT)
    steps = plan(facts, asked(Mode.DISASTER))
    assert steps[2:7] == [s.AskApproval, s.AddInstances, s.AwaitInstances, s.FailOver, s.AwaitPromotion]
    assert run(World(facts, asked(Mode.DISASTER))).facts.target_takes_writes


def starting_worlds() -> list[World]:
    """Every legal start: what the regions show, what was asked, what the recovery region has."""
    worlds = []
    capacities: list[dict[str, Any]] = [{}, PILOT]
    services: list[Services | None] = [None, WAITING, STARTING, SERVING]
    for ask, capacity, found, protected in itertools.product((True, False), capacities, services, (True, False)):
        stack = replace(capacity.get("stack", CALM.stack), protected=protected)
        changes = {**capacity, "services": found, "stack": stack}
        calm, dark = replace(CALM, **changes), replace(DARK, **changes)
        worlds += [
            World(calm, asked(Mode.PLANNED, ask=ask)),
            World(replace(calm, alarms=None), asked(Mode.PLANNED, ask=ask)),
            World(calm, asked(Mode.DISASTER, ask=ask, insist=True)),
            World(dark, asked(Mode.DISASTER, ask=ask)),
            World(replace(dark, primary=Absent()), asked(Mode.DISASTER, ask=ask)),
            World(replace(dark, lag=SILENT), asked(Mode.DISASTER, ask=ask, accept_loss_s=60)),
            World(replace(dark, database=MOVED, target=WRITING, target_sql=SILENT), asked(Mode.DISASTER, ask=ask)),
        ]
    return worlds


def test_a_crash_after_any_step_resumes_with_the_steps_that_were_left() -> None:
    late = [s.RecordFence]
    for world in starting_worlds():
        steps = next_steps(world.facts, world.record, SETUP)
        while steps:
            world = apply(world, steps[0])
            left = next_steps(world.facts, world.record, SETUP)
            expected, found = kinds(steps[1:]), kinds(left)
            # What is already seen to be so is not waited for; the evidence of a switchover comes with its end.
            possible = [expected, [*expected, *late]]
            while expected and expected[0] in (s.AwaitInstances, s.AwaitServices, s.MoveTraffic):
                expected = expected[1:]
                possible += [expected, [*expected, *late]]
            assert found in possible, world.log
            steps = left


def test_every_legal_start_ends_with_one_writer_that_serves() -> None:
    for world in starting_worlds():
        end = run(world)
        assert end.facts.target_takes_writes, end.log
        assert end.facts.services_up
        assert end.facts.alarms is None or end.facts.alarms.show_the_move
        assert end.moves <= 1
        assert isinstance(end.record.fence, Fenced | Unverified | NotFenced)
        assert end.record.at("notified") is not None


def test_a_step_whose_effect_was_lost_is_taken_again_and_the_writer_moves_once() -> None:
    """A run dies after AWS has acted and before the record is written: facts are new, the record is old."""
    for world in starting_worlds():
        steps = next_steps(world.facts, world.record, SETUP)
        while steps and not isinstance(steps[0], s.Refuse | s.Stop):
            after = apply(world, steps[0])
            again = run(replace(after, record=world.record))
            assert again.facts.target_takes_writes, again.log
            assert again.moves <= 1
            world, steps = after, next_steps(after.facts, after.record, SETUP)


ELSEWHERE = "arn:aws:rds:eu-north-1:123456789012:cluster:orders-prod-eu-north-1"


@pytest.mark.parametrize(
    ("facts", "mode", "word"),
    [
        (CALM, Mode.DISASTER, "the primary is gone: RDS shows orders-prod-us-east-1 as available"),
        (DARK, Mode.PLANNED, "the primary answers: RDS does not answer"),
        (replace(DARK, primary_sql=Answer(False)), Mode.DISASTER, "over SQL it takes writes"),
        (replace(DARK, primary=NotObserved("AccessDenied", refused=True)), Mode.DISASTER, "AccessDenied"),
        (replace(DARK, lag=Lag(61, 60, "AuroraGlobalDBRPOLag")), Mode.DISASTER, "AuroraGlobalDBRPOLag was 61 s"),
        (replace(DARK, lag=SILENT), Mode.DISASTER, "not observed"),
        (replace(CALM, lag=Lag(61, 0, "AuroraGlobalDBRPOLag")), Mode.PLANNED, "no more than 60 s behind"),
        (replace(DARK, older_run="gone-7"), Mode.DISASTER, "gone-7 was started earlier"),
        (replace(DARK, secret=Absent()), Mode.DISASTER, "no copy of it"),
        (replace(DARK, target=Absent()), Mode.DISASTER, "no such cluster"),
        (replace(DARK, target=replace(RUNNING, status="inaccessible-encryption-credentials")), Mode.DISASTER, "inacc"),
        (replace(DARK, target=replace(RUNNING, version="16.8")), Mode.DISASTER, "has 16.9, orders-prod-eu-west-1 has"),
        (replace(DARK, target=replace(RUNNING, version="15.9")), Mode.DISASTER, "15.9"),
        (replace(DARK, database=Absent()), Mode.DISASTER, "no global database orders-prod"),
        (replace(DARK, database=replace(WHOLE, members=WHOLE.members[:1])), Mode.DISASTER, "no member"),
        (replace(DARK, database=replace(WHOLE, members=(Member(ELSEWHERE, True, ""), WHOLE.members[1]))),
         Mode.DISASTER, "eu-north-1"),
        (replace(DARK, database=replace(WHOLE, status="switching-over", move=Move("switching-over", ELSEWHERE))),
         Mode.DISASTER, f"it is switching-over, to {ELSEWHERE}"),
        (replace(CALM, database=replace(WHOLE, members=(WHOLE.members[0], Member(HERE, False, "pending-resync")))),
         Mode.PLANNED, "pending-resync"),
        (replace(DARK, target=HEADLESS, stack=Stack("UPDATE_ROLLBACK_FAILED", "headless")), Mode.DISASTER, "_FAILED"),
        (replace(DARK, services=replace(WAITING, stack=Stack("UPDATE_ROLLBACK_FAILED", "standby"))), Mode.DISASTER,
         "services stack"),
        (replace(DARK, services=Absent()), Mode.DISASTER, "no such stack"),
    ],
)  # fmt: skip
def test_a_guard_refuses_before_anything_is_touched(facts: AuroraFacts, mode: Mode, word: str) -> None:
    (step,) = next_steps(facts, asked(mode), SETUP)
    assert isinstance(step, s.Refuse)
    assert word in " ".join(step.reasons)


def test_a_patch_level_may_differ_and_a_headless_secondary_without_the_parameter_may_not_be() -> None:
    facts = replace(DARK, target=replace(RUNNING, version="16.9.2"))
    assert s.FailOver in plan(facts, asked(Mode.DISASTER))
    bare = replace(SETUP, capacity="")
    (step,) = next_steps(replace(DARK, target=HEADLESS), asked(Mode.DISASTER), bare)
    assert isinstance(step, s.Refuse)
    assert "it has none" in step.reasons[0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"now": START + 301}, "Aurora gave the move up"),
        ({"now": START + 7201, "database": replace(WHOLE, move=Move("failing-over", HERE))}, "after 120 minutes"),
        ({"target": Absent()}, "gone"),
        ({"target": replace(RUNNING, status="inaccessible-encryption-credentials")}, "inaccessible"),
    ],
)
def test_a_move_that_cannot_finish_stops_with_the_reason(changes: dict[str, Any], word: str) -> None:
    (step,) = next_steps(replace(DARK, **changes), approved().marked("promoting", START), SETUP)
    assert isinstance(step, s.Stop)
    assert word in step.reason


def approved() -> Record:
    record = replace(asked(Mode.DISASTER), fence=Unverified(START, "unseen"), loss=Loss(1, "sample"))
    return replace(record, approval=Approval(True, "erin", START))


@pytest.mark.parametrize(
    "changes",
    [
        {"database": replace(MOVED, move=Move("failing-over", HERE)), "target": WRITING},
        {"database": MOVED, "target": RUNNING},
        {"database": MOVED, "target": replace(WRITING, nodes=(replace(NODE, status="rebooting", writer=True),))},
        {"database": MOVED, "target": replace(WRITING, status="failing-over")},
        {"database": MOVED, "target": WRITING, "target_sql": Answer(in_recovery=True)},
    ],
)
def test_a_writer_that_is_not_ready_is_waited_for(changes: dict[str, Any]) -> None:
    assert plan(replace(DARK, **changes), approved())[0] is s.AwaitPromotion


def test_a_primary_that_is_back_when_somebody_approves_is_not_passed_over() -> None:
    hours_later = replace(CALM, now=START + 7200, primary_sql=SILENT)
    assert plan(hours_later, approved()) == [s.Refuse]
    with pytest.raises(InvariantBroken, match="two writers"):
        check_invariants(hours_later, approved(), SETUP, s.FailOver())


def test_instances_that_do_not_come_stop_the_run_before_anything_irreversible() -> None:
    world = run_until(World(replace(DARK, **PILOT), asked(Mode.DISASTER)), s.AwaitInstances)
    failed = Stack("UPDATE_FAILED", "running", protected=True, reason="Instance1: no capacity")
    end = run(replace(world, facts=replace(world.facts, stack=failed)))
    assert (end.log[-1], end.moves) == ("Stop", 0)
    late = run(replace(world, facts=replace(world.facts, now=world.facts.now + 3601)))
    assert (late.log[-1], late.moves) == ("Stop", 0)


def test_a_stack_that_failed_to_add_instances_in_an_earlier_run_is_tried_again() -> None:
    facts = replace(DARK, **{**PILOT, "stack": Stack("UPDATE_FAILED", "running", protected=True)})
    assert s.AddInstances in plan(facts, asked(Mode.DISASTER))


def test_traffic_never_moves_before_the_services_that_take_it_are_up() -> None:
    world = run_until(World(DARK, asked(Mode.DISASTER)), s.Scale)
    with pytest.raises(InvariantBroken, match="do not run yet"):
        check_invariants(world.facts, world.record, SETUP, s.MoveTraffic())
    started = run_until(world, s.AwaitServices)
    late = replace(started.facts, now=started.facts.now + 1801)
    assert plan(late, started.record) == [s.Stop]
    failed = replace(STARTING, stack=Stack("UPDATE_FAILED", "active", reason="WebService: no capacity"))
    (step,) = next_steps(replace(started.facts, services=failed), started.record, SETUP)
    assert isinstance(step, s.Stop)
    assert "no capacity" in step.reason


def test_services_are_not_started_before_the_database_takes_writes() -> None:
    with pytest.raises(InvariantBroken, match="cannot write"):
        check_invariants(DARK, approved(), SETUP, s.Scale())


states = st.sampled_from(["available", "failing-over", "inaccessible-encryption-credentials", "modifying"])
clusters = st.one_of(
    st.builds(
        Cluster, st.just("c"), st.just(HERE), states, st.sampled_from(["16.9", "15.9"]),
        st.sampled_from([(), (NODE,), (replace(NODE, writer=True),), (replace(NODE, status="creating"),)]),
    ),
    st.just(Absent()),
    st.just(SILENT),
)  # fmt: skip
globals_ = st.one_of(
    st.builds(
        GlobalCluster, st.just("orders-prod"), states, st.just("16.9"),
        st.sampled_from([WHOLE.members, MOVED.members, ()]),
        st.sampled_from([None, Move("failing-over", HERE), Move("switching-over", THERE)]),
    ),
    st.just(Absent()),
    st.just(SILENT),
)  # fmt: skip
answers = st.one_of(st.builds(Answer, st.booleans()), st.just(SILENT))
stacks = st.one_of(
    st.builds(
        Stack, st.sampled_from(["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED"]),
        st.sampled_from(["headless", "running", ""]), st.booleans(),
    ),
    st.just(Absent()),
    st.just(SILENT),
)  # fmt: skip
all_facts = st.builds(
    AuroraFacts,
    now=st.floats(START, START + 20_000),
    database=globals_,
    target=clusters,
    primary=st.sampled_from([PRIMARY, SILENT, Absent(), replace(PRIMARY, status="failed")]),
    target_sql=answers,
    primary_sql=answers,
    lag=st.one_of(st.builds(Lag, st.floats(0, 200), st.floats(0, 2000), st.just("lag")), st.just(SILENT)),
    stack=stacks,
    secret=st.sampled_from([Secret(True), Absent(), SILENT]),
    alarms=st.sampled_from([CALM.alarms, None, SILENT]),
    services=st.sampled_from([None, WAITING, STARTING, SERVING, Absent(), SILENT]),
    older_run=st.sampled_from(["", "gone-7"]),
)
records = st.builds(
    lambda mode, ask, insist, fence, loss, approval, mark: replace(
        asked(mode, ask=ask, insist=insist), fence=fence, loss=loss, approval=approval
    ).marked(mark, START),
    st.sampled_from(Mode),
    st.booleans(),
    st.booleans(),
    st.sampled_from([NotFenced(), Delegated(START, "x"), Unverified(START, "x"), Fenced((), START, "x")]),
    st.sampled_from([None, Loss(1, "sample")]),
    st.sampled_from([None, Approval(True, "erin", START), Approval(False, "omar", START)]),
    st.sampled_from(["promoting", "adding", "scaling", "started"]),
)


@settings(max_examples=300)
@given(all_facts, records)
def test_whatever_is_observed_no_step_is_unsafe(facts: AuroraFacts, record: Record) -> None:
    steps = next_steps(facts, record, SETUP)
    if not steps:
        assert facts.target_takes_writes
        assert facts.services_up
        return
    first = steps[0]
    if isinstance(first, s.SwitchOver | s.FailOver):
        assert isinstance(facts.target, Cluster)
        assert facts.target.ready
        assert facts.move is None
        assert record.approval == Approval(True, "erin", START) or not record.request.ask
        assert record.loss is not None
        assert facts.older_run == ""
        assert first == (s.SwitchOver() if record.request.mode is Mode.PLANNED else s.FailOver())
    if isinstance(first, s.FailOver) and not record.request.insist:
        assert facts.primary != PRIMARY
        assert not facts.primary_takes_writes
    if isinstance(first, s.SwitchOver):
        assert facts.primary == PRIMARY
    if isinstance(first, s.Scale | s.MoveTraffic | s.VerifyWrite | s.Notify):
        assert facts.target_takes_writes
    if isinstance(first, s.MoveTraffic | s.VerifyWrite):
        assert facts.services is None or facts.services == SERVING
