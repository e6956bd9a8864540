"""What RDS says about one database: an instance, or a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgen.aws.failures import CallFailed, asking
from drgen.model.status import DatabaseState

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient


def database(client: RDSClient, *, region: str, identifier: str) -> DatabaseState | None:
    """The instance, without its ingress, which EC2 knows; None if it does not exist, or is part of a cluster."""
    try:
        with asking("rds.DescribeDBInstances", region):
            answer = client.describe_db_instances(DBInstanceIdentifier=identifier)
    except CallFailed as error:
        if error.code in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            return None
        raise
    for found in answer["DBInstances"]:
        if found.get("DBClusterIdentifier"):
            continue
        source = found.get("ReadReplicaSourceDBInstanceIdentifier", "")
        groups = tuple(group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", []))
        return DatabaseState(identifier, found.get("DBInstanceStatus", ""), source, groups)
    return None


def cluster(client: RDSClient, *, region: str, identifier: str) -> DatabaseState | None:
    """The cluster as `database` gives an instance; in a global database it replicates the member that writes."""
    try:
        with asking("rds.DescribeDBClusters", region):
            answer = client.describe_db_clusters(DBClusterIdentifier=identifier)
    except CallFailed as error:
        if error.code in ("DBClusterNotFound", "DBClusterNotFoundFault"):
            return None
        raise
    for found in answer["DBClusters"]:
        source = _writer(client, found.get("DBClusterArn", ""), region=region)
        groups = tuple(group.get("VpcSecurityGroupId", "") for group in found.get("VpcSecurityGroups", []))
        return DatabaseState(identifier, found.get("Status", ""), source, groups)
    return None


def _writer(client: RDSClient, arn: str, *, region: str) -> str:
    """The ARN of the cluster that the cluster `arn` follows; empty if it follows none.

    Who writes is a fact of the global database, and of no template: a switchover or failover changes it.
    """
    with asking("rds.DescribeGlobalClusters", region):
        for page in client.get_paginator("describe_global_clusters").paginate():
            for whole in page["GlobalClusters"]:
                members = {one.get("DBClusterArn", ""): one for one in whole.get("GlobalClusterMembers", [])}
                if arn in members and not members[arn].get("IsWriter"):
                    return next((other for other, one in members.items() if one.get("IsWriter")), "an unknown writer")
    return ""
