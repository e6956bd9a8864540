"""What a reviewer looks for in the names of services: alias records that follow health, and the switch behind them."""

from __future__ import annotations

from typing import Any

from bodies import properties

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact

IMAGE = "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:" + "0" * 64
CERTIFICATES = ", ".join(
    f"{region}: arn:aws:acm:{region}:123456789012:certificate/1" for region in ("us-east-1", "eu-west-1")
)
SHOP = f"""
name: shop
environment: prod
objectives: {{rto: 30m, rpo: 5m}}
regions: {{primary: {{name: us-east-1, cidr: 10.0.0.0/16}}, recovery: [{{name: eu-west-1, cidr: 10.1.0.0/16}}]}}
network: {{endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}}
services:
  - {{name: admin, image: "{IMAGE}", port: 9090, health_path: /live}}
  - {{name: web, image: "{IMAGE}", port: 8080, health_path: /ready, public: true, certificates: {{{CERTIFICATES}}}}}
"""
PUBLIC = "dns: {zone: shop.example.com, private: false, record: www, policy: failover}\n"
PRIVATE = "dns: {zone: shop.internal}\n"
POSTGRES = 'database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}\n'
AURORA = 'database: {engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large}\n'


def dns(text: str) -> Any:
    workload = parse_workload(text.encode(), file="workload.yaml")
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    (draft,) = [draft for draft in assemble(workload, packages) if draft.layer == "dns"]
    assert (draft.region, draft.stage) == ("eu-west-1", "replication")
    return draft.template().body


def records(body: Any) -> list[str]:
    return [name for name, each in body["Resources"].items() if each["Type"] == "AWS::Route53::RecordSet"]


def test_a_public_name_is_an_alias_of_each_regions_load_balancer() -> None:
    body = dns(SHOP + PUBLIC)
    assert records(body) == ["PrimaryRecord", "RecoveryRecord"]
    primary, recovery = (properties(body, name) for name in records(body))
    assert (primary["Name"], primary["Type"], primary["Failover"]) == ("www.shop.example.com.", "A", "PRIMARY")
    assert primary["AliasTarget"] == {
        "DNSName": {"Ref": "PrimaryWebHost"},
        "HostedZoneId": {"Ref": "PrimaryWebHostZoneId"},
        "EvaluateTargetHealth": True,
    }
    assert recovery["AliasTarget"]["DNSName"] == {"Ref": "WebHost"}
    assert recovery["Failover"] == "SECONDARY"
    assert "TTL" not in primary


def test_route_53_asks_what_the_load_balancer_answers() -> None:
    body = dns(SHOP + PUBLIC)
    for title, host in (("PrimaryAnswers", "PrimaryWebHost"), ("RecoveryAnswers", "WebHost")):
        check = properties(body, title)["HealthCheckConfig"]
        assert (check["Type"], check["Port"], check["ResourcePath"]) == ("HTTPS", 443, "/ready")
        assert check["FullyQualifiedDomainName"] == {"Ref": host}


def test_the_failover_withdraws_the_primary_without_an_edited_record() -> None:
    body = dns(SHOP + PUBLIC)
    assert properties(body, "PrimaryRecord")["HealthCheckId"] == {"Ref": "PrimaryHealth"}
    both = properties(body, "PrimaryHealth")["HealthCheckConfig"]
    assert both["ChildHealthChecks"] == [{"Ref": "PrimaryAnswers"}, {"Ref": "PrimaryKept"}]
    assert (both["Type"], both["HealthThreshold"]) == ("CALCULATED", 2)
    assert properties(body, "PrimaryKept")["HealthCheckConfig"]["AlarmIdentifier"]["Region"] == "eu-west-1"
    assert properties(body, "RecoveryRecord")["HealthCheckId"] == {"Ref": "RecoveryAnswers"}


def test_a_region_that_cannot_write_gets_no_traffic_of_a_service_that_uses_the_database() -> None:
    uses = SHOP.replace("public: true", "database: true, public: true") + AURORA + PUBLIC
    body = dns(uses)
    assert properties(body, "RecoveryRecord")["HealthCheckId"] == {"Ref": "RecoveryHealth"}
    both = properties(body, "RecoveryHealth")["HealthCheckConfig"]
    assert both["ChildHealthChecks"] == [{"Ref": "RecoveryAnswers"}, {"Ref": "RecoveryWritable"}]
    alarm = properties(body, "RecoveryNotWritableAlarm")
    assert (alarm["MetricName"], alarm["ComparisonOperator"]) == ("RecoveryWritable", "LessThanThreshold")
    assert "RecoveryWritable" not in dns(SHOP + AURORA + PUBLIC)["Resources"]


def test_an_internal_service_has_a_private_name_that_the_same_switch_moves() -> None:
    body = dns(SHOP + PRIVATE)
    assert records(body) == ["AdminPrimaryRecord", "AdminRecoveryRecord"]
    primary, recovery = (properties(body, name) for name in records(body))
    assert (primary["Name"], primary["Weight"], recovery["Weight"]) == ("admin.shop.internal.", 100, 0)
    assert primary["HealthCheckId"] == {"Ref": "PrimaryHealth"}
    assert "HealthCheckId" not in recovery
    assert recovery["AliasTarget"]["EvaluateTargetHealth"] is True
    check = properties(body, "PrimaryHealth")["HealthCheckConfig"]
    assert (check["Type"], check["AlarmIdentifier"]["Name"]) == ("CLOUDWATCH_METRIC", {"Ref": "PrimaryWithdrawnAlarm"})


def test_services_move_together_with_the_database() -> None:
    body = dns(SHOP + POSTGRES + PRIVATE)
    assert records(body) == ["PrimaryRecord", "RecoveryRecord", "AdminPrimaryRecord", "AdminRecoveryRecord"]
    for side in ("Primary", "Recovery"):
        database, admin = properties(body, f"{side}Record"), properties(body, f"Admin{side}Record")
        assert database["HealthCheckId"] == admin["HealthCheckId"] == {"Ref": f"{side}Health"}


def test_beside_auroras_own_name_services_keep_the_switch() -> None:
    body = dns(SHOP + AURORA + PRIVATE)
    assert records(body) == ["WriterRecord", "AdminPrimaryRecord", "AdminRecoveryRecord"]
    assert properties(body, "AdminRecoveryRecord")["HealthCheckId"] == {"Ref": "RecoveryHealth"}
    assert (body["Outputs"]["DnsName"]["Value"], body["Outputs"]["AdminDnsName"]["Value"]) == (
        "postgres.shop.internal",
        "admin.shop.internal",
    )
