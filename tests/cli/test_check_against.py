"""`drgen check --against`: what an update of what is deployed would do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import run

TEMPLATE = """\
Resources:
  Data:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Delete
    Properties:
      TableName: orders
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
"""
MANIFEST = "stacks:\n- {stack: orders, template: t.yaml, region: us-east-1}\n"


def git(folder: Path, *arguments: str) -> None:
    person = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "-C", str(folder), *person, *arguments], check=True, capture_output=True)


@pytest.fixture
def workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose only commit holds the workload `here` in a folder below its root."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "repository" / "stacks" / "here"
    folder.mkdir(parents=True)
    (folder / "deploy.yaml").write_text(MANIFEST, "utf-8")
    (folder / "t.yaml").write_text(TEMPLATE, "utf-8")
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-qm", "first")
    monkeypatch.chdir(tmp_path / "repository")
    return folder


def found(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    world = json.loads(capsys.readouterr().out)["worlds"][0]
    return [(finding["rule"], finding["address"]) for finding in world["findings"]]


CHECK = ("check", "stacks/here", "--format", "json", "--select", "DR14")


def test_nothing_changes_against_the_revision_that_is_there(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*CHECK, "--against", "HEAD") == 0
    assert found(capsys) == []


def test_key_that_changes_since_a_revision_replaces_the_table(
    workload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workload / "t.yaml").write_text(TEMPLATE.replace("AttributeName: id", "AttributeName: order"), "utf-8")
    assert run(*CHECK, "--against", "HEAD") == 1
    assert found(capsys) == [("DR140", "orders/Data/KeySchema")]
    (workload / "t.yaml").write_text(TEMPLATE.replace("TableName: orders", "TableName: lines"), "utf-8")
    assert run(*CHECK, "--against", "HEAD") == 1
    assert found(capsys) == [("DR140", "orders/Data/TableName")]


def test_folder_stands_for_what_is_deployed(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(workload, workload.parent / "deployed")
    (workload / "t.yaml").write_text("Resources:\n  Topic: {Type: AWS::SNS::Topic}\n", "utf-8")
    deployed = workload.parent / "deployed" / "t.yaml"
    deployed.write_text(TEMPLATE.replace("DeletionPolicy: Retain", "DeletionPolicy: Delete"), "utf-8")
    assert run(*CHECK, "--against", "stacks/deployed") == 1
    assert found(capsys) == [("DR143", "orders/Data")]


def test_workload_that_a_revision_does_not_have_yet_is_new(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(workload, workload.parent / "new")
    assert run("check", "stacks/new", "--format", "json", "--select", "DR14", "--against", "HEAD") == 0


@pytest.mark.parametrize("revision", ["no-such-branch", "--output=/tmp/x"])
def test_neither_folder_nor_revision_is_wrong_usage(
    workload: Path, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*CHECK, f"--against={revision}") == 2
    assert "is no revision" in capsys.readouterr().err


def test_revision_outside_of_a_repository_is_wrong_usage(
    workload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    outside = tmp_path / "outside"
    shutil.copytree(workload, outside)
    assert run("check", str(outside), "--select", "DR14", "--against", "HEAD") == 2
    assert "not a git repository" in capsys.readouterr().err
