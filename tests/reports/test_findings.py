"""The outcome of a check in each of its formats."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from drgen.model.finding import Finding, NotChecked, Severity, WorldReport
from drgen.reports.findings import as_json, counts, markdown, text
from drgen.reports.junit import junit
from drgen.reports.rule_pages import RuleText, rules_page
from drgen.reports.sarif import sarif

PEERING = Finding(
    rule="DR401",
    severity=Severity.ERROR,
    address="dr/Peering/PeerVpcId",
    file="templates/dr/peering.yaml",
    line=11,
    message="PeerVpcId is in us-east-1, but PeerRegion says eu-west-1",
    fix="set PeerRegion to us-east-1",
    why="EC2 looks for PeerVpcId in PeerRegion.",
    source="https://example.com/peering",
)
POLICY = Finding(
    "DR310", Severity.WARNING, "dr/Data", "templates/dr/data.yaml", 4, "a | b", "do <this>", "why", "source"
)
NOTE = Finding("DR308", Severity.INFO, "dr/Replica", "templates/dr/data.yaml", 9, "note", "fix")
REPORT = WorldReport("templates/dr", (POLICY, NOTE, PEERING), (NotChecked("DR601", "dr/Log", "the key is not known"),))
CLEAN = WorldReport("templates/clean", (), ())


def test_text_groups_by_file_and_ends_with_the_counts() -> None:
    assert text([REPORT, CLEAN]) == (
        "templates/dr/data.yaml\n"
        "  4: warning DR310 dr/Data\n"
        "      a | b\n"
        "      why: why\n"
        "      fix: do <this>\n"
        "  9: info DR308 dr/Replica\n"
        "      note\n"
        "      fix: fix\n"
        "\n"
        "templates/dr/peering.yaml\n"
        "  11: error DR401 dr/Peering/PeerVpcId\n"
        "      PeerVpcId is in us-east-1, but PeerRegion says eu-west-1\n"
        "      why: EC2 looks for PeerVpcId in PeerRegion.\n"
        "      fix: set PeerRegion to us-east-1\n"
        "\n"
        "templates/dr: not checked\n"
        "  DR601  dr/Log: the key is not known\n"
        "\n"
        "2 folders checked: 1 error, 1 warning, 1 info, 1 not checked\n"
    )


def test_nothing_found_is_said() -> None:
    assert counts([CLEAN]) == "1 folder checked: nothing found"


def test_json_is_the_contract() -> None:
    document = json.loads(as_json([REPORT]))
    assert document["version"] == 1
    world = document["worlds"][0]
    assert world["path"] == "templates/dr"
    assert world["findings"][2] == {
        "rule": "DR401",
        "severity": "error",
        "address": "dr/Peering/PeerVpcId",
        "file": "templates/dr/peering.yaml",
        "line": 11,
        "message": "PeerVpcId is in us-east-1, but PeerRegion says eu-west-1",
        "fix": "set PeerRegion to us-east-1",
    }
    assert world["not_checked"] == [{"rule": "DR601", "address": "dr/Log", "reason": "the key is not known"}]


def test_the_time_to_recover_is_told_behind_the_findings() -> None:
    report = WorldReport("templates/dr", (), (), "TTL 60 s of an RTO of 5 min; 4 min are left for the decision")
    assert text([report]) == (
        "templates/dr: time to recover\n"
        "  TTL 60 s of an RTO of 5 min; 4 min are left for the decision\n"
        "\n"
        "1 folder checked: nothing found\n"
    )
    assert json.loads(as_json([report]))["worlds"][0]["budget"] == report.budget
    assert f"Time to recover, templates/dr: {report.budget}" in markdown([report])


def test_sarif_points_at_the_line_and_the_rule() -> None:
    run = json.loads(sarif([REPORT], version="1.2.3"))["runs"][0]
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == ["DR308", "DR310", "DR401"]
    result = run["results"][2]
    assert (result["ruleId"], driver["rules"][result["ruleIndex"]]["id"]) == ("DR401", "DR401")
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "templates/dr/peering.yaml"},
        "region": {"startLine": 11},
    }
    assert [result["level"] for result in run["results"]] == ["warning", "note", "error"]


def test_junit_fails_for_errors_and_warnings_only() -> None:
    root = ElementTree.fromstring(junit([REPORT, CLEAN]))
    assert (root.get("tests"), root.get("failures")) == ("4", "2")
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["DR310", "DR401"]


def test_markdown_keeps_a_bar_inside_its_cell() -> None:
    assert "| warning | DR310 | `dr/Data`<br>templates/dr/data.yaml:4 | a \\| b | do <this> |" in markdown([REPORT])


def test_page_of_rules_lists_each_under_its_family() -> None:
    rule = RuleText("DR401", "PeerRegion is right", Severity.ERROR, "Because.", "Do it.", "A guide")
    page = rules_page([rule], {"DR4": "Network"})
    assert "| [DR401](#dr401) | error | PeerRegion is right |" in page
    assert page.endswith(
        "## DR4xx Network\n\n### DR401\n\n**PeerRegion is right** (error)\n\n"
        "Because.\n\nFix: Do it.\n\nSource: A guide\n"
    )
