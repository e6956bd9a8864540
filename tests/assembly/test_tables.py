"""What a reviewer looks for in the templates of global tables."""

from __future__ import annotations

from typing import Any

import pytest

from drgen.assembly.components import assemble, components
from drgen.assembly.system import System
from drgen.files.workload import parse_workload
from drgen.model.deployment import FromOutput
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload

SOURCE = """\
name: shop
environment: test
objectives: {rto: 15m, rpo: 4m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]
network: {peering: false, endpoints: [dynamodb]}
tables:
  - {name: sessions, key: session_id, time_to_live: expires_at, recovery_days: 7}
  - {name: order-events, key: order_id, sort_key: at, sort_key_type: number, point_in_time_recovery: false}
tags: {team: platform}
"""


def workload(text: str = SOURCE) -> Workload:
    return parse_workload(text.encode(), file="workload.yaml")


def drafts(text: str = SOURCE) -> dict[str, StackDraft]:
    return {f"{draft.stage}/{draft.layer}": draft for draft in assemble(workload(text), {})}


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    return {name: draft.template().body for name, draft in drafts().items()}


def table(bodies: Any, name: str) -> Any:
    return bodies["recovery-eu-west-1/tables"]["Resources"][name]


def alarms(bodies: Any, stage: str) -> dict[str, Any]:
    found = bodies[f"{stage}/table-alarms"]["Resources"]
    return {name: alarm["Properties"] for name, alarm in found.items() if name.startswith("Sessions")}


def test_the_tables_come_after_the_keys_of_both_regions() -> None:
    assert list(drafts()) == [
        "primary/foundation",
        "primary/table-alarms",
        "recovery-eu-west-1/foundation",
        "recovery-eu-west-1/tables",
        "recovery-eu-west-1/table-alarms",
    ]
    sources = drafts()["recovery-eu-west-1/tables"].sources
    assert sources == {
        "DataKeyArn": FromOutput("shop-test-foundation-eu-west-1", "DataKeyArn"),
        "UsEast1DataKeyArn": FromOutput("shop-test-foundation-us-east-1", "DataKeyArn"),
    }


def test_one_stack_of_the_recovery_region_makes_all_replicas_at_once(bodies: Any) -> None:
    kinds = [r["Type"] for body in bodies.values() for r in body["Resources"].values()]
    assert kinds.count("AWS::DynamoDB::GlobalTable") == 2
    replicas = table(bodies, "SessionsTable")["Properties"]["Replicas"]
    assert [replica["Region"] for replica in replicas] == ["eu-west-1", "us-east-1"]
    assert "Conditions" not in bodies["recovery-eu-west-1/tables"]


def test_each_replica_has_its_regions_key_and_settings_of_its_own(bodies: Any) -> None:
    replicas = table(bodies, "SessionsTable")["Properties"]["Replicas"]
    own = [{k: v for k, v in replica.items() if k not in ("Region", "SSESpecification")} for replica in replicas]
    assert (
        own[0]
        == own[1]
        == {
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
            "DeletionProtectionEnabled": True,
            "ContributorInsightsSpecification": {"Enabled": False},
            "Tags": [
                {"Key": "drgen", "Value": "shop-test"},
                {"Key": "rpo", "Value": "4m"},
                {"Key": "rto", "Value": "15m"},
                {"Key": "team", "Value": "platform"},
            ],
        }
    )
    keys = [replica["SSESpecification"]["KMSMasterKeyId"]["Ref"] for replica in replicas]
    assert keys == ["DataKeyArn", "UsEast1DataKeyArn"]


def test_attributes_are_those_of_the_keys(bodies: Any) -> None:
    sessions, events = (table(bodies, name)["Properties"] for name in ("SessionsTable", "OrderEventsTable"))
    assert sessions["TableName"] == "shop-test-sessions"
    assert sessions["AttributeDefinitions"] == [{"AttributeName": "session_id", "AttributeType": "S"}]
    assert sessions["KeySchema"] == [{"AttributeName": "session_id", "KeyType": "HASH"}]
    assert sessions["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert events["AttributeDefinitions"] == [
        {"AttributeName": "order_id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
    ]
    assert [key["KeyType"] for key in events["KeySchema"]] == ["HASH", "RANGE"]
    assert "TimeToLiveSpecification" not in events
    assert events["Replicas"][0]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}


def test_a_protected_table_outlives_its_stack_and_is_never_replaced(bodies: Any) -> None:
    assert table(bodies, "SessionsTable")["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table(bodies, "SessionsTable")["UpdateReplacePolicy"] == "Retain"
    assert drafts()["recovery-eu-west-1/tables"].protected == ["SessionsTable", "OrderEventsTable"]


def test_without_protection_nothing_keeps_a_table() -> None:
    draft = drafts(SOURCE + "protection: false\n")["recovery-eu-west-1/tables"]
    made = draft.template().body["Resources"]["SessionsTable"]
    assert (made["DeletionPolicy"], draft.protected) == ("Delete", [])
    assert [replica["DeletionProtectionEnabled"] for replica in made["Properties"]["Replicas"]] == [False, False]


@pytest.mark.parametrize(
    ("stage", "here", "there"),
    [("primary", "us-east-1", "eu-west-1"), ("recovery-eu-west-1", "eu-west-1", "us-east-1")],
)
def test_each_region_watches_its_replica_and_what_it_sends(bodies: Any, stage: str, here: str, there: str) -> None:
    found = alarms(bodies, stage)
    assert len(found) == 4
    (latency,) = [alarm for alarm in found.values() if alarm.get("MetricName") == "ReplicationLatency"]
    assert {d["Name"]: d["Value"] for d in latency["Dimensions"]} == {
        "TableName": "shop-test-sessions",
        "ReceivingRegion": there,
    }
    # Half of four minutes, in milliseconds.
    assert latency["Threshold"] == 120_000
    assert all(alarm["AlarmActions"] == [{"Ref": "AlertsTopicArn"}] for alarm in found.values())
    assert all(alarm["AlarmName"].endswith(here) for alarm in found.values())


def test_other_components_get_the_name_as_a_value_and_arns_put_together() -> None:
    declared = workload()
    system = System(declared, {})
    for component in components(declared):
        component.load()(system)
    sessions = system.made.tables["sessions"]
    assert sessions.name == "shop-test-sessions"
    arn = "arn:${AWS::Partition}:dynamodb:us-east-1:${AWS::AccountId}:table/shop-test-sessions"
    assert sessions.arn("us-east-1").to_dict() == {"Fn::Sub": arn}
    user = system.stack(system.primary, "app")
    user.use(sessions.made)
    order = [draft.key for draft in system.stacks()]
    assert order.index("shop-test-tables-eu-west-1") < order.index("shop-test-app-us-east-1")
