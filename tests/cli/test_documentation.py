"""The generated pages are those in docs/, and the schema accepts what drgen accepts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from drgen.cli.documentation import pages
from drgen.cli.group import drgen
from drgen.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == pages()[name], "run `make docs` and commit"


def test_the_schema_accepts_the_committed_workloads_and_the_example() -> None:
    schema = json.loads(pages()["workload.schema.json"])
    files = [*ROOT.glob("templates/*/workload.yaml"), *ROOT.glob("src/drgen/files/examples/*.yaml")]
    assert len(files) >= 2
    for path in files:
        text = path.read_text("utf-8").replace("NAME", "name")
        jsonschema.validate(yaml.safe_load(text), schema)


def test_the_schema_refuses_an_unknown_key() -> None:
    schema = json.loads(pages()["workload.schema.json"])
    workload = yaml.safe_load((ROOT / "templates/postgres-dr/workload.yaml").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError, match="stratgy"):
        jsonschema.validate({**workload, "stratgy": "warm-standby"}, schema)


def test_every_field_of_a_workload_is_described() -> None:
    schema = json.loads(pages()["workload.schema.json"])
    sections = {"Workload": schema, **schema["$defs"]}
    bare = [
        f"{s}.{f}"
        for s, section in sections.items()
        for f, field in section["properties"].items()
        if not {"description", "$ref"} & field.keys()
    ]
    assert bare == []


def test_every_command_of_the_group_exists_and_has_help() -> None:
    context = drgen.make_context("drgen", [], resilient_parsing=True)
    for name in COMMANDS:
        command = drgen.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str() != ""
