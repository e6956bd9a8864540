"""The commands of the failover function: decide, ask and look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.codec import decode, encode
from drgen.recovery.config import Config
from drgen.recovery.facts import NotObserved
from drgen.recovery.kinds import Facts, kind_of
from drgen.recovery.observe import observe
from drgen.recovery.perform import perform
from drgen.recovery.publish import send
from drgen.recovery.record import Approval, Mode, Record, Request
from drgen.recovery.resolver import next_steps
from drgen.recovery.signals import Run, gone_since
from drgen.recovery.stateless import StatelessFacts
from drgen.recovery.steps import AwaitTarget
from drgen.recovery.turns import Next, Turn


class NotAsked(Exception):
    """The question was not put to anybody. The state machine knows this error by its name."""


def request_from(asked: Mapping[str, Any]) -> Request:
    """The request that starts an execution, as its input has it. Raises KeyError, ValueError for what is missing."""
    accepted = asked.get("accept_loss_s")
    return Request(
        incident=str(asked["incident"]),
        target=str(asked["target"]),
        mode=Mode(asked["mode"]),
        operator=str(asked["operator"]),
        accept_loss_s=None if accepted is None else float(accepted),
        insist=bool(asked.get("insist", False)),
        ask=bool(asked.get("ask", True)),
    )


def decide(state: Mapping[str, Any], run: Run, config: Config, clients: Clients) -> dict[str, Any]:
    """One turn of the loop: observe, choose the next step, perform it; returns the next state of the execution.

    `state` is the execution's input at first ({"request": ...}), later what the turn before returned, with "approval"
    added once somebody answered.
    """
    facts = observe(config, clients, run)
    record = _record(state, facts, config, clients)
    turn = take_turn(facts, record, config, clients)
    return {
        "request": state["request"],
        "record": encode(turn.record),
        "next": str(turn.next),
        "wait_s": turn.wait_s,
        "objectives": {"rto_s": config.time_objective_s, "rpo_s": config.loss_objective_s},
        "message": turn.record.journal[-1].text if turn.record.journal else "",
    }


def take_turn(facts: Facts, record: Record, config: Config, clients: Clients) -> Turn:
    """Performs the first step that is left, or finds the failover complete."""
    steps = next_steps(facts, record, config.setup)
    if not steps:
        return Turn(record.noted(facts.now, "done", f"{config.workload} runs in {config.recovery_region}"), Next.DONE)
    kind = kind_of(facts, record, config.setup)
    if record.journal == () and not kind.began:
        for guard in kind.guards():
            record = record.noted(facts.now, "guards", f"{guard.verdict}: {guard.claim} ({guard.evidence})")
    if not isinstance(steps[0], AwaitTarget):
        record = replace(record, unseen_since=None) if not kind.unseen and _stack_seen(facts) else record
    return perform(steps[0], facts, record, config, clients)


def _stack_seen(facts: Facts) -> bool:
    return isinstance(facts, StatelessFacts) or not isinstance(facts.stack, NotObserved)


def _record(state: Mapping[str, Any], facts: Facts, config: Config, clients: Clients) -> Record:
    if "record" not in state:
        record = Record(request_from(state["request"]))
        since_s = gone_since(config, clients)
        if since_s is not None:
            record = record.marked("detected", facts.now - since_s)
        return record.marked("started", facts.now)
    record = decode(state["record"])
    answer = state.get("approval")
    if answer is not None and record.approval is None:
        record = _approved(record, answer, facts.now)
    return record


def _approved(record: Record, answer: Mapping[str, Any], now: float) -> Record:
    approval = Approval(bool(answer.get("approved")), str(answer.get("by", "somebody")), now)
    verb = "approved" if approval.given else f"not approved ({answer.get('reason', 'no reason given')})"
    return replace(record, approval=approval).marked("approved", now).noted(now, "approve", f"{verb} by {approval.by}")


def ask(token: str, state: Mapping[str, Any], run: Run, config: Config, clients: Clients) -> dict[str, Any]:
    """Leaves the task token where `drgen failover` finds it, and tells the topic how to approve.

    Raises NotAsked if the token could not be left: nobody could answer then, so the state machine tries again.
    """
    try:
        clients.target("ssm").put_parameter(
            Name=config.approval_parameter,
            Value=json.dumps({"execution": run.arn, "token": token}),
            Type="String",
            Overwrite=True,
        )
    except (BotoCoreError, ClientError) as error:
        raise NotAsked(explain(error)) from error
    name = run.arn.rsplit(":", 1)[-1]
    text = (
        f"Failover {name} of {config.workload} to {config.recovery_region} waits for approval: {state.get('message')}\n"
        f"Approve, or decline, with: drgen failover WORKLOAD --to {config.recovery_region}\n"
        f"Or with any client: SendTaskSuccess, with the token in the SSM parameter {config.approval_parameter} of "
        f'{config.recovery_region} and the output {{"approved": true, "by": "your name"}}.'
    )
    problem = send(config, clients, f"{config.workload}: approve the failover?", text)
    return {"asked": True, "problem": problem}


def look(asked: Mapping[str, Any], config: Config, clients: Clients) -> dict[str, Any]:
    """What a failover would find and do now: facts, guards and steps. Changes nothing."""
    facts = observe(config, clients, Run())
    record = Record(request_from(asked)).marked("started", facts.now)
    kind = kind_of(facts, record, config.setup)
    return {
        "facts": encode(facts),
        "guards": [] if kind.began else encode(kind.guards()),
        "steps": encode(next_steps(facts, record, config.setup)),
    }
