"""Events cross regions, once, also when the other region was dark; the workload comes and goes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
BUS = "shop-prod-events"
WORKLOAD = """
name: shop
environment: prod
objectives: {rto: 1h, rpo: 24h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
events: {forward: both-ways, archive_days: 30}
protection: false
"""


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(lambda _: WORKLOAD)
    made.succeeds("check", "postgres-dr")
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


@pytest.fixture(scope="module")
def queues(project: Project) -> dict[str, str]:
    """In each region a queue that gets everything on the bus."""
    made = {}
    for region in (PRIMARY, RECOVERY):
        made[region] = project.client("sqs", region).create_queue(QueueName="all")["QueueUrl"]
        events = project.client("events", region)
        events.put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps({"source": ["shop"]}))
        target = {"Id": "all", "Arn": f"arn:aws:sqs:{region}:123456789012:all"}
        events.put_targets(Rule="all", EventBusName=BUS, Targets=[target])
    return made


def send(project: Project, region: str, number: int) -> None:
    entry = {"EventBusName": BUS, "Source": "shop", "DetailType": "Order", "Detail": json.dumps({"number": number})}
    assert project.client("events", region).put_events(Entries=[entry])["FailedEntryCount"] == 0


def received(project: Project, queues: dict[str, str], region: str, *, within_s: float = 0.0) -> list[dict[str, Any]]:
    sqs, found, end = project.client("sqs", region), [], time.monotonic() + within_s
    while True:
        for message in sqs.receive_message(QueueUrl=queues[region], MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queues[region], ReceiptHandle=message["ReceiptHandle"])
        if found or time.monotonic() > end:
            return found
        time.sleep(0.1)


@pytest.mark.parametrize(("origin", "other", "number"), [(PRIMARY, RECOVERY, 1), (RECOVERY, PRIMARY, 2)])
def test_an_event_reaches_both_buses_once(
    project: Project, queues: dict[str, str], origin: str, other: str, number: int
) -> None:
    send(project, origin, number)
    here = received(project, queues, origin, within_s=5)
    there = received(project, queues, other, within_s=5)
    assert [event["detail"] for event in here] == [event["detail"] for event in there] == [{"number": number}]
    assert (here[0]["region"], there[0]["region"]) == (origin, origin)


def test_a_dark_region_gets_its_events_when_it_is_back(project: Project, queues: dict[str, str]) -> None:
    project.aws.faults.dark(RECOVERY)
    send(project, PRIMARY, 3)
    assert [event["detail"] for event in received(project, queues, PRIMARY, within_s=5)] == [{"number": 3}]
    project.aws.faults.clear()
    assert [event["detail"] for event in received(project, queues, RECOVERY, within_s=10)] == [{"number": 3}]


def test_an_event_that_waited_too_long_is_a_dead_letter(project: Project, queues: dict[str, str]) -> None:
    project.aws.faults.dark(RECOVERY)
    send(project, PRIMARY, 4)
    project.aws.clock.advance(24 * 3600 + 60)
    sqs = project.client("sqs", PRIMARY)
    lost = {PRIMARY: sqs.get_queue_url(QueueName="shop-prod-lost-events")["QueueUrl"]}
    assert [event["detail"] for event in received(project, lost, PRIMARY, within_s=10)] == [{"number": 4}]
    project.aws.faults.clear()
    received(project, queues, PRIMARY)


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_an_unprotected_workload_takes_its_buses_with_it(project: Project, queues: dict[str, str]) -> None:
    for region in (PRIMARY, RECOVERY):
        events = project.client("events", region)
        events.remove_targets(Rule="all", EventBusName=BUS, Ids=["all"])
        events.delete_rule(Name="all", EventBusName=BUS)
    project.succeeds("destroy", "postgres-dr", "--yes")
    for region in (PRIMARY, RECOVERY):
        events = project.client("events", region)
        assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]
        assert events.list_archives()["Archives"] == []
