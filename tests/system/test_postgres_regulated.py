"""The regulated database on the embedded AWS, from deployment to failover. The tests build on each other, in order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

WORKLOAD = "postgres-regulated"
PRIMARY, RECOVERY = "us-east-1", "us-east-2"
REGIONS = (PRIMARY, RECOVERY)


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    """The committed workload, deployed once."""
    made = start(workload=WORKLOAD)
    made.succeeds("deploy", WORKLOAD, "--yes")
    return made


def instance(project: Project, region: str) -> Any:
    rds = project.client("rds", region)
    return rds.describe_db_instances(DBInstanceIdentifier=f"{WORKLOAD}-prod-{region}")["DBInstances"][0]


def bucket(region: str) -> str:
    return f"{WORKLOAD}-prod-documents-123456789012-{region}-an"


def version(project: Project, region: str) -> str:
    (only,) = project.client("s3", region).list_object_versions(Bucket=bucket(region))["Versions"]
    return str(only["VersionId"])


def test_both_instances_are_what_the_regulator_asks_for(project: Project) -> None:
    source, replica = instance(project, PRIMARY), instance(project, RECOVERY)
    for database in (source, replica):
        assert (database["Engine"], database["EngineVersion"]) == ("postgres", "14.24")
        assert (database["DBInstanceClass"], database["BackupRetentionPeriod"]) == ("db.r6g.xlarge", 7)
        assert (database["StorageEncrypted"], database["PubliclyAccessible"]) == (True, False)
        assert database["PerformanceInsightsKMSKeyId"] == database["KmsKeyId"]
    assert (source["MultiAZ"], replica["MultiAZ"]) == (True, False)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert [database["KmsKeyId"].split(":")[3] for database in (source, replica)] == [PRIMARY, RECOVERY]


@pytest.mark.parametrize(("region", "peer"), [(PRIMARY, "10.21.0.0/16"), (RECOVERY, "10.20.0.0/16")])
def test_each_private_subnet_leaves_through_its_zone_and_reaches_the_other_region(
    project: Project, region: str, peer: str
) -> None:
    ec2 = project.client("ec2", region)
    gateways = {gateway["NatGatewayId"]: gateway["SubnetId"] for gateway in ec2.describe_nat_gateways()["NatGateways"]}
    subnets = {subnet["SubnetId"]: subnet for subnet in ec2.describe_subnets()["Subnets"]}
    ways = {}
    for table in ec2.describe_route_tables()["RouteTables"]:
        routes = {route.get("DestinationCidrBlock"): route for route in table["Routes"]}
        if "NatGatewayId" in routes.get("0.0.0.0/0", {}):
            (own,) = (association["SubnetId"] for association in table["Associations"])
            out = gateways[routes["0.0.0.0/0"]["NatGatewayId"]]
            ways[subnets[own]["AvailabilityZone"]] = (
                subnets[out]["AvailabilityZone"],
                routes[peer]["VpcPeeringConnectionId"][:4],
            )
    assert ways == {f"{region}{letter}": (f"{region}{letter}", "pcx-") for letter in "ab"}


@pytest.mark.parametrize("region", REGIONS)
def test_one_alarm_says_that_the_database_is_impaired(project: Project, region: str) -> None:
    name = f"{WORKLOAD}-prod-database-impaired-{region}"
    cloudwatch = project.client("cloudwatch", region)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    things = ("cpu", "free-storage", "connections", "read-latency", "write-latency")
    children = [f"{WORKLOAD}-prod-{thing}-{region}" for thing in things]
    assert alarm["AlarmRule"] == " OR ".join(f'ALARM("{child}")' for child in children)
    assert len(cloudwatch.describe_alarms(AlarmNames=children)["MetricAlarms"]) == len(children)
    assert alarm["AlarmActions"] == [f"arn:aws:sns:{region}:123456789012:{WORKLOAD}-prod-alerts"]


def test_a_document_is_in_the_recovery_region_under_the_key_of_that_region(project: Project) -> None:
    project.client("s3", PRIMARY).put_object(Bucket=bucket(PRIMARY), Key="ruling", Body=b"kept")
    s3 = project.client("s3", RECOVERY)
    copy = s3.get_object(Bucket=bucket(RECOVERY), Key="ruling")
    assert (copy["Body"].read(), copy["ReplicationStatus"]) == (b"kept", "REPLICA")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket(RECOVERY))["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]
    assert (key["SSEAlgorithm"], key["KMSMasterKeyID"]) == ("aws:kms", instance(project, RECOVERY)["KmsKeyId"])


@pytest.mark.parametrize("region", REGIONS)
def test_the_objectives_are_tags_of_the_database(project: Project, region: str) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in instance(project, region)["TagList"]}
    assert (tags["rto"], tags["rpo"], tags["compliance"]) == ("4h", "5m", "regulated")


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", WORKLOAD, "--yes")
    assert [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []


def test_a_protected_workload_is_not_destroyed(project: Project) -> None:
    assert project.drgen("destroy", WORKLOAD, "--yes").returncode == 3
    assert instance(project, PRIMARY)["DBInstanceStatus"] == "available"


def test_the_failover_needs_nothing_of_the_dark_region(project: Project) -> None:
    project.aws.faults.dark(PRIMARY)
    watched = project.client("lambda", RECOVERY).invoke(
        FunctionName=f"{WORKLOAD}-prod-failover", Payload=b'{"command": "watch"}'
    )
    assert json.loads(watched["Payload"].read())["published"]["PrimaryReachable"] == 0.0
    before = project.aws.calls.mark()
    arguments = ("--to", RECOVERY, "--disaster", "--accept-data-loss", "86400", "--confirm", WORKLOAD)
    assert f"Failover of {WORKLOAD} to {RECOVERY}: done" in project.succeeds("failover", WORKLOAD, *arguments)
    promoted = instance(project, RECOVERY)
    assert promoted.get("ReadReplicaSourceDBInstanceIdentifier", "") == ""
    assert promoted["DBInstanceStatus"] == "available"
    assert [c for c in project.aws.calls.since(before) if c.region == PRIMARY and c.answered] == []


def test_without_protection_it_is_changed_in_place_and_destroyed_without_a_trace(project: Project) -> None:
    project.aws.faults.clear()
    file = project.folder / "templates" / WORKLOAD / "workload.yaml"
    text = file.read_text("utf-8").replace("protection: true", "protection: false")
    file.write_text(text.replace("nat: per-zone", "nat: one"), "utf-8")
    project.succeeds("build")
    project.succeeds("deploy", WORKLOAD, "--yes")
    for region in REGIONS:
        assert len(project.client("ec2", region).describe_addresses()["Addresses"]) == 1
        project.client("s3", region).delete_object(
            Bucket=bucket(region), Key="ruling", VersionId=version(project, region)
        )
    project.succeeds("destroy", WORKLOAD, "--yes")
    for region in REGIONS:
        stacks = project.client("cloudformation", region).list_stacks()["StackSummaries"]
        left = [s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"]
        assert [name for name in left if name.startswith(WORKLOAD)] == []
        ec2 = project.client("ec2", region)
        assert ec2.describe_addresses()["Addresses"] == []
        assert {gateway["State"] for gateway in ec2.describe_nat_gateways()["NatGateways"]} <= {"deleted"}
        assert project.client("rds", region).describe_db_instances()["DBInstances"] == []
