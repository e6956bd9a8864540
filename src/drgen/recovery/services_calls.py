"""The services of a region, as AWS is asked about them and told to start what serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.config import Config, ServiceSettings
from drgen.recovery.facts import Absent, NotObserved, Services, Stack, Tasks
from drgen.recovery.record import Record
from drgen.recovery.stacks import describe_stack, may_pass, set_parameter
from drgen.recovery.turns import QUICK_S, Turn, waits

ROLE = "ServiceRole"
ACTIVE = "active"
PAGE = 10
"""DescribeServices takes ten names at a time. Source: botocore, ecs DescribeServicesRequest.services."""


def describe_services(config: Config, clients: Clients) -> Services | Absent | NotObserved | None:
    """The services of the target region; None where the workload has none."""
    wanted = config.services
    if wanted is None:
        return None
    stack = describe_stack(clients.target("cloudformation"), wanted.stack, ROLE)
    if not isinstance(stack, Stack):
        return stack
    tasks = describe_tasks(clients.target("ecs"), wanted)
    return tasks if isinstance(tasks, NotObserved) else Services(stack, tasks)


def describe_tasks(ecs: Any, wanted: ServiceSettings) -> tuple[Tasks, ...] | NotObserved:
    """How many tasks each service wants and runs; a service that is not there runs none."""
    names = [name for name, _ in wanted.needed]
    try:
        shown = ecs.describe_services(cluster=wanted.cluster, services=names[:PAGE])["services"]
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    found = {service["serviceName"]: service for service in shown}
    nothing = {"desiredCount": 0, "runningCount": 0}
    return tuple(
        Tasks(name, found.get(name, nothing)["desiredCount"], found.get(name, nothing)["runningCount"], needed)
        for name, needed in wanted.needed
    )


def scale(now: float, record: Record, wanted: ServiceSettings, clients: Clients) -> Turn:
    """Asks CloudFormation for the role that serves: every other parameter keeps its value.

    Nothing is rolled back: tasks that did start are better than none.
    """
    token, begun = f"scale-{record.request.incident}", scaling(now, record)
    try:
        set_parameter(clients.target("cloudformation"), wanted.stack, ROLE, ACTIVE, token)
    except BotoCoreError as error:
        return waits(begun, now, "scale", f"CloudFormation did not answer ({explain(error)})", wait_s=QUICK_S)
    except ClientError as error:
        text = f"CloudFormation did not take the update ({explain(error)})"
        return waits(begun if may_pass(error) else replace(begun, giving_up=text), now, "scale", text)
    text = f"{wanted.stack} is updated with {ROLE} {ACTIVE}"
    return waits(begun.marked("activated", now), now, "scale", text)


def scaling(now: float, record: Record) -> Record:
    """The record with the services on their way."""
    return record.marked("promoted", now).marked("scaling", now)


def scaled(now: float, record: Record) -> Record:
    """The record with the services up, where they had to come up."""
    if record.at("scaling") is None or record.at("scaled") is not None:
        return record
    return record.marked("scaled", now).noted(now, "scale", "the services run all their tasks")
