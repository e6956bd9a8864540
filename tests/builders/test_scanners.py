"""What a resource fails on purpose, as each scanner reads it, in the templates that are committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from troposphere import Sub

from drgen.builders.policy import actions, allow, role
from drgen.builders.scanners import ACCESS_LOGS, BUCKET_KEY, accepted
from drgen.model.stack import StackDraft
from drgen.template.load import load

TEMPLATES = sorted((Path(__file__).parents[2] / "templates").glob("*/*/*.yaml"))


def entries(metadata: Any) -> Iterator[tuple[str, str]]:
    for scanner, listed, text in (
        ("checkov", "skip", "comment"),
        ("cfn_nag", "rules_to_suppress", "reason"),
        ("cdk_nag", "rules_to_suppress", "reason"),
    ):
        for entry in metadata.get(scanner, {}).get(listed, []):
            yield entry["id"], entry[text]


def test_a_reason_is_said_once_and_the_other_scanners_are_led_to_it() -> None:
    assert accepted({ACCESS_LOGS: "Its own would feed themselves.", BUCKET_KEY: "S3 allows no other."}) == {
        "checkov": {"skip": [{"id": "CKV_AWS_18", "comment": "Its own would feed themselves."}]},
        "cfn_nag": {"rules_to_suppress": [{"id": "W35", "reason": "same as CKV_AWS_18"}]},
        "cdk_nag": {
            "rules_to_suppress": [
                {"id": "AwsSolutions-S1", "reason": "same as CKV_AWS_18"},
                {"id": "NIST.800.53.R5-S3DefaultEncryptionKMS", "reason": "S3 allows no other."},
            ]
        },
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_suppression_has_a_reason_on_the_same_resource(path: Path) -> None:
    for title, resource in load(path.read_bytes(), file=path.name).resources.items():
        said = dict(entries(resource.get("Metadata", {})))
        for check, reason in said.items():
            # cdk-nag refuses reasons of fewer than ten characters.
            assert len(reason) >= 10, (title, check)
            if reason.startswith("same as "):
                assert not said[reason.removeprefix("same as ")].startswith("same as "), (title, check)


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        (["arn:aws:rds:eu-west-1:123456789012:db:orders"], {}),
        ([Sub("arn:${AWS::Partition}:s3:::orders/*")], {"AwsSolutions-IAM5": "parts of one resource"}),
        (["*"], {"W11": "take no resource", "AwsSolutions-IAM5": "same as W11"}),
    ],
)
def test_a_role_says_why_its_policy_is_wide_if_it_is(resources: list[Any], found: dict[str, str]) -> None:
    stack = StackDraft("shop", "eu-west-1", stage="s", layer="app", side="Recovery", description="app")
    statement = allow("Read", actions("rds", "DescribeDBInstances"), resources)
    role(stack, "Reader", name="reader", service="ecs-tasks.amazonaws.com", statements=[statement])
    said = dict(entries(stack.template().body["Resources"]["Reader"].get("Metadata", {})))
    assert said.keys() == found.keys()
    assert all(part in said[check] for check, part in found.items())
