"""The rules about one template alone, inside plain cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from drgen.cli.world import load_folder
from drgen.model.deployment import Deployment, Intent
from drgen.model.finding import Severity
from drgen.preflight.rules import RULES
from drgen.preflight.run import Selection, check_world
from drgen.preflight.world import World

HERE = Path(__file__).parent
ALONE = tuple(rule for rule in RULES if rule.alone)

TEMPLATE = """
Resources:
  Password:
    Type: AWS::SecretsManager::Secret
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{"username": "app"}'%s}
"""


def cfn_lint(*templates: Path) -> list[str]:
    """What the command finds: file, line, level, id and message of each match."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--append-rules", "drgen.cfnlint_rules"]
    rest = ["--format", "json", "--regions", "eu-west-1", "--template", *map(str, templates)]
    done = subprocess.run([*command, *rest], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [
        f"{Path(match['Filename']).name}:{match['Location']['Start']['LineNumber']} {match['Level']} "
        f"{match['Rule']['Id']} {match['Message']}"
        for match in json.loads(done.stdout or "[]")
    ]


def test_command_finds_faults_at_their_lines_and_nothing_in_a_right_template(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text(TEMPLATE % "")
    good.write_text(TEMPLATE % ", GenerateStringKey: password")
    message = "GenerateStringKey is missing (DR633: set GenerateStringKey)"
    assert cfn_lint(bad, good) == [f"bad.yaml:8 Error E9633 {message}"]


def alone(folder: Path) -> Iterator[tuple[Severity, str]]:
    """What the rules find in each template of a deployment, when they see nothing else."""
    for stack in load_folder(folder).world.steps:
        entry = replace(stack.entry, parameters={}, nested={}, action="create", stack="one", template="t")
        world = World(Deployment(Path("t"), Intent(), (entry,)), {"t": stack.written})
        for finding in check_world(world, Selection(), ALONE)[0]:
            yield finding.severity, f"{finding.rule} {stack.key}/{finding.address.partition('/')[2]}"


def test_no_rule_needs_the_rest_of_the_deployment_to_keep_quiet() -> None:
    right = [*HERE.glob("corpus/*/good"), *HERE.glob("shapes/*"), *HERE.parent.glob("templates/*/")]
    said = [f"{folder}: {text}" for folder in right for level, text in alone(folder) if level is not Severity.INFO]
    assert said == []


def test_each_rule_finds_the_fault_of_a_case_without_the_rest_of_the_deployment() -> None:
    cases = {case.parent: yaml.safe_load(case.read_text("utf-8"))["finds"] for case in HERE.glob("corpus/*/case.yaml")}
    wanted = {rule.id for rule in ALONE}
    told = {folder for folder, finds in cases.items() if wanted & {text.split()[0] for text in finds}}
    found = {text.split()[0] for folder in told for _, text in alone(folder / "bad") if text in cases[folder]}
    assert wanted - found == set()
