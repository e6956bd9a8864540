"""Zones, records and health checks. Paragraphs P30 to P39 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.local.server import EmbeddedAws


def zone_in(stacks: Any, *regions: str) -> Any:
    vpcs = [
        {"VPCId": stacks.network(f"10.{index}.0.0/16", region=region), "VPCRegion": region}
        for index, region in enumerate(regions)
    ]
    return stacks.make("AWS::Route53::HostedZone", {"Name": f"{stacks.unique}.internal", "VPCs": vpcs})


def record(stacks: Any, zone: str, **more: Any) -> dict[str, Any]:
    name = f"db.{stacks.unique}.internal"
    return {"HostedZoneId": zone, "Name": name, "Type": "CNAME", "TTL": "5", "ResourceRecords": ["a.example"], **more}


def test_a_private_zone_has_the_networks_of_both_regions(stacks: Any) -> None:
    zone = zone_in(stacks, "us-east-1", "eu-west-1")
    client = stacks.client("route53")
    found = client.get_hosted_zone(Id=zone.id)
    assert found["HostedZone"]["Config"]["PrivateZone"]
    assert [vpc["VPCRegion"] for vpc in found["VPCs"]] == ["us-east-1", "eu-west-1"]
    stacks.change(zone, {"Name": f"{stacks.unique}.internal", "VPCs": found["VPCs"][1:]})
    assert [vpc["VPCRegion"] for vpc in client.get_hosted_zone(Id=zone.id)["VPCs"]] == ["eu-west-1"]


def test_a_network_must_exist_in_the_region_that_the_zone_names(stacks: Any, fails: Any) -> None:
    vpcs = [{"VPCId": stacks.network("10.0.0.0/16"), "VPCRegion": "eu-west-1"}]
    given = {"Name": f"{stacks.unique}.internal", "VPCs": vpcs}
    assert "in region eu-west-1" in fails(stacks.make, "AWS::Route53::HostedZone", given).message


def test_a_weight_needs_a_set_identifier_and_one_ttl(stacks: Any, fails: Any) -> None:
    zone = zone_in(stacks, "us-east-1").id
    assert "SetIdentifier" in fails(stacks.make, "AWS::Route53::RecordSet", record(stacks, zone, Weight=100)).message
    stacks.make("AWS::Route53::RecordSet", record(stacks, zone, Weight=100, SetIdentifier="a"))
    other = record(stacks, zone, Weight="0", SetIdentifier="b", TTL="60")
    assert "same TTL" in fails(stacks.make, "AWS::Route53::RecordSet", other).message
    stacks.make("AWS::Route53::RecordSet", {**other, "TTL": "5"})
    mixed = record(stacks, zone, Failover="PRIMARY", SetIdentifier="c")
    assert "routing policy" in fails(stacks.make, "AWS::Route53::RecordSet", mixed).message


def test_a_changed_set_identifier_moves_the_record(stacks: Any, fails: Any) -> None:
    zone = zone_in(stacks, "us-east-1").id
    made = stacks.make("AWS::Route53::RecordSet", record(stacks, zone, Weight=1, SetIdentifier="a"))
    assert made.id == f"db.{stacks.unique}.internal"
    again = record(stacks, zone, Weight=1, SetIdentifier="a")
    assert "but it already exists" in fails(stacks.make, "AWS::Route53::RecordSet", again).message
    stacks.change(made, record(stacks, zone, Weight=1, SetIdentifier="b", ResourceRecords=["b.example"]))
    records = stacks.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [r["SetIdentifier"] for r in records if r["Type"] == "CNAME"] == ["b"]


def test_a_zone_with_records_cannot_be_deleted(stacks: Any, fails: Any) -> None:
    zone = zone_in(stacks, "us-east-1")
    made = stacks.make("AWS::Route53::RecordSet", record(stacks, zone.id))
    assert "non-required resource record sets" in fails(stacks.remove, zone).message
    stacks.remove(made)
    stacks.remove(zone)
    with pytest.raises(ClientError, match="No hosted zone found"):
        stacks.client("route53").get_hosted_zone(Id=zone.id)


def test_the_traffic_moves_by_metrics_alone_while_the_primary_region_is_dark(stacks: Any, aws: EmbeddedAws) -> None:
    """Two weighted records with a check each; both checks follow alarms of the recovery region."""
    zone, metric = zone_in(stacks, "us-east-1", "eu-west-1").id, "Withdrawn"
    watch = stacks.client("cloudwatch", "eu-west-1")
    for name, comparison, weight in (
        ("us-east-1", "GreaterThanOrEqualToThreshold", 100),
        ("eu-west-1", "LessThanThreshold", 0),
    ):
        alarm = {
            "AlarmName": f"{stacks.unique}-{name}",
            "Namespace": "drgen",
            "MetricName": metric,
            "Dimensions": [{"Name": "Workload", "Value": stacks.unique}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": comparison,
        }
        stacks.make("AWS::CloudWatch::Alarm", alarm, region="eu-west-1")
        config = {
            "Type": "CLOUDWATCH_METRIC",
            "AlarmIdentifier": {"Name": alarm["AlarmName"], "Region": "eu-west-1"},
            "InsufficientDataHealthStatus": "LastKnownStatus",
        }
        check = stacks.make("AWS::Route53::HealthCheck", {"HealthCheckConfig": config}).id
        more = {"SetIdentifier": name, "Weight": weight, "HealthCheckId": check, "ResourceRecords": [f"{name}.example"]}
        stacks.make("AWS::Route53::RecordSet", record(stacks, zone, **more))

    def answer() -> tuple[str, ...]:
        return aws.dns.answer(f"db.{stacks.unique}.internal", region="eu-west-1").values

    assert answer() == ("us-east-1.example",)
    aws.faults.dark("us-east-1")
    dimensions = [{"Name": "Workload", "Value": stacks.unique}]
    watch.put_metric_data(Namespace="drgen", MetricData=[{"MetricName": metric, "Dimensions": dimensions, "Value": 1}])
    assert aws.environment.wait(lambda: answer() == ("eu-west-1.example",), every=60, limit=6000)
    assert aws.dns.answer(f"db.{stacks.unique}.internal", region="ap-south-1").code == "REFUSED"


def test_an_inverted_check_shows_the_opposite_of_its_alarm(stacks: Any) -> None:
    config = {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Name": "nobody", "Region": "eu-west-1"},
        "InsufficientDataHealthStatus": "Unhealthy",
    }
    check = stacks.make("AWS::Route53::HealthCheck", {"HealthCheckConfig": config})
    client = stacks.client("route53")

    def status() -> set[str]:
        seen = client.get_health_check_status(HealthCheckId=check.id)["HealthCheckObservations"]
        return {item["StatusReport"]["Status"].partition(":")[0] for item in seen}

    assert status() == {"Failure"}
    check = stacks.change(check, {"HealthCheckConfig": {**config, "Inverted": True}})
    assert status() == {"Success"}
    assert client.get_health_check(HealthCheckId=check.id)["HealthCheck"]["HealthCheckConfig"]["Inverted"]


def test_anybody_can_ask_route_53_what_it_would_answer(stacks: Any) -> None:
    zone = zone_in(stacks, "us-east-1").id
    stacks.make("AWS::Route53::RecordSet", record(stacks, zone))
    found = stacks.client("route53").test_dns_answer(
        HostedZoneId=zone, RecordName=f"db.{stacks.unique}.internal", RecordType="CNAME"
    )
    assert (found["RecordData"], found["ResponseCode"]) == (["a.example"], "NOERROR")
