"""Containers come, keep the capacity that a failover gave them, and go."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
SHOP = f"""
name: shop
environment: prod
objectives: {{rto: 30m, rpo: 5m}}
regions: {{primary: {{name: us-east-1, cidr: 10.0.0.0/16}}, recovery: [{{name: eu-west-1, cidr: 10.1.0.0/16}}]}}
network: {{endpoints: [dynamodb, ecr.api, ecr.dkr, events, logs, s3]}}
services:
  - name: web
    image: "{{account}}.dkr.ecr.{{region}}.amazonaws.com/shop/web@sha256:{"0" * 64}"
    port: 8080
    health_path: /health
    count: {{primary: 4, recovery: 1}}
    public: true
    certificates:
      us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
      eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
    tables: {{sessions: read-write}}
    buckets: {{documents: read}}
    events: true
    environment: {{NOTE: "${{AWS::Region}} stays as it is"}}
tables: [{{name: sessions, key: id}}]
buckets: [{{name: documents}}]
events: {{}}
dns: {{zone: shop.example.com, private: false, record: www, policy: failover}}
protection: false
"""
STACK = f"shop-prod-services-{RECOVERY}"


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(lambda _: SHOP)
    made.succeeds("check", "postgres-dr")
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def tasks(project: Project, region: str) -> tuple[int, int]:
    (service,) = project.client("ecs", region).describe_services(cluster="shop-prod-app", services=["shop-prod-web"])[
        "services"
    ]
    return service["desiredCount"], service["runningCount"]


def activate(project: Project, role: str = "active") -> None:
    """What the stack's ActivateCommand does, read from its text, or its opposite."""
    client = project.client("cloudformation", RECOVERY)
    (stack,) = client.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    words = outputs["ActivateCommand"].partition("--parameters ")[2].split()
    client.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[_parameter(dict(part.split("=") for part in word.split(",")), role) for word in words],
    )
    client.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _parameter(parts: dict[str, str], role: str) -> dict[str, Any]:
    if "UsePreviousValue" in parts:
        return {"ParameterKey": parts["ParameterKey"], "UsePreviousValue": True}
    assert parts == {"ParameterKey": "ServiceRole", "ParameterValue": "active"}
    return {**parts, "ParameterValue": role}


def test_each_region_runs_what_its_role_needs(project: Project) -> None:
    assert tasks(project, PRIMARY) == (4, 4)
    assert tasks(project, RECOVERY) == (1, 1)


def test_a_container_is_told_what_its_region_calls_what_it_uses(project: Project) -> None:
    task = project.client("ecs", RECOVERY).describe_task_definition(taskDefinition="shop-prod-web")["taskDefinition"]
    told = {each["name"]: each["value"] for each in task["containerDefinitions"][0]["environment"]}
    assert told == {
        "NOTE": "${AWS::Region} stays as it is",
        "TABLE_SESSIONS": "shop-prod-sessions",
        "BUCKET_DOCUMENTS": "shop-prod-documents-123456789012-eu-west-1-an",
        "EVENT_BUS": "shop-prod-events",
    }
    project.client("s3", RECOVERY).head_bucket(Bucket=told["BUCKET_DOCUMENTS"])


def test_the_internet_reaches_the_load_balancer_and_only_that(project: Project) -> None:
    (balancer,) = project.client("elbv2", PRIMARY).describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internet-facing"
    found = project.client("ec2", PRIMARY).describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["*-public-*"]}])
    public = {subnet["SubnetId"] for subnet in found["Subnets"]}
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == public
    (service,) = project.client("ecs", PRIMARY).describe_services(cluster="shop-prod-app", services=["shop-prod-web"])[
        "services"
    ]
    assert not public & set(service["networkConfiguration"]["awsvpcConfiguration"]["subnets"])


def answers(project: Project) -> str:
    return project.aws.dns.answer("www.shop.example.com").chosen


def test_the_public_name_leads_to_a_region_whose_tasks_run(project: Project) -> None:
    assert answers(project) == PRIMARY
    project.aws.faults.dark(PRIMARY)
    assert answers(project) == RECOVERY
    project.aws.faults.light(PRIMARY)
    assert answers(project) == PRIMARY


def test_a_region_that_is_withdrawn_gets_no_traffic_though_it_answers(project: Project) -> None:
    switch = {"AlarmName": "shop-prod-primary-withdrawn", "StateReason": "by a person"}
    project.client("cloudwatch", RECOVERY).set_alarm_state(StateValue="ALARM", **switch)
    assert answers(project) == RECOVERY
    project.client("cloudwatch", RECOVERY).set_alarm_state(StateValue="OK", **switch)
    assert answers(project) == PRIMARY


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_a_failover_starts_the_tasks_that_serve_and_asks_nothing_of_the_dark_region(project: Project) -> None:
    project.aws.faults.dark(PRIMARY)
    before = project.aws.calls.mark()
    report = project.succeeds("failover", "postgres-dr", "--to", RECOVERY, "--disaster", "--confirm", "postgres-dr")
    assert "Failover of postgres-dr to eu-west-1: done" in report
    assert "scale" in report
    assert tasks(project, RECOVERY) == (4, 4)
    calls = project.aws.calls.since(before)
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    project.succeeds("deploy", "postgres-dr", "--region", RECOVERY, "--yes")
    assert [c for c in project.aws.calls.since(before) if c.operation == "ExecuteChangeSet"] == []
    project.aws.faults.light(PRIMARY)


def test_a_second_failover_finds_everything_done(project: Project) -> None:
    project.succeeds("failover", "postgres-dr", "--to", RECOVERY, "--disaster", "--confirm", "postgres-dr")
    assert tasks(project, RECOVERY) == (4, 4)


def test_a_deployment_after_the_command_that_people_run_leaves_the_capacity_alone(project: Project) -> None:
    activate(project, "standby")
    assert tasks(project, RECOVERY) == (1, 1)
    activate(project)
    assert tasks(project, RECOVERY) == (4, 4)
    file = project.folder / "templates" / "postgres-dr" / "workload.yaml"
    file.write_text(file.read_text("utf-8").replace("environment: {", "environment: {LEVEL: debug, "), "utf-8")
    project.succeeds("build")
    project.succeeds("deploy", "postgres-dr", "--yes")
    assert tasks(project, RECOVERY) == (4, 4)
    task = project.client("ecs", RECOVERY).describe_task_definition(taskDefinition="shop-prod-web")["taskDefinition"]
    assert {"name": "LEVEL", "value": "debug"} in task["containerDefinitions"][0]["environment"]


def test_an_unprotected_workload_takes_its_services_with_it(project: Project) -> None:
    project.succeeds("destroy", "postgres-dr", "--yes")
    for region in (PRIMARY, RECOVERY):
        balancing, scaling = project.client("elbv2", region), project.client("application-autoscaling", region)
        assert project.client("ecs", region).list_clusters()["clusterArns"] == []
        assert balancing.describe_load_balancers()["LoadBalancers"] == []
        assert balancing.describe_target_groups()["TargetGroups"] == []
        assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
