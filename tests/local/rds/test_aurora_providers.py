"""What CloudFormation's handlers do with Aurora: order, roles that have moved, and what is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aurora_world import EU, GLOBAL, PRIMARY, SECONDARY, SECONDARY_ARN, US, cluster, group, writer

from drgen.local.providers.provider import Desired, Physical, ResourceFailed
from drgen.local.providers.rds import RDS_PROVIDERS

CLUSTER, INSTANCE, GROUP = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::GlobalCluster"


def desired(
    kind: str,
    region: str,
    properties: Mapping[str, Any],
    *,
    previous: Mapping[str, Any] | None = None,
    policy: str = "Snapshot",
) -> Desired:
    return Desired(
        type=kind,
        logical_id="Database",
        stack_name="shop-prod",
        stack_id=f"arn:aws:cloudformation:{region}:123456789012:stack/shop-prod/1",
        region=region,
        properties=properties,
        previous=previous or {},
        deletion_policy=policy,
    )


def make(cloud: Any, kind: str, region: str, properties: Mapping[str, Any]) -> Physical:
    return RDS_PROVIDERS[kind].create(cloud, desired(kind, region, properties))


def change(
    cloud: Any, kind: str, region: str, before: Mapping[str, Any], after: Mapping[str, Any], id: str
) -> Physical:
    return RDS_PROVIDERS[kind].update(cloud, desired(kind, region, after, previous=before), Physical(id))


def drop(cloud: Any, kind: str, region: str, properties: Mapping[str, Any], id: str, policy: str = "Snapshot") -> None:
    RDS_PROVIDERS[kind].delete(cloud, desired(kind, region, properties, policy=policy), Physical(id))


def member(region: str, **more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": f"shop-{region[:2]}-1",
        "DBClusterIdentifier": f"shop-{region}",
        "Engine": "aurora-postgresql",
        "DBInstanceClass": "db.r6g.large",
        **more,
    }


@pytest.fixture
def shop(cloud: Any) -> Any:
    """A global database as stacks make it: global cluster, primary and writer, then secondary and reader."""
    make(cloud, GROUP, US, GLOBAL)
    for region, properties in ((US, PRIMARY), (EU, SECONDARY)):
        make(cloud, CLUSTER, region, properties)
        make(cloud, INSTANCE, region, member(region))
    return cloud


def switch_over(cloud: Any) -> None:
    cloud.client("rds", US).switchover_global_cluster(
        GlobalClusterIdentifier="shop", TargetDbClusterIdentifier=SECONDARY_ARN
    )
    cloud.minutes(3)


def test_attributes_are_those_of_the_live_cluster(shop: Any) -> None:
    made = change(shop, CLUSTER, US, PRIMARY, PRIMARY, "shop-us-east-1")
    live = cluster(shop, US)
    assert made == Physical(
        "shop-us-east-1",
        {
            "DBClusterArn": live["DBClusterArn"],
            "DBClusterResourceId": live["DbClusterResourceId"],
            "Endpoint.Address": live["Endpoint"],
            "Endpoint.Port": "5432",
            "ReadEndpoint.Address": live["ReaderEndpoint"],
            "StorageEncryptionType": "sse-kms",
        },
    )
    same = change(shop, GROUP, US, GLOBAL, GLOBAL, "shop")
    assert same.attributes == {"GlobalEndpoint.Address": group(shop)["Endpoint"]}


def test_an_unrelated_change_works_in_both_regions_after_a_switchover(shop: Any) -> None:
    switch_over(shop)
    for region, before in ((US, PRIMARY), (EU, SECONDARY)):
        after = {
            **before,
            "BackupRetentionPeriod": 14,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "Tags": [{"Key": "team", "Value": "shop"}],
        }
        change(shop, CLUSTER, region, before, after, f"shop-{region}")
        live = cluster(shop, region)
        assert (live["BackupRetentionPeriod"], live["EnabledCloudwatchLogsExports"]) == (14, ["postgresql"])
        assert live["TagList"] == [{"Key": "team", "Value": "shop"}]
        changed = member(region, PromotionTier=0)
        change(shop, INSTANCE, region, member(region), changed, f"shop-{region[:2]}-1")
    change(shop, GROUP, US, GLOBAL, {**GLOBAL, "DeletionProtection": True}, "shop")
    assert (writer(shop), group(shop)["DeletionProtection"]) == (SECONDARY_ARN, True)


def test_taking_the_global_cluster_away_detaches_in_place(shop: Any) -> None:
    alone = {key: value for key, value in SECONDARY.items() if key != "GlobalClusterIdentifier"}
    shop.dark.add(US)
    assert change(shop, CLUSTER, EU, SECONDARY, alone, "shop-eu-west-1").id == "shop-eu-west-1"
    assert "GlobalClusterIdentifier" not in cluster(shop, EU)
    with pytest.raises(ResourceFailed, match="immutable") as failure:
        change(shop, CLUSTER, EU, alone, SECONDARY, "shop-eu-west-1")
    assert failure.value.code == "NotUpdatable"


@pytest.mark.parametrize(
    "changes", [{"GlobalClusterIdentifier": "other"}, {"Engine": "aurora-mysql"}, {"MasterUsername": "someone"}]
)
def test_what_cannot_be_changed_is_called_not_updatable(shop: Any, changes: Mapping[str, Any]) -> None:
    with pytest.raises(ResourceFailed) as failure:
        change(shop, CLUSTER, US, PRIMARY, {**PRIMARY, **changes}, "shop-us-east-1")
    assert failure.value.code == "NotUpdatable"


def test_versions_are_upgraded_through_the_global_cluster(shop: Any) -> None:
    change(shop, GROUP, US, GLOBAL, {**GLOBAL, "EngineVersion": "16.9"}, "shop")
    assert cluster(shop, EU)["EngineVersion"] == "16.9"
    change(shop, CLUSTER, EU, SECONDARY, {**SECONDARY, "EngineVersion": "16.9"}, "shop-eu-west-1")
    assert cluster(shop, EU)["Status"] == "available"


def test_the_secondary_goes_before_the_primary_and_the_primary_before_the_global_cluster(shop: Any) -> None:
    drop(shop, INSTANCE, US, member(US), "shop-us-1")
    with pytest.raises(ResourceFailed, match="primary member of global cluster") as failure:
        drop(shop, CLUSTER, US, PRIMARY, "shop-us-east-1")
    assert failure.value.code == "ResourceConflict"
    with pytest.raises(ResourceFailed, match="is not empty"):
        drop(shop, GROUP, US, GLOBAL, "shop")
    drop(shop, INSTANCE, EU, member(EU), "shop-eu-1")
    drop(shop, CLUSTER, EU, SECONDARY, "shop-eu-west-1", policy="Delete")
    drop(shop, CLUSTER, US, PRIMARY, "shop-us-east-1")
    drop(shop, GROUP, US, GLOBAL, "shop")
    drop(shop, GROUP, US, GLOBAL, "shop")
    kept = shop.client("rds", US).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    assert [one["DBClusterSnapshotIdentifier"].startswith("shop-prod-snapshot-database-") for one in kept] == [True]
    assert shop.client("rds", EU).describe_db_cluster_snapshots()["DBClusterSnapshots"] == []


def test_after_a_switchover_the_former_secondary_goes_last(shop: Any) -> None:
    switch_over(shop)
    drop(shop, INSTANCE, EU, member(EU), "shop-eu-1")
    with pytest.raises(ResourceFailed, match="primary member of global cluster"):
        drop(shop, CLUSTER, EU, SECONDARY, "shop-eu-west-1")
    drop(shop, INSTANCE, US, member(US), "shop-us-1")
    drop(shop, CLUSTER, US, PRIMARY, "shop-us-east-1")
    drop(shop, CLUSTER, EU, SECONDARY, "shop-eu-west-1")
    assert group(shop)["GlobalClusterMembers"] == []


def test_a_protected_cluster_is_neither_detached_nor_deleted(cloud: Any) -> None:
    protected = {**PRIMARY, "DeletionProtection": True}
    make(cloud, GROUP, US, GLOBAL)
    make(cloud, CLUSTER, US, protected)
    with pytest.raises(ResourceFailed, match="Cannot delete protected Cluster") as failure:
        drop(cloud, CLUSTER, US, protected, "shop-us-east-1")
    assert failure.value.code == "NotUpdatable"
    assert len(group(cloud, US)["GlobalClusterMembers"]) == 1


def test_a_cluster_that_cannot_be_made_leaves_nothing(cloud: Any) -> None:
    make(cloud, GROUP, US, GLOBAL)
    with pytest.raises(ResourceFailed, match="differs from that of the global cluster"):
        make(cloud, CLUSTER, US, {**PRIMARY, "StorageEncrypted": False, "KmsKeyId": None})
    assert (cloud.client("rds", US).describe_db_clusters()["DBClusters"], group(cloud, US)["GlobalClusterMembers"]) == (
        [],
        [],
    )


def test_a_bare_source_is_looked_up_in_the_region_of_the_stack(cloud: Any) -> None:
    alone = {key: value for key, value in PRIMARY.items() if key != "GlobalClusterIdentifier"}
    make(cloud, CLUSTER, US, alone)
    source = {"GlobalClusterIdentifier": "shop", "SourceDBClusterIdentifier": "shop-us-east-1"}
    make(cloud, GROUP, US, source)
    assert writer(cloud, US).endswith(":shop-us-east-1")
    drop(cloud, GROUP, US, source, "shop")
    assert cluster(cloud, US)["Status"] == "available"


def test_parameters_of_a_cluster_follow_the_template(cloud: Any) -> None:
    kind = "AWS::RDS::DBClusterParameterGroup"
    first = {
        "DBClusterParameterGroupName": "Shop",
        "Family": "aurora-postgresql16",
        "Description": "-",
        "Parameters": {"rds.logical_replication": 1, "log_statement": "ddl"},
    }
    made = make(cloud, kind, EU, first)
    assert made == Physical("shop", {})
    change(cloud, kind, EU, first, {**first, "Parameters": {"log_statement": "all"}}, "shop")
    held = cloud.client("rds", EU).describe_db_cluster_parameters(DBClusterParameterGroupName="shop")["Parameters"]
    assert [(one["ParameterName"], one["ParameterValue"]) for one in held] == [("log_statement", "all")]
    drop(cloud, kind, EU, first, "shop")
    assert cloud.client("rds", EU).describe_db_cluster_parameter_groups()["DBClusterParameterGroups"] == []


def test_what_the_embedded_aws_does_not_act_on_fails_aloud(cloud: Any) -> None:
    with pytest.raises(ResourceFailed, match="does not act on SnapshotIdentifier"):
        make(cloud, CLUSTER, US, {**PRIMARY, "SnapshotIdentifier": "last"})
