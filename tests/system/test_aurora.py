"""An Aurora global database comes, keeps its templates true while its roles change, and goes."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "us-east-2"
STACK = f"postgres-dr-prod-database-{RECOVERY}"
NAME = "postgres.db.internal"

WORKLOAD = """
name: postgres-dr
environment: prod
strategy: warm-standby
objectives: {rto: 15m, rpo: 30s}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: us-east-2, cidr: 10.1.0.0/16}]
database:
  engine: aurora-postgresql
  version: "16.9"
  instance_class: db.r6g.large
  parameters: {log_statement: ddl}
  instance_parameters: {log_min_duration_statement: "1000"}
  monitoring: {connections: 400}
dns: {zone: db.internal}
protection: false
"""


def deployed(start: Start, strategy: str) -> Project:
    made = start(lambda _: WORKLOAD.replace("warm-standby", strategy))
    made.succeeds("check", "postgres-dr", "--fast")
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


@pytest.fixture(scope="module")
def warm(start: Start) -> Project:
    return deployed(start, "warm-standby")


@pytest.fixture(scope="module")
def light(start: Start) -> Project:
    return deployed(start, "pilot-light")


def members(project: Project, region: str) -> list[str]:
    (cluster,) = project.client("rds", region).describe_db_clusters()["DBClusters"]
    return sorted(member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"])


def writer(project: Project) -> str:
    (whole,) = project.client("rds", RECOVERY).describe_global_clusters()["GlobalClusters"]
    (arn,) = [member["DBClusterArn"] for member in whole["GlobalClusterMembers"] if member["IsWriter"]]
    return str(arn).split(":")[3]


def change_capacity(project: Project, capacity: str) -> None:
    """The stack update that comes before a failover: the capacity, and everything else as it was."""
    cloudformation = project.client("cloudformation", RECOVERY)
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": "DatabaseCapacity", "ParameterValue": capacity}
        if one["ParameterKey"] == "DatabaseCapacity"
        else {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True}
        for one in stack["Parameters"]
    ]
    cloudformation.update_stack(
        StackName=STACK, UsePreviousTemplate=True, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def test_both_regions_have_a_cluster_and_the_primary_one_writes(warm: Project) -> None:
    assert members(warm, PRIMARY) == ["postgres-dr-prod-us-east-1-1", "postgres-dr-prod-us-east-1-2"]
    assert members(warm, RECOVERY) == ["postgres-dr-prod-us-east-2-1", "postgres-dr-prod-us-east-2-2"]
    assert writer(warm) == PRIMARY
    told = warm.succeeds("status", "postgres-dr")
    assert "takes writes now, as RDS shows it: postgres-dr-prod-us-east-1 in us-east-1\n" in told


def test_each_region_knows_the_host_that_follows_the_writer(warm: Project) -> None:
    (whole,) = warm.client("rds", PRIMARY).describe_global_clusters()["GlobalClusters"]
    for region in (PRIMARY, RECOVERY):
        found = warm.client("ssm", region).get_parameter(Name="/postgres-dr-prod/database/writer")
        assert found["Parameter"]["Value"] == whole["Endpoint"]
    assert warm.aws.dns.answer(NAME, region=RECOVERY).values == (whole["Endpoint"],)


def test_a_second_deployment_changes_nothing(warm: Project) -> None:
    assert warm.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_an_exchange_of_roles_leaves_the_templates_true_and_moves_the_host(warm: Project) -> None:
    rds = warm.client("rds", PRIMARY)
    before = rds.describe_global_clusters()["GlobalClusters"][0]["Endpoint"]
    switch(warm, PRIMARY, RECOVERY)
    assert writer(warm) == RECOVERY
    assert rds.describe_global_clusters()["GlobalClusters"][0]["Endpoint"] == before
    told = warm.succeeds("status", "postgres-dr")
    assert "takes writes now, as RDS shows it: postgres-dr-prod-us-east-2 in us-east-2\n" in told
    assert warm.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def switch(project: Project, region: str, to: str) -> None:
    """A switchover, called where the writer is, and followed to its end."""
    rds = project.client("rds", region)
    (target,) = project.client("rds", to).describe_db_clusters()["DBClusters"]
    rds.switchover_global_cluster(
        GlobalClusterIdentifier="postgres-dr-prod", TargetDbClusterIdentifier=target["DBClusterArn"]
    )
    waiter = rds.get_waiter("db_cluster_available")
    waiter.wait(DBClusterIdentifier=f"postgres-dr-prod-{region}", WaiterConfig={"Delay": 1})


def test_a_writer_that_others_follow_is_not_destroyed_before_them(warm: Project) -> None:
    refused = warm.drgen("destroy", "postgres-dr", "--yes")
    assert refused.returncode == 3
    assert (
        "let postgres-dr-prod-us-east-1 in us-east-1 write again by a planned failover, then destroy" in refused.stderr
    )
    assert len(members(warm, RECOVERY)) == 2


def test_it_goes_when_the_writer_is_where_it_was_born(warm: Project) -> None:
    switch(warm, RECOVERY, PRIMARY)
    warm.succeeds("destroy", "postgres-dr", "--yes")
    for region in (PRIMARY, RECOVERY):
        rds = warm.client("rds", region)
        assert rds.describe_db_clusters()["DBClusters"] == []
        assert rds.describe_db_instances()["DBInstances"] == []
        assert rds.describe_global_clusters()["GlobalClusters"] == []


def test_a_pilot_light_has_its_data_and_no_instance(light: Project) -> None:
    assert members(light, PRIMARY) == ["postgres-dr-prod-us-east-1-1", "postgres-dr-prod-us-east-1-2"]
    assert members(light, RECOVERY) == []


def test_the_parameter_adds_the_instances_deployments_keep_them_and_it_takes_them_away(light: Project) -> None:
    change_capacity(light, "running")
    assert members(light, RECOVERY) == ["postgres-dr-prod-us-east-2-1", "postgres-dr-prod-us-east-2-2"]
    assert light.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0
    light.succeeds("deploy", "postgres-dr", "--yes")
    assert len(members(light, RECOVERY)) == 2
    change_capacity(light, "headless")
    assert members(light, RECOVERY) == []
    light.succeeds("destroy", "postgres-dr", "--yes")
