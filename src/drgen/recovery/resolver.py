"""Which steps are left of a failover, decided only from what is observed and what is on record.

`next_steps` gives all steps to the end as far as they can be foreseen; only the first is performed before everything is
observed again. A run that dies anywhere therefore resumes by running again. Before a step is handed out, the invariants
are checked against it, those below and those of the kind of database:

- never two writers: each kind says what that means for it;
- traffic never points at a region that cannot write, or whose services do not run yet;
- nothing irreversible before the loss is on record, and approved where approval is asked;
- no step requires the failed region: what touches the primary is planned only while its region answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgen.recovery.endings import give_up, giving_up, look_again
from drgen.recovery.facts import Absent, Alarms, NotObserved, Observed, Services
from drgen.recovery.guards import CONTINUABLE, Verdict
from drgen.recovery.kinds import Facts, Kind, Setup, kind_of
from drgen.recovery.record import NotFenced, Record
from drgen.recovery.steps import (
    ENDS,
    MOVES_THE_WRITER,
    TOUCHES_PRIMARY,
    AskApproval,
    AwaitPromotion,
    AwaitServices,
    MoveTraffic,
    Notify,
    RecordLoss,
    Refuse,
    Scale,
    Step,
    Stop,
)

SERVICES_LIMIT_S = 1800.0
TRAFFIC_LIMIT_S = 1800.0
VERIFY_LIMIT_S = 1800.0


class InvariantBroken(Exception):
    """The resolver was about to hand out a step that must never be taken. This is a bug in drgen."""


def next_steps(facts: Facts, record: Record, setup: Setup) -> tuple[Step, ...]:
    """The steps that are left, the first of them now; () when the failover is complete.

    Raises InvariantBroken rather than hand out a step that breaks an invariant.
    """
    steps = tuple(_steps(kind_of(facts, record, setup), facts, record))
    if steps:
        check_invariants(facts, record, setup, steps[0])
    return steps


def check_invariants(facts: Facts, record: Record, setup: Setup, step: Step) -> None:
    """Returns if `step` may be taken now; raises InvariantBroken otherwise."""
    broken = tuple(_violations(kind_of(facts, record, setup), facts, record, step))
    if broken:
        raise InvariantBroken(f"{type(step).__name__}: {'; '.join(broken)}. This is a bug in drgen.")


def _violations(kind: Kind, facts: Observed, record: Record, step: Step) -> Iterator[str]:
    yield from kind.violations(step)
    if isinstance(step, MOVES_THE_WRITER):
        if record.request.ask and not (record.approval and record.approval.given):
            yield "nobody has approved"
        if record.loss is None:
            yield "the loss is not on record"
    if isinstance(step, Scale | MoveTraffic) and not kind.taken_over:
        yield "the target region cannot write"
    if isinstance(step, MoveTraffic) and not facts.services_up:
        yield "the services of the target region do not run yet"
    if isinstance(step, TOUCHES_PRIMARY) and not kind.primary_answers:
        yield "the primary's region does not answer"


def _steps(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    if kind.unseen:
        yield from look_again(facts.now, record, kind.unseen)
    elif kind.began:
        yield from _promotion_and_after(kind, facts, record)
    elif reason := giving_up(record):
        yield from give_up(record, reason, refused=record.refused)
    else:
        yield from _before_promotion(kind, facts, record)


def _before_promotion(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    judged = kind.guards()
    failed = tuple(f"{guard.claim}: {guard.evidence}" for guard in judged if guard.verdict is Verdict.FAILED)
    waiting = next((guard for guard in judged if guard.verdict is Verdict.WAIT), None)
    if failed and isinstance(record.fence, NotFenced):
        yield Refuse(failed)
    elif failed:
        yield from give_up(record, "; ".join(failed), refused=True)
    elif waiting is not None:
        look = tuple(look_again(facts.now, record, f"{waiting.claim}: {waiting.evidence}"))
        if isinstance(look[0], Stop):
            yield from give_up(record, look[0].reason, refused=False)
        else:
            yield from look
    else:
        yield from _in_order(kind, facts, record)


def _in_order(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    """The order of a failover. A phase may end it all."""
    phases = (kind.freeze, kind.fence, lambda: _loss(kind, record), lambda: _approval(record), kind.promotion)
    for phase in phases:
        steps = tuple(phase())
        yield from steps
        if any(isinstance(step, ENDS) for step in steps):
            return
    yield from _after_promotion(kind, facts, record)


def _loss(kind: Kind, record: Record) -> Iterator[Step]:
    if record.loss is not None:
        return
    drain = tuple(kind.drain())
    yield from drain
    if not any(isinstance(step, ENDS) for step in drain):
        yield RecordLoss()


def _approval(record: Record) -> Iterator[Step]:
    if record.request.ask and record.approval is None:
        yield AskApproval()


def _promotion_and_after(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    if kind.taken_over:
        after = tuple(_after_promotion(kind, facts, record))
        yield from after
        if not any(isinstance(step, ENDS) for step in after):
            yield from kind.late_fence()
        return
    if problem := kind.failure:
        yield Stop(problem)
        return
    yield AwaitPromotion(kind.progress)
    yield from _after_promotion(kind, facts, record)


def _after_promotion(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    """Scale, traffic, verify, notify."""
    for phase in (_scale, _traffic, _verify):
        steps = tuple(phase(kind, facts, record))
        yield from steps
        if any(isinstance(step, ENDS) for step in steps):
            return
    if record.at("notified") is None:
        yield Notify()


def _scale(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    """Sets the role of the services, once, and waits until all that is to take traffic runs."""
    if facts.services_up:
        return
    found, since = facts.services, record.at("scaling")
    if since is not None and facts.now - since > SERVICES_LIMIT_S:
        yield Stop(f"the services did not come up within {SERVICES_LIMIT_S / 60:.0f} minutes: {_shown(found)}")
    elif since is not None and record.giving_up:
        yield Stop(record.giving_up)
    elif isinstance(found, Absent):
        yield Stop("the target region has no stack of services")
    elif isinstance(found, Services) and not found.stack.busy:
        yield from _scale_idle(found, begun=record.at("activated") is not None)
    elif found is not None:
        yield AwaitServices(_shown(found))


def _scale_idle(found: Services, *, begun: bool) -> Iterator[Step]:
    """Nobody is updating the stack."""
    stack, broken = found.stack, "FAILED" in found.stack.status or "ROLLBACK" in found.stack.status
    if begun and broken:
        yield Stop(f"the update of the services stack ended as {stack.status}: {stack.reason or 'no reason given'}")
    elif not begun and stack.status not in CONTINUABLE:
        yield Stop(f"the services stack is {stack.status}: {stack.reason or 'no reason given'}")
    elif not begun and (stack.role != "active" or broken):
        yield Scale()
        yield AwaitServices("tasks take their time to start")
    else:
        yield AwaitServices(_shown(found))


def _shown(services: Services | Absent | NotObserved | None) -> str:
    if isinstance(services, Services):
        tasks = [f"{task.service} runs {task.running} of {max(task.desired, task.needed)}" for task in services.tasks]
        return ", ".join([*tasks, f"the stack is {services.stack.status}"])
    return services.reason if isinstance(services, NotObserved) else "there is no stack of services"


def _traffic(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    if facts.alarms is None:
        return
    ready = kind.taken_over and facts.services_up
    if ready and isinstance(facts.alarms, Alarms) and facts.alarms.show_the_move:
        return
    since = record.at("moving-traffic")
    if since is not None and facts.now - since > TRAFFIC_LIMIT_S:
        yield Stop(f"the alarms did not follow the metrics within {TRAFFIC_LIMIT_S / 60:.0f} minutes")
    else:
        yield MoveTraffic()


def _verify(kind: Kind, facts: Observed, record: Record) -> Iterator[Step]:
    if record.verification is not None:
        return
    since = record.at("traffic-moved")
    if since is not None and facts.now - since > VERIFY_LIMIT_S:
        yield Stop(f"no write succeeded within {VERIFY_LIMIT_S / 60:.0f} minutes after the promotion")
    else:
        yield kind.verification()
