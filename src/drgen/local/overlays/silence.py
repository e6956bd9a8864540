"""Alarms whose metric has fallen silent: the upstream emulator evaluates an alarm when data comes, and only then.

Source: CloudWatch guide, "Configuring how CloudWatch alarms treat missing data". CloudWatch looks back further than the
evaluation periods before it calls data missing; how far is not documented, SPARE periods are chosen by the emulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

SPARE = 3

_STATES = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}


def treat_missing_data(client: Any, alarm: Mapping[str, Any], now: datetime) -> str | None:
    """The state that an alarm without data takes; None where it has data, is too young, or ignores what is missing."""
    state = _STATES.get(str(alarm.get("TreatMissingData") or "missing"))
    if state is None or state == alarm["StateValue"] or not alarm.get("MetricName"):
        return None
    window = timedelta(seconds=int(alarm["Period"]) * (int(alarm["EvaluationPeriods"]) + SPARE))
    if now - alarm["AlarmConfigurationUpdatedTimestamp"] < window or _has_data(client, alarm, now - window, now):
        return None
    return state


def _has_data(client: Any, alarm: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    """Whether the metric has a point under any dimensions, as upstream evaluates the alarm on all of them."""
    name = {"Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"]}
    for metric in client.list_metrics(**name)["Metrics"]:
        found = client.get_metric_statistics(
            **name,
            Dimensions=metric.get("Dimensions", []),
            StartTime=start,
            EndTime=end + timedelta(minutes=1),
            Period=max(60, int(alarm["Period"])),
            Statistics=["SampleCount"],
        )
        if found["Datapoints"]:
            return True
    return False
