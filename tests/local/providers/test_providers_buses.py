"""Event buses. Paragraphs P42 and P47 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from typing import Any

from drgen.local.bus import Event, publish
from drgen.local.server import EmbeddedAws


def test_a_bus_and_its_archive_take_a_key_of_their_region(stacks: Any, fails: Any) -> None:
    name, far = f"b-{stacks.unique}", stacks.key(region="eu-west-1")
    kind = "AWS::Events::EventBus"
    assert fails(stacks.make, kind, {"Name": name, "KmsKeyIdentifier": far}).code == "InvalidRequest"
    key = stacks.key()
    made = stacks.make(kind, {"Name": name, "KmsKeyIdentifier": key})
    assert (made.id, made.attributes["Arn"]) == (name, f"arn:aws:events:us-east-1:123456789012:event-bus/{name}")
    assert stacks.client("events").describe_event_bus(Name=name)["KmsKeyIdentifier"] == key
    assert fails(stacks.make, kind, {"Name": name}).code == "AlreadyExists"
    archive = {"ArchiveName": name, "SourceArn": made.attributes["Arn"], "RetentionDays": 7}
    assert fails(stacks.make, "AWS::Events::Archive", {**archive, "KmsKeyIdentifier": far}).code == "InvalidRequest"
    kept = stacks.make("AWS::Events::Archive", archive)
    stacks.change(kept, {**archive, "RetentionDays": 9})
    assert stacks.client("events").describe_archive(ArchiveName=name)["RetentionDays"] == 9


def test_a_bus_with_rules_is_not_deleted(stacks: Any, fails: Any) -> None:
    name = f"b-{stacks.unique}"
    bus = stacks.make("AWS::Events::EventBus", {"Name": name})
    rule = stacks.make("AWS::Events::Rule", {"EventBusName": name, "EventPattern": {"source": ["shop"]}})
    assert fails(stacks.remove, bus).message == f"Event bus {name} can't be deleted since it has rules."
    stacks.remove(rule)
    stacks.remove(bus)


def test_a_policy_names_the_account_that_may_send(stacks: Any) -> None:
    name = f"b-{stacks.unique}"
    stacks.make("AWS::Events::EventBus", {"Name": name})
    account = {"AWS": "arn:aws:iam::123456789012:root"}
    allowed = {"Effect": "Allow", "Principal": account, "Action": "events:PutEvents", "Resource": "*"}
    given = {"EventBusName": name, "StatementId": "own", "Statement": allowed}
    made = stacks.make("AWS::Events::EventBusPolicy", given)
    (statement,) = json.loads(stacks.client("events").describe_event_bus(Name=name)["Policy"])["Statement"]
    assert (statement["Sid"], statement["Principal"]) == ("own", "123456789012")
    stacks.remove(made)
    assert "Policy" not in stacks.client("events").describe_event_bus(Name=name)


def test_events_of_aws_cross_regions_by_way_of_a_bus(stacks: Any, aws: EmbeddedAws) -> None:
    name = f"b-{stacks.unique}"
    there = stacks.make("AWS::Events::EventBus", {"Name": name}, region="eu-west-1").attributes["Arn"]
    queue = stacks.make("AWS::SQS::Queue", {}, region="eu-west-1")
    pattern = {"source": [f"aws.{stacks.unique}"], "region": ["us-east-1"]}
    role = stacks.role("events.amazonaws.com")
    on = {"EventPattern": pattern, "Targets": [{"Id": "bus", "Arn": there, "RoleArn": role}]}
    stacks.make("AWS::Events::Rule", on)
    arrived = {"EventBusName": name, "EventPattern": pattern}
    target = {"Id": "queue", "Arn": queue.attributes["Arn"]}
    stacks.make("AWS::Events::Rule", {**arrived, "Targets": [target]}, region="eu-west-1")
    assert publish(aws.environment, Event("us-east-1", f"aws.{stacks.unique}", "Something", {"number": 1})) == 1
    (message,) = stacks.client("sqs", "eu-west-1").receive_message(QueueUrl=queue.id)["Messages"]
    event = json.loads(message["Body"])
    assert (event["region"], event["detail"]) == ("us-east-1", {"number": 1})
