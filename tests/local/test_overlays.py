"""The services that drgen answers itself can be stopped and started again. P24, P30 and P15 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.local.api import ApiError, Call, PassOn, Service
from drgen.local.overlays.endpoints import Endpoints
from drgen.local.overlays.forwarding import Forwarding
from drgen.local.overlays.route53.service import Route53
from drgen.local.overlays.secretsmanager.service import SecretsManager
from drgen.local.overlays.secretsmanager.values import password
from drgen.local.overlays.secretsmanager.vault import Vault
from drgen.local.overlays.synthetics import Synthetics
from drgen.local.providers.provider import Environment
from drgen.local.server import EmbeddedAws

ACCOUNT = "123456789012"


def ask(service: Service, operation: str, region: str = "us-east-1", **params: Any) -> Mapping[str, Any]:
    return service.handle(Call("any", operation, region, ACCOUNT, params, internal=True))


def started_again(service: Service, kind: Callable[[Environment], Service], env: Environment) -> Service:
    """A fresh one with the state that the first one leaves on disk."""
    fresh = kind(env)
    fresh.restore(json.loads(json.dumps(service.dump())))
    return fresh


def test_secrets_survive_a_restart_with_their_replicas_and_versions(aws: EmbeddedAws) -> None:
    env = aws.environment
    first = SecretsManager(env)
    regions = [{"Region": "eu-west-1"}]
    ask(first, "CreateSecret", Name="a", SecretBinary=b"\x00one", AddReplicaRegions=regions)
    ask(first, "PutSecretValue", SecretId="a", SecretString="two")
    second = started_again(first, SecretsManager, env)
    old = ask(second, "GetSecretValue", "eu-west-1", SecretId="a", VersionStage="AWSPREVIOUS")
    assert old["SecretBinary"] == b"\x00one"
    assert ask(second, "GetSecretValue", "eu-west-1", SecretId="a")["SecretString"] == "two"
    assert ask(second, "DescribeSecret", SecretId="a") == ask(first, "DescribeSecret", SecretId="a")


def test_zones_and_their_changes_survive_a_restart(aws: EmbeddedAws) -> None:
    env = aws.environment
    first = Route53(env)
    made = ask(first, "CreateHostedZone", Name="example.com", CallerReference="r")
    zone = made["HostedZone"]["Id"]
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    change = ask(first, "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]["Id"]
    second = started_again(first, Route53, env)
    listed = ask(second, "ListResourceRecordSets", HostedZoneId=zone)
    assert listed == ask(first, "ListResourceRecordSets", HostedZoneId=zone)
    assert ask(second, "GetChange", Id=change)["ChangeInfo"]["Id"] == change
    assert isinstance(second, Route53)
    assert second.dns.answer("a.example.com", "A").values == ("192.0.2.1",)


def test_a_batch_of_changes_is_taken_as_a_whole_or_not_at_all(aws: EmbeddedAws) -> None:
    service = Route53(aws.environment)
    zone = ask(service, "CreateHostedZone", Name="example.com", CallerReference="r")["HostedZone"]["Id"]
    before = ask(service, "ListResourceRecordSets", HostedZoneId=zone)
    good = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    missing = {**good, "Name": "b.example.com"}
    changes = [
        {"Action": "CREATE", "ResourceRecordSet": good},
        {"Action": "DELETE", "ResourceRecordSet": missing},
    ]
    with pytest.raises(ApiError, match=r"b\.example\.com"):
        ask(service, "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})
    assert ask(service, "ListResourceRecordSets", HostedZoneId=zone) == before


def test_records_are_listed_page_by_page_in_the_order_of_dns(aws: EmbeddedAws) -> None:
    service = Route53(aws.environment)
    zone = ask(service, "CreateHostedZone", Name="example.com", CallerReference="r")["HostedZone"]["Id"]
    names = ["z.a.example.com.", "b.example.com.", "a.example.com."]
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": name,
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}],
            },
        }
        for name in names
    ]
    ask(service, "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})
    seen: list[str] = []
    start: dict[str, Any] = {}
    while True:
        page = ask(service, "ListResourceRecordSets", HostedZoneId=zone, MaxItems="2", **start)
        seen += [item["Name"] for item in page["ResourceRecordSets"] if item["Type"] == "A"]
        if not page["IsTruncated"]:
            break
        start = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}
    assert seen == ["a.example.com.", "z.a.example.com.", "b.example.com."]


def test_endpoints_survive_a_restart(aws: EmbeddedAws) -> None:
    env = aws.environment
    vpc = env.client("ec2", "us-east-1").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    first = Endpoints(env)
    ask(first, "CreateVpcEndpoint", VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", PolicyDocument="{}")
    second = started_again(first, Endpoints, env)
    assert ask(second, "DescribeVpcEndpoints") == ask(first, "DescribeVpcEndpoints")
    assert ask(second, "DescribeVpcEndpoints", "eu-west-1")["VpcEndpoints"] == []


@given(
    length=st.integers(4, 64),
    excluded=st.text("abcXYZ019!@/ \"'\\", max_size=8),
    each=st.booleans(),
)
def test_a_random_password_has_what_was_asked_for(aws: EmbeddedAws, length: int, excluded: str, each: bool) -> None:
    vault = Vault(aws.environment)
    wanted = {"PasswordLength": length, "ExcludeCharacters": excluded, "RequireEachIncludedType": each}
    made = password(vault, "us-east-1", wanted)["RandomPassword"]
    assert len(made) == length
    assert not set(made) & set(excluded)
    if each:
        kinds = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
        assert all(any(kind(char) for char in made) for kind in kinds)


def test_events_on_their_way_survive_a_restart(aws: EmbeddedAws) -> None:
    env = aws.environment
    here, there = env.client("events", "us-east-1"), env.client("events", "eu-west-1")
    for client in (here, there):
        client.create_event_bus(Name="restarted")
    pattern = {"EventBusName": "restarted", "EventPattern": json.dumps({"source": ["shop"]})}
    here.put_rule(Name="on", **pattern)
    there.put_rule(Name="in", **pattern)
    far = {
        "Id": "far",
        "Arn": f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/restarted",
        "RoleArn": "arn:aws:iam::1:role/r",
    }
    here.put_targets(Rule="on", EventBusName="restarted", Targets=[far])
    sqs = env.client("sqs", "eu-west-1")
    url = sqs.create_queue(QueueName="restarted")["QueueUrl"]
    near = {"Id": "near", "Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:restarted"}
    there.put_targets(Rule="in", EventBusName="restarted", Targets=[near])
    first = Forwarding(env)
    entry = {"EventBusName": "restarted", "Source": "shop", "DetailType": "Order", "Detail": "{}"}
    aws.faults.dark("eu-west-1")
    try:
        with pytest.raises(PassOn):
            ask(first, "PutEvents", Entries=[entry])
    finally:
        aws.faults.clear()
    second = started_again(first, Forwarding, env)
    assert isinstance(second, Forwarding)
    second.tick()
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["region"] == "us-east-1"
    assert second.dump() == []


def test_canaries_survive_a_restart(aws: EmbeddedAws) -> None:
    first = Synthetics(aws.environment)
    given: dict[str, Any] = {
        "Name": "a",
        "Code": {"Handler": "h.h"},
        "ArtifactS3Location": "s3://b",
        "ExecutionRoleArn": "arn:aws:iam::1:role/r",
        "Schedule": {"Expression": "rate(1 minute)"},
        "RuntimeVersion": "syn-python-selenium-12.0",
    }
    ask(first, "CreateCanary", **given)
    ask(first, "StartCanary", Name="a")
    second = started_again(first, Synthetics, aws.environment)
    (canary,) = ask(second, "DescribeCanaries")["Canaries"]
    assert canary["Status"] == {"State": "RUNNING"}
    assert ask(second, "DescribeCanaries", "eu-west-1")["Canaries"] == []
