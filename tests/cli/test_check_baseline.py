"""`drgen check --baseline`: beginning in a repository that has findings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import run

BAD = Path(__file__).parent.parent / "corpus" / "vpc-peering-both-vpcs-in-one-stack" / "bad"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(BAD, tmp_path / "net")
    return tmp_path / "net"


CHECK = ("check", "net", "--select", "DR4")


def test_listed_findings_do_not_count_and_lines_may_move(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CHECK, "--write-baseline", "known.json") == 0
    assert capsys.readouterr().err == "known.json: 1 folder checked: 1 error, 2 not checked\n"
    template = folder / "dr.us-east-1.yaml"
    template.write_text("# moved down by a line\n" + template.read_text("utf-8"), "utf-8")
    assert run(*CHECK, "--baseline", "known.json") == 0
    assert capsys.readouterr().out.endswith("\n1 folder checked: 2 not checked\n")


def test_finding_that_is_not_listed_counts(folder: Path) -> None:
    assert run(*CHECK, "--ignore", "DR401", "--write-baseline", "known.json") == 0
    assert run(*CHECK, "--baseline", "known.json") == 1


def test_entry_of_what_is_mended_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CHECK, "--write-baseline", "known.json") == 0
    shutil.rmtree(folder)
    shutil.copytree(BAD.parent / "good", folder)
    capsys.readouterr()
    assert run(*CHECK, "--baseline", "known.json") == 0
    told = "known.json: DR401 dr/Peering/PeerVpcId (net) is no longer found; remove it, or write the baseline again\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{"rule": "DR1"}]}']
)
def test_file_that_is_no_baseline_is_wrong_usage(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("known.json").write_text(text, "utf-8")
    assert run(*CHECK, "--baseline", "known.json") == 2
    assert "known.json: this is no baseline of drgen" in capsys.readouterr().err


def test_baseline_that_is_not_there_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CHECK, "--baseline", "known.json") == 2
    assert "known.json: the baseline cannot be read" in capsys.readouterr().err
