"""What a failover would find and do, in sentences: the answer of --dry-run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from drgen.recovery import steps as do
from drgen.recovery.aurora_facts import AuroraFacts, Cluster, GlobalCluster
from drgen.recovery.execution import Outlook
from drgen.recovery.facts import Absent, Alarms, Answer, Lag, NotObserved, Secret, Services, Stack
from drgen.recovery.kinds import Facts
from drgen.recovery.replica_facts import Instance, ReplicaFacts
from drgen.recovery.stateless import Health, StatelessFacts
from drgen.reports.failover import Row, outlook_text

Fact = Instance | GlobalCluster | Cluster | Health | Answer | Lag | Secret | Services | Alarms | Absent | NotObserved


def outlook(found: Outlook) -> str:
    """The answer of --dry-run."""
    facts = [Row(subject, "", evidence) for subject, evidence in _facts(found.facts)]
    guards = [Row(guard.claim, str(guard.verdict), guard.evidence) for guard in found.guards]
    return outlook_text(facts, guards, [sentence(step) for step in found.steps])


def _facts(facts: Facts) -> Iterator[tuple[str, str]]:
    match facts:
        case ReplicaFacts():
            yield "replica", _seen(facts.replica)
            yield "primary", _seen(facts.primary)
            yield "replica over SQL", _seen(facts.replica_sql)
            yield "primary over SQL", _seen(facts.primary_sql)
            yield from _of_a_database(facts, "DatabaseRole")
            for other in facts.others:
                yield f"copy in {other.region}", _seen(other.database)
        case AuroraFacts():
            yield "global database", _seen(facts.database)
            yield "secondary", _seen(facts.target)
            yield "primary", _seen(facts.primary)
            yield "secondary over SQL", _seen(facts.target_sql)
            yield "primary over SQL", _seen(facts.primary_sql)
            yield from _of_a_database(facts, "DatabaseCapacity")
        case StatelessFacts():
            yield "primary region", _seen(facts.primary)
            if facts.target is not None:
                yield "target region", _seen(facts.target)
        case _:
            assert_never(facts)
    if facts.services is not None:
        yield "services", _seen(facts.services)
    if facts.alarms is not None:
        yield "alarms of the records", _seen(facts.alarms)


def _of_a_database(facts: ReplicaFacts | AuroraFacts, parameter: str) -> Iterator[tuple[str, str]]:
    yield "lag", _seen(facts.lag)
    stack = facts.stack
    if isinstance(stack, Stack):
        role = f", {parameter} {stack.role or 'unknown'}" if stack.role or parameter == "DatabaseRole" else ""
        yield "database stack", f"{stack.status}{role}, {'protected' if stack.protected else 'not protected'}"
    else:
        yield "database stack", _seen(stack)
    yield "secret", _seen(facts.secret)


def _seen(fact: Fact) -> str:
    match fact:
        case NotObserved(reason):
            return f"not observed ({reason})"
        case Absent():
            return "does not exist"
        case Instance():
            copies = f", replica of {fact.source}" if fact.source else ", standing alone"
            return f"{fact.identifier} is {fact.status}{copies}"
        case Answer(in_recovery):
            return "reads only" if in_recovery else "takes writes"
        case Lag(seconds, age_s, metric):
            return f"{seconds:.0f} s ({metric}, {age_s:.0f} s ago)"
        case Secret(read):
            return "readable" if read else "exists"
        case Alarms(withdrawn, None):
            return f"primary withdrawn: {withdrawn}"
        case Alarms(withdrawn, writable):
            return f"primary withdrawn: {withdrawn}; recovery not writable: {writable}"
        case GlobalCluster():
            move = f", {fact.move.status} to {fact.move.target}" if fact.move is not None else ""
            return f"{fact.identifier} is {fact.status}, {fact.writer or 'nobody'} writes{move}"
        case Cluster(identifier, _, status, version, nodes):
            shown = ", ".join(f"{node.identifier} is {node.status}" for node in nodes) or "headless"
            return f"{identifier} is {status}, version {version}, {shown}"
        case Health(_, evidence):
            return evidence
        case Services(stack, tasks):
            running = ", ".join(f"{each.service} runs {each.running} of {each.desired}" for each in tasks)
            return f"{running}; the stack is {stack.status}, ServiceRole {stack.role or 'unknown'}"
        case _:
            assert_never(fact)


def sentence(step: do.Step) -> str:
    """What a step does, for people who decide whether it may."""
    match step:
        case do.AwaitTarget(reason) | do.AwaitFence(reason) | do.AwaitDrain(reason) | do.AwaitPromotion(reason):
            return f"wait: {reason}"
        case do.AwaitInstances(reason) | do.AwaitServices(reason):
            return f"wait: {reason}"
        case do.ProtectStack():
            return "set a stack policy that denies replacing and deleting the database"
        case do.CutOffPrimary():
            return "give the primary the security group that lets nobody in"
        case do.RebootPrimary():
            return "reboot the primary, to end open sessions"
        case do.RecordFence(verified, evidence):
            word = "verified" if verified else "unverified"
            return f"record the fence as {word}{f': {evidence}' if evidence else ''}"
        case do.RecordLoss():
            return "record how much may be lost"
        case do.AskApproval():
            return "ask for approval"
        case do.Promote():
            return "update the database stack with DatabaseRole standalone, which promotes the replica"
        case do.LeaveFence(evidence):
            return f"leave the fence to Aurora: {evidence}"
        case do.AddInstances():
            return "update the database stack with DatabaseCapacity running, which adds its instances"
        case do.SwitchOver():
            return "have Aurora switch over, which moves the writer and loses nothing"
        case do.FailOver():
            return "have Aurora fail over, which moves the writer and gives up what had not arrived"
        case do.Scale():
            return "update the services stack with ServiceRole active, which starts the tasks that serve"
        case do.MoveTraffic():
            return "publish the metrics that make DNS answer with the new primary"
        case do.VerifyWrite():
            return "write to the new primary and read it back"
        case do.VerifyAnswer():
            return "see that the region serves"
        case do.Notify():
            return "tell the topic"
        case do.ReleasePrimary(reason):
            return f"give the primary its security groups back: {reason}"
        case do.Refuse(reasons):
            return f"refuse: {'; '.join(reasons)}"
        case do.Stop(reason):
            return f"stop: {reason}"
        case _:
            assert_never(step)
