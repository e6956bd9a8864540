"""What an alarm makes of a metric that has fallen silent. P43 of BEHAVIOUR.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drgen.local.overlays.silence import treat_missing_data

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Metric:
    """CloudWatch with one metric whose last point is `age` old; None for no point at all."""

    def __init__(self, age: timedelta | None) -> None:
        self._age = age

    def list_metrics(self, **name: str) -> Any:
        return {"Metrics": [{**name, "Dimensions": [{"Name": "Workload", "Value": "other"}]}] if self._age else []}

    def get_metric_statistics(self, *, StartTime: datetime, EndTime: datetime, **_: Any) -> Any:
        assert self._age is not None
        inside = StartTime <= NOW - self._age <= EndTime
        return {"Datapoints": [{"SampleCount": 1.0}] if inside else []}


def alarm(treat: str, *, state: str = "OK", age: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    return {
        "AlarmName": "primary-gone",
        "Namespace": "drgen",
        "MetricName": "PrimaryReachable",
        "Period": 60,
        "EvaluationPeriods": 2,
        "TreatMissingData": treat,
        "StateValue": state,
        "AlarmConfigurationUpdatedTimestamp": NOW - age,
    }


@pytest.mark.parametrize(
    ("treat", "state"),
    [("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA"), ("ignore", None), ("notBreaching", None)],
)
def test_a_silent_metric_counts_as_the_alarm_says(treat: str, state: str | None) -> None:
    assert treat_missing_data(Metric(timedelta(minutes=6)), alarm(treat), NOW) == state


def test_silence_that_does_not_breach_ends_an_alarm() -> None:
    assert treat_missing_data(Metric(None), alarm("notBreaching", state="ALARM"), NOW) == "OK"


def test_data_within_the_periods_and_three_more_is_not_missing() -> None:
    assert treat_missing_data(Metric(timedelta(minutes=4)), alarm("breaching"), NOW) is None


def test_a_young_alarm_waits_for_its_first_data() -> None:
    young = alarm("breaching", age=timedelta(minutes=4))
    assert treat_missing_data(Metric(None), young, NOW) is None
