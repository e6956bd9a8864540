"""Aurora PostgreSQL as a global database: a cluster that writes, and clusters in other regions that follow it.

Which of them writes is no part of a template: Aurora exchanges the roles in a switchover or failover, the identifiers
stay, and an update of any of the stacks changes nothing about it.

Source of the rules: Amazon Aurora User Guide, "Using Amazon Aurora Global Database" and "Configuration requirements of
an Amazon Aurora global database"; registry schemas AWS::RDS::GlobalCluster, DBCluster and DBInstance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import Equals, GetAtt, Ref, rds, ssm

from drgen.builders import database_site as site
from drgen.builders.logs import log_group
from drgen.builders.scanners import accepted
from drgen.builders.secret import password, username
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, HOST, Value

ENGINE = "aurora-postgresql"
LOGS = ("postgresql",)
CAPACITY = "DatabaseCapacity"
"""The parameter that says whether a cluster that waits without instances has them: headless or running."""
RUNNING = "IsRunning"


@dataclass(frozen=True)
class Settings:
    """What all clusters of the global database have in common."""

    version: str
    instance_class: str
    storage: str
    port: int
    backup_days: int
    log_days: int
    database_name: str
    parameters: Mapping[str, str]
    instance_parameters: Mapping[str, str]

    @property
    def family(self) -> str:
        return f"{ENGINE}{self.version.split('.')[0]}"


@dataclass(frozen=True)
class Cluster:
    """A member of the global database. `endpoint` is the host that writes while this cluster is the writer; `reader` is
    the host that reads, whichever role the cluster has."""

    region: str
    identifier: str
    arn: Value
    endpoint: Value
    reader: Value


@dataclass(frozen=True)
class GlobalDatabase:
    """`writer` is the host that follows the writer from region to region; applications connect to it."""

    identifier: str
    primary: Cluster
    writer: Value


def global_database(
    stack: StackDraft, names: Names, settings: Settings, around: site.Surroundings, *, instances: int
) -> GlobalDatabase:
    """The global database, empty at birth, and in it the cluster that is the first to write."""
    whole = rds.GlobalCluster(
        "GlobalDatabase",
        GlobalClusterIdentifier=names.global_database,
        Engine=ENGINE,
        EngineVersion=settings.version,
        StorageEncrypted=True,
        DeletionProtection=stack.protection,
    )
    stack.add(
        whole,
        why="An upgrade begins here and reaches every region; the clusters name the same version, in full, so that "
        "none is born with another.",
    )
    stack.protect(whole)
    # What the cluster depends on comes before it.
    common = _common(stack, names, settings, around)
    cluster = rds.DBCluster(
        "Cluster",
        DBClusterIdentifier=names.database(stack.region),
        GlobalClusterIdentifier=Ref(whole),
        DatabaseName=settings.database_name,
        MasterUsername=username(names),
        MasterUserPassword=password(names),
        **common,
    )
    stack.add(cluster, why="GlobalClusterIdentifier never changes: without it Aurora takes the cluster out, for good.")
    made = _finish(stack, names, cluster)
    _instances(stack, names, settings, around, cluster, instances, waiting=False)
    writer = _writer_parameter(stack, names, GetAtt(whole, "GlobalEndpoint.Address"))
    writer.Metadata = _BELOW_AN_OBJECT
    return GlobalDatabase(names.global_database, made, _writer(stack, GetAtt(writer, "Value")))


def secondary(
    stack: StackDraft,
    names: Names,
    settings: Settings,
    around: site.Surroundings,
    *,
    whole: GlobalDatabase,
    instances: int,
    headless: bool,
) -> Cluster:
    """A cluster that follows the writer. `headless`: without instances until the parameter DatabaseCapacity adds them.

    The host that writes comes from the primary region's stack: so the cluster there is first, and the host stays
    readable here while that region is dark.
    """
    host = stack.use(whole.writer, parameter="GlobalWriterEndpoint")
    stack.output(
        stack.value("GlobalWriterEndpoint", host, HOST, "Database host that takes writes, in whichever region")
    )
    if headless:
        stack.parameters[CAPACITY] = {
            "Type": "String",
            "AllowedValues": ["headless", "running"],
            "Default": "headless",
            "Description": "headless keeps the data without an instance; running adds what a failover needs",
        }
        stack.conditions[RUNNING] = Equals(Ref(CAPACITY), "running")
    # What the cluster depends on comes before it.
    common = _common(stack, names, settings, around)
    cluster = rds.DBCluster(
        "Cluster",
        DBClusterIdentifier=names.database(stack.region),
        GlobalClusterIdentifier=whole.identifier,
        SourceRegion=whole.primary.region,
        **common,
    )
    stack.add(
        cluster,
        why="A secondary cluster has the credentials and the databases of the writer, and Aurora refuses them here. "
        "The global database by its name, not by a value that could come out empty: that would take the cluster out. "
        "SourceRegion counts at birth only, for the request that is signed with the key there.",
    )
    made = _finish(stack, names, cluster)
    _instances(stack, names, settings, around, cluster, instances, waiting=headless)
    _writer_parameter(stack, names, host)
    stack.output(_writer(stack, host))
    return made


def _writer_parameter(stack: StackDraft, names: Names, host: Any) -> Any:
    return stack.add(
        ssm.Parameter(
            "WriterParameter",
            Name=names.writer_parameter,
            Type="String",
            Description="Database host that takes writes, in whichever region",
            Value=host,
        ),
        why="Applications read it in their own region. It never changes: Aurora moves what the name points at.",
    )


def _writer(stack: StackDraft, host: Any) -> Value:
    return stack.value("GlobalWriterEndpoint", host, HOST, "Database host that takes writes, in whichever region")


_BELOW_AN_OBJECT = {
    "cfn-lint": {"config": {"ignore_checks": ["E1010", "E9004"]}},
    "reason": "GlobalEndpoint is a read-only object with the property Address, and CloudFormation reads below such an "
    "object. Linters know only the attributes that the registry schema lists one by one.",
}


def _finish(stack: StackDraft, names: Names, cluster: Any) -> Cluster:
    stack.protect(cluster)
    writer, reader = GetAtt(cluster, "Endpoint.Address"), GetAtt(cluster, "ReadEndpoint.Address")
    made = Cluster(
        region=stack.region,
        identifier=names.database(stack.region),
        arn=stack.value("DatabaseArn", GetAtt(cluster, "DBClusterArn"), ARN, "Database cluster"),
        endpoint=stack.value("ClusterEndpoint", writer, HOST, "Database host that writes while this region does"),
        reader=stack.value("ReaderEndpoint", reader, HOST, "Database host that only reads, in this region"),
    )
    stack.output(made.reader)
    return made


def _common(stack: StackDraft, names: Names, settings: Settings, around: site.Surroundings) -> dict[str, Any]:
    """What both roles set alike: Aurora takes none of it over from the other side."""
    group = site.security_group(stack, names, around, port=settings.port)
    subnets = site.subnet_group(stack, names, around)
    parameters = stack.add(
        rds.DBClusterParameterGroup(
            "ClusterParameterGroup",
            DBClusterParameterGroupName=names.regional("database"),
            Description=f"PostgreSQL settings of {names.prefix}",
            Family=settings.family,
            Parameters={**settings.parameters, "rds.force_ssl": "1"},
        ),
        why="A cluster keeps the parameter group of its own region when the roles change: every side has the same.",
    )
    logs = [
        log_group(
            stack,
            f"{kind.capitalize()}Logs",
            name=names.log_group("aws", "rds", "cluster", names.database(stack.region), kind),
            key=around.operations_key,
            days=settings.log_days,
            why="Made before the cluster: the DependsOn there keeps RDS from making its own, without an end.",
        )
        for kind in LOGS
    ]
    return {
        "Engine": ENGINE,
        "EngineVersion": settings.version,
        "DBSubnetGroupName": Ref(subnets),
        "VpcSecurityGroupIds": [GetAtt(group, "GroupId")],
        "Port": settings.port,
        "StorageEncrypted": True,
        "StorageType": settings.storage,
        "KmsKeyId": stack.use(around.data_key),
        "DBClusterParameterGroupName": Ref(parameters),
        "BackupRetentionPeriod": settings.backup_days,
        "PreferredBackupWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "CopyTagsToSnapshot": True,
        "DeletionProtection": stack.protection,
        "DeleteAutomatedBackups": not stack.protection,
        "EnableCloudwatchLogsExports": list(LOGS),
        "EnableIAMDatabaseAuthentication": True,
        "DependsOn": [log.title for log in logs],
    }


def _instances(
    stack: StackDraft,
    names: Names,
    settings: Settings,
    around: site.Surroundings,
    cluster: Any,
    number: int,
    *,
    waiting: bool,
) -> None:
    """`number` instances. Those that wait for DatabaseCapacity may go again: they hold no data, the cluster does."""
    data_key = stack.use(around.data_key)
    monitoring = site.monitoring_role(stack, names)
    parameters = stack.add(
        rds.DBParameterGroup(
            "ParameterGroup",
            DBParameterGroupName=names.regional("database"),
            Description=f"Settings of the instances of {names.prefix}",
            Family=settings.family,
            **({"Parameters": dict(settings.instance_parameters)} if settings.instance_parameters else {}),
        ),
        why="A group of their own from birth: to give instances another one later takes a restart.",
    )
    for index in range(1, number + 1):
        instance = rds.DBInstance(
            f"Instance{index}",
            DBInstanceIdentifier=names.database_instance(stack.region, index),
            DBClusterIdentifier=Ref(cluster),
            Engine=ENGINE,
            DBInstanceClass=settings.instance_class,
            DBParameterGroupName=Ref(parameters),
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=False,
            PreferredMaintenanceWindow="sun:04:00-sun:05:00",
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId=data_key,
            MonitoringInterval=60,
            MonitoringRoleArn=GetAtt(monitoring, "Arn"),
            Metadata=accepted(site.LEFT_TO_PEOPLE),
        )
        stack.add(instance, why=_WAITS if waiting and index == 1 else "")
        if waiting:
            instance.Condition = RUNNING
            instance.DeletionPolicy = instance.UpdateReplacePolicy = "Delete"
        else:
            stack.protect(instance)


_WAITS = "Instances hold no data. DatabaseCapacity adds and removes them; never remove them while this cluster writes."
