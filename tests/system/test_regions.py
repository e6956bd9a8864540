"""Two recovery regions, then three; a failover to the second one. The tests build on each other, in order."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

SOURCE = """\
name: shop
environment: test
objectives: {rto: 30m, rpo: 5m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery:
    - {name: eu-west-1, cidr: 10.1.0.0/16}
    - {name: us-west-2, cidr: 10.2.0.0/16}
network: {endpoints: [secretsmanager]}
database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}
buckets: [{name: documents, replicate: both-ways}]
tables: [{name: sessions, key: id}]
dns: {zone: shop.internal}
events: {forward: both-ways}
backup: {daily: true, restore_test: none}
protection: true
"""
THIRD = "    - {name: ca-central-1, cidr: 10.3.0.0/16}\n"
PRIMARY, FIRST, SECOND, ADDED = "us-east-1", "eu-west-1", "us-west-2", "ca-central-1"


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(lambda _: SOURCE)
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def edit(project: Project, text: str) -> None:
    (project.folder / "templates/postgres-dr/workload.yaml").write_text(text, "utf-8")
    project.succeeds("build")


def instance(project: Project, region: str) -> Any:
    rds = project.client("rds", region)
    return rds.describe_db_instances(DBInstanceIdentifier=f"shop-test-{region}")["DBInstances"][0]


def answer(project: Project, region: str) -> str:
    (value,) = project.aws.dns.answer("postgres.shop.internal", region=region).values
    return value


def copies(project: Project, source: str) -> set[str]:
    """The regions to which the bucket of `source` is copied."""
    s3 = project.client("s3", source)
    found = s3.get_bucket_replication(Bucket=f"shop-test-documents-123456789012-{source}-an")
    return {rule["ID"].removeprefix("to-") for rule in found["ReplicationConfiguration"]["Rules"]}


def secret_regions(project: Project) -> set[str]:
    shown = project.client("secretsmanager", PRIMARY).describe_secret(SecretId="shop-test/database")
    return {replica["Region"] for replica in shown.get("ReplicationStatus", ())}


def replicas(project: Project) -> set[str]:
    table = project.client("dynamodb", FIRST).describe_table(TableName="shop-test-sessions")["Table"]
    return {replica["RegionName"] for replica in table["Replicas"]}


def test_each_recovery_region_has_its_replica_its_copies_and_its_secret(project: Project) -> None:
    source = instance(project, PRIMARY)["DBInstanceArn"]
    for region in (FIRST, SECOND):
        assert instance(project, region)["ReadReplicaSourceDBInstanceIdentifier"] == source
    assert {region: copies(project, region) for region in (PRIMARY, FIRST, SECOND)} == {
        PRIMARY: {FIRST, SECOND},
        FIRST: {PRIMARY, SECOND},
        SECOND: {PRIMARY, FIRST},
    }
    assert secret_regions(project) == {FIRST, SECOND}
    assert replicas(project) | {FIRST} == {PRIMARY, FIRST, SECOND}


def test_every_two_networks_are_peered(project: Project) -> None:
    peered = set()
    for region in (FIRST, SECOND):
        for one in project.client("ec2", region).describe_vpc_peering_connections()["VpcPeeringConnections"]:
            assert one["Status"]["Code"] == "active"
            peered.add(frozenset(one[side]["Region"] for side in ("RequesterVpcInfo", "AccepterVpcInfo")))
    assert peered == {frozenset(pair) for pair in ((PRIMARY, FIRST), (PRIMARY, SECOND), (FIRST, SECOND))}


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", "postgres-dr", "--yes")
    assert [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []


def test_a_third_region_is_added_while_the_copies_of_the_others_go_on(project: Project) -> None:
    edit(project, SOURCE.replace("network:", f"{THIRD}network:", 1))
    before = project.aws.calls.mark()
    project.succeeds("deploy", "postgres-dr", "--yes")
    assert (
        instance(project, ADDED)["ReadReplicaSourceDBInstanceIdentifier"] == instance(project, PRIMARY)["DBInstanceArn"]
    )
    assert copies(project, PRIMARY) == {FIRST, SECOND, ADDED}
    assert secret_regions(project) == {FIRST, SECOND, ADDED}
    assert replicas(project) | {FIRST} == {PRIMARY, FIRST, SECOND, ADDED}
    taken_away = ("DeleteBucketReplication", "RemoveRegionsFromReplication", "DeleteHealthCheck", "DeleteRoute")
    assert [call for call in project.aws.calls.since(before) if call.operation in taken_away] == []
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_each_region_watches_for_itself(project: Project) -> None:
    """As the schedule of each region does every minute: its record then counts as unable to write."""
    for region in (FIRST, SECOND, ADDED):
        function = project.client("lambda", region)
        told = function.invoke(FunctionName="shop-test-failover", Payload=b'{"command": "watch"}')
        assert json.loads(told["Payload"].read())["published"]["RecoveryWritable"] == 0.0


def test_the_second_region_takes_over_and_the_first_one_then_refuses(project: Project) -> None:
    assert {answer(project, region)[: len("shop-test-us-east-1")] for region in (PRIMARY, FIRST, SECOND, ADDED)} == {
        "shop-test-us-east-1"
    }
    project.aws.faults.dark(PRIMARY)
    before = project.aws.calls.mark()
    terms = ("--disaster", "--accept-data-loss", "86400", "--confirm", "postgres-dr")
    report = project.succeeds("failover", "postgres-dr", "--to", SECOND, *terms)
    assert "Failover of postgres-dr to us-west-2: done" in report
    assert instance(project, SECOND).get("ReadReplicaSourceDBInstanceIdentifier", "") == ""
    assert [call for call in project.aws.calls.since(before) if call.region == PRIMARY and call.answered] == []
    refused = project.drgen("failover", "postgres-dr", "--to", FIRST, *terms)
    assert refused.returncode == 3
    assert "shop-test-us-west-2 in us-west-2 stands alone and may take writes" in refused.stdout
    assert instance(project, FIRST)["ReadReplicaSourceDBInstanceIdentifier"] != ""


def test_the_name_answers_with_the_second_region_everywhere(project: Project) -> None:
    for region in (FIRST, SECOND, ADDED):
        for _ in range(100):
            if answer(project, region).startswith("shop-test-us-west-2."):
                break
            time.sleep(0.1)
        assert answer(project, region).startswith("shop-test-us-west-2.")


def test_the_recovery_regions_are_deployed_as_they_are_while_the_primary_is_dark(project: Project) -> None:
    before = project.aws.calls.mark()
    for region in (FIRST, SECOND, ADDED):
        project.succeeds("deploy", "postgres-dr", "--region", region, "--yes")
    calls = project.aws.calls.since(before)
    assert [call for call in calls if call.operation == "ExecuteChangeSet"] == []
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []


def test_without_protection_nothing_is_left(project: Project) -> None:
    project.aws.faults.clear()
    text = SOURCE.replace("network:", f"{THIRD}network:", 1).replace("protection: true", "protection: false")
    edit(project, text)
    project.succeeds("deploy", "postgres-dr", "--yes")
    project.succeeds("destroy", "postgres-dr", "--yes")
    for region in (PRIMARY, FIRST, SECOND, ADDED):
        stacks = project.client("cloudformation", region).list_stacks()["StackSummaries"]
        left = [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
        assert [name for name in left if name != "drgen-artifacts"] == []
        assert project.client("rds", region).describe_db_instances()["DBInstances"] == []
