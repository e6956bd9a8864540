"""A model of two regions for the tests: what a step does to them, and what would then be observed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from drgen.recovery.facts import Alarms, AlarmState, Answer, Lag, NotObserved, Secret, Stack
from drgen.recovery.record import Approval, Fenced, Fencing, Loss, Mode, Record, Released, Request, Unverified, Written
from drgen.recovery.replica_facts import Instance, Pair, ReplicaFacts
from drgen.recovery.steps import (
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

PAIR = Pair(
    primary_region="us-east-1",
    primary_database="orders-prod-us-east-1",
    recovery_region="eu-west-1",
    recovery_database="orders-prod-eu-west-1",
    fence_group="sg-fence",
    loss_objective_s=300,
)
PRIMARY_ARN = "arn:aws:rds:us-east-1:123456789012:db:orders-prod-us-east-1"
START = 1_000_000.0

REPLICA = Instance("orders-prod-eu-west-1", "available", PRIMARY_ARN, ("replicating",), ("sg-recovery",))
ALONE = Instance("orders-prod-eu-west-1", "available", "", (), ("sg-recovery",))
PRIMARY = Instance("orders-prod-us-east-1", "available", "", (), ("sg-primary",))
SILENT = NotObserved("no answer")

CALM = ReplicaFacts(
    now=START,
    replica=REPLICA,
    primary=PRIMARY,
    replica_sql=Answer(in_recovery=True),
    primary_sql=Answer(in_recovery=False),
    lag=Lag(2, 30, "ReplicaLag"),
    stack=Stack("CREATE_COMPLETE", "replica", protected=True),
    secret=Secret(read=True),
    alarms=Alarms(AlarmState.OK, AlarmState.ALARM),
)
"""Both regions are well."""

DARK = replace(CALM, primary=SILENT, primary_sql=SILENT)
"""The primary's region is gone."""


def asked(mode: Mode, *, ask: bool = True, insist: bool = False, accept_loss_s: float | None = None) -> Record:
    """The record of a failover that has just been asked for."""
    request = Request("incident-1", "eu-west-1", mode, "erin", accept_loss_s, insist=insist, ask=ask)
    return Record(request).marked("started", START)


@dataclass(frozen=True)
class World:
    """Facts and record together; `sql` says whether databases answer over SQL when they can."""

    facts: ReplicaFacts
    record: Record
    sql: bool = True
    reboots: int = 0
    promotions: int = 0
    log: tuple[str, ...] = field(default=())


def apply(world: World, step: Step) -> World:
    """What the world looks like once `step` has been performed and has had its effect."""
    facts, record = world.facts, world.record
    now = facts.now + 10
    moved = replace(world, facts=replace(facts, now=now), log=(*world.log, type(step).__name__))
    match step:
        case ProtectStack():
            assert isinstance(facts.stack, Stack)
            return seen(moved, stack=replace(facts.stack, protected=True))
        case CutOffPrimary():
            assert isinstance(facts.primary, Instance)
            cut = replace(facts.primary, groups=("sg-fence",), groups_settled=True)
            fencing = Fencing(facts.primary.groups, now)
            return noted(seen(moved, primary=cut, primary_sql=SILENT), fence=fencing)
        case RebootPrimary():
            assert isinstance(record.fence, Fencing)
            return noted(replace(moved, reboots=world.reboots + 1), fence=replace(record.fence, rebooted=True))
        case AwaitFence() | AwaitTarget() | AskApproval():
            return waited(moved, step)
        case RecordFence(verified, evidence):
            return noted(moved, fence=fence_on_record(record, now, verified=verified, evidence=evidence))
        case AwaitDrain():
            return seen(moved, lag=Lag(0, 0, "ReplicaLag"))
        case RecordLoss():
            return noted(moved, loss=Loss(0, "modelled"))
        case Promote():
            assert isinstance(facts.stack, Stack)
            updating = Stack("UPDATE_IN_PROGRESS", "standalone", protected=True)
            promoting = replace(moved, promotions=world.promotions + 1, record=record.marked("promoting", now))
            return seen(promoting, stack=updating)
        case AwaitPromotion():
            done = Stack("UPDATE_COMPLETE", "standalone", protected=True)
            answer = Answer(in_recovery=False) if world.sql else SILENT
            return seen(moved, replica=ALONE, replica_sql=answer, stack=done)
        case MoveTraffic():
            return seen(moved, alarms=Alarms(AlarmState.ALARM, AlarmState.OK))
        case VerifyWrite():
            return noted(moved, verification=Written(now, 4.0) if world.sql else SILENT)
        case Notify():
            return replace(moved, record=record.marked("notified", now))
        case ReleasePrimary(reason, refused):
            back = PRIMARY if isinstance(facts.primary, Instance) else facts.primary
            given_up = noted(moved, fence=Released(now), giving_up=reason, refused=refused)
            return seen(given_up, primary=back)
        case Refuse() | Stop():
            return moved
        case _:
            raise AssertionError(f"{step} is no step of a replica")


def waited(world: World, step: AwaitFence | AwaitTarget | AskApproval) -> World:
    if isinstance(step, AskApproval):
        return noted(world, approval=Approval(True, "erin", world.facts.now))
    return world


def fence_on_record(record: Record, now: float, *, verified: bool, evidence: str) -> Fenced | Unverified:
    groups = record.fence.groups_before if isinstance(record.fence, Fencing) else ()
    return Fenced(groups, now, evidence) if verified else Unverified(now, evidence, isinstance(record.fence, Fencing))


def seen(world: World, **changes: object) -> World:
    return replace(world, facts=replace(world.facts, **changes))  # type: ignore[arg-type]


def noted(world: World, **changes: object) -> World:
    return replace(world, record=replace(world.record, **changes))  # type: ignore[arg-type]
