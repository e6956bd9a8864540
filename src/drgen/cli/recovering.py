"""From the record of a failover to what people read: reports and files."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from drgen.recovery.execution import Execution, State
from drgen.recovery.facts import NotObserved
from drgen.recovery.record import (
    Delegated,
    Fence,
    Fenced,
    Fencing,
    Loss,
    NotFenced,
    Record,
    Released,
    Served,
    Unverified,
    Written,
)
from drgen.recovery.timing import durations, recovery_s
from drgen.reports.failover import FailoverReport, Line, Phase, as_json, as_markdown

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
        case Delegated(reason=reason):
            return "left to Aurora", reason
        case Released(problem=problem):
            return ("still cut off", problem) if problem else ("untouched", "its security groups were given back")
        case _:
            assert_never(fence)


def _verification(record: Record) -> str:
    match record.verification:
        case Written(took_ms=took_ms):
            return f"a row was written and read back in {took_ms:.0f} ms"
        case Served(evidence=evidence):
            return evidence
        case NotObserved(reason):
            return f"not observed: {reason}"
        case None:
            return "not done"
