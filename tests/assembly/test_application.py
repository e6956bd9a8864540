"""What an application's reviewer looks for: least privilege, routes that may call, a region that looks after itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bodies import properties

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact

SOURCE = (Path(__file__).parents[2] / "templates/payments/workload.yaml").read_text("utf-8")
PACKAGES = {
    name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in ("failover", "payment_processor")
}
APPS = ("primary/app", "recovery-us-east-2/app")


def built(text: str = SOURCE) -> dict[str, Any]:
    drafts = assemble(parse_workload(text.encode(), file="workload.yaml"), PACKAGES)
    return {f"{draft.stage}/{draft.layer}": draft.template().body for draft in drafts}


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    return built()


def statements(body: Any, role: str) -> dict[str, Any]:
    (policy,) = properties(body, role)["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def of_type(body: Any, kind: str) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in body["Resources"].items() if r["Type"] == kind}


def test_the_application_comes_after_its_tables(bodies: Any) -> None:
    order = list(bodies)
    tables = next(index for index, name in enumerate(order) if name.endswith("/tables"))
    assert all(order.index(app) > tables for app in APPS)


@pytest.mark.parametrize("app", APPS)
def test_a_function_may_do_what_it_declares_and_no_more(bodies: Any, app: str) -> None:
    allowed = statements(bodies[app], "ProcessorFunctionRole")
    assert set(allowed) == {
        "WriteOwnLogs", "KeepFailedCalls", "OwnVariablesAndFailedCalls", "TracesTakeNoResources", "ReadSettings",
        "LedgerTable", "KeyOfTablesThroughDynamoDB",
    }  # fmt: skip
    assert [sid for sid, statement in allowed.items() if "*" in statement["Resource"]] == ["TracesTakeNoResources"]
    region = {"primary/app": "us-east-1", "recovery-us-east-2/app": "us-east-2"}[app]
    (table,) = allowed["LedgerTable"]["Resource"]
    arn = f"arn:${{AWS::Partition}}:dynamodb:{region}:${{AWS::AccountId}}:table/payments-prod-ledger"
    assert table == {"Fn::Sub": arn}


def test_a_reader_of_a_table_may_not_write_to_it() -> None:
    body = built(SOURCE.replace("ledger: read-write", "ledger: read"))["primary/app"]
    assert statements(body, "ProcessorFunctionRole")["LedgerTable"]["Action"] == [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
    ]


@pytest.mark.parametrize("app", APPS)
def test_every_route_may_call_its_function_and_only_from_there(bodies: Any, app: str) -> None:
    routes = {route["RouteKey"] for route in of_type(bodies[app], "AWS::ApiGatewayV2::Route").values()}
    assert routes == {"GET /health", "POST /payments", "GET /payments/{id}"}
    sources = {
        permission["SourceArn"]["Fn::Sub"].rpartition("${Api}")[2]
        for permission in of_type(bodies[app], "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    assert sources == {"/*/GET/health", "/*/POST/payments", "/*/GET/payments/*"}


def test_only_the_health_route_is_open_to_anybody(bodies: Any) -> None:
    kinds = {
        r["RouteKey"]: r["AuthorizationType"] for r in of_type(bodies[APPS[0]], "AWS::ApiGatewayV2::Route").values()
    }
    assert kinds == {"GET /health": "NONE", "POST /payments": "AWS_IAM", "GET /payments/{id}": "AWS_IAM"}


def test_callers_who_use_up_the_limit_leave_the_health_route_its_own(bodies: Any) -> None:
    stage = properties(bodies[APPS[0]], "ApiStage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 200
    assert stage["RouteSettings"] == {"GET /health": {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}}
    assert json.loads(stage["AccessLogSettings"]["Format"])["status"] == "$context.status"


def test_settings_have_one_name_and_each_region_its_own_value(bodies: Any) -> None:
    values = [properties(bodies[app], "ProcessorFunctionSettings") for app in APPS]
    assert [value["Name"] for value in values] == ["/payments-prod/functions/processor"] * 2
    texts = [json.loads(value["Value"]["Fn::Sub"]) for value in values]
    assert texts[0]["endpoint"] == "https://api.pay.example.com"
    assert [text["tables"]["ledger"] for text in texts] == ["${RecoveryLedgerTableName}", "${LedgerTableName}"]


def test_a_package_that_two_functions_share_is_listed_once() -> None:
    drafts = assemble(parse_workload(SOURCE.encode(), file="workload.yaml"), PACKAGES)
    listed = {draft.layer: draft.artifacts for draft in drafts if draft.region == "us-east-1"}
    assert listed["app"] == [PACKAGES["payment_processor"]]


def test_the_log_group_queue_and_alarms_of_a_function_are_encrypted_or_heard(bodies: Any) -> None:
    body = bodies[APPS[0]]
    assert properties(body, "ProcessorFunctionFailures")["KmsMasterKeyId"] == {"Ref": "DataKeyArn"}
    (tls,) = properties(body, "ProcessorFunctionFailuresPolicy")["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Action"]) == ("Deny", ["sqs:*"])
    assert properties(body, "ProcessorFunctionLogs")["KmsKeyId"] == {"Ref": "OperationsKeyArn"}
    assert properties(body, "ProcessorFunction")["KmsKeyArn"] == {"Ref": "DataKeyArn"}
    alarms = of_type(body, "AWS::CloudWatch::Alarm")
    assert {alarm["MetricName"] for alarm in alarms.values()} == {
        "ApproximateNumberOfMessagesVisible", "Errors", "Throttles", "5xx",
    }  # fmt: skip
    assert all(alarm["AlarmActions"] for alarm in alarms.values())


def test_the_health_checks_speak_to_each_region_over_tls(bodies: Any) -> None:
    checks = [c["HealthCheckConfig"] for c in of_type(bodies["replication/dns"], "AWS::Route53::HealthCheck").values()]
    asked = [check for check in checks if check["Type"] == "HTTPS"]
    assert {(check["Port"], check["ResourcePath"]) for check in asked} == {(443, "/health")}
    assert [c["FullyQualifiedDomainName"] for c in asked] == [{"Ref": "PrimaryApiHost"}, {"Ref": "ApiHost"}]


def test_the_primary_can_be_taken_out_from_the_recovery_region(bodies: Any) -> None:
    body = bodies["replication/dns"]
    health = properties(body, "PrimaryHealth")["HealthCheckConfig"]
    assert (health["ChildHealthChecks"], health["HealthThreshold"]) == (
        [{"Ref": "PrimaryAnswers"}, {"Ref": "PrimaryKept"}],
        2,
    )
    kept = properties(body, "PrimaryKept")["HealthCheckConfig"]["AlarmIdentifier"]
    assert kept == {"Name": {"Ref": "PrimaryWithdrawnAlarm"}, "Region": "us-east-2"}


def test_an_existing_zone_is_used_and_not_made() -> None:
    body = built(SOURCE.replace("  private: false", "  private: false\n  zone_id: Z0123456789ABCDEFGHIJ"))
    dns = body["replication/dns"]
    assert of_type(dns, "AWS::Route53::HostedZone") == {}
    records = of_type(dns, "AWS::Route53::RecordSet")
    assert {record["HostedZoneId"] for record in records.values()} == {"Z0123456789ABCDEFGHIJ"}


def test_a_function_in_the_vpc_has_interfaces_that_its_code_may_not_touch() -> None:
    body = built(SOURCE.replace("    memory: 512", "    vpc: true"))["recovery-us-east-2/app"]
    assert properties(body, "ProcessorFunction")["VpcConfig"]["SubnetIds"] == {"Ref": "PrivateSubnetIds"}
    assert statements(body, "ProcessorFunctionRole")["NoInterfacesForTheCode"]["Effect"] == "Deny"
