"""Every rule against deployments that show one fault (bad) or none (good); tests/corpus/README.md has the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drgen.cli.world import Folder, load_folder
from drgen.model.finding import Severity
from drgen.preflight.cfnlint import cfn_lint
from drgen.preflight.linting import jobs
from drgen.preflight.rules import RULES
from drgen.preflight.run import Selection, check_world

CORPUS = Path(__file__).parent.parent / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.yaml"))


def case(folder: Path) -> Any:
    return yaml.safe_load((folder / "case.yaml").read_text("utf-8"))


def loaded(folder: Path, twin: str) -> Folder:
    """The deployment, as an update of what is in `before/`, if the case has it."""
    deployed = folder / "before"
    return load_folder(folder / twin, before=load_folder(deployed).world if deployed.is_dir() else None)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: str(folder.name))
def test_bad_deployment_gives_exactly_the_findings_of_its_case(folder: Path) -> None:
    findings, _ = check_world(loaded(folder, "bad").world, Selection())
    assert [f"{finding.rule} {finding.address}" for finding in findings] == case(folder)["finds"]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: str(folder.name))
def test_good_deployment_gives_no_error_and_no_warning(folder: Path) -> None:
    findings, _ = check_world(loaded(folder, "good").world, Selection())
    assert [finding for finding in findings if finding.severity is not Severity.INFO] == []


def test_cfn_lint_finds_the_faults_that_are_left_to_it() -> None:
    folders = [folder for folder in CASES if "linter" in case(folder)]
    asked = [[job for _, job in jobs(found.world, found.sources)] for found in (loaded(f, "bad") for f in folders)]
    answers = iter(cfn_lint([job for share in asked for job in share]))
    said = [{match.rule for _ in share for match in next(answers)} for share in asked]
    expected = [case(folder)["linter"] for folder in folders]
    assert [sorted(rules & set(wanted)) for rules, wanted in zip(said, expected, strict=True)] == expected


def test_no_known_failure_is_missed() -> None:
    assert [folder.name for folder in CASES if not (case(folder)["finds"] or case(folder).get("linter"))] == []


def test_every_rule_has_a_case() -> None:
    shown = {line.split()[0] for folder in CASES for line in case(folder)["finds"]}
    assert {rule.id for rule in RULES} - shown == set()
