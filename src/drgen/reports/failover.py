"""The report of a failover, and the outlook of one that was only rehearsed on paper."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Phase:
    """`seconds` is None where the phase was not measured."""

    name: str
    seconds: float | None


@dataclass(frozen=True)
class Line:
    """One line of the journal; `at` in seconds since the epoch, by AWS's clock."""

    at: float
    phase: str
    text: str


@dataclass(frozen=True)
class FailoverReport:
    """How a failover went. `outcome` is done, refused, stopped or broken.

    `recovery_s` counts from the detection, or from the start where `detected` is False. `loss_s` is the most that may
    be lost, in seconds of writes; None is unknown. Objectives are None where nobody stated them.
    """

    workload: str
    target: str
    incident: str
    operator: str
    mode: str
    outcome: str
    reason: str
    phases: tuple[Phase, ...]
    detected: bool
    recovery_s: float | None
    recovery_objective_s: float | None
    loss_s: float | None
    loss_evidence: str
    loss_objective_s: float | None
    fence: str
    fence_evidence: str
    verification: str
    journal: tuple[Line, ...]


@dataclass(frozen=True)
class Row:
    """One guard or fact of an outlook: what, how it stands, and the evidence."""

    subject: str
    verdict: str
    evidence: str


def as_json(report: FailoverReport) -> str:
    """The report as one JSON object; times in seconds."""
    return json.dumps(asdict(report), indent=2) + "\n"


def as_text(report: FailoverReport) -> str:
    """The report for a terminal, without the journal."""
    width = max(len(title) for title, _ in _summary(report))
    lines = [_headline(report), ""]
    lines += [f"  {title:<{width}}  {value}" for title, value in _summary(report)]
    lines += ["", "  phase      time"]
    lines += [f"  {phase.name:<9}  {duration(phase.seconds)}" for phase in report.phases]
    return "\n".join(lines) + "\n"


def as_markdown(report: FailoverReport) -> str:
    """The report as a page, with the journal."""
    lines = [f"# {_headline(report)}", "", "| | |", "| --- | --- |"]
    lines += [f"| {title} | {_cell(value)} |" for title, value in _summary(report)]
    lines += ["", "## Times", "", "| Phase | Time |", "| --- | --- |"]
    lines += [f"| {phase.name} | {duration(phase.seconds)} |" for phase in report.phases]
    lines += ["", "## Journal", "", "| Time (UTC) | Phase | What happened |", "| --- | --- | --- |"]
    lines += [f"| {_clock(line.at)} | {line.phase} | {_cell(line.text)} |" for line in report.journal]
    return "\n".join(lines) + "\n"


def outlook_text(facts: Sequence[Row], guards: Sequence[Row], steps: Sequence[str]) -> str:
    """What a failover would find and do, for a terminal."""
    lines = ["Observed:"]
    lines += [f"  {row.subject}: {row.evidence}" for row in facts]
    if guards:
        lines += ["", "Guards:"]
        lines += [f"  {row.verdict:<6}  {row.subject} ({row.evidence})" for row in guards]
    lines += ["", "Steps that a failover would take:" if steps else "Nothing is left to do."]
    lines += [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    lines += ["", "Nothing was changed."]
    return "\n".join(lines) + "\n"


def duration(seconds: float | None) -> str:
    """`1h 02m 03s`, without leading zeros; `not measured` for None."""
    if seconds is None:
        return "not measured"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m {rest:02}s"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def _headline(report: FailoverReport) -> str:
    outcome = f"{report.outcome}: {report.reason}" if report.reason else report.outcome
    return f"Failover of {report.workload} to {report.target}: {outcome}"


def _summary(report: FailoverReport) -> list[tuple[str, str]]:
    since = "since the primary was seen to be gone" if report.detected else "since the start of the run"
    recovery = duration(report.recovery_s)
    if report.recovery_s is not None:
        recovery = f"{recovery} {since}"
    loss = {None: "unknown", 0.0: "none"}.get(report.loss_s, f"at most {duration(report.loss_s)} of writes")
    return [
        ("incident", f"{report.incident}, {report.mode}, asked for by {report.operator}"),
        ("recovery time", f"{recovery}{_against(report.recovery_s, report.recovery_objective_s)}"),
        ("data loss", f"{loss}{_against(report.loss_s, report.loss_objective_s)}; {report.loss_evidence}"),
        ("old primary", f"{report.fence}: {report.fence_evidence}"),
        ("write test", report.verification),
    ]


def _against(measured: float | None, objective: float | None) -> str:
    if objective is None:
        return ""
    if measured is None:
        return f" (objective {duration(objective)})"
    return f" (objective {duration(objective)}: {'met' if measured <= objective else 'MISSED'})"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
