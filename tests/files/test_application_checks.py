"""Functions, API and public name: what is refused, where, and with which advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

GOOD = (Path(__file__).parents[2] / "templates/payments/workload.yaml").read_text("utf-8")


def problems(*changes: tuple[str, str]) -> list[tuple[str, str, str]]:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.at, p.problem, p.fix) for p in caught.value.problems]


IN_VPC = ("    memory: 512", "    memory: 512\n    vpc: true")
CASES = [
    (
        [("health: processor", "health: procesor")],
        ("api.health", "there is no function procesor", "did you mean processor?"),
    ),
    (
        [("      ledger: read-write", "      ledgers: read-write")],
        ("functions.0.tables.ledgers", "there is no table ledgers", "did you mean ledger?"),
    ),
    (
        [("name: processor", "name: probe"), ("health: processor", "health: probe")],
        ("functions.0.name", "probe is a name that drgen gives to its own parts", "choose another name"),
    ),
    (
        [("name: processor", "name: canary"), ("health: processor", "health: canary")],
        ("functions.0.name", "canary is a name that drgen gives to its own parts", "choose another name"),
    ),
    (
        [("name: payments\n", "name: payments-of-everyone\n"), ("environment: prod", "environment: acceptance22"),
         ("name: processor", "name: processor-of-payments"), ("health: processor", "health: processor-of-payments")],
        ("functions.0.name",
         "an IAM role would be called 'payments-of-everyone-acceptance22-processor-of-payments-us-east-1': "
         "65 characters, AWS takes 64",
         "shorten it by 1"),
    ),
    (
        [("timeout: 10s", "timeout: 30s")],
        ("functions.0.timeout", "the API waits 30 seconds for an answer, and the function may take longer",
         "use 29s or less"),
    ),
    (
        [("timeout: 10s", "timeout: 10s\n    environment: {AWS_REGION: us-east-1}")],
        ("functions.0.environment.AWS_REGION", "AWS_REGION is set by Lambda", "choose another name"),
    ),
    (
        [IN_VPC, ("endpoints: [dynamodb, s3, ssm]", "endpoints: [dynamodb, s3]")],
        ("functions.0.vpc", "the function runs in the VPC and has no path to its settings",
         "add ssm to network.endpoints, or set vpc to false"),
    ),
    (
        [('path: "/payments/{id}"', "path: /payments"), ("method: GET", "method: POST")],
        ("api.routes.1", "POST /payments cannot be told from POST /payments", "give it another path or method"),
    ),
    (
        [("path: /payments,", "path: /health,"), ("method: POST", "method: GET")],
        ("api.routes.0", "GET /health cannot be told from GET /health", "give it another path or method"),
    ),
    (
        [("    us-east-2: arn", "    eu-west-1: arn")],
        ("api.certificate", "there is no certificate for the public name in us-east-2; ACM's are regional",
         "add us-east-2: with the ARN of a certificate there"),
    ),
    (
        [("arn:aws:acm:us-east-2", "arn:aws:acm:us-east-1")],
        ("api.certificate.us-east-2",
         "arn:aws:acm:us-east-1:123456789012:certificate/b83d6e47-5c29-4f10-8e6b-71a9c0d2f345 is in us-east-1",
         "use a certificate of us-east-2"),
    ),
    (
        [("  private: false", "  private: true")],
        ("dns", "a private name points at the database or at internal services, and there are none",
         "declare a database or a service, or remove dns"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=[case[1][0] for case in CASES])
def test_a_mistake_is_told_with_its_place_and_its_mending(
    changes: list[tuple[str, str]], expected: tuple[str, str, str]
) -> None:
    assert expected in problems(*changes)


def test_a_function_in_the_vpc_needs_no_endpoints_where_it_calls_nothing() -> None:
    text = GOOD.replace("    memory: 512", "    vpc: true").replace("endpoints: [dynamodb, s3, ssm]", "endpoints: [s3]")
    text = text.replace("    tables:\n      ledger: read-write\n", "").split("\napi:")[0] + "\n"
    assert parse_workload(text.encode(), file="w.yaml").functions[0].vpc


def test_without_certificate_and_name_the_api_answers_at_its_own_endpoints() -> None:
    text = GOOD.split("  # Yours: one certificate")[0]
    workload = parse_workload(text.encode(), file="w.yaml")
    assert workload.api is not None
    assert (workload.api.certificate, workload.dns) == ({}, None)
