"""A workload that every region serves, on the embedded AWS. The tests build on each other, in order."""

from __future__ import annotations

import pytest

from .conftest import Project, Start

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("strategies")]

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
