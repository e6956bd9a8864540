"""The committed system, from deployment to failover, on the embedded AWS. The tests build on each other, in order."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
NAME = "postgres.db.postgres-dr.internal"


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    """The committed workload, deployed once."""
    made = start()
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def answer(project: Project) -> str:
    (value,) = project.aws.dns.answer(NAME, region=RECOVERY).values
    return value


def instance(project: Project, region: str) -> Any:
    rds = project.client("rds", region)
    return rds.describe_db_instances(DBInstanceIdentifier=f"postgres-dr-prod-{region}")["DBInstances"][0]


def test_the_replica_follows_the_primary_across_regions(project: Project) -> None:
    source, replica = instance(project, PRIMARY), instance(project, RECOVERY)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert source["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]
    assert (source["MultiAZ"], replica["MultiAZ"]) == (True, False)
    assert source["KmsKeyId"].split(":")[3] == PRIMARY
    assert replica["KmsKeyId"].split(":")[3] == RECOVERY
    assert replica["BackupRetentionPeriod"] == 7


def test_the_second_pass_has_replicated_the_secret(project: Project) -> None:
    values = [
        json.loads(
            project.client("secretsmanager", region).get_secret_value(SecretId="postgres-dr-prod/database")[
                "SecretString"
            ]
        )
        for region in (PRIMARY, RECOVERY)
    ]
    assert values[0] == values[1]
    assert values[0]["username"] == "dba"
    assert len(values[0]["password"]) == 40


def test_both_vpcs_are_peered_and_routed(project: Project) -> None:
    for region, peer in ((PRIMARY, "10.1.0.0/16"), (RECOVERY, "10.0.0.0/16")):
        ec2 = project.client("ec2", region)
        (peering,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
        assert peering["Status"]["Code"] == "active"
        routes = [route for table in ec2.describe_route_tables()["RouteTables"] for route in table["Routes"]]
        assert peering["VpcPeeringConnectionId"] in [
            route.get("VpcPeeringConnectionId") for route in routes if route.get("DestinationCidrBlock") == peer
        ]


def test_the_default_security_groups_are_empty(project: Project) -> None:
    for region in (PRIMARY, RECOVERY):
        ec2 = project.client("ec2", region)
        vpc = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16", "10.1.0.0/16"]}])["Vpcs"][0][
            "VpcId"
        ]
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])
    assert project.succeeds("status", "postgres-dr").count("default security group: no rules") == 2


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", "postgres-dr", "--yes")
    executed = [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"]
    assert executed == []
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_a_protected_workload_is_not_destroyed(project: Project) -> None:
    run = project.drgen("destroy", "postgres-dr", "--yes")
    assert run.returncode == 3
    assert "protect" in run.stdout + run.stderr
    assert instance(project, PRIMARY)["DBInstanceStatus"] == "available"


def test_the_name_answers_with_the_primary(project: Project) -> None:
    assert answer(project).startswith("postgres-dr-prod-us-east-1.")


def test_a_dry_run_of_a_failover_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    text = project.succeeds("failover", "postgres-dr", "--to", RECOVERY, "--planned", "--dry-run")
    assert "postgres-dr-prod-eu-west-1 is available" in text
    changing = ("Start", "Update", "Modify", "Put", "Publish", "Reboot", "Send", "Set", "Promote")
    assert [c.operation for c in project.aws.calls.since(before) if c.operation.startswith(changing)] == []


def test_the_watch_tells_that_the_primary_is_gone(project: Project) -> None:
    project.aws.faults.dark(PRIMARY)
    function = project.client("lambda", RECOVERY)
    told = function.invoke(FunctionName="postgres-dr-prod-failover", Payload=b'{"command": "watch"}')
    published = json.loads(told["Payload"].read())["published"]
    assert published["PrimaryReachable"] == 0.0
    assert published["RecoveryWritable"] == 0.0
    assert published["PrimaryWithdrawn"] == 0.0
    cloudwatch = project.client("cloudwatch", RECOVERY)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["postgres-dr-prod-primary-gone"])["MetricAlarms"]
    assert alarm["AlarmActions"] == [f"arn:aws:sns:{RECOVERY}:123456789012:postgres-dr-prod-alerts"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("drgen", "PrimaryReachable")


def test_a_failover_without_the_typed_name_is_not_approved(project: Project) -> None:
    run = project.drgen("failover", "postgres-dr", "--to", RECOVERY, "--disaster", "--confirm", "something-else")
    assert run.returncode == 2
    assert "give the workload's name: postgres-dr" in run.stderr


def test_the_failover_promotes_through_the_stack_and_needs_nothing_of_the_dark_region(project: Project) -> None:
    before = project.aws.calls.mark()
    arguments = ("--to", RECOVERY, "--disaster", "--accept-data-loss", "86400", "--confirm", "postgres-dr")
    report = project.succeeds("failover", "postgres-dr", *arguments)
    assert "Failover of postgres-dr to eu-west-1: done" in report
    assert "fence unverified: the primary's region does not answer" in report
    promoted = instance(project, RECOVERY)
    assert promoted.get("ReadReplicaSourceDBInstanceIdentifier", "") == ""
    assert promoted["DBInstanceStatus"] == "available"
    stack = project.client("cloudformation", RECOVERY).describe_stacks(StackName="postgres-dr-prod-database-eu-west-1")
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Stacks"][0]["Parameters"]}
    assert parameters["DatabaseRole"] == "standalone"
    assert stack["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    calls = project.aws.calls.since(before)
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    assert {call.service for call in calls} & {"route53", "iam"} == set()
    assert "UpdateStack" in [call.operation for call in calls if call.source == "lambda"]


def test_the_report_is_kept_with_its_phases(project: Project) -> None:
    (path,) = (project.folder / ".drgen/reports").glob("postgres-dr-*.json")
    report = json.loads(path.read_text("utf-8"))
    assert {"fence", "decide", "promote", "traffic", "verify"} <= set(json.dumps(report).replace('"', " ").split())
    assert (path.with_suffix(".md")).is_file()


def test_traffic_has_moved_without_an_edited_record(project: Project) -> None:
    for _ in range(100):
        if answer(project).startswith("postgres-dr-prod-eu-west-1."):
            break
        time.sleep(0.1)
    assert answer(project).startswith("postgres-dr-prod-eu-west-1.")


def test_a_second_failover_finds_everything_done(project: Project) -> None:
    run = project.drgen("failover", "postgres-dr", "--to", RECOVERY, "--disaster", "--confirm", "postgres-dr")
    assert run.returncode == 0
    assert instance(project, RECOVERY)["DBInstanceStatus"] == "available"


def test_the_recovery_region_is_deployed_while_the_primary_is_dark(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", "postgres-dr", "--region", RECOVERY, "--yes")
    calls = project.aws.calls.since(before)
    assert [call.operation for call in calls if call.operation == "ExecuteChangeSet"] == []
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    status = project.succeeds("status", "postgres-dr")
    assert "postgres-dr-prod-eu-west-1 in eu-west-1" in status
