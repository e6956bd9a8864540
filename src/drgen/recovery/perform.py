"""Performs one step and returns the record that knows about it, and what the state machine does next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients
from drgen.recovery.config import Config
from drgen.recovery.facts import Facts, Instance, NotObserved
from drgen.recovery.guards import loss_limit_s
from drgen.recovery.observe import explain, invoke_probe
from drgen.recovery.publish import announce, publish_traffic
from drgen.recovery.record import Fenced, Fencing, Loss, Mode, Record, Released, Unverified, Written
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

SLOW_S = 15
QUICK_S = 5


class Next(StrEnum):
    """What the state machine does after a turn."""

    AGAIN = "again"
    WAIT = "wait"
    ASK = "ask"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Turn:
    """The outcome of one step. `wait_s` counts only where `next` is WAIT."""

    record: Record
    next: Next
    wait_s: int = 0


def perform(step: Step, facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    """Performs `step`. An answer of AWS that stops it is written into the record, and the next turn decides anew."""
    now = facts.now
    match step:
        case AwaitTarget(reason):
            since = now if record.unseen_since is None else record.unseen_since
            return _waits(replace(record, unseen_since=since), now, "guards", reason)
        case ProtectStack():
            return _protect(facts, record, config, clients)
        case CutOffPrimary():
            return _cut_off(facts, record, config, clients)
        case RebootPrimary():
            return _reboot(facts, record, config, clients)
        case AwaitFence(reason) | AwaitDrain(reason):
            return _waits(record, now, "fence" if isinstance(step, AwaitFence) else "drain", reason)
        case RecordFence():
            return Turn(_record_fence(step, facts, record), Next.AGAIN)
        case RecordLoss():
            return Turn(_record_loss(facts, record, config), Next.AGAIN)
        case AskApproval():
            asked = record.marked("asked", now).noted(now, "approve", "waiting for approval")
            return Turn(asked, Next.ASK)
        case Promote():
            return _promote(facts, record, config, clients)
        case AwaitPromotion(reason):
            return _waits(record.marked("promoting", now), now, "promote", reason)
        case MoveTraffic():
            return _move_traffic(facts, record, config, clients)
        case VerifyWrite():
            return _verify(facts, record, config, clients)
        case Notify():
            return _notify(facts, record, config, clients)
        case ReleasePrimary():
            return _release(step, facts, record, config, clients)
        case Refuse(reasons):
            return Turn(_ended(facts, record, config, clients, "refused", "; ".join(reasons)), Next.REFUSED)
        case Stop(reason):
            return Turn(_ended(facts, record, config, clients, "stopped", reason), Next.FAILED)
        case _:
            assert_never(step)


def _waits(record: Record, now: float, phase: str, reason: str) -> Turn:
    return Turn(record.noted(now, phase, f"waiting: {reason}"), Next.WAIT, SLOW_S)


def _move_traffic(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    publish_traffic(config, clients, withdrawn=True, writable=True)
    moving = record.marked("promoted", facts.now).marked("moving-traffic", facts.now)
    text = "PrimaryWithdrawn = 1 and RecoveryWritable = 1 are published; waiting for their alarms"
    return Turn(moving.noted(facts.now, "traffic", text), Next.WAIT, QUICK_S)


def _protect(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    cloudformation = clients.target("cloudformation")
    stack = config.database_stack
    present = cloudformation.get_stack_policy(StackName=stack).get("StackPolicyBody", "")
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=protected_policy(present))
    return Turn(record.noted(facts.now, "freeze", f"the policy of {stack} denies replacing and deleting"), Next.AGAIN)


def protected_policy(present: str) -> str:
    """The stack policy `present` ("" if there is none) with one more statement: nothing is replaced or deleted.

    Without any policy everything may be updated, and with one nothing that it does not allow: hence the first
    statement. Source: CloudFormation User Guide, "Prevent updates to stack resources".
    """
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": "*"}
    statements = json.loads(present)["Statement"] if present else [allow]
    return json.dumps({"Statement": [*statements, deny]})


def _cut_off(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    before = facts.primary.groups if isinstance(facts.primary, Instance) else ()
    already = before == (config.fence_group,)
    if not already:
        problem = _set_groups(config, clients, (config.fence_group,))
        if problem:
            reason = f"the fence group could not be set ({problem})"
            return Turn(_unverified(facts, record, reason, tried=False), Next.AGAIN)
    first = Fencing(() if already else before, facts.now)
    fencing = record.fence if isinstance(record.fence, Fencing) else first
    text = f"{config.primary_database} is only in {config.fence_group}, which lets nobody in"
    return Turn(replace(record, fence=fencing).marked("fencing", facts.now).noted(facts.now, "fence", text), Next.AGAIN)


def _set_groups(config: Config, clients: Clients, groups: tuple[str, ...]) -> str:
    """Gives the primary these security groups; "" or why it could not."""
    try:
        clients.primary("rds").modify_db_instance(
            DBInstanceIdentifier=config.primary_database, VpcSecurityGroupIds=list(groups), ApplyImmediately=True
        )
    except (BotoCoreError, ClientError) as error:
        return explain(error)
    return ""


def _reboot(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    """Reboots the primary once it is available; RDS refuses it before, and then the next turn tries again."""
    assert isinstance(record.fence, Fencing)
    try:
        clients.primary("rds").reboot_db_instance(DBInstanceIdentifier=config.primary_database)
    except (BotoCoreError, ClientError) as error:
        return Turn(record.noted(facts.now, "fence", f"the reboot has to wait ({explain(error)})"), Next.WAIT, SLOW_S)
    rebooted = replace(record, fence=replace(record.fence, rebooted=True))
    return Turn(rebooted.noted(facts.now, "fence", "rebooting, to end open sessions"), Next.WAIT, SLOW_S)


def _record_fence(step: RecordFence, facts: Facts, record: Record) -> Record:
    if not step.verified:
        return _unverified(facts, record, step.evidence, tried=isinstance(record.fence, Fencing))
    before = record.fence.groups_before if isinstance(record.fence, Fencing) else ()
    fenced = replace(record, fence=Fenced(before, facts.now, step.evidence), unseen_since=None)
    marked = fenced.marked("fencing", facts.now).marked("fenced", facts.now)
    return marked.noted(facts.now, "fence", f"verified: {step.evidence}")


def _unverified(facts: Facts, record: Record, reason: str, *, tried: bool) -> Record:
    unverified = replace(record, fence=Unverified(facts.now, reason, tried), unseen_since=None)
    marked = unverified.marked("fencing", facts.now).marked("fenced", facts.now)
    return marked.noted(facts.now, "fence", f"unverified: {reason}")


def _record_loss(facts: Facts, record: Record, config: Config) -> Record:
    loss: Loss | NotObserved
    if record.request.mode is Mode.PLANNED:
        loss = Loss(0.0, "the replica replayed something younger than the fence")
    elif isinstance(facts.lag, NotObserved):
        loss = facts.lag
    else:
        loss = Loss(facts.lag.seconds, f"last sample of {facts.lag.metric}, {facts.lag.age_s:.0f} s old")
    limit = loss_limit_s(record, config.pair)
    told = f"unknown ({loss.reason})" if isinstance(loss, NotObserved) else f"{loss.seconds:.0f} s ({loss.evidence})"
    noted = record.noted(facts.now, "loss", f"writes that may be lost: {told}; accepted: {limit:.0f} s")
    return replace(noted, loss=loss)


def _promote(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    """Asks CloudFormation to promote: every parameter keeps its value but the role, and nothing is rolled back.

    A rollback would put the source back, which CloudFormation can only do by replacing the instance.
    """
    cloudformation = clients.target("cloudformation")
    try:
        shown = cloudformation.describe_stacks(StackName=config.database_stack)["Stacks"][0]
        cloudformation.update_stack(**promotion(shown, config.role_parameter, record.request.incident))
    except BotoCoreError as error:
        return Turn(
            record.noted(facts.now, "promote", f"CloudFormation did not answer ({explain(error)})"), Next.WAIT, QUICK_S
        )
    except ClientError as error:
        text = f"CloudFormation did not take the update ({explain(error)})"
        if may_pass(error):
            return Turn(record.noted(facts.now, "promote", text), Next.WAIT, SLOW_S)
        return Turn(replace(record.noted(facts.now, "promote", text), giving_up=text), Next.AGAIN)
    text = f"{config.database_stack} is updated with {config.role_parameter} standalone"
    return Turn(record.marked("promoting", facts.now).noted(facts.now, "promote", text), Next.WAIT, SLOW_S)


def promotion(shown: Mapping[str, Any], role_parameter: str, incident: str) -> dict[str, Any]:
    """The arguments of UpdateStack that promote the replica of the stack `shown` (as DescribeStacks gives it)."""
    others = [p["ParameterKey"] for p in shown.get("Parameters", []) if p["ParameterKey"] != role_parameter]
    return {
        "StackName": shown["StackName"],
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": role_parameter, "ParameterValue": "standalone"},
            *({"ParameterKey": name, "UsePreviousValue": True} for name in others),
        ],
        "Capabilities": list(shown.get("Capabilities", [])),
        "DisableRollback": True,
        "ClientRequestToken": re.sub("[^a-zA-Z0-9]+", "-", f"promote-{incident}")[:128],
    }


def may_pass(error: ClientError) -> bool:
    """Whether the same call may succeed later: too many requests, or somebody else is changing the stack."""
    told = error.response["Error"]
    return "Throttl" in told.get("Code", "") or "_IN_PROGRESS" in told.get("Message", "")


def _verify(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    publish_traffic(config, clients, withdrawn=True, writable=True)
    moved = record.marked("promoted", facts.now).marked("moving-traffic", facts.now).marked("traffic-moved", facts.now)
    answer = invoke_probe(config, clients, "write")
    written = answer if isinstance(answer, NotObserved) else answer.get("written")
    if isinstance(written, Mapping) and written.get("observed"):
        if not written.get("wrote"):
            text = f"the write was not accepted ({written.get('reason', 'no reason given')})"
            return Turn(moved.noted(facts.now, "verify", text), Next.WAIT, QUICK_S)
        took_ms = float(written["took_ms"])
        done = replace(moved, verification=Written(facts.now, took_ms)).marked("verified", facts.now)
        return Turn(done.noted(facts.now, "verify", f"a row was written and read back in {took_ms:.0f} ms"), Next.AGAIN)
    reason = written.get("reason", "no reason given") if isinstance(written, Mapping) else "the probe said nothing"
    silence = written if isinstance(written, NotObserved) else NotObserved(str(reason))
    done = replace(moved, verification=silence).marked("verified", facts.now)
    return Turn(done.noted(facts.now, "verify", f"not observed: {silence.reason}"), Next.AGAIN)


def _notify(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    problem = announce(config, clients, f"{config.workload} now runs in {config.recovery_region}", record)
    text = f"{config.topic} could not be told ({problem})" if problem else f"{config.topic} was told"
    return Turn(record.marked("notified", facts.now).noted(facts.now, "notify", text), Next.AGAIN)


def _release(step: ReleasePrimary, facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    groups = record.fence.groups_before if isinstance(record.fence, Fencing | Fenced) else ()
    problem = _set_groups(config, clients, groups) if groups else ""
    by_hand = f"{problem}; give {config.primary_database} the groups {', '.join(groups)} by hand" if problem else ""
    released = replace(record, fence=Released(facts.now, by_hand), giving_up=step.reason, refused=step.refused)
    text = f"still up: {by_hand}" if problem else f"taken down: {config.primary_database} gets its security groups back"
    return Turn(released.noted(facts.now, "fence", text), Next.AGAIN)


def _ended(facts: Facts, record: Record, config: Config, clients: Clients, phase: str, reason: str) -> Record:
    ended = replace(record, giving_up=reason, refused=phase == "refused").noted(facts.now, phase, reason)
    announce(config, clients, f"failover of {config.workload} {phase}", ended)
    return ended
