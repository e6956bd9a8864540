from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from drgen.errors import Refused, UsageError
from drgen.model.deployment import Artifact, StackEntry
from drgen.model.plan import Keep, Known, ParameterValue, Pass, Step
from drgen.planning.artifacts import with_bootstrap
from drgen.planning.fingerprint import change_set_name, is_same_wish, operation_token
from drgen.planning.policy import protected_by, stack_policy
from drgen.planning.templates import read_templates

ENTRY = StackEntry("db", "db.yaml", "eu-west-1", "db")


def name(entry: StackEntry = ENTRY, passes: Pass = Pass.ONLY, sha: str = "1", **values: ParameterValue) -> str:
    return change_set_name(entry, passes, template_sha256=sha, parameters=values)


def test_the_same_wish_has_the_same_name_and_any_other_wish_another() -> None:
    assert name(A=Known("1"), B=Keep()) == name(B=Keep(), A=Known("1"))
    others = [
        name(A=Known("2")),
        name(A=Known("keep")),
        name(A=Keep()),
        name(sha="2", A=Known("1")),
        name(passes=Pass.FINAL, A=Known("1")),
        name(replace(ENTRY, tags={"team": "a"}), A=Known("1")),
        name(replace(ENTRY, region="eu-west-2"), A=Known("1")),
    ]
    assert len({name(A=Known("1")), *others}) == 8


def test_a_token_is_recognised_by_its_wish_and_differs_by_attempt() -> None:
    mine = name(A=Known("1"))
    assert is_same_wish(operation_token(mine, attempt="arn:1"), mine)
    assert not is_same_wish(operation_token(name(A=Known("2")), attempt="arn:1"), mine)
    assert operation_token(mine, attempt="arn:1") != operation_token(mine, attempt="arn:2")
    assert len(operation_token(mine, attempt="arn:1")) <= 128


def test_the_policy_denies_replacement_and_deletion_of_what_is_protected_and_allows_the_rest() -> None:
    assert json.loads(stack_policy(["B", "A"])) == {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": ["Update:Replace", "Update:Delete"],
                "Principal": "*",
                "Resource": ["LogicalResourceId/A", "LogicalResourceId/B"],
            },
        ]
    }


@pytest.mark.parametrize(
    ("policy", "protects"),
    [
        ("", frozenset()),
        (stack_policy([]), frozenset()),
        (stack_policy(["Database"]), frozenset({"Database"})),
        ('{"Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}', None),
        ("{}", None),
    ],
)
def test_a_policy_of_our_own_is_told_from_one_that_people_wrote(policy: str, protects: frozenset[str] | None) -> None:
    assert protected_by(policy) == protects


def test_the_bucket_is_made_only_where_something_needs_it_and_before_it() -> None:
    small = Step("small", ENTRY)
    big = Step("big", replace(ENTRY, stack="big", region="us-east-1"))
    packed = Step(
        "packed", replace(ENTRY, stack="packed", artifacts=(Artifact("probe", "p.zip", "k"),)), needs=("small",)
    )
    assert with_bootstrap([small], sizes={"small": 51_200}) == (small,)
    steps = with_bootstrap([small, big, packed], sizes={"small": 10, "big": 51_201, "packed": 10})
    assert [(step.id, step.needs) for step in steps] == [
        ("drgen-artifacts-us-east-1", ()),
        ("drgen-artifacts-eu-west-1", ()),
        ("small", ()),
        ("big", ("drgen-artifacts-us-east-1",)),
        ("packed", ("drgen-artifacts-eu-west-1", "small")),
    ]


def test_a_template_edited_after_the_build_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db.yaml").write_text("Resources: {}\n", "utf-8")
    with pytest.raises(Refused, match="edited after the build") as refusal:
        read_templates(tmp_path, [Step("db", replace(ENTRY, sha256="0" * 64))])
    assert "drgen build" in refusal.value.fix


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"db\.yaml"):
        read_templates(tmp_path, [Step("db", ENTRY)])


def test_a_template_is_measured_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "db.yaml").write_text("Description: äöü\nResources: {A: {Type: T}}\n", "utf-8")
    template = read_templates(tmp_path, [Step("db", ENTRY)])["db"]
    assert template.size == 46
    assert template.resources == {"A": "T"}
