"""The outcome of a check, for people (text, markdown) and for programs (json)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from drgen.model.finding import Finding, NotChecked, Severity, WorldReport


def counts(reports: Sequence[WorldReport]) -> str:
    """One line: how many findings of each severity there are, in how many folders, and what was not checked."""
    by_severity = Counter(finding.severity for report in reports for finding in report.findings)
    parts = [_count(by_severity[severity], severity.value) for severity in Severity if by_severity[severity]]
    undecided = sum(len(report.not_checked) for report in reports)
    parts += [f"{undecided} not checked"] if undecided else []
    return f"{_count(len(reports), 'folder')} checked: {', '.join(parts) or 'nothing found'}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 or what == 'info' else 's'}"


def text(reports: Sequence[WorldReport]) -> str:
    """Findings by file, each with its line, what is wrong, why it matters and how to fix it; then the counts."""
    lines: list[str] = []
    for report in reports:
        for file, findings in groupby(sorted(report.findings, key=_place), key=lambda finding: finding.file):
            lines.append(file)
            for finding in findings:
                lines += _paragraph(finding)
            lines.append("")
        if report.not_checked:
            lines.append(f"{report.path}: not checked")
            lines += [f"  {entry.rule}  {entry.address}: {entry.reason}" for entry in report.not_checked]
            lines.append("")
        if report.budget:
            lines += [f"{report.path}: time to recover", f"  {report.budget}", ""]
    return "\n".join([*lines, counts(reports)]) + "\n"


def _place(finding: Finding) -> tuple[str, int, str, str]:
    return finding.file, finding.line, finding.rule, finding.address


def _paragraph(finding: Finding) -> list[str]:
    found = [f"  {finding.line}: {finding.severity.value} {finding.rule} {finding.address}", f"      {finding.message}"]
    found += [f"      why: {finding.why}"] if finding.why and finding.why != finding.message else []
    return [*found, f"      fix: {finding.fix}"]


def as_json(reports: Sequence[WorldReport]) -> str:
    """One object, the contract for programs: version, then per folder its findings, what was not checked, and what is
    known of the time to recover."""
    worlds = [
        {
            "path": report.path,
            "findings": [_finding(finding) for finding in report.findings],
            "not_checked": [_not_checked(entry) for entry in report.not_checked],
            **({"budget": report.budget} if report.budget else {}),
        }
        for report in reports
    ]
    return json.dumps({"version": 1, "worlds": worlds}, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "address": finding.address,
        "file": finding.file,
        "line": finding.line,
        "message": finding.message,
        "fix": finding.fix,
    }


def _not_checked(entry: NotChecked) -> dict[str, str]:
    return {"rule": entry.rule, "address": entry.address, "reason": entry.reason}


def markdown(reports: Sequence[WorldReport]) -> str:
    """A table per folder, for comments on pull requests."""
    lines = [f"**{counts(reports)}**", ""]
    for report in reports:
        if report.findings:
            lines += [f"### {report.path}", "", "| | Rule | Where | What | Fix |", "| --- | --- | --- | --- | --- |"]
            lines += [_row(finding) for finding in report.findings]
            lines.append("")
        if report.not_checked:
            lines += [f"<details><summary>{len(report.not_checked)} not checked in {report.path}</summary>", ""]
            lines += [f"- {entry.rule} {_cell(entry.address)}: {_cell(entry.reason)}" for entry in report.not_checked]
            lines += ["", "</details>", ""]
        if report.budget:
            lines += [f"Time to recover, {report.path}: {report.budget}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(finding: Finding) -> str:
    where = f"`{finding.address}`<br>{finding.file}:{finding.line}"
    cells = (finding.severity.value, finding.rule, where, finding.message, finding.fix)
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
