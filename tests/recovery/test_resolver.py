"""The resolver: every interruption resumes to the same end, and no invariant is ever broken."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery_worlds import ALONE, CALM, DARK, PAIR, PRIMARY, REPLICA, SILENT, START, World, apply, asked

from drgen.recovery import steps as s
from drgen.recovery.facts import Absent, Alarms, AlarmState, Answer, Lag, NotObserved, Secret, Stack
from drgen.recovery.record import Approval, Fenced, Fencing, Loss, Mode, NotFenced, Record, Released, Unverified
from drgen.recovery.replica_facts import Instance, ReplicaFacts
from drgen.recovery.resolver import InvariantBroken, check_invariants, next_steps

FENCE = [s.CutOffPrimary, s.RebootPrimary, s.AwaitFence, s.RecordFence]
ENDING = [s.MoveTraffic, s.VerifyWrite, s.Notify]


def kinds(steps: tuple[s.Step, ...]) -> list[type]:
    return [type(step) for step in steps]


def plan(facts: ReplicaFacts, record: Record) -> list[type]:
    return kinds(next_steps(facts, record, PAIR))


def run(world: World, limit: int = 40) -> World:
    """Performs one step after the other until nothing is left."""
    for _ in range(limit):
        steps = next_steps(world.facts, world.record, PAIR)
        if not steps:
            return world
        world = apply(world, steps[0])
        if isinstance(steps[0], s.Refuse | s.Stop):
            return world
    raise AssertionError(f"no end after {world.log}")


def test_a_planned_failover_fences_drains_asks_and_only_then_promotes() -> None:
    expected = [*FENCE, s.AwaitDrain, s.RecordLoss, s.AskApproval, s.Promote, s.AwaitPromotion, *ENDING]
    assert plan(CALM, asked(Mode.PLANNED)) == expected


def test_a_disaster_with_a_dark_region_records_the_fence_as_unverified_and_plans_no_call_to_it() -> None:
    steps = next_steps(DARK, asked(Mode.DISASTER), PAIR)
    assert kinds(steps) == [s.RecordFence, s.RecordLoss, s.AskApproval, s.Promote, s.AwaitPromotion, *ENDING]
    assert steps[0] == s.RecordFence(False, "the primary's region does not answer (no answer)")


def starting_worlds() -> list[World]:
    """Every legal start: what the regions show, what was asked, whether databases answer."""
    worlds = []
    stacks = [Stack("CREATE_COMPLETE", "replica", p) for p in (True, False)]
    alarms = [Alarms(w, r) for w in AlarmState for r in AlarmState]
    for ask, sql, stack, alarm in itertools.product((True, False), (True, False), stacks, alarms):
        facts = replace(CALM, stack=stack, alarms=alarm)
        if not sql:
            facts = replace(facts, primary_sql=SILENT, replica_sql=SILENT)
        dark = replace(facts, primary=SILENT, primary_sql=SILENT)
        worlds += [
            World(facts, asked(Mode.PLANNED, ask=ask), sql),
            World(facts, asked(Mode.DISASTER, ask=ask, insist=True), sql),
            World(dark, asked(Mode.DISASTER, ask=ask), sql),
            World(replace(dark, primary=Absent()), asked(Mode.DISASTER, ask=ask), sql),
            World(replace(dark, lag=SILENT), asked(Mode.DISASTER, ask=ask, accept_loss_s=60), sql),
            World(replace(dark, replica=ALONE, stack=Stack("UPDATE_COMPLETE", "standalone", True)),
                  asked(Mode.DISASTER, ask=ask), sql),
        ]  # fmt: skip
    return worlds


def test_a_crash_after_any_step_resumes_with_the_steps_that_were_left() -> None:
    for world in starting_worlds():
        steps = next_steps(world.facts, world.record, PAIR)
        while steps:
            world = apply(world, steps[0])
            left = next_steps(world.facts, world.record, PAIR)
            expected = kinds(steps[1:])
            # What is already seen to be so is not waited for, nor done.
            satisfied = expected[:1] in ([s.AwaitFence], [s.AwaitDrain], [s.MoveTraffic])
            assert kinds(left) in (expected, expected[1:] if satisfied else expected)
            steps = left


def test_every_legal_start_ends_with_traffic_on_a_single_writer() -> None:
    for world in starting_worlds():
        end = run(world)
        assert end.facts.replica_takes_writes, end.log
        assert not end.facts.primary_takes_writes
        assert end.facts.alarms == Alarms(AlarmState.ALARM, AlarmState.OK)
        assert end.promotions <= 1
        assert end.reboots <= 1
        assert end.record.at("notified") is not None


def test_a_step_whose_effect_was_lost_is_taken_again_and_promotes_once() -> None:
    """A run dies after AWS has acted and before the record is written: facts are new, the record is old."""
    for world in starting_worlds():
        steps = next_steps(world.facts, world.record, PAIR)
        while steps and not isinstance(steps[0], s.Refuse | s.Stop):
            after = apply(world, steps[0])
            assert run(replace(after, record=world.record)).facts.replica_takes_writes
            assert run(replace(after, record=world.record)).promotions <= 1
            world, steps = after, next_steps(after.facts, after.record, PAIR)


@pytest.mark.parametrize(
    ("facts", "record", "word"),
    [
        (CALM, asked(Mode.DISASTER), "the primary is gone: RDS shows orders-prod-us-east-1 as available"),
        (DARK, asked(Mode.PLANNED), "the primary answers: RDS does not answer"),
        (replace(DARK, primary_sql=Answer(False)), asked(Mode.DISASTER), "over SQL it takes writes"),
        (replace(DARK, lag=Lag(301, 60, "ReplicaLag")), asked(Mode.DISASTER), "ReplicaLag was 301 s, 60 s ago"),
        (replace(DARK, lag=Lag(5, 60, "ReplicaLag")), asked(Mode.DISASTER, accept_loss_s=4), "no more than 4 s"),
        (replace(DARK, lag=Lag(5, 901, "ReplicaLag")), asked(Mode.DISASTER), "too old to count on"),
        (replace(DARK, lag=SILENT), asked(Mode.DISASTER), "not observed"),
        (replace(DARK, older_run="gone-7"), asked(Mode.DISASTER), "gone-7 was started earlier"),
        (replace(DARK, secret=Absent()), asked(Mode.DISASTER), "no copy of it"),
        (replace(DARK, replica=Absent()), asked(Mode.DISASTER), "no such instance"),
        (replace(DARK, replica=replace(REPLICA, status="incompatible-restore")), asked(Mode.DISASTER), "incompat"),
        (replace(DARK, replica=replace(REPLICA, source="arn:aws:rds:us-east-1:123456789012:db:other")),
         asked(Mode.DISASTER), "its source is arn:aws:rds:us-east-1:123456789012:db:other"),
        (replace(DARK, replica=replace(REPLICA, replication=("terminated",))), asked(Mode.DISASTER), "terminated"),
        (replace(CALM, replica=replace(REPLICA, replication=("error",))), asked(Mode.PLANNED), "error"),
        (replace(DARK, stack=Stack("UPDATE_ROLLBACK_FAILED", "replica", True)), asked(Mode.DISASTER), "_FAILED"),
        (replace(DARK, stack=Stack("UPDATE_COMPLETE", "standalone", True)), asked(Mode.DISASTER), "standalone"),
    ],
)  # fmt: skip
def test_a_guard_refuses_before_anything_is_touched(facts: ReplicaFacts, record: Record, word: str) -> None:
    (step,) = next_steps(facts, record, PAIR)
    assert isinstance(step, s.Refuse)
    assert word in " ".join(step.reasons)


@pytest.mark.parametrize("status", ["backing-up", "modifying", "rebooting"])
def test_a_busy_replica_is_waited_for_but_not_for_ever(status: str) -> None:
    facts = replace(DARK, replica=replace(REPLICA, status=status))
    record = asked(Mode.DISASTER)
    assert plan(facts, record) == [s.AwaitTarget]
    assert plan(replace(facts, now=START + 1801), replace(record, unseen_since=START)) == [s.Stop]


def test_available_alone_is_not_a_promotion() -> None:
    record = fenced_and_approved().marked("promoting", START)
    updating = Stack("UPDATE_IN_PROGRESS", "standalone", True)
    for replica in (REPLICA, replace(REPLICA, source=""), replace(ALONE, status="rebooting")):
        assert plan(replace(DARK, replica=replica, stack=updating), record)[0] is s.AwaitPromotion
    reading = replace(DARK, replica=ALONE, replica_sql=Answer(in_recovery=True), stack=updating)
    assert plan(reading, record)[0] is s.AwaitPromotion
    assert plan(replace(reading, replica_sql=SILENT), record)[0] is s.MoveTraffic


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(DARK, stack=Stack("UPDATE_FAILED", "replica", True, "Resource handler returned: no")), "returned: no"),
        (replace(DARK, stack=Stack("UPDATE_ROLLBACK_COMPLETE", "replica", True)), "UPDATE_ROLLBACK_COMPLETE"),
        (replace(DARK, replica=replace(REPLICA, status="storage-full")), "storage-full"),
        (replace(DARK, now=START + 7201), "not finished after 120 minutes"),
        (replace(DARK, replica=Absent()), "gone"),
    ],
)
def test_a_promotion_that_cannot_finish_stops_with_the_reason(facts: ReplicaFacts, word: str) -> None:
    (step,) = next_steps(facts, fenced_and_approved().marked("promoting", START), PAIR)
    assert isinstance(step, s.Stop)
    assert word in step.reason


def fenced_and_approved() -> Record:
    record = replace(asked(Mode.DISASTER), fence=Unverified(START, "dark"), loss=Loss(2, "sample"))
    return replace(record, approval=Approval(True, "erin", START))


@pytest.mark.parametrize("status", ["available", "backing-up", "rebooting"])
def test_a_primary_that_is_back_when_somebody_approves_is_not_passed_over(status: str) -> None:
    back = replace(PRIMARY, status=status)
    hours_later = replace(CALM, now=START + 7200, primary=back, primary_sql=SILENT)
    (step,) = next_steps(hours_later, fenced_and_approved(), PAIR)
    assert isinstance(step, s.Refuse)
    assert f"RDS shows {back.identifier} as {status}" in step.reasons[0]
    with pytest.raises(InvariantBroken, match="two writers"):
        check_invariants(hours_later, fenced_and_approved(), PAIR, s.Promote())


def test_a_fence_that_somebody_took_down_while_approval_was_waited_for_refuses_the_promotion() -> None:
    world = run_until(World(CALM, asked(Mode.PLANNED)), s.AskApproval)
    open_again = replace(world.facts, primary=PRIMARY, primary_sql=SILENT)
    approved = replace(world.record, approval=Approval(True, "erin", START))
    end = run(replace(world, facts=open_again, record=approved))
    assert end.log[-1] == "Refuse"
    assert end.promotions == 0


def test_a_primary_that_is_back_and_given_up_all_the_same_is_fenced_first() -> None:
    record = fenced_and_approved()
    insisting = replace(record, request=replace(record.request, insist=True))
    hours_later = replace(CALM, now=START + 7200, primary_sql=SILENT)
    assert plan(hours_later, insisting)[:4] == FENCE
    refused = replace(insisting, fence=Unverified(hours_later.now, "no permission"))
    assert plan(hours_later, refused)[0] is s.Promote


def test_a_region_that_refuses_to_tell_is_not_a_region_that_is_gone() -> None:
    facts = replace(DARK, primary=NotObserved("AccessDenied", refused=True))
    assert plan(facts, asked(Mode.DISASTER, ask=False)) == [s.Refuse]
    assert s.Promote in plan(facts, asked(Mode.DISASTER, insist=True))
    with pytest.raises(InvariantBroken, match="two writers"):
        check_invariants(facts, fenced_and_approved(), PAIR, s.Promote())


@pytest.mark.parametrize("status", ["backing-up", "modifying", "storage-optimization"])
def test_a_primary_that_is_backed_up_or_modified_is_not_gone(status: str) -> None:
    facts = replace(CALM, primary=replace(PRIMARY, status=status), primary_sql=SILENT)
    assert plan(facts, asked(Mode.DISASTER)) == [s.Refuse]


def test_a_denied_approval_takes_the_fence_down_and_ends() -> None:
    world = run_until(World(CALM, asked(Mode.PLANNED)), s.AskApproval)
    denied = replace(world, record=replace(world.record, approval=Approval(False, "omar", START)))
    end = run(denied)
    assert end.log[-2:] == ("ReleasePrimary", "Stop")
    assert end.facts.primary == PRIMARY
    assert end.promotions == 0


def test_a_planned_failover_that_cannot_drain_gives_the_primary_back() -> None:
    world = run_until(World(CALM, asked(Mode.PLANNED)), s.AwaitDrain)
    late = run(replace(world, facts=replace(world.facts, now=world.facts.now + 1201, lag=SILENT)))
    assert late.log[-2:] == ("ReleasePrimary", "Stop")
    assert late.facts.primary == PRIMARY


def test_a_guard_that_fails_behind_the_fence_gives_the_primary_back_and_refuses() -> None:
    world = run_until(World(CALM, asked(Mode.PLANNED)), s.AwaitDrain)
    end = run(replace(world, facts=replace(world.facts, secret=Absent())))
    assert end.log[-2:] == ("ReleasePrimary", "Refuse")
    assert end.facts.primary == PRIMARY


def test_a_drain_counts_only_when_something_younger_than_the_fence_was_replayed() -> None:
    record = replace(asked(Mode.PLANNED), fence=Fenced(("sg-primary",), START, "rebooted"))
    cut = replace(CALM, primary=replace(PRIMARY, groups=("sg-fence",)), primary_sql=SILENT, now=START + 100)
    assert plan(replace(cut, lag=Lag(60, 41, "ReplicaLag")), record)[0] is s.AwaitDrain
    assert plan(replace(cut, lag=Lag(60, 40, "ReplicaLag")), record)[0] is s.RecordLoss
    assert plan(replace(cut, lag=SILENT), record)[0] is s.AwaitDrain


def test_a_fence_that_somebody_undid_is_set_again_and_remembers_the_first_groups() -> None:
    fencing = Fencing(("sg-primary",), START, rebooted=True)
    undone = replace(CALM, primary_sql=SILENT)
    assert plan(undone, replace(asked(Mode.PLANNED), fence=fencing))[0] is s.CutOffPrimary
    settling = replace(undone, primary=replace(PRIMARY, groups_settled=False))
    assert plan(settling, replace(asked(Mode.PLANNED), fence=fencing))[0] is s.AwaitFence


def test_a_primary_that_comes_back_during_the_run_is_fenced_after_the_traffic_has_moved() -> None:
    world = run_until(World(DARK, asked(Mode.DISASTER)), s.MoveTraffic)
    back = replace(world, facts=replace(world.facts, primary=PRIMARY, primary_sql=Answer(False)))
    end = run(back)
    assert isinstance(end.record.fence, Fenced)
    fencing = ("CutOffPrimary", "RebootPrimary", "RecordFence")
    assert end.log[-6:] == ("MoveTraffic", "VerifyWrite", "Notify", *fencing)


def run_until(world: World, kind: type) -> World:
    """The world when a step of `kind` comes next."""
    for _ in range(40):
        steps = next_steps(world.facts, world.record, PAIR)
        if steps and isinstance(steps[0], kind):
            return world
        world = apply(world, steps[0])
    raise AssertionError(world.log)


def test_the_promotion_of_an_unfenced_primary_is_a_bug_and_not_a_step() -> None:
    record = fenced_and_approved()
    with pytest.raises(InvariantBroken, match="neither verified nor on record"):
        check_invariants(DARK, replace(record, fence=NotFenced()), PAIR, s.Promote())
    with pytest.raises(InvariantBroken, match="two writers"):
        check_invariants(CALM, record, PAIR, s.Promote())
    with pytest.raises(InvariantBroken, match="cannot write"):
        check_invariants(DARK, record, PAIR, s.MoveTraffic())
    with pytest.raises(InvariantBroken, match="does not answer"):
        check_invariants(DARK, record, PAIR, s.CutOffPrimary())


silences = st.just(NotObserved("silence"))
instances = st.builds(
    Instance,
    st.just("db"),
    st.sampled_from(["available", "modifying", "backing-up", "failed", "stopped", "rebooting"]),
    st.sampled_from(["", REPLICA.source, "arn:aws:rds:eu-west-1:123456789012:db:other"]),
    st.sampled_from([(), ("replicating",), ("error",), ("terminated",)]),
    st.sampled_from([("sg-primary",), ("sg-fence",), ("sg-fence", "sg-primary")]),
    st.booleans(),
)
databases = st.one_of(instances, st.just(Absent()), silences)
answers = st.one_of(st.builds(Answer, st.booleans()), silences)
seconds = st.floats(0, 10_000)
statuses = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"]
all_facts = st.builds(
    ReplicaFacts,
    now=st.floats(START, START + 20_000),
    replica=databases,
    primary=databases,
    replica_sql=answers,
    primary_sql=answers,
    lag=st.one_of(st.builds(Lag, seconds, seconds, st.just("ReplicaLag")), silences),
    stack=st.one_of(
        st.builds(Stack, st.sampled_from(statuses), st.sampled_from(["replica", "standalone"]), st.booleans()),
        st.just(Absent()),
        silences,
    ),
    secret=st.one_of(st.builds(Secret, st.booleans()), st.just(Absent()), silences),
    alarms=st.one_of(st.builds(Alarms, st.sampled_from(AlarmState), st.sampled_from(AlarmState)), silences),
    older_run=st.sampled_from(["", "gone-7"]),
)
groups = st.sampled_from([(), ("sg-primary",)])
fences = st.one_of(
    st.just(NotFenced()),
    st.builds(Fencing, groups, st.just(START), st.booleans()),
    st.builds(Fenced, groups, st.just(START), st.just("seen")),
    st.builds(Unverified, st.just(START), st.just("dark"), st.booleans()),
    st.builds(Released, st.just(START), st.sampled_from(["", "no answer"])),
)
requests = st.builds(
    lambda mode, ask, insist, loss: asked(mode, ask=ask, insist=insist, accept_loss_s=loss),
    st.sampled_from(Mode), st.booleans(), st.booleans(), st.one_of(st.none(), st.floats(0, 1000)),
)  # fmt: skip
records = st.builds(
    lambda record, fence, loss, approval, gone, promoting: replace(
        record, fence=fence, loss=loss, approval=approval, giving_up=gone
    ).marked("promoting" if promoting else "started", START),
    requests,
    fences,
    st.one_of(st.none(), st.just(Loss(1, "sample")), silences),
    st.one_of(st.none(), st.builds(Approval, st.booleans(), st.just("erin"), st.just(START))),
    st.sampled_from(["", "no"]),
    st.booleans(),
)


@settings(max_examples=600)
@given(all_facts, records)
def test_whatever_is_observed_no_step_is_unsafe(facts: ReplicaFacts, record: Record) -> None:
    steps = next_steps(facts, record, PAIR)
    if not steps:
        assert facts.replica_takes_writes
        return
    first = steps[0]
    if isinstance(first, s.Promote):
        assert isinstance(record.fence, Fenced | Unverified)
        assert facts.primary_sql != Answer(in_recovery=False)
        assert isinstance(facts.replica, Instance)
        assert (facts.replica.status, facts.replica.source) == ("available", REPLICA.source)
        assert record.approval == Approval(True, "erin", START) or not record.request.ask
        assert record.loss is not None
        assert facts.older_run == ""
    if isinstance(first, s.MoveTraffic | s.VerifyWrite | s.Notify):
        assert isinstance(facts.replica, Instance)
        assert facts.replica.source == ""
        assert facts.replica_sql != Answer(in_recovery=True)
    if isinstance(facts.primary, NotObserved):
        assert not isinstance(first, s.CutOffPrimary | s.RebootPrimary | s.AwaitFence)
    if isinstance(first, s.ReleasePrimary):
        assert isinstance(facts.replica, Absent) or (isinstance(facts.replica, Instance) and facts.replica.source)
