"""RDS for PostgreSQL: the primary instance, and its read replica in another region.

Source of the rules: Amazon RDS User Guide, "Creating a read replica in a different AWS Region"; registry schema
AWS::RDS::DBInstance (dependentExcluded, conditionalCreateOnlyProperties).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import Equals, GetAtt, If, NoValue, Ref, ec2, rds

from drgen.builders import database_site as site
from drgen.builders.logs import log_group
from drgen.builders.network import NO_EGRESS
from drgen.builders.scanners import DATABASE_PORT, MULTI_AZ, STORAGE_ENCRYPTED, Concern, accepted
from drgen.builders.secret import password, username
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, HOST, TEXT, Value

LOGS = ("postgresql", "upgrade")
AS_THE_SOURCE = "A replica is encrypted as its source is, with the key above; RDS refuses the property here."
BEHIND_GROUPS = "Security groups keep strangers out, not an unusual port; database.port sets another."


@dataclass(frozen=True)
class Postgres:
    """What both sides of the database have in common."""

    version: str
    instance_class: str
    storage_gib: int
    port: int
    backup_days: int
    log_days: int
    database_name: str
    parameters: Mapping[str, str]

    @property
    def family(self) -> str:
        return f"postgres{self.version.split('.')[0]}"


@dataclass(frozen=True)
class Database:
    region: str
    identifier: str
    arn: Value
    endpoint: Value


@dataclass(frozen=True)
class Primary:
    """The instance that is written to, and the security group that fences it."""

    instance: Database
    fence_group: Value


def primary(
    stack: StackDraft, names: Names, settings: Postgres, around: site.Surroundings, *, multi_az: bool
) -> Primary:
    """The instance that is written to, with the fence group that takes its clients away."""
    group = site.security_group(stack, names, around, port=settings.port)
    fence = _fence_group(stack, names, around)
    instance = rds.DBInstance(
        "Database",
        DBInstanceIdentifier=names.database(stack.region),
        Engine="postgres",
        EngineVersion=settings.version,
        DBName=settings.database_name,
        MasterUsername=username(names),
        MasterUserPassword=password(names),
        AllocatedStorage=str(settings.storage_gib),
        StorageEncrypted=True,
        Metadata=accepted({**_one_zone(multi_az), DATABASE_PORT: BEHIND_GROUPS, **site.LEFT_TO_PEOPLE}),
        **_common(stack, names, settings, around, group, multi_az=multi_az),
    )
    stack.add(instance, why="Log exports go to the groups above; without the DependsOn, RDS would make its own.")
    return Primary(
        _finish(stack, names, instance),
        stack.value("FenceSecurityGroupId", GetAtt(fence, "GroupId"), TEXT, "Security group that lets nobody in"),
    )


def replica(
    stack: StackDraft, names: Names, settings: Postgres, around: site.Surroundings, *, source: Database, multi_az: bool
) -> Database:
    """A replica of `source` that becomes a writer when the parameter DatabaseRole changes, and changes nothing else.

    Backups are on from birth: PostgreSQL 14.1 and later allows them on a replica, and adding them at promotion would
    show as a possible replacement. Source: Amazon RDS User Guide, "Differences between read replicas for DB engines".
    """
    group = site.security_group(stack, names, around, port=settings.port)
    source_arn = stack.use(source.arn, parameter="SourceDatabaseArn")
    stack.parameters["DatabaseRole"] = {
        "Type": "String",
        "AllowedValues": ["replica", "standalone"],
        "Default": "replica",
        "Description": "replica follows the source; standalone promotes it in place, for good. The failover sets it",
    }
    stack.conditions["IsReplica"] = Equals(Ref("DatabaseRole"), "replica")
    instance = rds.DBInstance(
        "Database",
        # troposphere refuses MultiAZ and the backup window on every replica; RDS takes them.
        validation=False,
        DBInstanceIdentifier=names.database(stack.region),
        SourceDBInstanceIdentifier=If("IsReplica", source_arn, NoValue),
        Metadata=accepted(
            {
                STORAGE_ENCRYPTED: AS_THE_SOURCE,
                **_one_zone(multi_az),
                DATABASE_PORT: BEHIND_GROUPS,
                **site.LEFT_TO_PEOPLE,
            }
        ),
        **_common(stack, names, settings, around, group, multi_az=multi_az),
    )
    stack.add(
        instance,
        why="A replica takes engine, version, storage and credentials from its source, and RDS refuses them here. "
        "Everything that can only be set at birth is present; promotion removes the source and nothing else. "
        "Never SourceRegion: it is create-only, so removing it would replace the database. The ARN names the region.",
    )
    return _finish(stack, names, instance)


def _one_zone(multi_az: bool) -> dict[Concern, str]:
    return {} if multi_az else {MULTI_AZ: "The workload file asks for one zone here: database.multi_az."}


def _finish(stack: StackDraft, names: Names, instance: Any) -> Database:
    stack.protect(instance)
    return Database(
        region=stack.region,
        identifier=names.database(stack.region),
        arn=stack.value("DatabaseArn", GetAtt(instance, "DBInstanceArn"), ARN, "Database instance"),
        endpoint=stack.value("DatabaseEndpoint", GetAtt(instance, "Endpoint.Address"), HOST, "Database host"),
    )


def _common(
    stack: StackDraft, names: Names, settings: Postgres, around: site.Surroundings, group: Any, *, multi_az: bool
) -> dict[str, Any]:
    data_key = stack.use(around.data_key)
    subnets = site.subnet_group(stack, names, around)
    parameters = _parameter_group(stack, names, settings)
    logs = _log_groups(stack, names, settings, around)
    monitoring = site.monitoring_role(stack, names)
    return {
        "DBInstanceClass": settings.instance_class,
        "DBSubnetGroupName": Ref(subnets),
        "VPCSecurityGroups": [GetAtt(group, "GroupId")],
        "PubliclyAccessible": False,
        "Port": str(settings.port),
        "MultiAZ": multi_az,
        "StorageType": "gp3",
        "KmsKeyId": data_key,
        "DBParameterGroupName": Ref(parameters),
        "BackupRetentionPeriod": settings.backup_days,
        "PreferredBackupWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "CopyTagsToSnapshot": True,
        "AutoMinorVersionUpgrade": False,
        "DeletionProtection": stack.protection,
        "DeleteAutomatedBackups": not stack.protection,
        "EnableCloudwatchLogsExports": list(LOGS),
        "EnablePerformanceInsights": True,
        "PerformanceInsightsKMSKeyId": data_key,
        "EnableIAMDatabaseAuthentication": True,
        "MonitoringInterval": 60,
        "MonitoringRoleArn": GetAtt(monitoring, "Arn"),
        "DependsOn": [log.title for log in logs],
    }


def _parameter_group(stack: StackDraft, names: Names, settings: Postgres) -> Any:
    return stack.add(
        rds.DBParameterGroup(
            "ParameterGroup",
            DBParameterGroupName=names.regional("database"),
            Description=f"PostgreSQL settings of {names.prefix}",
            Family=settings.family,
            Parameters={**settings.parameters, "rds.force_ssl": "1"},
        ),
        why="The promoted instance keeps the parameter group of its own region: both sides have one.",
    )


def _log_groups(stack: StackDraft, names: Names, settings: Postgres, around: site.Surroundings) -> list[Any]:
    return [
        log_group(
            stack,
            f"{kind.capitalize()}Logs",
            name=names.log_group("aws", "rds", "instance", names.database(stack.region), kind),
            key=around.operations_key,
            days=settings.log_days,
        )
        for kind in LOGS
    ]


def _fence_group(stack: StackDraft, names: Names, around: site.Surroundings) -> Any:
    return stack.add(
        ec2.SecurityGroup(
            "FenceSecurityGroup",
            GroupName=names.everywhere("fence", stack.region),
            GroupDescription="Lets nobody in: a failover puts the old primary behind it",
            VpcId=stack.use(around.network.vpc_id),
            SecurityGroupEgress=[NO_EGRESS],
        )
    )
