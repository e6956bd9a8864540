"""The manifest: what may stand in it, and that it survives writing and reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgen.errors import InputErrors, UsageError
from drgen.files.manifest import read_deployment
from drgen.files.manifest_text import write_deployment
from drgen.model.deployment import (
    Artifact,
    Deployment,
    FromOutput,
    Intent,
    RevokeDefaultSecurityGroup,
    StackEntry,
    TellOutput,
)


def manifest(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "deploy.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_required_keys_are_enough(tmp_path: Path) -> None:
    path = manifest(tmp_path, "stacks:\n  - {stack: a, template: a.yaml, region: us-east-1}\n")
    assert read_deployment(tmp_path).stacks == (StackEntry("a", "a.yaml", "us-east-1", "a"),)
    assert read_deployment(path).intent == Intent()


def test_values_become_the_text_that_cloudformation_takes(tmp_path: Path) -> None:
    manifest(
        tmp_path,
        "stacks:\n- stack: a\n  template: a.yaml\n  region: us-east-1\n"
        "  parameters: {On: true, Count: 3, Zones: [a, b], Vpc: {from: {stack: a, output: V}, late: true}}\n",
    )
    assert read_deployment(tmp_path).stacks[0].parameters == {
        "On": "true",
        "Count": "3",
        "Zones": "a,b",
        "Vpc": FromOutput("a", "V", late=True),
    }


def test_every_problem_is_reported_with_its_line(tmp_path: Path) -> None:
    manifest(
        tmp_path,
        "stakcs: 1\nstacks:\n- {stack: a, region: us-east-1}\n"
        "- stack: b\n  template: b.yaml\n  region: us-east-1\n  paramters: {}\n  action: remove\n"
        "  parameters: {V: {from: {stack: aa, output: V}}}\n",
    )
    with pytest.raises(InputErrors) as caught:
        read_deployment(tmp_path)
    assert [(p.line, p.problem, p.fix) for p in caught.value.problems] == [
        (1, "this key is not known", "did you mean stacks?"),
        (3, "the stack has no template", "add `template:`"),
        (7, "this key is not known", "did you mean parameters?"),
        (8, "'remove' is no action", "use create, update or delete"),
        (9, "stack aa is not in this manifest", "did you mean a?"),
    ]


def test_a_folder_without_a_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="drgen build"):
        read_deployment(tmp_path)


def test_a_manifest_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    full = StackEntry(
        stack="a",
        template="primary/a.yaml",
        region="us-east-1",
        stack_name="a",
        stage="primary",
        parameters={"Late": FromOutput("b", "Out", late=True), "Literal": "12"},
        sha256="0" * 64,
        capabilities=("CAPABILITY_NAMED_IAM",),
        tags={"team": "x"},
        artifacts=(Artifact("f", "artifacts/f.zip", "f/0.zip"),),
        termination_protection=True,
        protect=("Database",),
        after=(RevokeDefaultSecurityGroup("VpcId"), TellOutput("now: run", "Command")),
    )
    plain = StackEntry("b", "b.yaml", "eu-west-1", "named-b")
    deployment = Deployment(path, Intent("us-east-1", ("eu-west-1",)), (full, plain))
    path.write_bytes(write_deployment(deployment, header="Generated."))
    assert read_deployment(path) == deployment


def test_a_deployment_is_named_after_its_folder_however_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    assert Deployment(Path("deploy.yaml"), Intent(), ()).name == "shop"
    assert Deployment(Path("../shop/deploy.yaml"), Intent(), ()).name == "shop"
