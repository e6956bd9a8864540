"""Which steps are left of a failover, decided only from what is observed and what is on record.

`next_steps` gives all steps to the end as far as they can be foreseen; only the first is performed before everything is
observed again. A run that dies anywhere therefore resumes by running again. Before a step is handed out, the invariants
are checked against it:

- never two writers: no promotion while the primary, or a copy in another region, is seen to take writes, no release of
  the primary afterwards;
- traffic never points at a region that cannot write;
- nothing irreversible before the fence is verified, or on record as unverified, and approved where approval is asked;
- no step requires the failed region: what touches the primary is planned only while its region answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgen.recovery.facts import Absent, Alarms, Answer, Facts, Instance, NotObserved, Pair, Stack
from drgen.recovery.guards import UPDATABLE, Verdict, guards, has_ended, is_there
from drgen.recovery.others import took_over
from drgen.recovery.record import Fenced, Fencing, Mode, NotFenced, Record, Released, Unverified
from drgen.recovery.steps import (
    TOUCHES_PRIMARY,
    AskApproval,
    AwaitDrain,
    AwaitFence,
    AwaitPromotion,
    AwaitTarget,
    CutOffPrimary,
    MoveTraffic,
    Notify,
    Promote,
    ProtectStack,
    RebootPrimary,
    RecordFence,
    RecordLoss,
    Refuse,
    ReleasePrimary,
    Step,
    Stop,
    VerifyWrite,
)

UNSEEN_LIMIT_S = 1800.0
FENCE_LIMIT_S = 1200.0
FENCE_AGAIN_S = 60.0
"""A primary that could not be fenced is tried again after this long, not at each turn: a refusal must not loop."""
DRAIN_LIMIT_S = 1200.0
"""Longer than the five minutes after which even an idle primary makes its replica replay something (RDS User Guide,
"Working with read replicas for Amazon RDS for PostgreSQL")."""
PROMOTION_LIMIT_S = 7200.0
TRAFFIC_LIMIT_S = 1800.0
VERIFY_LIMIT_S = 1800.0


class InvariantBroken(Exception):
    """The resolver was about to hand out a step that must never be taken. This is a bug in drgen."""


def next_steps(facts: Facts, record: Record, pair: Pair) -> tuple[Step, ...]:
    """The steps that are left, the first of them now; () when the failover is complete.

    Raises InvariantBroken rather than hand out a step that breaks an invariant.
    """
    steps = tuple(_steps(facts, record, pair))
    if steps:
        check_invariants(facts, record, steps[0])
    return steps


def check_invariants(facts: Facts, record: Record, step: Step) -> None:
    """Returns if `step` may be taken now; raises InvariantBroken otherwise."""
    broken = tuple(_violations(facts, record, step))
    if broken:
        raise InvariantBroken(f"{type(step).__name__}: {'; '.join(broken)}. This is a bug in drgen.")


def _violations(facts: Facts, record: Record, step: Step) -> Iterator[str]:
    if isinstance(step, Promote):
        if not isinstance(record.fence, Fenced | Unverified):
            yield "the fence is neither verified nor on record as unverified"
        if facts.primary_takes_writes:
            yield "the primary takes writes, there would be two writers"
        for taken in took_over(facts.others):
            yield f"{taken}, there would be two writers"
        unfenced = isinstance(record.fence, Unverified) and not record.fence.tried and not record.request.insist
        if unfenced and is_there(facts.primary):
            yield "the primary is back and nobody has fenced it, there could be two writers"
        if record.request.ask and not (record.approval and record.approval.given):
            yield "nobody has approved"
        if record.loss is None:
            yield "the loss is not on record"
    if isinstance(step, ReleasePrimary) and not (is_replica(facts) or isinstance(facts.replica, Absent)):
        yield "the target's database may have been promoted, there could be two writers"
    if isinstance(step, MoveTraffic) and not facts.replica_takes_writes:
        yield "the target region cannot write"
    if isinstance(step, TOUCHES_PRIMARY) and isinstance(facts.primary, NotObserved):
        yield "the primary's region does not answer"


def is_replica(facts: Facts) -> bool:
    """Whether the target's database is seen to have a source still."""
    return isinstance(facts.replica, Instance) and facts.replica.source != ""


def drained(facts: Facts, record: Record) -> bool:
    """Whether the replica has replayed a transaction that is younger than the verified fence.

    WAL is replayed in order, so nothing older can be missing then.
    """
    if not isinstance(record.fence, Fenced) or isinstance(facts.lag, NotObserved):
        return False
    return facts.now - facts.lag.age_s - facts.lag.seconds >= record.fence.at


def _steps(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    if isinstance(facts.replica, NotObserved):
        yield from _look_again(facts, record, facts.replica.reason)
    elif promotion_began(facts, record):
        yield from _promotion_and_after(facts, record, pair)
    elif reason := _giving_up(record):
        yield from _give_up(record, reason, refused=record.refused)
    else:
        yield from _before_promotion(facts, record, pair)


def promotion_began(facts: Facts, record: Record) -> bool:
    """Whether there is no way back: the source is gone, or the stack is on its way to remove it."""
    if isinstance(facts.replica, Instance) and not facts.replica.source:
        return True
    if record.at("promoting") is not None:
        return True
    return isinstance(facts.stack, Stack) and facts.stack.role == "standalone" and "IN_PROGRESS" in facts.stack.status


def _look_again(facts: Facts, record: Record, reason: str) -> Iterator[Step]:
    since = facts.now if record.unseen_since is None else record.unseen_since
    if facts.now - since > UNSEEN_LIMIT_S:
        yield Stop(f"the target region withheld what is needed for {UNSEEN_LIMIT_S / 60:.0f} minutes: {reason}")
    else:
        yield AwaitTarget(reason)


def _giving_up(record: Record) -> str:
    if record.giving_up:
        return record.giving_up
    if record.approval is not None and not record.approval.given:
        return f"{record.approval.by} did not approve"
    return ""


def _give_up(record: Record, reason: str, *, refused: bool) -> Iterator[Step]:
    match record.fence:
        case Fencing(groups_before=groups) | Fenced(groups_before=groups) if groups:
            yield ReleasePrimary(reason, refused)
        case Unverified(tried=True):
            reason = f"{reason}; look at the primary, fencing it was begun and not confirmed"
        case Released(problem=problem) if problem:
            reason = f"{reason}; the primary is still fenced ({problem})"
        case _:
            pass
    yield Refuse((reason,)) if refused else Stop(reason)


def _before_promotion(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    judged = guards(facts, record, pair)
    failed = tuple(f"{guard.claim}: {guard.evidence}" for guard in judged if guard.verdict is Verdict.FAILED)
    waiting = next((guard for guard in judged if guard.verdict is Verdict.WAIT), None)
    if failed and isinstance(record.fence, NotFenced):
        yield Refuse(failed)
    elif failed:
        yield from _give_up(record, "; ".join(failed), refused=True)
    elif waiting is not None:
        look = tuple(_look_again(facts, record, f"{waiting.claim}: {waiting.evidence}"))
        if isinstance(look[0], Stop):
            yield from _give_up(record, look[0].reason, refused=False)
        else:
            yield from look
    else:
        yield from _to_promotion(facts, record, pair)


def _to_promotion(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    if isinstance(facts.stack, Stack) and not facts.stack.protected:
        yield ProtectStack()
    fence = tuple(_fence(facts, record, pair))
    yield from fence
    if any(isinstance(step, Stop | Refuse) for step in fence):
        return
    if record.loss is None:
        if record.request.mode is Mode.PLANNED:
            drain = tuple(_drain(facts, record))
            yield from drain
            if any(isinstance(step, Stop) for step in drain):
                return
        yield RecordLoss()
    if record.request.ask and record.approval is None:
        yield AskApproval()
    yield Promote()
    yield AwaitPromotion("the stack is updated")
    yield from _after_promotion(facts, record, promoted=False)


def _fence(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    match record.fence:
        case NotFenced():
            yield from _begin_fence(facts)
        case Fencing():
            yield from _go_on_fencing(facts, record, record.fence, pair)
        case Unverified(tried=False) as unverified if _worth_another_try(facts, unverified):
            yield from _begin_fence(facts)
        case Fenced() | Unverified():
            pass
        case Released():
            yield Stop("the fence was taken down")


def _worth_another_try(facts: Facts, fence: Unverified) -> bool:
    """Whether the primary answers again since it could not be fenced: approval may have taken hours."""
    return isinstance(facts.primary, Instance) and facts.now - fence.at > FENCE_AGAIN_S


def _begin_fence(facts: Facts) -> Iterator[Step]:
    match facts.primary:
        case Instance():
            yield CutOffPrimary()
            yield RebootPrimary()
            yield AwaitFence("RDS puts the fence into force")
            yield RecordFence(True, "")
        case Absent():
            yield RecordFence(True, "the primary instance no longer exists")
        case NotObserved(reason):
            yield RecordFence(False, f"the primary's region does not answer ({reason})")


def _go_on_fencing(facts: Facts, record: Record, fence: Fencing, pair: Pair) -> Iterator[Step]:
    match facts.primary:
        case NotObserved(reason):
            yield RecordFence(False, f"the primary's region stopped answering ({reason})")
            return
        case Absent():
            yield RecordFence(True, "the primary instance no longer exists")
            return
        case Instance() as primary:
            pass
    if facts.now - fence.since > FENCE_LIMIT_S:
        yield from _fence_not_confirmed(facts, record, primary)
    elif primary.status == "available" and primary.groups_settled and not pair.cut_off(primary):
        # Somebody's earlier change came into force after ours.
        yield CutOffPrimary()
        yield AwaitFence("RDS puts the fence into force")
        yield RecordFence(True, "")
    elif not fence.rebooted:
        if pair.cut_off(primary) and primary.status == "available":
            yield RebootPrimary()
        yield AwaitFence(f"{primary.identifier} is {primary.status}")
        yield RecordFence(True, "")
    elif pair.cut_off(primary) and primary.status == "available" and not facts.primary_takes_writes:
        yield RecordFence(True, f"{primary.identifier} is only in {pair.fence_group} and was rebooted")
    else:
        yield AwaitFence(f"{primary.identifier} is {primary.status}")
        yield RecordFence(True, "")


def _fence_not_confirmed(facts: Facts, record: Record, primary: Instance) -> Iterator[Step]:
    reason = f"the fence was not confirmed within {FENCE_LIMIT_S / 60:.0f} minutes ({primary.status})"
    needed = record.request.mode is Mode.PLANNED or facts.primary_takes_writes
    if needed and is_replica(facts) and not promotion_began(facts, record):
        yield from _give_up(record, reason, refused=False)
    else:
        yield RecordFence(False, reason)


def _drain(facts: Facts, record: Record) -> Iterator[Step]:
    if isinstance(record.fence, Fenced):
        if drained(facts, record):
            return
        if facts.now - record.fence.at > DRAIN_LIMIT_S:
            reason = f"the replica did not catch up within {DRAIN_LIMIT_S / 60:.0f} minutes"
            yield from _give_up(record, reason, refused=False)
            return
    elif isinstance(record.fence, Unverified):
        reason = "the primary was lost while it was being fenced: run again with --disaster"
        yield from _give_up(record, reason, refused=False)
        return
    yield AwaitDrain("the replica replays what the primary wrote before the fence")


def _promotion_and_after(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    if facts.replica_takes_writes:
        yield from _after_promotion(facts, record, promoted=True)
        yield from _late_fence(facts, record, pair)
        return
    if problem := _promotion_failed(facts, record):
        yield Stop(problem)
        return
    yield AwaitPromotion(_promotion_state(facts))
    yield from _after_promotion(facts, record, promoted=False)


def _late_fence(facts: Facts, record: Record, pair: Pair) -> Iterator[Step]:
    """A primary that comes back during the run, after it was recorded as unverified, is fenced then."""
    if isinstance(record.fence, Fencing):
        yield from _go_on_fencing(facts, record, record.fence, pair)
        return
    untried = isinstance(record.fence, Unverified) and not record.fence.tried
    if untried and isinstance(facts.primary, Instance) and facts.primary.status == "available":
        yield from _begin_fence(facts)


def _promotion_failed(facts: Facts, record: Record) -> str:
    if isinstance(facts.replica, Absent):
        return "the target's database is gone"
    if isinstance(facts.replica, Instance) and has_ended(facts.replica.status):
        return f"{facts.replica.identifier} is {facts.replica.status}"
    stack = facts.stack
    if isinstance(stack, Stack) and not stack.status.endswith("_IN_PROGRESS"):
        unfinished = is_replica(facts) and (stack.status not in UPDATABLE or "ROLLBACK" in stack.status)
        if unfinished:
            return f"the update of the database stack ended as {stack.status}: {stack.reason or 'no reason given'}"
    since = record.at("promoting")
    if since is not None and facts.now - since > PROMOTION_LIMIT_S:
        return f"the promotion was not finished after {PROMOTION_LIMIT_S / 60:.0f} minutes: {_promotion_state(facts)}"
    return ""


def _promotion_state(facts: Facts) -> str:
    if not isinstance(facts.replica, Instance):
        return "the target's database was not seen"
    source = "its source is still set" if facts.replica.source else "its source is gone"
    shown = [f"{facts.replica.identifier} is {facts.replica.status}", source]
    if facts.replica.replication:
        shown.append(f"replication is {', '.join(facts.replica.replication)}")
    if isinstance(facts.replica_sql, Answer) and facts.replica_sql.in_recovery:
        shown.append("over SQL it only reads")
    if isinstance(facts.stack, Stack):
        shown.append(f"the stack is {facts.stack.status}")
    return ", ".join(shown)


def _after_promotion(facts: Facts, record: Record, *, promoted: bool) -> Iterator[Step]:
    moved = promoted and isinstance(facts.alarms, Alarms) and facts.alarms.show_the_move
    if not moved:
        since = record.at("moving-traffic")
        if since is not None and facts.now - since > TRAFFIC_LIMIT_S:
            yield Stop(f"the alarms did not follow the metrics within {TRAFFIC_LIMIT_S / 60:.0f} minutes")
            return
        yield MoveTraffic()
    if record.verification is None:
        since = record.at("traffic-moved")
        if since is not None and facts.now - since > VERIFY_LIMIT_S:
            yield Stop(f"no write succeeded within {VERIFY_LIMIT_S / 60:.0f} minutes after the promotion")
            return
        yield VerifyWrite()
    if record.at("notified") is None:
        yield Notify()
