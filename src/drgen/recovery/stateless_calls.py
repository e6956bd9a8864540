"""The health of the regions of a workload without a database, over HTTP or as ECS shows it."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.config import Config, StatelessSettings
from drgen.recovery.facts import NotObserved
from drgen.recovery.services_calls import describe_services, describe_tasks
from drgen.recovery.signals import Run, clock_of, describe_alarms, older_run
from drgen.recovery.stateless import Health, StatelessFacts

WITHIN_S = 6
"""As Route 53's health checks: four seconds to connect and two to answer. Source: Route 53 Developer Guide, "How Amazon
Route 53 determines whether a health check is healthy"."""


def observe_stateless(config: Config, regions: StatelessSettings, clients: Clients, run: Run) -> StatelessFacts:
    """The facts at this moment. `now` is the clock of CloudWatch in the target region."""
    return StatelessFacts(
        now=_now(config, clients),
        primary=primary_health(config, regions, clients),
        target=ask_health(regions.recovery_health) if regions.recovery_health else None,
        alarms=describe_alarms(config, clients),
        services=describe_services(config, clients),
        older_run=older_run(config, clients, run),
    )


def _now(config: Config, clients: Clients) -> float:
    try:
        answer = clients.target("cloudwatch").describe_alarms(AlarmNames=[config.gone_alarm])
    except (BotoCoreError, ClientError):
        return clients.clock()
    return clock_of(answer, clients.clock())


def primary_health(config: Config, regions: StatelessSettings, clients: Clients) -> Health | NotObserved:
    """How the region to leave does: by its own answer, or by the tasks that ECS shows there."""
    if regions.primary_health:
        return ask_health(regions.primary_health)
    if config.services is None:
        return NotObserved("nothing there can be asked")
    try:
        ecs = clients.primary("ecs")
        found = describe_tasks(ecs, config.services)
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    if isinstance(found, NotObserved):
        return found
    told = ", ".join(f"{task.service} runs {task.running} of {task.desired}" for task in found)
    return Health(all(task.running > 0 for task in found), told)


def ask_health(url: str) -> Health | NotObserved:
    """What `url` answers, as a health check of Route 53 would judge it: 200 to 399 is well."""
    where = urlsplit(url)
    kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
    connection = kind(str(where.hostname), where.port, timeout=WITHIN_S)
    try:
        connection.request("GET", where.path or "/")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return NotObserved(f"{where.hostname} gives no answer ({type(error).__name__})")
    finally:
        connection.close()
    return Health(200 <= status < 400, f"its health answers {status}")
