"""Findings as JUnit XML, which most CI servers show: a suite per folder, a case per rule and file that failed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from drgen.model.finding import Finding, Severity, WorldReport


def junit(reports: Sequence[WorldReport]) -> str:
    """Errors and warnings are failures, info is output; a folder without findings has one case that passed."""
    root = ElementTree.Element("testsuites", name="drgen check")
    for report in reports:
        suite = ElementTree.SubElement(root, "testsuite", name=report.path)
        for (file, rule), found in groupby(sorted(report.findings, key=_case), key=_case):
            _add(ElementTree.SubElement(suite, "testcase", classname=file, name=rule, file=file), list(found))
        if not report.findings:
            ElementTree.SubElement(suite, "testcase", classname=report.path, name="check")
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    for total in ("tests", "failures"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(finding: Finding) -> tuple[str, str]:
    return finding.file, finding.rule


def _add(case: ElementTree.Element, findings: list[Finding]) -> None:
    lines = [f"{f.file}:{f.line}: {f.address}: {f.message}. Fix: {f.fix}" for f in findings]
    if all(finding.severity is Severity.INFO for finding in findings):
        ElementTree.SubElement(case, "system-out").text = "\n".join(lines)
        return
    failure = ElementTree.SubElement(case, "failure", type=findings[0].severity.value, message=findings[0].message)
    failure.text = "\n".join(lines)
