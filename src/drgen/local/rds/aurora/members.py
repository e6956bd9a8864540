"""DB instances that are members of an Aurora cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, durations, groups
from drgen.local.rds.aurora import joining
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context
from drgen.local.rds.parameter_groups import INSTANCE_GROUPS
from drgen.local.rds.records import Cluster, Instance, Record, Step

_MOST_INSTANCES = 16
# What belongs to the cluster, in RDS's words. Source: botocore, CreateDBInstanceMessage and ModifyDBInstanceMessage
# ("This setting doesn't apply to Amazon Aurora DB instances").
_OF_THE_CLUSTER = {
    "BackupRetentionPeriod": "backup retention period",
    "DBName": "database name",
    "EnableIAMDatabaseAuthentication": "IAM database authentication",
    "ManageMasterUserPassword": "master user password",
    "MasterUserPassword": "master user password",
    "MasterUsername": "master user name",
    "PreferredBackupWindow": "backup window",
    "VpcSecurityGroupIds": "vpc security group",
}
_NOT_FOR_AURORA = ("AllocatedStorage", "DeletionProtection", "Iops", "MaxAllocatedStorage", "StorageThroughput")


def refuse(instance: Instance, words: str) -> None:
    """Raises, where the instance is a member of a cluster, what RDS says to `words`."""
    if instance.cluster:
        raise ApiError("InvalidDBInstanceState", f"The specified instance is a member of a cluster. {words}")


def create(ctx: Context) -> str:
    """The identifier of a new instance of the cluster that the call names. The first to live becomes the writer."""
    name = birth.new_identifier(ctx)
    cluster = ctx.cluster(ctx.params["DBClusterIdentifier"])
    record = _record(ctx, cluster, name)
    began = max([ctx.now, *(step.at for step in cluster.steps)]) if cluster.status == "creating" else ctx.now
    ready = began + durations.CREATE_MEMBER_S
    born = {"Endpoint": birth.endpoint(ctx, name, int(cluster.record["Port"])), "InstanceCreateTime": ready}
    with ctx.lock:
        _check_room(ctx, ctx.cluster(cluster.name))
        birth.add(ctx, Instance(record).then(Step(ready, "available", born, "0005")))
    return name


def _record(ctx: Context, cluster: Cluster, name: str) -> Record:
    params = ctx.params
    for key, words in _OF_THE_CLUSTER.items():
        if params.get(key):
            raise bad_combination(
                f"The requested DB Instance will be a member of a DB Cluster. Set {words} for the DB Cluster."
            )
    if params.get("MultiAZ"):
        raise bad_combination(f"VPC Multi-AZ DB Instances are not available for engine: {params['Engine']}")
    _refuse_foreign_settings(params)
    _check_engine(cluster, params)
    engine, version = str(cluster.record["Engine"]), str(cluster.record["EngineVersion"])
    wanted = str(params["DBInstanceClass"])
    _check_class(ctx, cluster, wanted)
    record = birth.shared_record(ctx, name, engine=engine, version=version, instance_class=wanted)
    group = INSTANCE_GROUPS.fitting(ctx, params.get("DBParameterGroupName"), engine, version)
    tier = 1 if params.get("PromotionTier") is None else int(params["PromotionTier"])
    if not 0 <= tier <= 15:
        raise bad_value(f"Invalid promotion tier: {tier}. Must be between 0 and 15.")
    return (
        record
        | shared_with(cluster)
        | _place(ctx, cluster)
        | {
            "DBClusterIdentifier": cluster.name,
            "DBParameterGroups": [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}],
            "ClusterParameters": "in-sync",
            "PreferredMaintenanceWindow": str(
                params.get("PreferredMaintenanceWindow") or cluster.record["PreferredMaintenanceWindow"]
            ).lower(),
            "PromotionTier": tier,
            "AllocatedStorage": 1,
            "MultiAZ": False,
        }
    )


def shared_with(cluster: Cluster) -> Record:
    """What an instance shows of its cluster."""
    record = cluster.record
    shared = {
        "BackupRetentionPeriod": record["BackupRetentionPeriod"],
        "DBName": record.get("DatabaseName"),
        "EngineVersion": record["EngineVersion"],
        "EnabledCloudwatchLogsExports": record["EnabledCloudwatchLogsExports"],
        "IAMDatabaseAuthenticationEnabled": record["IAMDatabaseAuthenticationEnabled"],
        "KmsKeyId": record.get("KmsKeyId"),
        "MasterUsername": record.get("MasterUsername"),
        "PreferredBackupWindow": record["PreferredBackupWindow"],
        "StorageEncrypted": record["StorageEncrypted"],
        "StorageType": record.get("StorageType", "aurora"),
        "VpcSecurityGroups": record["VpcSecurityGroups"],
    }
    return {key: value for key, value in shared.items() if value is not None}


def _refuse_foreign_settings(params: Mapping[str, Any]) -> None:
    for key in _NOT_FOR_AURORA:
        if params.get(key):
            raise bad_combination(f"{key} doesn't apply to DB instances of an Aurora DB cluster.")


def _check_engine(cluster: Cluster, params: Mapping[str, Any]) -> None:
    for key, words in (("Engine", "engine name"), ("EngineVersion", "engine version")):
        wanted, held = params.get(key), str(cluster.record[key])
        if wanted and wanted != held and not (key == "EngineVersion" and held.startswith(f"{wanted}.")):
            raise bad_combination(
                f"The {words} requested for your DB instance ({wanted}) doesn't match the {words} of your DB cluster "
                f"({held})."
            )


def _check_class(ctx: Context, cluster: Cluster, wanted: str) -> None:
    if cluster.global_id:
        joining.check_class(wanted)
    if wanted == "db.serverless" and not cluster.record.get("ServerlessV2ScalingConfiguration"):
        raise ApiError(
            "InvalidDBClusterStateFault",
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB "
            "instance.",
        )


def _place(ctx: Context, cluster: Cluster) -> Record:
    """The cluster's subnet group, and the zone asked for or the one with the fewest instances."""
    group = groups.subnet_group(ctx, str(cluster.record["DBSubnetGroup"]))
    named = ctx.params.get("DBSubnetGroupName")
    if named and named.lower() != group["DBSubnetGroupName"]:
        raise bad_combination(
            f"The DB subnet group {named} isn't that of the DB cluster {cluster.name}: {group['DBSubnetGroupName']}."
        )
    zones = list(cluster.record["AvailabilityZones"])
    taken = [one.record["AvailabilityZone"] for one in ctx.world.instances_of(cluster)]
    zone = ctx.params.get("AvailabilityZone") or min(zones, key=lambda one: (taken.count(one), one))
    if zone not in zones:
        raise ApiError(
            "InvalidVPCNetworkStateFault",
            f"Availability zone '[{zone}]' is unavailable in this region, please choose another zone set.",
        )
    return {"DBSubnetGroup": group, "AvailabilityZone": zone}


def _check_room(ctx: Context, cluster: Cluster) -> None:
    """Source: Aurora guide, "Configuration requirements of an Amazon Aurora global database" (readers)."""
    if cluster.status not in ("available", "creating"):
        raise ApiError("InvalidDBClusterStateFault", f"DB cluster {cluster.name} is not in available state.")
    group = ctx.world.group_of(cluster)
    secondaries = len(ctx.world.members_of(group)) - 1 if group and not ctx.world.is_secondary(cluster) else 0
    room = _MOST_INSTANCES - secondaries
    if len(ctx.world.instances_of(cluster)) >= room:
        raise ApiError("InstanceQuotaExceeded", f"DB cluster {cluster.name} can have no more than {room} DB instances.")


def check_modifiable(ctx: Context, instance: Instance) -> None:
    """Nothing, if ModifyDBInstance asks for nothing that belongs to the instance's cluster."""
    params, record = ctx.params, instance.record
    for key, words in {**_OF_THE_CLUSTER, "EngineVersion": "database engine version"}.items():
        wanted = params.get(key)
        if wanted is not None and wanted != record.get(key):
            raise bad_combination(
                f"The specified DB Instance is a member of a cluster. Modify {words} for the DB Cluster using the "
                "ModifyDbCluster API"
            )
    _refuse_foreign_settings(params)
    if params.get("DBInstanceClass"):
        _check_class(ctx, ctx.cluster(instance.cluster), params["DBInstanceClass"])
