"""A workload that every region serves, on the embedded AWS. The tests build on each other, in order."""

from __future__ import annotations

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, OTHER = "us-east-1", "us-east-2"
NAME = "api.pay.example.com"


def everywhere(text: str) -> str:
    """The committed workload, with all regions serving and without protection."""
    for old, new in (
        ("strategy: warm-standby", "strategy: active-active"),
        ("  policy: failover\n", ""),
        ("protection: true", "protection: false"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(everywhere, workload="payments")
    made.succeeds("deploy", "payments", "--yes")
    return made


def answering(project: Project) -> set[str]:
    """The regions among which Route 53 draws: those of the greatest weight that are healthy."""
    found = project.aws.dns.answer(NAME, region=PRIMARY).candidates
    assert {each.weight for each in found} == {100}
    return {each.set_identifier for each in found if each.healthy}


def test_the_name_leads_to_every_region(project: Project) -> None:
    assert answering(project) == {PRIMARY, OTHER}


def test_a_second_deploy_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", "payments", "--yes")
    assert [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []


@pytest.mark.parametrize(("dark", "left"), [(PRIMARY, OTHER), (OTHER, PRIMARY)])
def test_the_name_leads_to_the_region_that_is_left(project: Project, dark: str, left: str) -> None:
    project.aws.faults.dark(dark)
    assert answering(project) == {left}
    assert project.aws.dns.answer(NAME, region=left).chosen == left
    project.aws.faults.light(dark)
    assert answering(project) == {PRIMARY, OTHER}


def test_nothing_is_left_of_it(project: Project) -> None:
    project.succeeds("destroy", "payments", "--yes")
    for region in (PRIMARY, OTHER):
        assert project.client("apigatewayv2", region).get_apis()["Items"] == []
        assert project.client("dynamodb", region).list_tables()["TableNames"] == []


SHOP = f"""
name: shop
environment: prod
strategy: warm-standby
objectives: {{rto: 30m, rpo: 5m}}
regions: {{primary: {{name: us-east-1, cidr: 10.0.0.0/16}}, recovery: [{{name: us-east-2, cidr: 10.1.0.0/16}}]}}
network: {{endpoints: [ecr.api, ecr.dkr, logs, s3]}}
services:
  - name: web
    image: "{{account}}.dkr.ecr.{{region}}.amazonaws.com/shop/web@sha256:{"0" * 64}"
    port: 8080
    health_path: /health
    count: {{primary: 4}}
    public: true
    certificates:
      us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
      us-east-2: arn:aws:acm:us-east-2:123456789012:certificate/2
dns: {{zone: shop.example.com, private: false}}
protection: false
"""


@pytest.fixture(scope="module")
def shop(start: Start) -> Project:
    made = start(lambda _: SHOP)
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def tasks(project: Project, region: str) -> int:
    asked = {"cluster": "shop-prod-app", "services": ["shop-prod-web"]}
    (service,) = project.client("ecs", region).describe_services(**asked)["services"]
    assert service["runningCount"] == service["desiredCount"]
    return int(service["runningCount"])


def weights(project: Project) -> dict[str, int]:
    found = project.aws.dns.answer("web.shop.example.com", "A", region=PRIMARY).candidates
    return {each.set_identifier: each.weight for each in found}


def test_a_region_that_waited_serves_when_the_strategy_says_so(shop: Project) -> None:
    assert [tasks(shop, region) for region in (PRIMARY, OTHER)] == [4, 1]
    assert weights(shop) == {PRIMARY: 100, OTHER: 0}
    file = shop.folder / "templates/postgres-dr/workload.yaml"
    file.write_text(file.read_text("utf-8").replace("warm-standby", "active-active"), "utf-8")
    for command in (["build"], ["check", "postgres-dr", "--fast"], ["deploy", "postgres-dr", "--yes"]):
        shop.succeeds(*command)
    assert [tasks(shop, region) for region in (PRIMARY, OTHER)] == [4, 4]
    assert weights(shop) == {PRIMARY: 100, OTHER: 100}


def test_a_failover_takes_a_region_out_that_serves(shop: Project) -> None:
    shop.succeeds("failover", "postgres-dr", "--to", OTHER, "--planned", "--confirm", "postgres-dr")
    answer = shop.aws.dns.answer("web.shop.example.com", "A", region=OTHER)
    assert {each.set_identifier for each in answer.candidates if each.healthy} == {OTHER}
    before = shop.aws.calls.mark()
    shop.succeeds("deploy", "postgres-dr", "--yes")
    assert [call for call in shop.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []
