"""What surrounds a database in its region, whatever its engine: subnets, who may reach it, who may watch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from troposphere import ec2, rds

from drgen.builders.network import NO_EGRESS, Network, tcp
from drgen.builders.policy import role
from drgen.builders.scanners import BACKUP_PLAN, MINOR_VERSIONS
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

LEFT_TO_PEOPLE = {
    MINOR_VERSIONS: "The version is the template's: all regions have the same, and take a new one in an order.",
    BACKUP_PLAN: "RDS itself keeps backups for every moment; section backup adds AWS Backup, which selects by tag.",
}


@dataclass(frozen=True)
class Surroundings:
    """Where a database is put: its network, who may reach it, and the keys of its region."""

    network: Network
    clients: Sequence[tuple[str, IPv4Network]]
    data_key: Value
    operations_key: Value


def subnet_group(stack: StackDraft, names: Names, around: Surroundings) -> Any:
    return stack.add(
        rds.DBSubnetGroup(
            "SubnetGroup",
            DBSubnetGroupName=names.regional("database"),
            DBSubnetGroupDescription=f"Private subnets of {names.prefix}",
            SubnetIds=stack.use(around.network.subnet_ids),
        )
    )


def security_group(stack: StackDraft, names: Names, around: Surroundings, *, port: int) -> Any:
    return stack.add(
        ec2.SecurityGroup(
            "DatabaseSecurityGroup",
            GroupName=names.regional("database"),
            GroupDescription="PostgreSQL from the VPCs of this workload",
            VpcId=stack.use(around.network.vpc_id),
            SecurityGroupIngress=[
                tcp(port, str(block), f"PostgreSQL from {region}") for region, block in around.clients
            ],
            SecurityGroupEgress=[NO_EGRESS],
        ),
        why="By address block: security groups cannot be referenced across regions.",
    )


def monitoring_role(stack: StackDraft, names: Names) -> Any:
    """The role with which RDS writes the metrics of enhanced monitoring."""
    return role(
        stack,
        "MonitoringRole",
        name=names.everywhere("monitoring", stack.region),
        service="monitoring.rds.amazonaws.com",
        managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
    )
