"""Findings as SARIF 2.1.0, which code review shows at the right line of the right template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath

from drgen.model.finding import Finding, Severity, WorldReport

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(reports: Sequence[WorldReport], *, version: str) -> str:
    """One SARIF log with one run; `version` is drgen's.

    Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
    """
    findings = [finding for report in reports for finding in report.findings]
    rules = {finding.rule: finding for finding in findings}
    positions = {rule: index for index, rule in enumerate(sorted(rules))}
    driver = {"name": "drgen", "version": version, "rules": [_rule(rules[rule]) for rule in sorted(rules)]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, positions[finding.rule]) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(finding: Finding) -> dict[str, object]:
    described: dict[str, object] = {
        "id": finding.rule,
        "shortDescription": {"text": finding.why or finding.message},
        "help": {"text": f"{finding.why}\n\nSource: {finding.source}".strip()},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }
    if finding.source.startswith("https://"):
        described["helpUri"] = finding.source
    return described


def _result(finding: Finding, position: int) -> dict[str, object]:
    place = {
        "artifactLocation": {"uri": PurePath(finding.file).as_posix()},
        "region": {"startLine": max(finding.line, 1)},
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": position,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. Fix: {finding.fix}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": finding.address}]}],
        "partialFingerprints": {"address/v1": f"{finding.rule} {finding.address}"},
    }
