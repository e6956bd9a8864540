"""An Aurora workload with services moves to its recovery region, planned and in a disaster, and templates stay true."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
SHOP = f"""
name: shop
environment: prod
objectives: {{rto: 1h, rpo: 5m}}
strategy: STRATEGY
regions: {{primary: {{name: us-east-1, cidr: 10.0.0.0/16}}, recovery: [{{name: eu-west-1, cidr: 10.1.0.0/16}}]}}
network: {{endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}}
database: {{engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large}}
services:
  - name: web
    image: "{{account}}.dkr.ecr.{{region}}.amazonaws.com/shop/web@sha256:{"0" * 64}"
    port: 8080
    health_path: /health
    count: {{primary: 2}}
dns: {{zone: shop.internal}}
protection: false
"""
FAILOVER = ("failover", "postgres-dr", "--to", RECOVERY, "--confirm", "postgres-dr")


def deployed(start: Start, strategy: str) -> Project:
    made = start(lambda _: SHOP.replace("STRATEGY", strategy))
    made.succeeds("deploy", "postgres-dr", "--yes")
    made.aws.set_speed(120)
    return made


def writer(project: Project) -> str:
    (whole,) = project.client("rds", RECOVERY).describe_global_clusters()["GlobalClusters"]
    (arn,) = [member["DBClusterArn"] for member in whole["GlobalClusterMembers"] if member["IsWriter"]]
    return str(arn.rsplit(":", 1)[-1])


def running(project: Project) -> int:
    found = project.client("ecs", RECOVERY).describe_services(cluster="shop-prod-app", services=["shop-prod-web"])
    return int(found["services"][0]["runningCount"])


def executed(calls: Any) -> list[Any]:
    return [call for call in calls if call.operation == "ExecuteChangeSet"]


@pytest.fixture(scope="module")
def warm(start: Start) -> Project:
    return deployed(start, "warm-standby")


def test_a_primary_that_answers_is_not_given_up_without_being_told_to(warm: Project) -> None:
    run = warm.drgen(*FAILOVER)
    assert run.returncode == 3
    assert "the primary is gone: RDS shows shop-prod-us-east-1 as available" in run.stdout


def test_planned_it_switches_over_loses_nothing_and_starts_the_tasks_that_serve(warm: Project) -> None:
    before = warm.aws.calls.mark()
    report = warm.succeeds(*FAILOVER, "--planned")
    assert "Failover of postgres-dr to eu-west-1: done" in report
    assert "Aurora stopped writes there before it made shop-prod-eu-west-1 the writer" in report
    assert "none (objective 5m 00s: met)" in report
    assert writer(warm) == "shop-prod-eu-west-1"
    assert running(warm) == 2
    asked = [(c.operation, c.region) for c in warm.aws.calls.since(before) if "GlobalCluster" in c.operation]
    assert ("SwitchoverGlobalCluster", PRIMARY) in asked
    assert "FailoverGlobalCluster" not in {operation for operation, _ in asked}


def test_a_deployment_after_the_switchover_changes_nothing(warm: Project) -> None:
    before = warm.aws.calls.mark()
    warm.succeeds("deploy", "postgres-dr", "--yes")
    assert executed(warm.aws.calls.since(before)) == []
    assert writer(warm) == "shop-prod-eu-west-1"


@pytest.fixture(scope="module")
def pilot(start: Start) -> Project:
    return deployed(start, "pilot-light")


def test_a_headless_secondary_gets_instances_and_fails_over_without_the_dark_region(pilot: Project) -> None:
    (cluster,) = pilot.client("rds", RECOVERY).describe_db_clusters()["DBClusters"]
    assert cluster["DBClusterMembers"] == []
    pilot.aws.faults.dark(PRIMARY)
    before = pilot.aws.calls.mark()
    report = pilot.succeeds(*FAILOVER, "--disaster", "--accept-data-loss", "86400")
    assert "Failover of postgres-dr to eu-west-1: done" in report
    assert "fence unverified: Aurora itself tries to stop writes in us-east-1" in report
    assert "instances" in report
    assert writer(pilot) == "shop-prod-eu-west-1"
    assert running(pilot) == 2
    calls = pilot.aws.calls.since(before)
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    assert {call.service for call in calls} & {"route53", "iam"} == set()
    operations = [call.operation for call in calls if call.source == "lambda"]
    assert operations.index("FailoverGlobalCluster") < len(operations) - operations[::-1].index("UpdateStack") - 1


def test_a_deployment_of_the_recovery_region_changes_nothing_while_the_primary_is_dark(pilot: Project) -> None:
    before = pilot.aws.calls.mark()
    pilot.succeeds("deploy", "postgres-dr", "--region", RECOVERY, "--yes")
    calls = pilot.aws.calls.since(before)
    assert executed(calls) == []
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []


def test_a_second_failover_finds_everything_done(pilot: Project) -> None:
    before = pilot.aws.calls.mark()
    pilot.succeeds(*FAILOVER, "--disaster")
    changed = {"FailoverGlobalCluster", "UpdateStack"}
    assert {call.operation for call in pilot.aws.calls.since(before)} & changed == set()
