"""The scheduled command: is the primary there, how far behind is the replica, and do the alarms keep their data?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.aurora_calls import describe_cluster, describe_global
from drgen.recovery.aurora_facts import Cluster, GlobalCluster
from drgen.recovery.clients import Clients
from drgen.recovery.config import AuroraSettings, Config, ReplicaSettings, StatelessSettings, Trigger
from drgen.recovery.facts import Absent, AlarmState, Answer, NotObserved, Services
from drgen.recovery.guards import is_there
from drgen.recovery.names import HEARTBEAT_LAG, PRIMARY_REACHABLE, PRIMARY_WITHDRAWN, RECOVERY_WRITABLE
from drgen.recovery.probe import ProbeAnswer, ask_probe
from drgen.recovery.publish import publish
from drgen.recovery.replica_calls import describe_primary, describe_replica
from drgen.recovery.replica_facts import Instance
from drgen.recovery.services_calls import describe_services
from drgen.recovery.signals import list_running
from drgen.recovery.stateless import Health
from drgen.recovery.stateless_calls import primary_health

AlarmStates = Mapping[str, tuple[str, float]]


@dataclass(frozen=True)
class Look:
    """What the watch saw: the metrics to publish, whether this region waits for a failover still, and what the primary
    said."""

    values: dict[str, float]
    stands_by: bool
    primary: str


def watch(config: Config, clients: Clients) -> dict[str, Any]:
    """Publishes the workload's metrics; where the workload says so, starts a run when the primary is gone."""
    runs = _runs(config, clients)
    alarms = _alarms(config, clients)
    match config.database:
        case ReplicaSettings() as pair:
            seen = _replica(config, pair, clients, alarms, runs=runs)
        case AuroraSettings() as aurora:
            seen = _aurora(config, aurora, clients)
        case StatelessSettings() as regions:
            seen = _stateless(config, regions, clients, alarms)
    publish(config, clients, seen.values)
    started = _start_if_gone(config, clients, alarms, stands_by=seen.stands_by)
    return {"published": seen.values, "started": started, "primary": seen.primary}


def _replica(config: Config, pair: ReplicaSettings, clients: Clients, alarms: AlarmStates, *, runs: bool) -> Look:
    """PrimaryWithdrawn repeats what its alarm already says, so that only a failover changes it: a replica that somebody
    promoted for a test does not move traffic. While a run is under way the watch never says 0, because its reading
    of the alarm may be older than what the run has just published.
    """
    answers = ask_probe(pair.probe_function, clients, "beat")
    primary, replica = describe_primary(pair, clients), describe_replica(pair, clients)
    values = {PRIMARY_REACHABLE: float(reachable(primary, answers))}
    withdrawn = _withdrawn(config, alarms)
    if withdrawn or not runs:
        values[PRIMARY_WITHDRAWN] = float(withdrawn)
    if not isinstance(replica, NotObserved):
        values[RECOVERY_WRITABLE] = float(writable(replica, answers))
    if answers.heartbeat_lag_s is not None:
        values[HEARTBEAT_LAG] = answers.heartbeat_lag_s
    return Look(values, isinstance(replica, Instance) and replica.source != "", _said(answers.primary))


def _aurora(config: Config, aurora: AuroraSettings, clients: Clients) -> Look:
    """Aurora measures its lag itself, and moves its own endpoint."""
    answers = ask_probe(aurora.probe_function, clients, "ask")
    primary, _ = describe_cluster(clients.primary("rds"), aurora.primary_cluster, 0)
    whole = describe_global(clients.target("rds"), aurora.global_cluster)
    writer = whole.writer if isinstance(whole, GlobalCluster) else ""
    values = {PRIMARY_REACHABLE: float(reachable(primary, answers))}
    if writer and config.switch is not None and config.switch.writable_alarm:
        values[RECOVERY_WRITABLE] = float(writer.endswith(f":{aurora.recovery_cluster}"))
    return Look(values, writer.endswith(f":{aurora.primary_cluster}"), _said(answers.primary))


def _stateless(config: Config, regions: StatelessSettings, clients: Clients, alarms: AlarmStates) -> Look:
    """PrimaryWithdrawn is left alone: people may publish it, and a missing value changes nothing."""
    primary = primary_health(config, regions, clients)
    well = isinstance(primary, Health) and primary.serves
    refused = isinstance(primary, NotObserved) and primary.refused
    stands_by = not _withdrawn(config, alarms)
    if config.switch is None:
        services = describe_services(config, clients)
        stands_by = isinstance(services, Services) and services.stack.role == "standby"
    told = primary.evidence if isinstance(primary, Health) else primary.reason
    return Look({PRIMARY_REACHABLE: float(well or refused)}, stands_by, told)


def _said(answer: Answer | NotObserved) -> str:
    return answer.reason if isinstance(answer, NotObserved) else "answers"


def reachable(primary: Instance | Cluster | Absent | NotObserved, answers: ProbeAnswer) -> bool:
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


def _alarms(config: Config, clients: Clients) -> dict[str, tuple[str, float]]:
    """State and time of the last change, by alarm."""
    names = [config.gone_alarm]
    if config.switch is not None:
        names.insert(0, config.switch.withdrawn_alarm)
    shown = clients.target("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return {a["AlarmName"]: (a["StateValue"], a["StateUpdatedTimestamp"].timestamp()) for a in shown}


def _withdrawn(config: Config, alarms: AlarmStates) -> bool:
    if config.switch is None:
        return False
    return alarms.get(config.switch.withdrawn_alarm, ("", 0.0))[0] == AlarmState.ALARM


def _start_if_gone(config: Config, clients: Clients, alarms: AlarmStates, *, stands_by: bool) -> str:
    """Starts a run for this incident, once: its name is made from the time at which the alarm went off."""
    state, since = alarms.get(config.gone_alarm, ("", 0.0))
    if config.trigger is Trigger.NOTIFY or state != AlarmState.ALARM or not stands_by:
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
