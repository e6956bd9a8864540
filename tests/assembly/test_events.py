"""What a reviewer looks for in event buses of two regions."""

from __future__ import annotations

from typing import Any

import pytest
from bodies import properties

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload

SOURCE = """
name: shop
environment: prod
objectives: {rto: 1h, rpo: 24h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
events: %s
"""
LAYERS = ("events", "forwarding", "forwarding-back")


def bodies(section: str) -> dict[str, Any]:
    drafts = assemble(parse_workload((SOURCE % section).encode(), file="workload.yaml"), {})
    return {f"{draft.stage}/{draft.layer}": draft.template().body for draft in drafts if draft.layer in LAYERS}


@pytest.fixture(scope="module")
def both() -> dict[str, Any]:
    return bodies("{forward: both-ways, archive_days: 30}")


def test_events_are_forwarded_after_both_buses_exist(both: Any) -> None:
    assert list(both) == [
        "primary/events",
        "recovery-eu-west-1/events",
        "replication/forwarding",
        "replication/forwarding-back",
    ]
    assert list(bodies("{}")) == ["primary/events", "recovery-eu-west-1/events", "replication/forwarding"]
    assert list(bodies("{forward: false}")) == ["primary/events", "recovery-eu-west-1/events"]


def test_only_events_of_the_own_region_are_sent_on_so_there_is_no_loop(both: Any) -> None:
    there, back = both["replication/forwarding"], both["replication/forwarding-back"]
    assert properties(there, "Forwarding")["EventPattern"] == {"region": ["us-east-1"]}
    assert properties(back, "Forwarding")["EventPattern"] == {"region": ["eu-west-1"]}


def test_forwarding_may_send_to_the_other_bus_and_do_nothing_else(both: Any) -> None:
    role = properties(both["replication/forwarding"], "ForwardingRole")
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["events:PutEvents"], [{"Ref": "RecoveryEventBusArn"}])
    (target,) = properties(both["replication/forwarding"], "Forwarding")["Targets"]
    assert target["Arn"] == {"Ref": "RecoveryEventBusArn"}
    assert target["DeadLetterConfig"] == {"Arn": {"Ref": "LostEventsArn"}}


def test_what_is_stored_is_encrypted_and_what_is_lost_is_told(both: Any) -> None:
    body = both["primary/events"]
    own_key = {"Fn::GetAtt": ["EventsKey", "Arn"]}
    assert properties(body, "EventBus")["KmsKeyIdentifier"] == own_key
    assert properties(body, "Archive")["KmsKeyIdentifier"] == own_key
    assert properties(body, "Archive")["RetentionDays"] == 30
    assert properties(body, "LostEvents")["KmsMasterKeyId"] == {"Ref": "OperationsKeyArn"}
    alarm = properties(body, "LostEventsAlarm")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    sending, tls = properties(body, "LostEventsPolicy")["PolicyDocument"]["Statement"]
    assert list(sending["Condition"]["ArnLike"]) == ["aws:SourceArn"]
    assert (tls["Effect"], tls["Action"]) == ("Deny", ["sqs:*"])


def test_the_key_is_for_this_bus(both: Any) -> None:
    statements = properties(both["primary/events"], "EventsKey")["KeyPolicy"]["Statement"]
    encrypts = next(each for each in statements if each["Sid"] == "EventBridgeEncryptsThisBus")
    (arn,) = encrypts["Condition"]["StringEquals"].values()
    assert arn["Fn::Sub"].endswith(":event-bus/shop-prod-events")


def test_the_bus_of_the_recovery_region_needs_nothing_of_the_primary_region(both: Any) -> None:
    assert list(both["recovery-eu-west-1/events"]["Parameters"]) == ["OperationsKeyArn", "AlertsTopicArn"]
