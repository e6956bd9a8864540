"""Deployments that are common and right: no rule may find fault with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from drgen.cli.world import Folder, load_folder
from drgen.model.finding import Severity
from drgen.preflight.cache import Cache
from drgen.preflight.cfnlint import cfn_lint
from drgen.preflight.fastlint import fast_lint
from drgen.preflight.linting import Linter, jobs, lint_world
from drgen.preflight.region_tables import ANYWHERE, ELSEWHERE, PEERING, ZONES
from drgen.preflight.run import Selection, check_world
from drgen.template.schema import schema_for

SHAPES = {folder.name: folder for folder in sorted((Path(__file__).parent.parent / "shapes").iterdir())}
ERROR = Severity.ERROR
LOOP = "resources-from-a-loop"


def linted(found: Iterable[Folder], linter: Linter) -> list[str]:
    """The errors of `linter`, which is asked once for all."""
    folders = list(found)
    asked = [job for folder in folders for _, job in jobs(folder.world, folder.sources)]
    answers = dict(zip(asked, linter(asked), strict=True))
    findings = [
        finding
        for folder in folders
        for finding in lint_world(
            folder.world,
            folder.sources,
            Selection(),
            linter=lambda share: [answers[job] for job in share],
            rules="",
            cache=Cache(None),
        )
    ]
    return [f"{finding.rule} {finding.file}: {finding.address}" for finding in findings if finding.severity is ERROR]


def test_there_are_enough_shapes_to_mean_something() -> None:
    assert len(SHAPES) >= 30


@pytest.mark.parametrize("name", SHAPES)
def test_well_known_shape_gives_no_error_and_no_warning(name: str) -> None:
    findings, _ = check_world(load_folder(SHAPES[name]).world, Selection())
    assert [finding for finding in findings if finding.severity is not Severity.INFO] == []


def test_native_validator_finds_no_error_in_the_shapes() -> None:
    assert linted(map(load_folder, SHAPES.values()), fast_lint) == []


def test_linter_judges_loops_as_they_are_deployed() -> None:
    assert linted([load_folder(SHAPES[LOOP])], cfn_lint) == []


def test_tables_of_regions_name_properties_that_exist() -> None:
    rows = [*ELSEWHERE, *PEERING, *ZONES, *ANYWHERE]
    unknown = [
        (resource_type, path)
        for resource_type, path in rows
        for schema in [schema_for(resource_type, "us-east-1")]
        if schema is None or not schema.at(tuple(path.split(".")))
    ]
    assert unknown == []
