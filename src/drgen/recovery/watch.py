"""The scheduled command: is the primary there, how far behind is the replica, and do the alarms keep their data?"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients
from drgen.recovery.config import (
    HEARTBEAT_LAG,
    PRIMARY_REACHABLE,
    PRIMARY_WITHDRAWN,
    RECOVERY_WRITABLE,
    Config,
    Trigger,
)
from drgen.recovery.facts import Absent, AlarmState, Answer, Instance, NotObserved
from drgen.recovery.guards import is_there
from drgen.recovery.observe import ProbeAnswer, ask_probe, describe_primary, describe_replica, list_running
from drgen.recovery.publish import publish


def watch(config: Config, clients: Clients) -> dict[str, Any]:
    """Publishes the workload's metrics; where the workload says so, starts a run when the primary is gone.

    PrimaryWithdrawn repeats what its alarm already says, so that only a failover changes it: a replica that somebody
    promoted for a test does not move traffic. While a run is under way the watch never says 0, because its reading
    of the alarm may be older than what the run has just published.
    """
    runs = _runs(config, clients)
    answers = ask_probe(config, clients, "beat")
    primary, replica = describe_primary(config, clients), describe_replica(config, clients)
    alarms = _alarms(config, clients)
    values = {PRIMARY_REACHABLE: float(reachable(primary, answers))}
    withdrawn = alarms.get(config.withdrawn_alarm, ("", 0.0))[0] == AlarmState.ALARM
    if withdrawn or not runs:
        values[PRIMARY_WITHDRAWN] = float(withdrawn)
    if not isinstance(replica, NotObserved):
        values[RECOVERY_WRITABLE] = float(writable(replica, answers))
    if answers.heartbeat_lag_s is not None:
        values[HEARTBEAT_LAG] = answers.heartbeat_lag_s
    publish(config, clients, values)
    started = _start_if_gone(config, clients, replica, alarms)
    return {"published": values, "started": started, "primary": _reason(answers.primary)}


def reachable(primary: Instance | Absent | NotObserved, answers: ProbeAnswer) -> bool:
    """Whether the primary takes writes as far as this region can tell.

    The database's own word counts first. Its silence counts against it only if the probe can talk to the replica; else
    the probe may be at fault, and the control plane's word is all there is. It counts as an outage only where a person
    is needed: an instance that backs itself up each night, or is modified, is not `available` and takes writes.
    """
    if isinstance(answers.primary, Answer):
        return not answers.primary.in_recovery
    if isinstance(answers.replica, Answer):
        return False
    return is_there(primary)


def writable(replica: Instance | Absent, answers: ProbeAnswer) -> bool:
    """Whether the recovery region's database is a writer: its role, whatever its status is at the moment.

    With both records unhealthy Route 53 answers as if both were healthy, which is the primary. A promoted database that
    is backed up or rebooted must therefore keep its record. Source: Route 53 Developer Guide, "How Amazon Route 53
    chooses records when health checking is configured".
    """
    if isinstance(answers.replica, Answer) and answers.replica.in_recovery:
        return False
    return isinstance(replica, Instance) and not replica.source


def _runs(config: Config, clients: Clients) -> bool:
    """Whether a failover is under way, or may be."""
    try:
        return bool(list_running(config.machine, clients))
    except (BotoCoreError, ClientError):
        return True


def _reason(answer: Answer | NotObserved) -> str:
    return answer.reason if isinstance(answer, NotObserved) else "answers"


def _alarms(config: Config, clients: Clients) -> dict[str, tuple[str, float]]:
    """State and time of the last change, by alarm."""
    names = [config.withdrawn_alarm, config.gone_alarm]
    shown = clients.target("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return {a["AlarmName"]: (a["StateValue"], a["StateUpdatedTimestamp"].timestamp()) for a in shown}


def _start_if_gone(
    config: Config,
    clients: Clients,
    replica: Instance | Absent | NotObserved,
    alarms: dict[str, tuple[str, float]],
) -> str:
    """Starts a run for this incident, once: its name is made from the time at which the alarm went off."""
    state, since = alarms.get(config.gone_alarm, ("", 0.0))
    still_replica = isinstance(replica, Instance) and replica.source != ""
    if config.trigger is Trigger.NOTIFY or state != AlarmState.ALARM or not still_replica:
        return ""
    name = f"gone-{since:.0f}"
    request = {
        "incident": name,
        "target": config.recovery_region,
        "mode": "disaster",
        "operator": f"alarm {config.gone_alarm}",
        "ask": config.trigger is not Trigger.AUTOMATIC,
    }
    try:
        if list_running(config.machine, clients):
            return ""
        clients.target("stepfunctions").start_execution(
            stateMachineArn=config.machine, name=name, input=json.dumps({"request": request})
        )
    except ClientError as error:
        if error.response["Error"].get("Code") == "ExecutionAlreadyExists":
            return ""
        raise
    except BotoCoreError:
        return ""
    return name
