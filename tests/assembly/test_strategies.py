"""What each strategy builds in the regions that are not the primary."""

from __future__ import annotations

from typing import Any

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft

WEB = """
name: shop
environment: prod
strategy: warm-standby
objectives: {rto: 30m, rpo: 15m}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
network: {endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}
tables: [{name: carts, key: id}]
functions: [{name: answer, source: payment_processor, tables: {carts: read-write}}]
api:
  health: answer
  routes: [{method: GET, path: /carts, function: answer}]
  certificate:
    us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
    eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
services:
  - name: web
    image: "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:DIGEST"
    port: 80
    health_path: /
    count: {primary: 3}
dns: {zone: shop.example.com, private: false}
canary: {url: "https://api.shop.example.com/health"}
""".replace("DIGEST", "0" * 64)
AURORA = """
name: shop
environment: prod
strategy: warm-standby
objectives: {rto: 30m, rpo: 15m}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
database: {engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large}
"""


def drafts(text: str, strategy: str) -> dict[str, StackDraft]:
    workload = parse_workload(text.replace("warm-standby", strategy).encode(), file="workload.yaml")
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    return {f"{draft.stage}/{draft.layer}": draft for draft in assemble(workload, packages)}


def bodies(text: str, strategy: str) -> dict[str, Any]:
    return {name: draft.template().body for name, draft in drafts(text, strategy).items()}


def tasks(body: Any) -> tuple[Any, Any, str]:
    """The tasks that a deployment asks for, the least that autoscaling keeps, and what silence of them means."""
    resources = body["Resources"]
    return (
        resources["WebService"]["Properties"].get("DesiredCount"),
        resources["WebScaling"]["Properties"]["MinCapacity"],
        resources["WebTooFewAlarm"]["Properties"]["TreatMissingData"],
    )


def records(built: dict[str, Any]) -> dict[str, tuple[int, bool]]:
    """Weight of each record of the public name, and whether it has a health check."""
    resources = built["replication/dns"]["Resources"].values()
    found = [one["Properties"] for one in resources if one["Type"] == "AWS::Route53::RecordSet"]
    return {one["SetIdentifier"]: (one["Weight"], "HealthCheckId" in one) for one in found}


def test_a_pilot_light_runs_no_task_and_no_instance() -> None:
    none = {"Fn::If": ["IsActive", {"Ref": "AWS::NoValue"}, 0]}
    web = bodies(WEB, "pilot-light")["recovery-eu-west-1/services"]
    assert tasks(web) == (none, {"Fn::If": ["IsActive", 3, 0]}, "notBreaching")
    database = bodies(AURORA, "pilot-light")["recovery-eu-west-1/database"]
    assert database["Parameters"]["DatabaseCapacity"]["Default"] == "headless"


def test_a_warm_standby_runs_some_tasks_and_instances_that_read() -> None:
    some = {"Fn::If": ["IsActive", {"Ref": "AWS::NoValue"}, 1]}
    web = bodies(WEB, "warm-standby")["recovery-eu-west-1/services"]
    assert tasks(web) == (some, {"Fn::If": ["IsActive", 3, 1]}, "breaching")
    database = bodies(AURORA, "warm-standby")["recovery-eu-west-1/database"]
    assert "DatabaseCapacity" not in database.get("Parameters", {})
    instances = [one for one in database["Resources"].values() if one["Type"] == "AWS::RDS::DBInstance"]
    assert [one.get("Condition") for one in instances] == [None, None]


def test_where_all_regions_serve_each_deployment_makes_them_active() -> None:
    """A region that waited before would keep its role: CloudFormation keeps the value of a parameter."""
    for stage in ("primary", "recovery-eu-west-1"):
        draft = drafts(WEB, "active-active")[f"{stage}/services"]
        body = draft.template().body
        assert draft.sources["ServiceRole"] == "active"
        assert tasks(body)[1] == {"Fn::If": ["IsActive", 3, 0]}
        assert body["Parameters"]["ServiceRole"]["Default"] == "active"
        assert "ActivateCommand" not in body.get("Outputs", {})
    waits = drafts(WEB, "warm-standby")["recovery-eu-west-1/services"]
    assert "ServiceRole" not in waits.sources


def test_where_all_regions_serve_their_records_weigh_the_same_and_have_health_checks() -> None:
    assert records(bodies(WEB, "warm-standby")) == {"us-east-1": (100, True), "eu-west-1": (0, True)}
    assert records(bodies(WEB, "active-active")) == {"us-east-1": (100, True), "eu-west-1": (100, True)}


def test_where_all_regions_serve_each_has_a_canary() -> None:
    assert [name for name in bodies(WEB, "warm-standby") if name.endswith("canary")] == ["recovery-eu-west-1/canary"]
    served = [name for name in bodies(WEB, "active-active") if name.endswith("canary")]
    assert served == ["primary/canary", "recovery-eu-west-1/canary"]
