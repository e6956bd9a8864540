"""Performs one step and returns the record that knows about it, and what the state machine does next."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from drgen.recovery import aurora_calls, replica_calls
from drgen.recovery.aurora_facts import AuroraFacts
from drgen.recovery.clients import Clients
from drgen.recovery.config import AuroraSettings, Config, ReplicaSettings, StatelessSettings
from drgen.recovery.facts import NotObserved
from drgen.recovery.guards import loss_limit_s
from drgen.recovery.kinds import Facts
from drgen.recovery.publish import announce, publish_traffic
from drgen.recovery.record import Fenced, Fencing, Loss, Mode, Record
from drgen.recovery.replica_facts import ReplicaFacts
from drgen.recovery.services_calls import scale, scaled, scaling
from drgen.recovery.stacks import protected_policy
from drgen.recovery.stateless import StatelessFacts
from drgen.recovery.steps import (
    AddInstances,
    AskApproval,
    AwaitDrain,
    AwaitFence,
    AwaitInstances,
    AwaitPromotion,
    AwaitServices,
    AwaitTarget,
    CutOffPrimary,
    FailOver,
    LeaveFence,
    MoveTraffic,
    Notify,
    Promote,
    ProtectStack,
    RebootPrimary,
    RecordFence,
    RecordLoss,
    Refuse,
    ReleasePrimary,
    Scale,
    Step,
    Stop,
    SwitchOver,
    VerifyAnswer,
    VerifyWrite,
)
from drgen.recovery.turns import QUICK_S, Next, Turn, again, waits
from drgen.recovery.verify import verify_answer, verify_write

OfTheReplica = CutOffPrimary | RebootPrimary | Promote | ReleasePrimary
OfAurora = AddInstances | SwitchOver | FailOver


def perform(step: Step, facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    """Performs `step`. An answer of AWS that stops it is written into the record, and the next turn decides anew."""
    now = facts.now
    match step:
        case AwaitTarget(reason):
            since = now if record.unseen_since is None else record.unseen_since
            return _wait(replace(record, unseen_since=since), now, "guards", reason)
        case AwaitFence(reason) | AwaitDrain(reason):
            return _wait(record, now, "fence" if isinstance(step, AwaitFence) else "drain", reason)
        case AwaitInstances(reason):
            return _wait(record.marked("adding", now), now, "promote", reason)
        case AwaitPromotion(reason):
            return _wait(record.marked("promoting", now), now, "promote", reason)
        case AwaitServices(reason):
            return _wait(scaling(now, record), now, "scale", reason)
        case ProtectStack():
            return _protect(now, record, config, clients)
        case RecordFence():
            return Turn(_record_fence(step, now, record), Next.AGAIN)
        case LeaveFence(evidence):
            return aurora_calls.leave_fence(now, record, evidence)
        case RecordLoss():
            return Turn(_record_loss(facts, record, config), Next.AGAIN)
        case AskApproval():
            return Turn(record.marked("asked", now).noted(now, "approve", "waiting for approval"), Next.ASK)
        case CutOffPrimary() | RebootPrimary() | Promote() | ReleasePrimary():
            assert isinstance(facts, ReplicaFacts)
            assert isinstance(config.database, ReplicaSettings)
            return _of_the_replica(step, facts, record, config.database, clients)
        case AddInstances() | SwitchOver() | FailOver():
            assert isinstance(facts, AuroraFacts)
            assert isinstance(config.database, AuroraSettings)
            return _of_aurora(step, facts, record, config.database, clients)
        case Scale():
            assert config.services is not None
            return scale(now, record, config.services, clients)
        case MoveTraffic():
            return _move_traffic(now, record, config, clients)
        case VerifyWrite():
            assert not isinstance(config.database, StatelessSettings)
            return verify_write(now, _arrived(now, record, config, clients), config.database.probe_function, clients)
        case VerifyAnswer():
            assert isinstance(facts, StatelessFacts)
            return verify_answer(facts, _arrived(now, record, config, clients))
        case Notify():
            return _notify(now, record, config, clients)
        case Refuse(reasons):
            return Turn(_ended(now, record, config, clients, "refused", "; ".join(reasons)), Next.REFUSED)
        case Stop(reason):
            return Turn(_ended(now, record, config, clients, "stopped", reason), Next.FAILED)
        case _:
            assert_never(step)


def _wait(record: Record, now: float, phase: str, reason: str) -> Turn:
    return waits(record, now, phase, f"waiting: {reason}")


def _of_the_replica(
    step: OfTheReplica, facts: ReplicaFacts, record: Record, pair: ReplicaSettings, clients: Clients
) -> Turn:
    match step:
        case CutOffPrimary():
            return replica_calls.cut_off(facts, record, pair, clients)
        case RebootPrimary():
            return replica_calls.reboot(facts.now, record, pair, clients)
        case Promote():
            return replica_calls.promote(facts.now, record, pair, clients)
        case ReleasePrimary():
            return replica_calls.release(step, facts.now, record, pair, clients)


def _of_aurora(step: OfAurora, facts: AuroraFacts, record: Record, aurora: AuroraSettings, clients: Clients) -> Turn:
    match step:
        case AddInstances():
            return aurora_calls.add_instances(facts.now, record, aurora, clients)
        case SwitchOver():
            return aurora_calls.switch_over(facts, record, aurora, clients)
        case FailOver():
            return aurora_calls.fail_over(facts, record, aurora, clients)


def _move_traffic(now: float, record: Record, config: Config, clients: Clients) -> Turn:
    told = publish_traffic(config, clients)
    moving = scaled(now, record.marked("promoted", now)).marked("moving-traffic", now)
    return waits(moving, now, "traffic", f"{told} published; waiting for their alarms", wait_s=QUICK_S)


def _arrived(now: float, record: Record, config: Config, clients: Clients) -> Record:
    """The record with the traffic here. What the health checks follow is said once more: that changes nothing."""
    arrived = scaled(now, record.marked("promoted", now))
    if config.switch is not None:
        publish_traffic(config, clients)
        arrived = arrived.marked("moving-traffic", now)
    return arrived.marked("traffic-moved", now)


def _protect(now: float, record: Record, config: Config, clients: Clients) -> Turn:
    assert not isinstance(config.database, StatelessSettings)
    cloudformation, stack = clients.target("cloudformation"), config.database.stack
    present = cloudformation.get_stack_policy(StackName=stack).get("StackPolicyBody", "")
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=protected_policy(present))
    return again(record, now, "freeze", f"the policy of {stack} denies replacing and deleting")


def _record_fence(step: RecordFence, now: float, record: Record) -> Record:
    if not step.verified:
        return replica_calls.unverified(now, record, step.evidence, tried=isinstance(record.fence, Fencing))
    before = record.fence.groups_before if isinstance(record.fence, Fencing) else ()
    fenced = replace(record, fence=Fenced(before, now, step.evidence), unseen_since=None)
    return fenced.marked("fencing", now).marked("fenced", now).noted(now, "fence", f"verified: {step.evidence}")


def _record_loss(facts: Facts, record: Record, config: Config) -> Record:
    loss = _loss(facts, record, config)
    limit = loss_limit_s(record, config.loss_objective_s)
    told = f"unknown ({loss.reason})" if isinstance(loss, NotObserved) else f"{loss.seconds:.0f} s ({loss.evidence})"
    noted = record.noted(facts.now, "loss", f"writes that may be lost: {told}; accepted: {limit:.0f} s")
    return replace(noted, loss=loss)


def _loss(facts: Facts, record: Record, config: Config) -> Loss | NotObserved:
    if isinstance(facts, StatelessFacts):
        region = config.primary_region
        return NotObserved(f"no database is moved; what had not left {region} by then stays there until it is back")
    if record.request.mode is Mode.PLANNED:
        if isinstance(facts, AuroraFacts):
            return Loss(0.0, "a switchover waits until the secondary has everything")
        return Loss(0.0, "the replica replayed something younger than the fence")
    if isinstance(facts.lag, NotObserved):
        return facts.lag
    return Loss(facts.lag.seconds, f"last sample of {facts.lag.metric}, {facts.lag.age_s:.0f} s old")


def _notify(now: float, record: Record, config: Config, clients: Clients) -> Turn:
    problem = announce(config, clients, f"{config.workload} now runs in {config.recovery_region}", record)
    text = f"{config.topic} could not be told ({problem})" if problem else f"{config.topic} was told"
    return again(record.marked("notified", now), now, "notify", text)


def _ended(now: float, record: Record, config: Config, clients: Clients, phase: str, reason: str) -> Record:
    ended = replace(record, giving_up=reason, refused=phase == "refused").noted(now, phase, reason)
    announce(config, clients, f"failover of {config.workload} {phase}", ended)
    return ended
