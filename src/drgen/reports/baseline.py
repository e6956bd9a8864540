"""Findings that a repository lives with: a file that lists them, so that only new ones count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drgen.errors import UsageError
from drgen.model.finding import Finding, WorldReport

FIX = "write it again with --write-baseline"


@dataclass(frozen=True, order=True)
class Entry:
    """One finding, without what moves when a template is edited elsewhere: its file and line."""

    path: str
    rule: str
    address: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} {self.address} ({self.path})"


Baseline = Counter[Entry]
"""How often each finding is expected."""


def _entry(path: str, finding: Finding) -> Entry:
    return Entry(path, finding.rule, finding.address, finding.message)


def written(reports: Sequence[WorldReport]) -> str:
    """All findings as the text of a baseline file, sorted, one finding a line: it is reviewed and merged like code."""
    entries = sorted(_entry(report.path, finding) for report in reports for finding in report.findings)
    lines = [json.dumps(vars(entry)) for entry in entries]
    listed = ",\n    ".join(lines)
    return (
        f'{{\n  "version": 1,\n  "findings": [\n    {listed}\n  ]\n}}\n'
        if lines
        else '{"version": 1, "findings": []}\n'
    )


def read_baseline(text: str, *, file: str) -> Baseline:
    """The baseline in `text`. Raises UsageError if it is none."""
    try:
        document = json.loads(text)
        if document["version"] != 1:
            raise ValueError(f"version {document['version']!r}")
        return Counter(Entry(**entry) for entry in document["findings"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"this is no baseline of drgen: {error}", at=file, fix=FIX) from error


def apart_from(baseline: Baseline, reports: Sequence[WorldReport]) -> tuple[list[WorldReport], list[Entry]]:
    """The reports without what `baseline` lists, and the entries that nothing was found for.

    A finding that is there twice counts once if it is listed once. Entries of folders that were not checked are not
    stale.
    """
    left = Counter(baseline)
    kept = [replace(report, findings=tuple(_new(report, left))) for report in reports]
    checked = {report.path for report in reports}
    return kept, sorted(entry for entry in left.elements() if entry.path in checked)


def _new(report: WorldReport, left: Baseline) -> list[Finding]:
    found = []
    for finding in report.findings:
        entry = _entry(report.path, finding)
        if left[entry] > 0:
            left[entry] -= 1
        else:
            found.append(finding)
    return found
