"""What CloudWatch and Step Functions tell in the target region: alarms, metrics, and other runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.config import Config
from drgen.recovery.facts import Alarms, AlarmState, Lag, NotObserved
from drgen.recovery.others import older

HISTORY = timedelta(hours=3)
"""How far back a last good sample of the lag is looked for."""
FRESH = timedelta(minutes=5)
Samples = list[tuple[datetime, float]]


@dataclass(frozen=True)
class Run:
    """The execution that looks: its ARN and start; both empty outside an execution."""

    arn: str = ""
    started: str = ""

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.started.replace("Z", "+00:00"))


def clock_of(answer: Mapping[str, Any], default: float) -> float:
    """AWS's clock when it gave `answer`, from the Date header."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).timestamp() if text else default


def describe_alarms(config: Config, clients: Clients) -> Alarms | NotObserved | None:
    """The alarms that the DNS health checks follow; None where no record does."""
    if config.switch is None:
        return None
    withdrawn, writable = config.switch.withdrawn_alarm, config.switch.writable_alarm
    names = [name for name in (withdrawn, writable) if name]
    try:
        shown = clients.target("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    states = {alarm["AlarmName"]: AlarmState(alarm["StateValue"]) for alarm in shown}
    missing = [name for name in names if name not in states]
    if missing:
        return NotObserved(f"there is no alarm {missing[0]}")
    return Alarms(states[withdrawn], states[writable] if writable else None)


def gone_since(config: Config, clients: Clients) -> float | None:
    """How many seconds ago the alarm "primary is gone" went off; None if it has not, or nobody knows."""
    try:
        shown = clients.target("cloudwatch").describe_alarms(AlarmNames=[config.gone_alarm])["MetricAlarms"]
    except (BotoCoreError, ClientError):
        return None
    if not shown or shown[0]["StateValue"] != "ALARM":
        return None
    at: datetime = shown[0]["StateUpdatedTimestamp"]
    return max(0.0, clients.clock() - at.timestamp())


def older_run(config: Config, clients: Clients, run: Run) -> str:
    """Name of a running execution that started before this one, or ""; of two with the same start the first by ARN."""
    if not run.arn:
        return ""
    found = list_running(config.machine, clients)
    mine = next((e["startDate"] for e in found if e["executionArn"] == run.arn), run.at)
    return older(found, than=mine, arn=run.arn)


def list_running(machine: str, clients: Clients) -> list[Mapping[str, Any]]:
    """The running executions of the machine. They are at most a handful: one page."""
    return running(clients.target("stepfunctions"), machine)


def running(states: Any, machine: str) -> list[Mapping[str, Any]]:
    """As `list_running`, by the client of any region."""
    return list(states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])


def last_good(
    alive: Samples, witnesses: Mapping[str, Samples], clients: Clients, *, prefer: str = ""
) -> Lag | NotObserved:
    """The last good sample of the lag that was taken while the primary was last known to answer.

    A sample taken after the primary died measures the time since then, not what was lost. RDS reports -1 for "not
    active". Source: RDS User Guide, "Monitoring read replication".
    """
    answered = [at for at, value in alive if value >= 1]
    until = max(answered) if answered else datetime.max.replace(tzinfo=UTC)
    now = datetime.fromtimestamp(clients.clock(), UTC)
    # Staleness counts from the primary's last sign of life: waiting for a decision does not make the sample worse.
    reference = min(now, until)
    good = {
        metric: max((at, value) for at, value in samples if value >= 0 and at <= until)
        for metric, samples in witnesses.items()
        if any(value >= 0 and at <= until for at, value in samples)
    }
    if not good:
        return NotObserved("no sample of the lag in the last three hours")
    # A preferred witness that stopped long before the newest is the poorer one.
    newest = max(good, key=lambda metric: good[metric][0])
    metric = prefer if prefer in good and good[newest][0] - good[prefer][0] <= FRESH else newest
    at, value = good[metric]
    return Lag(value, max(0.0, (reference - at).total_seconds()), metric)


def samples(clients: Clients, namespace: str, metric: str, dimensions: list[dict[str, str]]) -> Samples:
    """What was published of a metric, minute by minute."""
    now = datetime.fromtimestamp(clients.clock(), UTC)
    shown = clients.target("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=now - HISTORY,
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )
    return [(point["Timestamp"], point["Maximum"]) for point in shown["Datapoints"]]
