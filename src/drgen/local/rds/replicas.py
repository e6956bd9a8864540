"""Read replicas: made from a source in this or another region, and promoted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, checks, durations, surroundings
from drgen.local.rds.aurora import members
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context
from drgen.local.rds.instances import answer
from drgen.local.rds.parameter_groups import INSTANCE_GROUPS
from drgen.local.rds.records import REPLICATING, Instance, Record, Step, backup_steps

_REPLICAS_PER_SOURCE = 15
_INHERITED = ("MasterUsername", "DBName", "EngineLifecycleSupport", "CharacterSetName")


def create_replica(ctx: Context) -> Mapping[str, Any]:
    """CreateDBInstanceReadReplica. The copy of the source takes longer than anything else here.

    Backups start disabled, whatever the source does, and a replica in another region has the default parameter group.
    Source: botocore, CreateDBInstanceReadReplicaMessage; RDS guide, "Creating a read replica in a different AWS
    Region".
    """
    name = birth.new_identifier(ctx)
    source = _source(ctx, ctx.params["SourceDBInstanceIdentifier"])
    engine, version = source.record["Engine"], source.record["EngineVersion"]
    instance_class = ctx.params.get("DBInstanceClass") or source.record["DBInstanceClass"]
    record = birth.shared_record(ctx, name, engine=engine, version=version, instance_class=instance_class)
    record |= {key: source.record[key] for key in _INHERITED if key in source.record}
    record |= _storage(ctx, source) | _encryption(ctx, source)
    record |= birth.placement(ctx, _subnet_group_name(ctx, source))
    record |= {
        "ReadReplicaSourceDBInstanceIdentifier": source.name if source.region == ctx.region else source.arn,
        "BackupRetentionPeriod": 0,
        "PreferredBackupWindow": source.record["PreferredBackupWindow"],
        "PreferredMaintenanceWindow": source.record["PreferredMaintenanceWindow"],
        "DBParameterGroups": [_parameter_group(ctx, source)],
    }
    _check_one_vpc(ctx, source, record)
    port = int(ctx.params.get("Port") or source.record["Endpoint"]["Port"])
    ready = ctx.now + durations.CREATE_REPLICA_S
    born = {"Endpoint": birth.endpoint(ctx, name, port), "InstanceCreateTime": ready}
    replica = Instance(record, replication=REPLICATING).then(
        Step(ready, "available", born, "0005"), Step(ready, "available", {}, "0046")
    )
    with ctx.lock:
        _check_source(ctx, source)
        birth.add(ctx, replica)
    return answer(ctx, name)


def _source(ctx: Context, wanted: str) -> Instance:
    if ctx.params.get("SourceDBClusterIdentifier"):
        raise bad_combination("SourceDBInstanceIdentifier and SourceDBClusterIdentifier can't both be specified.")
    source = ctx.world.by_arn(wanted) if wanted.startswith("arn:") else ctx.state.instances.get(wanted.lower())
    region = wanted.split(":")[3] if wanted.startswith("arn:") else ctx.region
    if region != ctx.region and not surroundings.is_reachable(ctx.env, region):
        raise ApiError("InternalFailure", f"The source region {region} could not be reached.", status=500)
    if source is None:
        raise ApiError("DBInstanceNotFound", f"DBInstance {wanted} not found.", status=404)
    members.refuse(source, "Read replicas of Aurora are instances of the same cluster.")
    _check_source(ctx, source)
    return source


def _check_source(ctx: Context, source: Instance) -> None:
    if source.record["BackupRetentionPeriod"] == 0:
        raise ApiError(
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated backups, use "
            "ModifyDBInstance to set the backup retention period to a non-zero value.",
        )
    if source.status != "available":
        raise ApiError("InvalidDBInstanceState", f"Source database instance {source.name} is not in available state.")
    if source.record.get("MasterUserSecret") and not source.record["Engine"].startswith("sqlserver"):
        raise bad_combination(
            "You can't create a read replica of a DB instance whose master user password is managed in Secrets Manager."
        )
    if len(ctx.world.replicas_of(source)) >= _REPLICAS_PER_SOURCE:
        raise ApiError(
            "InstanceQuotaExceeded", f"A DB instance can have no more than {_REPLICAS_PER_SOURCE} read replicas."
        )


def _storage(ctx: Context, source: Instance) -> Record:
    kind = ctx.params.get("StorageType") or source.record["StorageType"]
    gib = int(ctx.params.get("AllocatedStorage") or source.record["AllocatedStorage"])
    if gib < source.record["AllocatedStorage"]:
        raise bad_value("The allocated storage of a read replica can't be smaller than that of its source.")
    inherits = kind == source.record["StorageType"] and kind in ("io1", "io2")
    iops = ctx.params.get("Iops") or (source.record.get("Iops") if inherits else None)
    sizes = checks.storage(source.record["Engine"], kind, gib, iops, ctx.params.get("StorageThroughput"))
    return {"StorageType": kind, "AllocatedStorage": gib, **sizes}


def _encryption(ctx: Context, source: Instance) -> Record:
    encrypted, key = source.record["StorageEncrypted"], ctx.params.get("KmsKeyId")
    if not encrypted:
        if key:
            raise bad_combination("Cannot create an encrypted Read Replica from an unencrypted DB instance.")
        return {"StorageEncrypted": False}
    if source.region == ctx.region:
        if key and surroundings.key_arn(ctx, key) != source.record["KmsKeyId"]:
            raise bad_combination("A read replica in the same region must use the KMS key of its source.")
        return {"StorageEncrypted": True, "KmsKeyId": source.record["KmsKeyId"]}
    if not key:
        raise bad_combination("Cannot create a cross region unencrypted read replica from encrypted source.")
    return {"StorageEncrypted": True, "KmsKeyId": surroundings.key_arn(ctx, key)}


def _subnet_group_name(ctx: Context, source: Instance) -> str | None:
    """A replica in the source's region sits in the source's own group unless another is named."""
    named: str | None = ctx.params.get("DBSubnetGroupName")
    return named or (source.record["DBSubnetGroup"]["DBSubnetGroupName"] if source.region == ctx.region else None)


def _parameter_group(ctx: Context, source: Instance) -> Record:
    wanted = ctx.params.get("DBParameterGroupName")
    engine, version = source.record["Engine"], source.record["EngineVersion"]
    if wanted and source.region != ctx.region:
        raise bad_combination(
            "You can't specify a DB parameter group for a cross-region read replica of this engine. "
            "Modify the read replica after it has been created."
        )
    if wanted is None and source.region == ctx.region:
        wanted = source.record["DBParameterGroups"][0]["DBParameterGroupName"]
    name = INSTANCE_GROUPS.fitting(ctx, wanted, engine, version)
    return {"DBParameterGroupName": name, "ParameterApplyStatus": "in-sync"}


def _check_one_vpc(ctx: Context, source: Instance, record: Record) -> None:
    """All replicas of one source in one region share a VPC. Source: botocore, ...Message.DBSubnetGroupName."""
    for other in ctx.world.replicas_of(source):
        if other.region == ctx.region and other.record["DBSubnetGroup"]["VpcId"] != record["DBSubnetGroup"]["VpcId"]:
            raise ApiError(
                "InvalidDBSubnetGroupFault",
                "The DBSubnetGroup doesn't belong to the same VPC as that of an existing cross-region read replica "
                "of the same source instance.",
            )


def promote(ctx: Context) -> Mapping[str, Any]:
    """PromoteReadReplica: modifying, rebooting, then a first backup unless backups are to stay off.

    For a moment the instance still shows `available`; only the missing source tells that it is done.
    Source: botocore, PromoteReadReplicaMessage (retention defaults to 1); RDS guide, "Promoting a read replica".
    """
    days = ctx.params.get("BackupRetentionPeriod")
    with ctx.lock:
        replica = ctx.instance(ctx.params["DBInstanceIdentifier"])
        record = replica.record
        days = (record["BackupRetentionPeriod"] or 1) if days is None else int(days)
        window = ctx.params.get("PreferredBackupWindow") or record["PreferredBackupWindow"]
        checks.retention(days)
        checks.windows(window, record["PreferredMaintenanceWindow"])
        if not replica.replication:
            raise ApiError("InvalidDBInstanceState", "DB Instance is not a read replica.")
        if replica.status != "available" or replica.is_promoting:
            raise ApiError("InvalidDBInstanceState", f"DB Instance {replica.name} is not in available state.")
        ctx.world.put(replica.then(*_promotion(ctx.now, days, window)))
    return answer(ctx, replica.name)


def _promotion(now: float, days: int, window: str) -> list[Step]:
    done = now + durations.PROMOTE_S
    standalone: Record = {
        "ReadReplicaSourceDBInstanceIdentifier": None,
        "BackupRetentionPeriod": days,
        "PreferredBackupWindow": window,
    }
    begins = [
        Step(now + durations.PROMOTION_BEGINS_S, "modifying"),
        Step(now + durations.PROMOTION_MODIFIES_S, "rebooting", {}, "0004"),
    ]
    if not days:
        return [*begins, Step(done, "available", standalone, "0006")]
    return [*begins, *backup_steps(done, standalone, "0006")]


OPERATIONS = {
    "CreateDBInstanceReadReplica": create_replica,
    "PromoteReadReplica": promote,
}
