"""What RDS says about one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgen.aws.failures import CallFailed, asking
from drgen.model.status import DatabaseState

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient


def database(client: RDSClient, *, region: str, identifier: str) -> DatabaseState | None:
    """The instance, without its ingress, which EC2 knows; None if it does not exist."""
    try:
        with asking("rds.DescribeDBInstances", region):
            answer = client.describe_db_instances(DBInstanceIdentifier=identifier)
    except CallFailed as error:
        if error.code in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            return None
        raise
    for found in answer["DBInstances"]:
        source = found.get("ReadReplicaSourceDBInstanceIdentifier", "")
        groups = tuple(group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", []))
        return DatabaseState(identifier, found.get("DBInstanceStatus", ""), source, groups)
    return None
