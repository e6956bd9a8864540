from __future__ import annotations

import pytest

from drgen.preflight.values import Arn, DynamicReference, arn, at, dynamic_references, number, region_of
from drgen.template.resolve import NO_VALUE, Attribute, Either, Resolved, Text, Unknown

KEY = Attribute("keys", "eu-west-1", "Key", "AWS::KMS::Key", "Arn")
ROLE = Attribute("app", "us-east-1", "Role", "AWS::IAM::Role", "Arn")
ACCOUNT = Unknown("the account")


@pytest.mark.parametrize(
    ("value", "region"),
    [
        (KEY, "eu-west-1"),
        (ROLE, None),
        ("arn:aws:sns:us-west-2:123456789012:alerts", "us-west-2"),
        ("arn:aws:s3:::bucket", None),
        (Text(("arn:aws:rds:us-east-2:", ACCOUNT, ":db:app")), "us-east-2"),
        (Text(("arn:aws:rds:", Unknown("parameter"), ":1:db:app")), None),
        (Text((KEY, "/*")), "eu-west-1"),
        (Text((KEY, " and ", Attribute("x", "us-east-1", "T", "AWS::SNS::Topic", "Ref"))), None),
        ("alias/app", None),
        (Unknown("anything"), None),
    ],
)
def test_value_belongs_to_the_region_of_what_it_names(value: Resolved, region: str | None) -> None:
    assert region_of(value) == region


def test_arn_with_unknown_parts_is_still_an_arn() -> None:
    found = arn(Text(("arn:aws:rds:us-east-1:", ACCOUNT, ":db:app")))
    assert found == Arn("aws", "rds", "us-east-1", "*", "db:app")
    assert found is not None
    assert found.name == "app"


def test_path_enters_lists_and_both_branches() -> None:
    rules = [{"Arn": "one"}, Either("C", {"Arn": Either("D", "two", NO_VALUE)}, {"Name": "no arn"})]
    assert list(at({"Targets": rules}, "Targets.Arn")) == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "found"), [("300", 300.0), (7, 7.0), (True, None), (Unknown("x"), None), ("7d", None)]
)
def test_number_is_read_in_either_spelling(value: Resolved, found: float | None) -> None:
    assert number(value) == found


def test_dynamic_references_are_read_with_their_origin() -> None:
    secret = Attribute("keys", "us-east-1", "Secret", "AWS::SecretsManager::Secret", "Ref")
    value = {
        "Password": Text(("{{resolve:secretsmanager:", secret, ":SecretString:password}}")),
        "Other": ["{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:1:secret:app/db:SecretString:user::v1}}"],
        "Version": "is {{resolve:ssm:/app/version:3}}",
    }
    assert list(dynamic_references(value)) == [
        DynamicReference("secretsmanager", secret, ("SecretString", "password")),
        DynamicReference(
            "secretsmanager", "arn:aws:secretsmanager:us-east-1:1:secret:app/db", ("SecretString", "user", "", "v1")
        ),
        DynamicReference("ssm", "/app/version", ("3",)),
    ]
