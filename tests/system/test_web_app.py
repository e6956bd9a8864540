"""The web application on the embedded AWS, from deployment to destruction. The tests build on each other, in order."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "us-east-2"
NAME = "www.shop.example.com"
SESSIONS = "web-app-prod-sessions"
SECRET = "web-app-prod/database"


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(workload="web-app")
    made.succeeds("deploy", "web-app", "--yes")
    return made


def documents(region: str) -> str:
    return f"web-app-prod-documents-123456789012-{region}-an"


def environment(project: Project, region: str) -> dict[str, str]:
    """What the container of `region` is told."""
    task = project.client("ecs", region).describe_task_definition(taskDefinition="web-app-prod-web")["taskDefinition"]
    return {each["name"]: each["value"] for each in task["containerDefinitions"][0]["environment"]}


def tasks(project: Project, region: str) -> int:
    (service,) = project.client("ecs", region).describe_services(
        cluster="web-app-prod-app", services=["web-app-prod-web"]
    )["services"]
    return int(service["runningCount"])


def serves(project: Project) -> str:
    return project.aws.dns.answer(NAME).chosen


def watch(project: Project) -> None:
    """What the schedule of the recovery region runs every minute."""
    project.client("lambda", RECOVERY).invoke(FunctionName="web-app-prod-failover", Payload=b'{"command": "watch"}')


def executed(project: Project, *command: str) -> list[Any]:
    """The change sets that a command executes."""
    before = project.aws.calls.mark()
    project.succeeds(*command)
    return [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"]


def test_the_primary_region_serves_and_the_other_waits_warm(project: Project) -> None:
    assert (tasks(project, PRIMARY), tasks(project, RECOVERY)) == (4, 2)
    assert serves(project) == PRIMARY


def test_the_containers_of_both_regions_ask_for_the_one_writer_and_for_what_is_near(project: Project) -> None:
    (whole,) = project.client("rds", PRIMARY).describe_global_clusters()["GlobalClusters"]
    for region in (PRIMARY, RECOVERY):
        told = environment(project, region)
        assert told["DATABASE_HOST"] == whole["Endpoint"]
        assert told["BUCKET_DOCUMENTS"] == documents(region)
        secret = project.client("secretsmanager", region).get_secret_value(SecretId=told["DATABASE_SECRET"])
        assert '"username": "dba"' in secret["SecretString"]


def test_a_session_of_one_region_is_a_session_of_the_other(project: Project) -> None:
    here, there = (project.client("dynamodb", region) for region in (PRIMARY, RECOVERY))
    here.put_item(TableName=environment(project, PRIMARY)["TABLE_SESSIONS"], Item={"session_id": {"S": "s-1"}})
    assert there.get_item(TableName=SESSIONS, Key={"session_id": {"S": "s-1"}})["Item"] == {"session_id": {"S": "s-1"}}


@pytest.mark.parametrize(("region", "other"), [(PRIMARY, RECOVERY), (RECOVERY, PRIMARY)])
def test_documents_replicate_both_ways(project: Project, region: str, other: str) -> None:
    (rule,) = project.client("s3", region).get_bucket_replication(Bucket=documents(region))["ReplicationConfiguration"][
        "Rules"
    ]
    assert (rule["Status"], rule["Destination"]["Bucket"]) == ("Enabled", f"arn:aws:s3:::{documents(other)}")


@pytest.mark.parametrize(("region", "other"), [(PRIMARY, RECOVERY), (RECOVERY, PRIMARY)])
def test_events_of_one_region_reach_the_other_and_do_not_come_back(project: Project, region: str, other: str) -> None:
    client = project.client("events", region)
    rule = client.describe_rule(Name="web-app-prod-forward-events", EventBusName="web-app-prod-events")
    assert rule["EventPattern"] == f'{{"region": ["{region}"]}}'
    (target,) = client.list_targets_by_rule(Rule=rule["Name"], EventBusName=rule["EventBusName"])["Targets"]
    assert target["Arn"] == f"arn:aws:events:{other}:123456789012:event-bus/web-app-prod-events"


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert executed(project, "deploy", "web-app", "--yes") == []


def test_without_the_primary_region_the_other_writes_runs_all_tasks_and_has_the_name(project: Project) -> None:
    watch(project)
    project.aws.set_speed(120)
    project.aws.faults.dark(PRIMARY)
    assert serves(project) == PRIMARY, "no answer leads to a region that cannot write, even if the other is dark"
    before = project.aws.calls.mark()
    command = ("failover", "web-app", "--to", RECOVERY, "--confirm", "web-app")
    report = project.succeeds(*command, "--disaster", "--accept-data-loss", "86400")
    assert "Failover of web-app to us-east-2: done" in report
    calls = project.aws.calls.since(before)
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    assert {call.service for call in calls} & {"route53", "iam"} == set()
    assert tasks(project, RECOVERY) == 4
    assert serves(project) == RECOVERY


def test_a_deployment_of_the_recovery_region_changes_nothing_after_that(project: Project) -> None:
    assert executed(project, "deploy", "web-app", "--region", RECOVERY, "--yes") == []
    assert (tasks(project, RECOVERY), serves(project)) == (4, RECOVERY)
    project.aws.faults.light(PRIMARY)
    project.aws.set_speed(1500)
    assert serves(project) == RECOVERY, "the region that comes back stays withdrawn"


def in_step(project: Project) -> bool:
    """Whether both clusters follow the writer, and nobody is being made it."""
    (whole,) = project.client("rds", RECOVERY).describe_global_clusters()["GlobalClusters"]
    connected = {member.get("SynchronizationStatus") for member in whole["GlobalClusterMembers"]} == {"connected"}
    clusters = [project.client("rds", region).describe_db_clusters()["DBClusters"] for region in (PRIMARY, RECOVERY)]
    return connected and {cluster["Status"] for (cluster,) in clusters} == {"available"}


def wait_until_in_step(project: Project) -> None:
    for _ in range(120):
        if in_step(project):
            return
        time.sleep(0.25)
    raise AssertionError("the clusters did not come to rest")


def test_the_region_that_came_back_follows_and_then_writes_again(project: Project) -> None:
    wait_until_in_step(project)
    (target,) = project.client("rds", PRIMARY).describe_db_clusters()["DBClusters"]
    project.client("rds", RECOVERY).switchover_global_cluster(
        GlobalClusterIdentifier="web-app-prod", TargetDbClusterIdentifier=target["DBClusterArn"]
    )
    wait_until_in_step(project)
    assert executed(project, "deploy", "web-app", "--yes") == []


def test_a_protected_system_is_not_destroyed(project: Project) -> None:
    assert project.drgen("destroy", "web-app", "--yes").returncode == 3
    assert tasks(project, PRIMARY) == 4


def test_without_protection_nothing_is_left(project: Project) -> None:
    file = project.folder / "templates/web-app/workload.yaml"
    file.write_text(file.read_text("utf-8").replace("protection: true", "protection: false"), "utf-8")
    for command in (["build"], ["deploy", "web-app", "--yes"], ["destroy", "web-app", "--yes"]):
        project.succeeds(*command)
    for region in (PRIMARY, RECOVERY):
        assert project.client("ecs", region).list_clusters()["clusterArns"] == []
        assert project.client("elbv2", region).describe_load_balancers()["LoadBalancers"] == []
        assert project.client("rds", region).describe_db_clusters()["DBClusters"] == []
        assert project.client("dynamodb", region).list_tables()["TableNames"] == []
        assert project.client("backup", region).list_backup_vaults()["BackupVaultList"] == []
    assert project.client("rds", PRIMARY).describe_global_clusters()["GlobalClusters"] == []
    assert project.client("route53", PRIMARY).list_hosted_zones()["HostedZones"] == []
