"""What CloudFormation's handlers for RDS do with a resource, at birth, at a change and at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from drgen.local.providers.provider import Desired, Physical, ResourceFailed
from drgen.local.providers.rds import RDS_PROVIDERS

US, EU = "us-east-1", "eu-west-1"
SOURCE = "arn:aws:rds:us-east-1:123456789012:db:orders"
DATABASE = RDS_PROVIDERS["AWS::RDS::DBInstance"]
PARAMETERS = RDS_PROVIDERS["AWS::RDS::DBParameterGroup"]

PRIMARY = {
    "DBInstanceIdentifier": "orders",
    "Engine": "postgres",
    "EngineVersion": "16.9",
    "DBInstanceClass": "db.r6g.large",
    "AllocatedStorage": "100",
    "MasterUsername": "owner",
    "MasterUserPassword": "correct-horse-9",
    "BackupRetentionPeriod": 7,
    "DBSubnetGroupName": "private",
    "VPCSecurityGroups": ["sg-database"],
    "StorageEncrypted": True,
    "KmsKeyId": "data",
    "Port": "5433",
}
REPLICA = {
    "DBInstanceIdentifier": "orders-eu",
    "SourceDBInstanceIdentifier": SOURCE,
    "DBInstanceClass": "db.r6g.large",
    "DBSubnetGroupName": "private",
    "VPCSecurityGroups": ["sg-database"],
    "KmsKeyId": "data",
    "BackupRetentionPeriod": 7,
    "DBParameterGroupName": "orders",
    "Tags": [{"Key": "role", "Value": "replica"}],
}


def desired(
    properties: Mapping[str, Any],
    *,
    region: str = EU,
    previous: Mapping[str, Any] | None = None,
    policy: str = "Snapshot",
    kind: str = "AWS::RDS::DBInstance",
) -> Desired:
    return Desired(
        type=kind,
        logical_id="Database",
        stack_name="orders-prod",
        stack_id="arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-prod/1",
        region=region,
        properties=properties,
        previous=previous or {},
        deletion_policy=policy,
    )


@pytest.fixture
def replica(primary: Any) -> Physical:
    """The replica of REPLICA, as its stack made it."""
    group = {"DBParameterGroupName": "Orders", "Family": "postgres16", "Description": "Orders"}
    PARAMETERS.create(primary, desired(group, kind="AWS::RDS::DBParameterGroup"))
    return DATABASE.create(primary, desired(REPLICA))


def without(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in names}


def test_a_database_is_stable_when_it_is_created(cloud: Any) -> None:
    made = DATABASE.create(cloud, desired(PRIMARY, region=US))
    live = cloud.database("orders", US)
    assert live["DBInstanceStatus"] == "available"
    assert made == Physical(
        "orders",
        {
            "DBInstanceArn": SOURCE,
            "DbiResourceId": live["DbiResourceId"],
            "Endpoint.Address": live["Endpoint"]["Address"],
            "Endpoint.Port": "5433",
            "Endpoint.HostedZoneId": live["Endpoint"]["HostedZoneId"],
        },
    )


def test_a_database_without_a_name_gets_one_from_its_stack(cloud: Any) -> None:
    made = DATABASE.create(cloud, desired(without(PRIMARY, "DBInstanceIdentifier"), region=US))
    assert made.id.startswith("orders-prod-database-")
    assert made.id == made.id.lower()


def test_a_replica_is_modified_and_rebooted_after_its_birth(primary: Any, replica: Physical) -> None:
    live = primary.database("orders-eu", EU)
    assert replica.id == "orders-eu"
    assert live["BackupRetentionPeriod"] == 7
    assert live["DBParameterGroups"] == [{"DBParameterGroupName": "orders", "ParameterApplyStatus": "in-sync"}]
    assert live["TagList"] == [{"Key": "role", "Value": "replica"}]
    events = primary.client("rds", EU).describe_events(Duration=600, SourceType="db-instance")["Events"]
    assert "DB instance restarted" in [event["Message"] for event in events]


def test_a_replica_that_cannot_be_finished_is_taken_away_again(primary: Any) -> None:
    with pytest.raises(ResourceFailed) as failure:
        DATABASE.create(primary, desired({**REPLICA, "DBParameterGroupName": "default.postgres15"}))
    assert failure.value.code == "InvalidRequest"
    assert "DBParameterGroupFamily postgres16" in failure.value.message
    assert primary.client("rds", EU).describe_db_instances()["DBInstances"] == []


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"MasterUsername": "owner"}, "InvalidRequest", "MasterUsername can't be specified"),
        ({"SourceDBInstanceIdentifier": SOURCE + "-none"}, "NotFound", "DBInstance orders-none not found"),
        ({"KmsKeyId": "old"}, "InvalidRequest", "not enabled"),
    ],
)
def test_the_replica_is_not_created(primary: Any, changes: Mapping[str, Any], code: str, words: str) -> None:
    with pytest.raises(ResourceFailed) as failure:
        DATABASE.create(primary, desired({**without(REPLICA, "DBParameterGroupName"), **changes}))
    assert failure.value.code == code
    assert words in failure.value.message


def test_a_replica_cannot_be_created_while_its_source_region_is_dark(primary: Any) -> None:
    primary.dark.add(US)
    with pytest.raises(ResourceFailed, match="us-east-1") as failure:
        DATABASE.create(primary, desired(REPLICA))
    assert failure.value.code == "NetworkFailure"


def test_removing_the_source_promotes_in_place(primary: Any, replica: Physical) -> None:
    primary.dark.add(US)
    standalone = without(REPLICA, "SourceDBInstanceIdentifier")
    after = DATABASE.update(primary, desired(standalone, previous=REPLICA), replica)
    assert after == replica
    live = primary.database("orders-eu", EU)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in live
    assert (live["DBInstanceStatus"], live["BackupRetentionPeriod"]) == ("available", 7)


def test_removing_the_source_of_an_instance_promoted_elsewhere_fails(primary: Any, replica: Physical) -> None:
    primary.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
    primary.minutes(10)
    standalone = without(REPLICA, "SourceDBInstanceIdentifier")
    with pytest.raises(ResourceFailed) as failure:
        DATABASE.update(primary, desired(standalone, previous=REPLICA), replica)
    assert failure.value.code == "ResourceConflict"
    assert failure.value.message.startswith("DB Instance is not a read replica.")


def test_an_instance_promoted_elsewhere_can_still_be_changed_with_its_source_in_the_template(
    primary: Any, replica: Physical
) -> None:
    primary.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
    primary.minutes(10)
    DATABASE.update(primary, desired({**REPLICA, "MultiAZ": True}, previous=REPLICA), replica)
    live = primary.database("orders-eu", EU)
    assert live["MultiAZ"] is True
    assert "ReadReplicaSourceDBInstanceIdentifier" not in live


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (REPLICA, {**REPLICA, "SourceDBInstanceIdentifier": SOURCE + "-2"}),
        (without(REPLICA, "SourceDBInstanceIdentifier"), REPLICA),
        (REPLICA, {**REPLICA, "Engine": "mysql"}),
        (REPLICA, {**REPLICA, "AvailabilityZone": "eu-west-1b"}),
        ({**REPLICA, "PerformanceInsightsKMSKeyId": "data"}, {**REPLICA, "PerformanceInsightsKMSKeyId": "other"}),
    ],
)
def test_what_cannot_be_changed_is_called_not_updatable(
    primary: Any, replica: Physical, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    with pytest.raises(ResourceFailed) as failure:
        DATABASE.update(primary, desired(after, previous=before), replica)
    assert failure.value.code == "NotUpdatable"


def test_an_update_sends_only_what_the_template_changed(primary: Any, replica: Physical) -> None:
    primary.client("rds", EU).modify_db_instance(DBInstanceIdentifier="orders-eu", CopyTagsToSnapshot=True)
    after = {**REPLICA, "BackupRetentionPeriod": 14, "EnableCloudwatchLogsExports": ["postgresql"], "Tags": []}
    DATABASE.update(primary, desired(after, previous=REPLICA), replica)
    live = primary.database("orders-eu", EU)
    assert live["CopyTagsToSnapshot"] is True
    assert live["BackupRetentionPeriod"] == 14
    assert live["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert live["TagList"] == []


def test_security_groups_that_are_left_out_become_the_default_group(primary: Any, replica: Physical) -> None:
    DATABASE.update(primary, desired(without(REPLICA, "VPCSecurityGroups"), previous=REPLICA), replica)
    live = primary.database("orders-eu", EU)
    assert [group["VpcSecurityGroupId"] for group in live["VpcSecurityGroups"]] == ["sg-default"]


def test_a_replica_is_deleted_without_a_snapshot_and_a_promoted_one_with(primary: Any, replica: Physical) -> None:
    client = primary.client("rds", EU)
    DATABASE.delete(primary, desired(REPLICA), replica)
    assert client.describe_db_snapshots()["DBSnapshots"] == []
    again = DATABASE.create(primary, desired(REPLICA))
    client.promote_read_replica(DBInstanceIdentifier="orders-eu")
    primary.minutes(10)
    DATABASE.delete(primary, desired(REPLICA), again)
    assert client.describe_db_instances()["DBInstances"] == []
    kept = client.describe_db_snapshots()["DBSnapshots"]
    assert [snapshot["DBInstanceIdentifier"] for snapshot in kept] == ["orders-eu"]
    assert kept[0]["DBSnapshotIdentifier"].startswith("orders-prod-snapshot-database-")


def test_a_deletion_policy_of_delete_keeps_nothing(cloud: Any) -> None:
    made = DATABASE.create(cloud, desired(PRIMARY, region=US))
    DATABASE.delete(cloud, desired(PRIMARY, region=US, policy="Delete"), made)
    DATABASE.delete(cloud, desired(PRIMARY, region=US, policy="Delete"), made)
    assert cloud.client("rds", US).describe_db_snapshots()["DBSnapshots"] == []


def test_a_protected_database_survives_the_deletion_of_its_stack(cloud: Any) -> None:
    protected = {**PRIMARY, "DeletionProtection": True}
    made = DATABASE.create(cloud, desired(protected, region=US))
    with pytest.raises(ResourceFailed, match="Cannot delete protected DB Instance"):
        DATABASE.delete(cloud, desired(protected, region=US), made)
    assert cloud.database("orders", US)["DBInstanceStatus"] == "available"


def test_what_the_embedded_aws_does_not_act_on_fails_aloud(cloud: Any) -> None:
    with pytest.raises(ResourceFailed, match="does not act on AutomaticBackupReplicationRegion"):
        DATABASE.create(cloud, desired({**PRIMARY, "AutomaticBackupReplicationRegion": EU}, region=US))


def test_a_subnet_group_is_named_in_lower_case(cloud: Any) -> None:
    provider = RDS_PROVIDERS["AWS::RDS::DBSubnetGroup"]
    kind = "AWS::RDS::DBSubnetGroup"
    wanted = {"DBSubnetGroupName": "Data", "DBSubnetGroupDescription": "Data", "SubnetIds": ["subnet-a", "subnet-b"]}
    made = provider.create(cloud, desired(wanted, kind=kind))
    assert made == Physical("data", {"DBSubnetGroupArn": "arn:aws:rds:eu-west-1:123456789012:subgrp:data"})
    provider.update(
        cloud, desired({**wanted, "SubnetIds": ["subnet-a", "subnet-b2"]}, kind=kind, previous=wanted), made
    )
    live = cloud.client("rds", EU).describe_db_subnet_groups(DBSubnetGroupName="data")["DBSubnetGroups"][0]
    assert [subnet["SubnetIdentifier"] for subnet in live["Subnets"]] == ["subnet-a", "subnet-b2"]
    provider.delete(cloud, desired(wanted, kind=kind), made)
    provider.delete(cloud, desired(wanted, kind=kind), made)


def test_parameters_follow_the_template(cloud: Any) -> None:
    kind = "AWS::RDS::DBParameterGroup"
    many = {f"custom.setting_{number:02d}": str(number) for number in range(25)}
    first = {"Family": "postgres16", "Description": "-", "Parameters": {**many, "max_connections": 500}}
    made = PARAMETERS.create(cloud, desired(first, kind=kind))
    assert made.id.startswith("orders-prod-database-")
    second = {**first, "Parameters": {"max_connections": "600", "log_statement": "ddl"}}
    PARAMETERS.update(cloud, desired(second, kind=kind, previous=first), made)
    held = cloud.client("rds", EU).describe_db_parameters(DBParameterGroupName=made.id)["Parameters"]
    assert [(entry["ParameterName"], entry["ParameterValue"], entry["ApplyMethod"]) for entry in held] == [
        ("log_statement", "ddl", "immediate"),
        ("max_connections", "600", "pending-reboot"),
    ]


def test_a_parameter_group_of_an_unknown_family_is_refused(cloud: Any) -> None:
    with pytest.raises(ResourceFailed, match="not a valid parameter group family"):
        PARAMETERS.create(
            cloud, desired({"Family": "postgres99", "Description": "-"}, kind="AWS::RDS::DBParameterGroup")
        )


def test_an_event_subscription_follows_its_sources(primary: Any) -> None:
    provider = RDS_PROVIDERS["AWS::RDS::EventSubscription"]
    topic = "arn:aws:sns:us-east-1:123456789012:alerts"
    first = {"SnsTopicArn": topic, "SourceType": "db-instance", "SubscriptionName": "alerts", "Enabled": "true"}

    def change(make: Callable[..., Any], wanted: Mapping[str, Any], *more: Any, before: Mapping[str, Any]) -> Any:
        request = desired(wanted, region=US, previous=before, kind="AWS::RDS::EventSubscription")
        return make(primary, request, *more)

    made = change(provider.create, first, before={})
    second = {**first, "SourceIds": ["orders"], "EventCategories": ["failover"]}
    change(provider.update, second, made, before=first)
    live = primary.client("rds", US).describe_event_subscriptions()["EventSubscriptionsList"]
    assert [(entry["SourceIdsList"], entry["EventCategoriesList"]) for entry in live] == [(["orders"], ["failover"])]
    with pytest.raises(ResourceFailed, match="Could not find source: invoices"):
        change(provider.update, {**second, "SourceIds": ["invoices"]}, made, before=second)
    change(provider.delete, second, made, before={})
    assert primary.client("rds", US).describe_event_subscriptions()["EventSubscriptionsList"] == []
