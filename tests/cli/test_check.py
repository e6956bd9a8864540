"""`drgen check` and `drgen rules` as people use them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import run

CORPUS = Path(__file__).parent.parent / "corpus"
PEERING = CORPUS / "vpc-peering-both-vpcs-in-one-stack"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_fault_between_stacks_is_found_in_a_folder_written_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(PEERING / "bad"), "--format", "json", "--select", "DR4") == 1
    world = json.loads(capsys.readouterr().out)["worlds"][0]
    found = [(finding["rule"], finding["address"], finding["line"]) for finding in world["findings"]]
    assert found == [("DR401", "dr/Peering/PeerVpcId", 11)]


def test_right_folder_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(PEERING / "good"), "--fast", "--select", "DR,E") == 0
    assert capsys.readouterr().out.endswith("1 folder checked: 1 not checked\n")


def test_info_never_fails_a_check() -> None:
    assert run("check", str(CORPUS / "rds-replica-without-security-groups" / "bad"), "--select", "DR3") == 0


def test_without_a_path_every_folder_under_templates_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        shutil.copytree(PEERING / "bad", tmp_path / "templates" / name)
    monkeypatch.chdir(tmp_path)
    assert run("check", "--select", "DR401") == 1
    assert capsys.readouterr().out.endswith("2 folders checked: 2 errors\n")


def test_several_folders_are_one_report_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "out" / "report.sarif"
    folders = [str(PEERING / "bad"), str(CORPUS / "rds-tag-value-character" / "bad")]
    assert run("check", *folders, "--select", "DR401,DR704", "--format", "sarif", "--output", str(report)) == 1
    results = json.loads(report.read_text("utf-8"))["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["DR401", "DR704"]
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "2 folders checked: 2 errors\n")


def test_every_file_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploy.yaml").write_text(
        "stacks:\n"
        "- {stack: a, template: a.yaml, region: us-east-1}\n"
        "- {stack: b, template: b.yaml, region: us-east-1}\n"
    )
    (tmp_path / "a.yaml").write_text("Resources:\n  A: [\n")
    assert run("check", str(tmp_path)) == 2
    printed = capsys.readouterr().err
    assert f"{tmp_path}/a.yaml:3: " in printed
    assert f"{tmp_path}/b.yaml:1: the template cannot be read" in printed


def test_files_are_named_from_where_the_check_was_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CORPUS)
    assert run("check", str(PEERING / "bad"), "--select", "DR401") == 1
    assert capsys.readouterr().out.startswith("vpc-peering-both-vpcs-in-one-stack/bad/dr.us-east-1.yaml\n  11: error")


def test_folder_without_manifest_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(tmp_path)) == 2
    assert "there is no manifest" in capsys.readouterr().err


def test_rule_is_shown_and_family_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rules", "dr401") == 0
    assert capsys.readouterr().out.startswith("DR401 (error): PeerRegion is the region of the peer VPC\n\nWhy:")
    assert run("rules", "DR40") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()][:2] == ["DR401", "DR402"]
    assert run("rules", "DR9999") == 2


def test_fast_check_needs_neither_cfn_lint_nor_boto3(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from drgen.cli.main import main\n"
        "try:\n"
        f"    main(['check', {str(PEERING / 'good')!r}, '--fast', '--output', {str(tmp_path / 'out')!r}])\n"
        "except SystemExit:\n"
        "    print(sorted({'cfnlint', 'boto3', 'botocore', 'troposphere'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
