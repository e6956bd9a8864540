"""Aurora clusters and their instances: what is made, what is refused, what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aurora_world import (
    EU,
    GLOBAL,
    PRIMARY,
    SECONDARY,
    US,
    cluster,
    group,
    instance,
    with_primary,
    with_secondary,
    writes,
)
from botocore.exceptions import ClientError


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**{key: value for key, value in params.items() if value is not None})
    detail = error.value.response["Error"]
    return detail["Code"], detail["Message"]


@pytest.fixture
def primary(cloud: Any) -> Any:
    return with_primary(cloud)


@pytest.fixture
def shop(cloud: Any) -> Any:
    return with_secondary(with_primary(cloud))


def test_a_primary_shows_its_endpoints_and_its_global_cluster(primary: Any) -> None:
    live = cluster(primary, US)
    assert live["DBClusterArn"] == "arn:aws:rds:us-east-1:123456789012:cluster:shop-us-east-1"
    assert live["Endpoint"].startswith("shop-us-east-1.cluster-")
    assert live["ReaderEndpoint"].startswith("shop-us-east-1.cluster-ro-")
    assert (live["Status"], live["GlobalClusterIdentifier"], live["DatabaseName"]) == ("available", "shop", "shop")
    assert live["DBClusterParameterGroup"] == "default.aurora-postgresql16"
    assert group(primary)["GlobalClusterMembers"][0]["IsWriter"] is True


def test_a_secondary_follows_with_a_key_of_its_own(shop: Any) -> None:
    live = cluster(shop, EU)
    assert live["ReplicationSourceIdentifier"] == "arn:aws:rds:us-east-1:123456789012:cluster:shop-us-east-1"
    assert live["KmsKeyId"] == "arn:aws:kms:eu-west-1:123456789012:key/data"
    assert (live["MasterUsername"], live["DatabaseName"]) == ("owner", "shop")
    assert cluster(shop, US)["ReadReplicaIdentifiers"] == [live["DBClusterArn"]]
    assert writes(shop, EU) == {"shop-eu-1": False}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"MasterUsername": "owner"}, "InvalidParameterCombination", "Cannot specify user name for cross region"),
        ({"MasterUserPassword": "correct-horse-9"}, "InvalidParameterCombination", "Cannot specify password"),
        ({"DatabaseName": "shop"}, "InvalidParameterCombination", "Cannot specify database name"),
        ({"ManageMasterUserPassword": True}, "InvalidParameterCombination", "can't be managed in Secrets Manager"),
        ({"DBClusterIdentifier": "shop-us-east-1"}, "DBClusterAlreadyExistsFault", "already exists in us-east-1"),
        ({"EngineVersion": "16.9"}, "InvalidParameterCombination", "doesn't match the engine version 16.8"),
        ({"Engine": "aurora-mysql"}, "InvalidParameterCombination", "doesn't match the engine aurora-postgresql"),
        ({"KmsKeyId": None}, "InvalidParameterCombination", "kmsKeyId should be explicitly specified"),
        ({"StorageEncrypted": None}, "InvalidParameterCombination", "unencrypted cross-region replica"),
        (
            {"KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/data"},
            "KMSKeyNotAccessibleFault",
            "arn:aws:kms:us-east-1",
        ),
        ({"GlobalClusterIdentifier": "other"}, "GlobalClusterNotFoundFault", "other not found"),
    ],
)
def test_rds_refuses_the_secondary(primary: Any, changes: dict[str, Any], code: str, words: str) -> None:
    found = refused(primary.client("rds", EU).create_db_cluster, **{**SECONDARY, **changes})
    assert found[0] == code
    assert words in found[1]


def test_a_secondary_waits_for_an_instance_and_an_answer_of_the_primary(cloud: Any) -> None:
    us, eu = cloud.client("rds", US), cloud.client("rds", EU)
    us.create_global_cluster(**GLOBAL)
    us.create_db_cluster(**PRIMARY)
    cloud.minutes(3)
    assert "not valid for physical replication" in refused(eu.create_db_cluster, **SECONDARY)[1]
    us.create_db_instance(**instance("shop-us-1", US))
    cloud.minutes(7)
    cloud.dark.add(US)
    assert refused(eu.create_db_cluster, **SECONDARY)[0] == "InternalFailure"
    cloud.dark.clear()
    assert eu.create_db_cluster(**SECONDARY)["DBCluster"]["Status"] == "creating"


def test_a_region_has_one_member(shop: Any) -> None:
    again = {**SECONDARY, "DBClusterIdentifier": "shop-eu-west-1-again"}
    assert refused(shop.client("rds", EU).create_db_cluster, **again)[0] == "InvalidGlobalClusterStateFault"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"Engine": None}, "InvalidParameterValue", "value for engineName should be specified"),
        ({"EngineVersion": "13.23"}, "InvalidParameterValue", "does not support global functionality"),
        ({"GlobalClusterIdentifier": "SHOP"}, "GlobalClusterAlreadyExistsFault", "already exists"),
        (
            {"SourceDBClusterIdentifier": "arn:aws:rds:us-east-1:123456789012:cluster:shop-us-east-1"},
            "InvalidDBClusterStateFault",
            "already is in a global cluster",
        ),
    ],
)
def test_rds_refuses_the_global_cluster(primary: Any, changes: dict[str, Any], code: str, words: str) -> None:
    found = refused(primary.client("rds", US).create_global_cluster, **{**GLOBAL, **changes})
    assert found[0] == code
    assert words in found[1]


def test_an_existing_cluster_becomes_the_primary_of_a_new_global_cluster(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    rds.create_db_cluster(**{key: value for key, value in PRIMARY.items() if key != "GlobalClusterIdentifier"})
    cloud.minutes(3)
    arn = cluster(cloud, US)["DBClusterArn"]
    words = refused(
        rds.create_global_cluster,
        GlobalClusterIdentifier="shop",
        SourceDBClusterIdentifier=arn,
        Engine="aurora-postgresql",
    )[1]
    assert words == "Engine can't be specified together with SourceDBClusterIdentifier."
    made = rds.create_global_cluster(GlobalClusterIdentifier="shop", SourceDBClusterIdentifier=arn)["GlobalCluster"]
    assert (made["Engine"], made["EngineVersion"], made["StorageEncrypted"]) == ("aurora-postgresql", "16.8", True)
    assert [(one["DBClusterArn"], one["IsWriter"]) for one in made["GlobalClusterMembers"]] == [(arn, True)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DBInstanceClass": "db.t4g.medium"}, "not supported by global databases: db.t4g.medium"),
        ({"Engine": "postgres"}, "The engine name requested for your DB instance (postgres) doesn't match"),
        ({"EngineVersion": "16.9"}, "The engine version requested for your DB instance (16.9) doesn't match"),
        ({"MasterUserPassword": "correct-horse-9"}, "Set master user password for the DB Cluster."),
        ({"BackupRetentionPeriod": 7}, "Set backup retention period for the DB Cluster."),
        ({"AllocatedStorage": 100}, "AllocatedStorage doesn't apply"),
        ({"MultiAZ": True}, "not available for engine: aurora-postgresql"),
        ({"DBInstanceClass": "db.serverless"}, "Set the Serverless v2 scaling configuration"),
    ],
)
def test_rds_refuses_the_instance(primary: Any, changes: dict[str, Any], words: str) -> None:
    assert words in refused(primary.client("rds", US).create_db_instance, **instance("shop-us-2", US, **changes))[1]


def test_the_lowest_tier_writes_when_the_writer_goes(primary: Any) -> None:
    rds = primary.client("rds", US)
    rds.create_db_instance(**instance("shop-us-2", US, PromotionTier=2))
    rds.create_db_instance(**instance("shop-us-3", US, PromotionTier=0))
    primary.minutes(7)
    assert writes(primary, US) == {"shop-us-1": True, "shop-us-2": False, "shop-us-3": False}
    zones = [primary.database(f"shop-us-{number}", US)["AvailabilityZone"] for number in (1, 2)]
    assert zones == ["us-east-1a", "us-east-1b"]
    rds.delete_db_instance(DBInstanceIdentifier="shop-us-1", SkipFinalSnapshot=True)
    assert writes(primary, US) == {"shop-us-1": False, "shop-us-2": False, "shop-us-3": True}


def test_a_cluster_goes_after_its_instances_and_leaves_a_snapshot(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    rds.create_db_cluster(
        **{key: value for key, value in PRIMARY.items() if key != "GlobalClusterIdentifier"}, DeletionProtection=True
    )
    cloud.minutes(3)
    rds.create_db_instance(**instance("shop-us-1", US))
    cloud.minutes(7)
    name = {"DBClusterIdentifier": "shop-us-east-1"}
    final = {**name, "FinalDBSnapshotIdentifier": "last"}
    assert "Cannot delete protected Cluster" in refused(rds.delete_db_cluster, **final)[1]
    rds.modify_db_cluster(**name, DeletionProtection=False)
    assert "still contains DB instances" in refused(rds.delete_db_cluster, **final)[1]
    assert (
        "CreateDBClusterSnapshot"
        in refused(rds.create_db_snapshot, DBInstanceIdentifier="shop-us-1", DBSnapshotIdentifier="one")[1]
    )
    rds.delete_db_instance(DBInstanceIdentifier="shop-us-1")
    rds.delete_db_cluster(**final)
    cloud.minutes(6)
    assert rds.describe_db_clusters()["DBClusters"] == []
    kept = rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert [(one["DBClusterSnapshotIdentifier"], one["Status"]) for one in kept] == [("last", "available")]


def test_members_of_a_global_cluster_are_not_deleted(shop: Any) -> None:
    for region, number, words in (
        (EU, "eu-1", "please remove it from globalcluster first"),
        (US, "us-1", "while there are other global cluster members"),
    ):
        rds = shop.client("rds", region)
        rds.delete_db_instance(DBInstanceIdentifier=f"shop-{number}", SkipFinalSnapshot=True)
        name = f"shop-{region}"
        assert words in refused(rds.delete_db_cluster, DBClusterIdentifier=name, SkipFinalSnapshot=True)[1]


def test_a_new_parameter_group_of_the_cluster_waits_for_a_reboot(primary: Any) -> None:
    rds = primary.client("rds", US)
    made = {"DBClusterParameterGroupName": "shop", "Description": "-"}
    words = refused(rds.create_db_cluster_parameter_group, **made, DBParameterGroupFamily="aurora-postgresql99")[1]
    assert words == "ParameterGroupFamily aurora-postgresql99 is not a valid parameter group family"
    rds.create_db_cluster_parameter_group(**made, DBParameterGroupFamily="aurora-postgresql16")
    rds.modify_db_cluster(DBClusterIdentifier="shop-us-east-1", DBClusterParameterGroupName="shop")
    assert cluster(primary, US)["Status"] == "modifying"
    primary.minutes(3)
    member = cluster(primary, US)["DBClusterMembers"][0]
    assert member["DBClusterParameterGroupStatus"] == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="shop-us-1")
    primary.minutes(2)
    assert cluster(primary, US)["DBClusterMembers"][0]["DBClusterParameterGroupStatus"] == "in-sync"
    assert "still members" in refused(rds.delete_db_cluster_parameter_group, DBClusterParameterGroupName="shop")[1]


def test_what_a_cluster_has_already_is_no_change(primary: Any) -> None:
    live = primary.client("rds", US).modify_db_cluster(
        DBClusterIdentifier="shop-us-east-1",
        BackupRetentionPeriod=7,
        Port=5432,
        StorageType="aurora",
        EngineVersion="16.8",
        EnableGlobalWriteForwarding=False,
        VpcSecurityGroupIds=["sg-database"],
        DBClusterParameterGroupName="default.aurora-postgresql16",
    )["DBCluster"]
    assert live["Status"] == "available"


def test_backups_of_an_instance_are_those_of_its_cluster(primary: Any) -> None:
    rds = primary.client("rds", US)
    asked = {"DBInstanceIdentifier": "shop-us-1", "BackupRetentionPeriod": 14}
    assert "using the ModifyDbCluster API" in refused(rds.modify_db_instance, **asked)[1]
    rds.modify_db_cluster(DBClusterIdentifier="shop-us-east-1", BackupRetentionPeriod=14)
    assert primary.database("shop-us-1", US)["BackupRetentionPeriod"] == 14
    primary.minutes(3)
    assert cluster(primary, US)["BackupRetentionPeriod"] == 14


def test_the_password_of_a_secondary_is_that_of_the_primary(shop: Any) -> None:
    change = {"DBClusterIdentifier": "shop-eu-west-1", "MasterUserPassword": "correct-horse-10"}
    assert "secondary cluster" in refused(shop.client("rds", EU).modify_db_cluster, **change)[1]


def test_the_global_cluster_upgrades_all_members(shop: Any) -> None:
    rds = shop.client("rds", US)
    name = {"GlobalClusterIdentifier": "shop"}
    assert "AllowMajorVersionUpgrade" in refused(rds.modify_global_cluster, **name, EngineVersion="17.4")[1]
    shop.dark.add(EU)
    assert "could not be reached" in refused(rds.modify_global_cluster, **name, EngineVersion="16.9")[1]
    shop.dark.clear()
    rds.modify_global_cluster(**name, EngineVersion="16.9")
    assert (cluster(shop, EU)["Status"], group(shop)["Status"]) == ("upgrading", "upgrading")
    shop.minutes(11)
    assert [cluster(shop, region)["EngineVersion"] for region in (US, EU)] == ["16.9", "16.9"]
    assert (group(shop)["EngineVersion"], group(shop)["Status"]) == ("16.9", "available")
    assert shop.database("shop-eu-1", EU)["EngineVersion"] == "16.9"


def test_a_renamed_global_cluster_has_another_endpoint(shop: Any) -> None:
    before = group(shop)["Endpoint"]
    shop.client("rds", EU).modify_global_cluster(GlobalClusterIdentifier="shop", NewGlobalClusterIdentifier="store")
    found = shop.client("rds", US).describe_global_clusters()["GlobalClusters"]
    assert [(one["GlobalClusterIdentifier"], one["Endpoint"]) for one in found] == [("store", "store" + before[4:])]
    assert cluster(shop, EU)["GlobalClusterIdentifier"] == "store"


def test_protection_keeps_a_global_cluster(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    rds.create_global_cluster(**GLOBAL, DeletionProtection=True)
    assert "Cannot delete protected" in refused(rds.delete_global_cluster, GlobalClusterIdentifier="shop")[1]


def test_clusters_are_tagged_and_subscribed_to(primary: Any) -> None:
    rds = primary.client("rds", US)
    for arn in (cluster(primary, US)["DBClusterArn"], group(primary)["GlobalClusterArn"]):
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "team", "Value": "shop"}])
        assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "team", "Value": "shop"}]
    rds.create_event_subscription(
        SubscriptionName="roles",
        SnsTopicArn="arn:aws:sns:us-east-1:123456789012:alerts",
        SourceType="db-cluster",
        SourceIds=["shop-us-east-1"],
        EventCategories=["global-failover"],
    )
    primary.rds.tick()
    sent = [topic.rpartition(":")[2] for topic, _ in primary.client("sns", US).published]
    assert "alerts" not in sent
    assert "bus" in sent


def test_the_engines_of_aurora_are_for_clusters(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    alone = {key: value for key, value in instance("one", US).items() if key != "DBClusterIdentifier"}
    assert refused(rds.create_db_instance, **alone)[1] == "Invalid DB engine: aurora-postgresql"
    assert refused(rds.create_db_cluster, **{**PRIMARY, "Engine": "postgres"})[0] == "InvalidParameterValue"
    found = rds.describe_db_engine_versions(Engine="aurora-postgresql", EngineVersion="16.8")["DBEngineVersions"]
    assert [(one["DBParameterGroupFamily"], one["SupportsGlobalDatabases"]) for one in found] == [
        ("aurora-postgresql16", True)
    ]


ALONE = {key: value for key, value in PRIMARY.items() if key != "GlobalClusterIdentifier"}


def test_a_managed_password_keeps_a_cluster_out_of_global_databases(cloud: Any) -> None:
    rds, secrets = cloud.client("rds", US), cloud.client("secretsmanager", US)
    wanted = {key: value for key, value in ALONE.items() if key != "MasterUserPassword"}
    made = rds.create_db_cluster(**wanted, ManageMasterUserPassword=True)["DBCluster"]
    assert secrets.names[0].startswith("rds!cluster-")
    cloud.minutes(3)
    group = {"GlobalClusterIdentifier": "shop", "SourceDBClusterIdentifier": made["DBClusterArn"]}
    assert "can't be managed in Secrets Manager" in refused(rds.create_global_cluster, **group)[1]
    rds.delete_db_cluster(DBClusterIdentifier="shop-us-east-1", SkipFinalSnapshot=True)
    assert secrets.names == []


def test_a_cluster_without_instances_uses_its_subnet_group(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    rds.create_db_cluster(**ALONE)
    code, words = refused(rds.delete_db_subnet_group, DBSubnetGroupName="private")
    assert (code, "shop-us-east-1 is still using it" in words) == ("InvalidDBSubnetGroupStateFault", True)


def test_a_cluster_alone_upgrades_to_a_major_version_when_told_to(cloud: Any) -> None:
    rds = cloud.client("rds", US)
    rds.create_db_cluster(**ALONE)
    cloud.minutes(3)
    rds.create_db_instance(**instance("shop-us-1", US))
    cloud.minutes(7)
    change = {"DBClusterIdentifier": "shop-us-east-1", "EngineVersion": "17.4"}
    assert "AllowMajorVersionUpgrade" in refused(rds.modify_db_cluster, **change)[1]
    rds.modify_db_cluster(**change, AllowMajorVersionUpgrade=True)
    assert cloud.database("shop-us-1", US)["DBInstanceStatus"] == "upgrading"
    cloud.minutes(11)
    live = cluster(cloud, US)
    assert (live["EngineVersion"], live["DBClusterParameterGroup"]) == ("17.4", "default.aurora-postgresql17")
    member = cloud.database("shop-us-1", US)
    assert member["EngineVersion"] == "17.4"
    assert member["DBParameterGroups"][0]["DBParameterGroupName"] == "default.aurora-postgresql17"


def test_a_member_of_a_global_database_takes_no_major_version_alone(shop: Any) -> None:
    change = {"DBClusterIdentifier": "shop-us-east-1", "EngineVersion": "17.4", "AllowMajorVersionUpgrade": True}
    assert "ModifyGlobalCluster" in refused(shop.client("rds", US).modify_db_cluster, **change)[1]
