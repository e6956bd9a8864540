"""A global database of two regions, made by calls, for the tests of Aurora."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

US, EU = "us-east-1", "eu-west-1"
ACCOUNT = "123456789012"
PRIMARY_ARN = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:shop-us-east-1"
SECONDARY_ARN = f"arn:aws:rds:eu-west-1:{ACCOUNT}:cluster:shop-eu-west-1"

GLOBAL = {
    "GlobalClusterIdentifier": "shop",
    "Engine": "aurora-postgresql",
    "EngineVersion": "16.8",
    "StorageEncrypted": True,
}
_SHARED = {
    "Engine": "aurora-postgresql",
    "EngineVersion": "16.8",
    "GlobalClusterIdentifier": "shop",
    "DBSubnetGroupName": "private",
    "VpcSecurityGroupIds": ["sg-database"],
    "StorageEncrypted": True,
    "KmsKeyId": "data",
}
PRIMARY: Mapping[str, Any] = {
    **_SHARED,
    "DBClusterIdentifier": "shop-us-east-1",
    "MasterUsername": "owner",
    "MasterUserPassword": "correct-horse-9",
    "DatabaseName": "shop",
    "BackupRetentionPeriod": 7,
}
SECONDARY: Mapping[str, Any] = {**_SHARED, "DBClusterIdentifier": "shop-eu-west-1"}


def instance(name: str, region: str, **more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": name,
        "DBClusterIdentifier": f"shop-{region}",
        "Engine": "aurora-postgresql",
        "DBInstanceClass": "db.r6g.large",
        **more,
    }


def with_primary(cloud: Any) -> Any:
    """`shop-us-east-1` with the writer `shop-us-1`, primary of `shop`."""
    rds = cloud.client("rds", US)
    rds.create_global_cluster(**GLOBAL)
    rds.create_db_cluster(**PRIMARY)
    cloud.minutes(3)
    rds.create_db_instance(**instance("shop-us-1", US))
    cloud.minutes(7)
    return cloud


def with_secondary(cloud: Any, *, headless: bool = False) -> Any:
    """`shop-eu-west-1` with the reader `shop-eu-1` unless it is headless."""
    rds = cloud.client("rds", EU)
    rds.create_db_cluster(**SECONDARY)
    cloud.minutes(11)
    if not headless:
        rds.create_db_instance(**instance("shop-eu-1", EU))
        cloud.minutes(7)
    return cloud


def cluster(cloud: Any, region: str) -> Any:
    found = cloud.client("rds", region).describe_db_clusters(DBClusterIdentifier=f"shop-{region}")
    return found["DBClusters"][0]


def group(cloud: Any, region: str = EU) -> Any:
    return cloud.client("rds", region).describe_global_clusters(GlobalClusterIdentifier="shop")["GlobalClusters"][0]


def writer(cloud: Any, region: str = EU) -> str:
    """The ARN of the cluster that writes, as the region sees it."""
    arn: str = next(one["DBClusterArn"] for one in group(cloud, region)["GlobalClusterMembers"] if one["IsWriter"])
    return arn


def writes(cloud: Any, region: str) -> dict[str, bool]:
    """Which instances of the region's cluster write."""
    return {one["DBInstanceIdentifier"]: one["IsClusterWriter"] for one in cluster(cloud, region)["DBClusterMembers"]}


def messages(cloud: Any, region: str, kind: str = "db-cluster") -> list[str]:
    events = cloud.client("rds", region).describe_events(Duration=1000, SourceType=kind)["Events"]
    return [event["Message"] for event in events]
