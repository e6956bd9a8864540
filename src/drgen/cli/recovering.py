"""From the record of a failover to what people read: sentences, reports and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from drgen.recovery import steps as do
from drgen.recovery.execution import Execution, Outlook, State
from drgen.recovery.facts import Absent, Alarms, Answer, Facts, Instance, Lag, NotObserved, Secret, Stack
from drgen.recovery.record import Fence, Fenced, Fencing, Loss, NotFenced, Record, Released, Unverified, Written
from drgen.recovery.timing import durations, recovery_s
from drgen.reports.failover import FailoverReport, Line, Phase, Row, as_json, as_markdown, outlook_text

REPORTS = Path(".drgen/reports")
OUTCOMES = {"SUCCEEDED": "done", "Refused": "refused", "Stopped": "stopped"}
"""What the report calls the end of an execution, by its error where it has one; every other end is `broken`."""


def report_of(workload: str, execution: Execution, state: State, record: Record) -> FailoverReport:
    """The report of a run that has ended."""
    loss, loss_evidence = _loss(record)
    fence, fence_evidence = fence_words(record.fence)
    recovery, point = state.objectives or (None, None)
    return FailoverReport(
        workload=workload,
        target=record.request.target,
        incident=execution.name,
        operator=record.request.operator,
        mode=str(record.request.mode),
        outcome=OUTCOMES.get(state.error or state.status, "broken"),
        reason=state.cause,
        phases=tuple(Phase(name, seconds) for name, seconds in durations(record)),
        detected=record.at("detected") is not None,
        recovery_s=recovery_s(record),
        recovery_objective_s=recovery,
        loss_s=loss,
        loss_evidence=loss_evidence,
        loss_objective_s=point,
        fence=fence,
        fence_evidence=fence_evidence,
        verification=_verification(record),
        journal=tuple(Line(entry.at, entry.phase, entry.text) for entry in record.journal),
    )


def write_reports(report: FailoverReport) -> tuple[Path, Path]:
    """The JSON and Markdown files of the report, written below the current folder."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    stem = f"{report.workload}-{report.incident}"
    as_data, as_page = REPORTS / f"{stem}.json", REPORTS / f"{stem}.md"
    as_data.write_text(as_json(report), "utf-8")
    as_page.write_text(as_markdown(report), "utf-8")
    return as_data, as_page


def question(record: Record) -> str:
    """What a person has to weigh before the promotion."""
    loss, evidence = _loss(record)
    lost = "an unknown amount" if loss is None else f"at most {loss:.0f} s"
    fence, fence_evidence = fence_words(record.fence)
    return (
        f"{record.request.target} is ready to take over. This cannot be undone.\n"
        f"  writes lost: {lost} ({evidence})\n  old primary: {fence} ({fence_evidence})"
    )


def _loss(record: Record) -> tuple[float | None, str]:
    match record.loss:
        case Loss(seconds, evidence):
            return seconds, evidence
        case NotObserved(reason):
            return None, reason
        case None:
            return None, "the run did not come that far"


def fence_words(fence: Fence) -> tuple[str, str]:
    """The state of the fence in a word, and its evidence."""
    match fence:
        case NotFenced():
            return "untouched", "no step was taken against it"
        case Fencing():
            return "cut off", "no client can connect; open sessions may be left"
        case Fenced(evidence=evidence):
            return "fenced, verified", evidence
        case Unverified(reason=reason):
            return "fence unverified", reason
        case Released(problem=problem):
            return ("still cut off", problem) if problem else ("untouched", "its security groups were given back")
        case _:
            assert_never(fence)


def _verification(record: Record) -> str:
    match record.verification:
        case Written(took_ms=took_ms):
            return f"a row was written and read back in {took_ms:.0f} ms"
        case NotObserved(reason):
            return f"not observed: {reason}"
        case None:
            return "not done"


def outlook(found: Outlook) -> str:
    """The answer of --dry-run."""
    facts = [Row(subject, "", evidence) for subject, evidence in _facts(found.facts)]
    guards = [Row(guard.claim, str(guard.verdict), guard.evidence) for guard in found.guards]
    return outlook_text(facts, guards, [sentence(step) for step in found.steps])


def _facts(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "replica", _seen(facts.replica)
    yield "primary", _seen(facts.primary)
    yield "replica over SQL", _seen(facts.replica_sql)
    yield "primary over SQL", _seen(facts.primary_sql)
    yield "lag", _seen(facts.lag)
    yield "database stack", _seen(facts.stack)
    yield "secret", _seen(facts.secret)
    yield "alarms of the records", _seen(facts.alarms)
    for other in facts.others:
        yield f"copy in {other.region}", _seen(other.database)


def _seen(fact: Instance | Answer | Lag | Stack | Secret | Alarms | Absent | NotObserved) -> str:
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
        case Stack(status, role, protected):
            return f"{status}, DatabaseRole {role or 'unknown'}, {'protected' if protected else 'not protected'}"
        case Secret(read):
            return "readable" if read else "exists"
        case Alarms(withdrawn, writable):
            return f"primary withdrawn: {withdrawn}; recovery not writable: {writable}"
        case _:
            assert_never(fact)


def sentence(step: do.Step) -> str:
    """What a step does, for people who decide whether it may."""
    match step:
        case do.AwaitTarget(reason):
            return f"wait: {reason}"
        case do.ProtectStack():
            return "set a stack policy that denies replacing and deleting the database"
        case do.CutOffPrimary():
            return "give the primary the security group that lets nobody in"
        case do.RebootPrimary():
            return "reboot the primary, to end open sessions"
        case do.AwaitFence(reason) | do.AwaitDrain(reason) | do.AwaitPromotion(reason):
            return f"wait: {reason}"
        case do.RecordFence(verified, evidence):
            word = "verified" if verified else "unverified"
            return f"record the fence as {word}{f': {evidence}' if evidence else ''}"
        case do.RecordLoss():
            return "record how much may be lost"
        case do.AskApproval():
            return "ask for approval"
        case do.Promote():
            return "update the database stack with DatabaseRole standalone, which promotes the replica"
        case do.MoveTraffic():
            return "publish the metrics that make DNS answer with the new primary"
        case do.VerifyWrite():
            return "write to the new primary and read it back"
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
