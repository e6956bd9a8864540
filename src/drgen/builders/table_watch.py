"""Alarms of a DynamoDB replica, in its own region.

Source of the metrics: DynamoDB Developer Guide, "DynamoDB metrics and dimensions" and "Monitoring global tables".
UserErrors is not among them: it counts the whole account in a region, not a table.
"""

from __future__ import annotations

from datetime import timedelta

from troposphere import cloudwatch

from drgen.builders.alarms import alarm
from drgen.builders.network import title_of
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

NAMESPACE = "AWS/DynamoDB"


def table_alarms(
    stack: StackDraft, names: Names, thing: str, *, others: tuple[str, ...], topic: Value, rpo: timedelta
) -> None:
    """Throttling, errors of DynamoDB, and how long writes made in this region take to reach each of `others`."""
    for other in others:
        _latency(stack, names, thing, other, topic=topic, rpo=rpo)
    for side in ("Read", "Write"):
        alarm(
            stack,
            f"{title_of(thing)}{side}ThrottleAlarm",
            name=names.everywhere(f"{thing}-{side.lower()}-throttled", stack.region),
            description=f"{side}s of table {names.regional(thing)} are throttled for 5 minutes",
            namespace=NAMESPACE,
            metric=f"{side}ThrottleEvents",
            dimensions={"TableName": names.regional(thing)},
            statistic="Sum",
            threshold=0,
            topic=topic,
        )
    _system_errors(stack, names, thing, topic=topic)


def _latency(stack: StackDraft, names: Names, thing: str, other: str, *, topic: Value, rpo: timedelta) -> None:
    table = names.regional(thing)
    alarm(
        stack,
        f"{title_of(thing)}LatencyTo{title_of(other)}Alarm",
        name=names.everywhere(f"{thing}-latency-to-{other}", stack.region),
        description=f"Writes to {table} take longer than half the recovery point objective to reach {other}",
        namespace=NAMESPACE,
        metric="ReplicationLatency",
        dimensions={"TableName": table, "ReceivingRegion": other},
        threshold=rpo // timedelta(milliseconds=2),
        topic=topic,
        why="In milliseconds. A region publishes the metric for writes made in it, so each side watches the other.",
    )


def _system_errors(stack: StackDraft, names: Names, thing: str, *, topic: Value) -> None:
    table = names.regional(thing)
    query = f"SELECT SUM(SystemErrors) FROM SCHEMA(\"{NAMESPACE}\", Operation, TableName) WHERE TableName = '{table}'"
    tell = [stack.use(topic)]
    stack.add(
        cloudwatch.Alarm(
            f"{title_of(thing)}SystemErrorsAlarm",
            AlarmName=names.everywhere(f"{thing}-system-errors", stack.region),
            AlarmDescription=f"DynamoDB answers requests to table {table} with errors of its own for 5 minutes",
            Metrics=[cloudwatch.MetricDataQuery(Id="errors", Expression=query, Period=60, ReturnData=True)],
            EvaluationPeriods=5,
            DatapointsToAlarm=5,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=tell,
            OKActions=tell,
        ),
        why="The metric exists for each operation apart; the query adds them up.",
    )
