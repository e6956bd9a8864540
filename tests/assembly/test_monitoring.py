"""What tells that a database is impaired, in both regions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bodies import resources
from postgres_drafts import SOURCE, drafts

MONITORED = SOURCE.replace("  parameters:\n", "  monitoring: {read_latency_ms: 15}\n  parameters:\n")
DATABASES = ("primary/database", "recovery-eu-west-1/database")


def test_without_the_section_there_is_no_such_alarm() -> None:
    for name in DATABASES:
        assert resources(drafts()[name].template().body, "AWS::CloudWatch::CompositeAlarm") == {}


@pytest.mark.parametrize("name", DATABASES)
def test_the_database_is_impaired_when_any_of_its_alarms_says_so(name: str) -> None:
    body: Any = drafts(MONITORED)[name].template().body
    impaired = body["Resources"]["DatabaseImpairedAlarm"]["Properties"]
    children = re.findall(r'ALARM\("\$\{(\w+)\}"\)', impaired["AlarmRule"]["Fn::Sub"])
    assert children == ["CpuAlarm", "FreeStorageAlarm", "ConnectionsAlarm", "ReadLatencyAlarm", "WriteLatencyAlarm"]
    region = "us-east-1" if name.startswith("primary") else "eu-west-1"
    for child in children:
        (dimension,) = body["Resources"][child]["Properties"]["Dimensions"]
        assert dimension == {"Name": "DBInstanceIdentifier", "Value": f"postgres-dr-prod-{region}"}
    assert impaired["AlarmActions"] == impaired["OKActions"] == [{"Ref": "AlertsTopicArn"}]


def test_symptoms_speak_through_the_alarm_over_them_and_outlast_a_good_minute() -> None:
    alarms = resources(drafts(MONITORED)["primary/database"].template().body, "AWS::CloudWatch::Alarm")
    wanted = {"ConnectionsAlarm": 500, "ReadLatencyAlarm": 0.015, "WriteLatencyAlarm": 0.02}
    for name, threshold in wanted.items():
        symptom = alarms[name]["Properties"]
        assert (symptom["Threshold"], symptom["ComparisonOperator"]) == (threshold, "GreaterThanThreshold")
        assert (symptom["DatapointsToAlarm"], symptom["EvaluationPeriods"]) == (5, 10)
        assert "AlarmActions" not in symptom


@pytest.mark.parametrize(("rpo", "threshold"), [("30s", 600), ("5m", 600), ("1h", 3600)])
def test_the_alarm_on_replica_lag_keeps_to_the_rpo_unless_an_idle_source_would_set_it_off(
    rpo: str, threshold: int
) -> None:
    recovery = drafts(SOURCE.replace("rpo: 5m", f"rpo: {rpo}"))["recovery-eu-west-1/database"].template().body
    assert recovery["Resources"]["ReplicaLagAlarm"]["Properties"]["Threshold"] == threshold
