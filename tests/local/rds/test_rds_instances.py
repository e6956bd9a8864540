"""An instance on the virtual clock: what it becomes, and when; what RDS refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

US, EU = "us-east-1", "eu-west-1"


def test_a_database_is_created_then_backed_up_then_available(cloud: Any, create: Callable[..., Any]) -> None:
    assert create()["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in cloud.database("orders", US)
    cloud.minutes(9)
    assert cloud.database("orders", US)["DBInstanceStatus"] == "backing-up"
    cloud.minutes(2)
    live = cloud.database("orders", US)
    assert live["DBInstanceStatus"] == "available"
    assert live["Endpoint"]["Port"] == 5432
    assert live["Endpoint"]["Address"].startswith("orders.")
    assert live["Endpoint"]["Address"].endswith(".us-east-1.rds.amazonaws.com")
    assert live["KmsKeyId"] == "arn:aws:kms:us-east-1:123456789012:key/data"
    assert live["DBParameterGroups"] == [
        {"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}
    ]


def test_a_multi_az_database_takes_fifteen_minutes(cloud: Any, create: Callable[..., Any]) -> None:
    create(MultiAZ=True)
    cloud.minutes(14.9)
    assert cloud.database("orders", US)["DBInstanceStatus"] == "backing-up"
    cloud.minutes(0.2)
    live = cloud.database("orders", US)
    assert (live["DBInstanceStatus"], live["SecondaryAvailabilityZone"]) == ("available", "us-east-1b")


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"DBInstanceIdentifier": "orders--2"}, "InvalidParameterValue", "two consecutive hyphens"),
        ({"DBInstanceIdentifier": "o" * 64}, "InvalidParameterValue", "longer than 63"),
        ({"EngineVersion": "16.99"}, "InvalidParameterCombination", "Cannot find version 16.99 for postgres"),
        ({"DBInstanceClass": "db.r6g.huge"}, "InvalidParameterCombination", "DBInstanceClass=db.r6g.huge"),
        ({"MasterUserPassword": "has space 1"}, "InvalidParameterValue", "not a valid password"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue", "shorter than 8"),
        ({"MasterUserPassword": None}, "InvalidParameterValue", "must be provided"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue", "between 0 and 35"),
        ({"AllocatedStorage": 10}, "InvalidParameterValue", "storage type gp3: 10"),
        ({"StorageType": "gp3", "Iops": 4000}, "InvalidParameterCombination", "less than 400"),
        ({"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, "InvalidParameterCombination", "Multi-AZ"),
        ({"DBSubnetGroupName": "missing"}, "DBSubnetGroupNotFoundFault", "'missing' not found"),
        ({"DBSubnetGroupName": None}, "InvalidSubnet", "No default subnet"),
        ({"VpcSecurityGroupIds": ["sg-other"]}, "InvalidVPCNetworkStateFault", "different VPCs"),
        ({"VpcSecurityGroupIds": ["sg-none"]}, "InvalidParameterValue", "sg-none"),
        ({"KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/data"}, "KMSKeyNotAccessibleFault", "eu-west-1"),
        ({"KmsKeyId": "old"}, "KMSKeyNotAccessibleFault", "not enabled"),
        ({"DBParameterGroupName": "default.postgres15"}, "InvalidParameterCombination", "postgres16"),
        ({"DBParameterGroupName": "missing"}, "DBParameterGroupNotFound", "missing"),
        ({"Tags": [{"Key": "RPO", "Value": "<1hour"}]}, "InvalidParameterValue", "_ . : / = + - @"),
        (
            {"PreferredBackupWindow": "04:30-05:30", "PreferredMaintenanceWindow": "mon:05:00-mon:06:00"},
            "InvalidParameterValue",
            "must not overlap",
        ),
        ({"MonitoringInterval": 60}, "InvalidParameterCombination", "MonitoringRoleARN"),
        ({"EnableCloudwatchLogsExports": ["slow"]}, "InvalidParameterCombination", "slow"),
    ],
)
def test_rds_refuses(create: Callable[..., Any], changes: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ClientError) as refusal:
        create(**changes)
    assert refusal.value.response["Error"]["Code"] == code
    assert words in refusal.value.response["Error"]["Message"]


def test_an_identifier_is_taken_once_per_region_whatever_its_case(cloud: Any, create: Callable[..., Any]) -> None:
    create()
    with pytest.raises(ClientError, match="DB instance already exists"):
        create(DBInstanceIdentifier="ORDERS")
    twin = cloud.client("rds", EU).create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="postgres",
        DBInstanceClass="db.r6g.large",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="correct-horse-9",
        DBSubnetGroupName="private",
    )
    assert twin["DBInstance"]["DBInstanceArn"] == "arn:aws:rds:eu-west-1:123456789012:db:orders"


def test_a_version_prefix_means_its_newest_release(create: Callable[..., Any]) -> None:
    assert create(EngineVersion="16")["EngineVersion"] == "16.15"


def test_slash_and_at_are_fine_in_a_tag(create: Callable[..., Any]) -> None:
    made = create(Tags=[{"Key": "team", "Value": "payments/core@example.com"}])
    assert made["TagList"] == [{"Key": "team", "Value": "payments/core@example.com"}]


def test_a_change_is_pending_until_it_is_made(primary: Any) -> None:
    client = primary.client("rds", US)
    client.modify_db_instance(DBInstanceIdentifier="orders", DBInstanceClass="db.r6g.xlarge", ApplyImmediately=True)
    live = primary.database("orders", US)
    assert (live["DBInstanceStatus"], live["DBInstanceClass"]) == ("modifying", "db.r6g.large")
    assert live["PendingModifiedValues"] == {"DBInstanceClass": "db.r6g.xlarge"}
    with pytest.raises(ClientError, match="not in available state"):
        client.modify_db_instance(DBInstanceIdentifier="orders", MultiAZ=True, ApplyImmediately=True)
    primary.minutes(3)
    live = primary.database("orders", US)
    assert (live["DBInstanceStatus"], live["DBInstanceClass"]) == ("available", "db.r6g.xlarge")
    assert live["PendingModifiedValues"] == {}


def test_a_change_that_may_wait_waits_for_the_maintenance_window(primary: Any) -> None:
    client = primary.client("rds", US)
    window = "sat:14:00-sat:15:00"
    client.modify_db_instance(DBInstanceIdentifier="orders", PreferredMaintenanceWindow=window)
    client.modify_db_instance(DBInstanceIdentifier="orders", AllocatedStorage=200)
    assert primary.database("orders", US)["DBInstanceStatus"] == "available"
    primary.minutes(106)
    assert primary.database("orders", US)["DBInstanceStatus"] == "modifying"
    primary.minutes(3)
    assert primary.database("orders", US)["AllocatedStorage"] == 200


def test_a_new_parameter_group_waits_for_a_reboot(primary: Any) -> None:
    client = primary.client("rds", US)
    client.create_db_parameter_group(
        DBParameterGroupName="Orders", DBParameterGroupFamily="postgres16", Description="Orders"
    )
    client.modify_db_instance(DBInstanceIdentifier="orders", DBParameterGroupName="orders", ApplyImmediately=True)
    primary.minutes(3)
    assert primary.database("orders", US)["DBParameterGroups"] == [
        {"DBParameterGroupName": "orders", "ParameterApplyStatus": "pending-reboot"}
    ]
    client.reboot_db_instance(DBInstanceIdentifier="orders")
    assert primary.database("orders", US)["DBInstanceStatus"] == "rebooting"
    primary.minutes(2)
    assert primary.database("orders", US)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    with pytest.raises(ClientError, match="still members of this parameter group"):
        client.delete_db_parameter_group(DBParameterGroupName="orders")


def test_a_major_upgrade_needs_to_be_allowed(primary: Any) -> None:
    client = primary.client("rds", US)
    with pytest.raises(ClientError, match="AllowMajorVersionUpgrade"):
        client.modify_db_instance(DBInstanceIdentifier="orders", EngineVersion="17.5", ApplyImmediately=True)
    client.modify_db_instance(
        DBInstanceIdentifier="orders", EngineVersion="17.5", AllowMajorVersionUpgrade=True, ApplyImmediately=True
    )
    primary.minutes(3)
    live = primary.database("orders", US)
    assert (live["EngineVersion"], live["DBParameterGroups"][0]["DBParameterGroupName"]) == (
        "17.5",
        "default.postgres17",
    )


def test_a_failover_swaps_the_zones(cloud: Any, create: Callable[..., Any]) -> None:
    create(MultiAZ=True)
    cloud.minutes(16)
    cloud.client("rds", US).reboot_db_instance(DBInstanceIdentifier="orders", ForceFailover=True)
    cloud.minutes(2)
    live = cloud.database("orders", US)
    assert (live["AvailabilityZone"], live["SecondaryAvailabilityZone"]) == ("us-east-1b", "us-east-1a")


def test_a_protected_database_is_not_deleted(cloud: Any, create: Callable[..., Any]) -> None:
    create(DeletionProtection=True)
    cloud.minutes(15)
    client = cloud.client("rds", US)
    with pytest.raises(ClientError, match="Cannot delete protected DB Instance"):
        client.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    client.modify_db_instance(DBInstanceIdentifier="orders", DeletionProtection=False)
    client.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    assert cloud.database("orders", US)["DBInstanceStatus"] == "deleting"
    cloud.minutes(6)
    with pytest.raises(ClientError, match="DBInstance orders not found"):
        cloud.database("orders", US)


def test_the_final_snapshot_outlives_the_database(primary: Any) -> None:
    client = primary.client("rds", US)
    with pytest.raises(ClientError, match="FinalDBSnapshotIdentifier is required"):
        client.delete_db_instance(DBInstanceIdentifier="orders")
    client.delete_db_instance(DBInstanceIdentifier="orders", FinalDBSnapshotIdentifier="Last")
    primary.minutes(6)
    assert client.describe_db_instances()["DBInstances"] == []
    last = client.describe_db_snapshots(DBInstanceIdentifier="orders")["DBSnapshots"]
    assert [(s["DBSnapshotIdentifier"], s["Status"], s["Encrypted"]) for s in last] == [("last", "available", True)]


def test_a_stopped_database_starts_again_after_seven_days(primary: Any) -> None:
    primary.client("rds", US).stop_db_instance(DBInstanceIdentifier="orders")
    primary.minutes(6)
    assert primary.database("orders", US)["DBInstanceStatus"] == "stopped"
    primary.minutes(7 * 24 * 60)
    assert primary.database("orders", US)["DBInstanceStatus"] == "starting"
    primary.minutes(5)
    assert primary.database("orders", US)["DBInstanceStatus"] == "available"


def test_a_managed_password_lives_in_a_secret_as_long_as_the_database(cloud: Any, create: Callable[..., Any]) -> None:
    made = create(MasterUserPassword=None, ManageMasterUserPassword=True)
    names = cloud.client("secretsmanager", US).names
    assert [made["MasterUserSecret"]["SecretArn"].partition(":secret:")[2]] == names
    cloud.minutes(15)
    cloud.client("rds", US).delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    assert names == []


def test_a_subnet_group_covers_two_zones_with_subnets_of_its_region(cloud: Any) -> None:
    client = cloud.client("rds", US)
    make = client.create_db_subnet_group
    with pytest.raises(ClientError, match="Current AZ coverage: us-east-1b"):
        make(DBSubnetGroupName="one", DBSubnetGroupDescription="-", SubnetIds=["subnet-b", "subnet-b2"])
    with pytest.raises(ClientError, match=r"Some input subnets in :\[subnet-a, subnet-nowhere\] are invalid"):
        make(DBSubnetGroupName="two", DBSubnetGroupDescription="-", SubnetIds=["subnet-a", "subnet-nowhere"])
    with pytest.raises(ClientError, match="must all be in one VPC"):
        make(DBSubnetGroupName="two", DBSubnetGroupDescription="-", SubnetIds=["subnet-a", "subnet-y"])
    with pytest.raises(ClientError, match="must not be default"):
        make(DBSubnetGroupName="Default", DBSubnetGroupDescription="-", SubnetIds=["subnet-a", "subnet-b"])


def test_a_static_parameter_cannot_be_applied_at_once(primary: Any) -> None:
    client = primary.client("rds", US)
    client.create_db_parameter_group(DBParameterGroupName="g", DBParameterGroupFamily="postgres16", Description="-")
    wanted = {"ParameterName": "max_connections", "ParameterValue": "500", "ApplyMethod": "immediate"}
    with pytest.raises(ClientError, match="static parameter"):
        client.modify_db_parameter_group(DBParameterGroupName="g", Parameters=[wanted])
    client.modify_db_parameter_group(DBParameterGroupName="g", Parameters=[{**wanted, "ApplyMethod": "pending-reboot"}])
    held = client.describe_db_parameters(DBParameterGroupName="g", Source="user")["Parameters"]
    assert [(entry["ParameterName"], entry["ParameterValue"]) for entry in held] == [("max_connections", "500")]


def test_databases_are_listed_page_by_page(cloud: Any, create: Callable[..., Any]) -> None:
    for number in range(23):
        create(DBInstanceIdentifier=f"db-{number:02d}")
    client = cloud.client("rds", US)
    pages = list(client.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20}))
    assert [len(page["DBInstances"]) for page in pages] == [20, 3]
    only = client.describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": ["db-07"]}])["DBInstances"]
    assert [entry["DBInstanceIdentifier"] for entry in only] == ["db-07"]


def test_events_reach_the_topic_that_asked_and_the_bus(primary: Any) -> None:
    client = primary.client("rds", US)
    topic = "arn:aws:sns:us-east-1:123456789012:alerts"
    client.create_event_subscription(
        SubscriptionName="restarts", SnsTopicArn=topic, SourceType="db-instance", EventCategories=["availability"]
    )
    primary.rds.tick()
    published = primary.client("sns", US).published
    published.clear()
    client.reboot_db_instance(DBInstanceIdentifier="orders")
    primary.minutes(2)
    primary.rds.tick()
    primary.rds.tick()
    notices = [json.loads(message) for to, message in published if to == topic]
    assert [notice["Event ID"].rpartition("#")[2] for notice in notices] == ["RDS-EVENT-0004", "RDS-EVENT-0006"]
    sent = [json.loads(message) for to, message in published if to.endswith(":bus")]
    assert [(event["source"], event["detail-type"]) for event in sent] == [("aws.rds", "RDS DB Instance Event")] * 2
    detail = sent[-1]["detail"]
    assert (detail["EventID"], detail["SourceIdentifier"], detail["SourceType"]) == (
        "RDS-EVENT-0006",
        "orders",
        "DB_INSTANCE",
    )


def test_events_of_the_last_hour_are_described_without_their_ids(primary: Any) -> None:
    client = primary.client("rds", US)
    found = client.describe_events(SourceType="db-instance", SourceIdentifier="orders")["Events"]
    assert [event["Message"] for event in found] == [
        "DB instance created",
        "Backing up DB instance",
        "Finished DB instance backup",
    ]
    primary.minutes(120)
    assert client.describe_events(SourceType="db-instance")["Events"] == []


def test_versions_and_classes_are_those_of_the_region(cloud: Any) -> None:
    client = cloud.client("rds", EU)
    found = client.describe_db_engine_versions(Engine="postgres", EngineVersion="15")["DBEngineVersions"]
    assert {entry["DBParameterGroupFamily"] for entry in found} == {"postgres15"}
    assert "15.13" in {entry["EngineVersion"] for entry in found}
    options = client.describe_orderable_db_instance_options(
        Engine="postgres", EngineVersion="15.13", DBInstanceClass="db.r6g.large"
    )["OrderableDBInstanceOptions"]
    assert [option["EngineVersion"] for option in options] == ["15.13"]
