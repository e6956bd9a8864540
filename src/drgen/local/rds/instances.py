"""The life of an instance that is no replica: created, described, rebooted, stopped, started, deleted."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, catalog, checks, durations, snapshots, surroundings
from drgen.local.rds.aurora import members
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context, page, shown
from drgen.local.rds.events import log_event
from drgen.local.rds.parameter_groups import INSTANCE_GROUPS
from drgen.local.rds.records import GONE, Instance, Record, Step, backup_steps
from drgen.local.rds.replication import source_regions, status_infos, watch

_FILTERS = {
    "db-instance-id": "DBInstanceIdentifier",
    "dbi-resource-id": "DbiResourceId",
    "engine": "Engine",
    "db-cluster-id": "DBClusterIdentifier",
    "domain": "Domain",
}
_WEEK_S = 7 * 24 * 3600


def described(ctx: Context, instance: Instance) -> dict[str, Any]:
    """The instance as DescribeDBInstances shows it, with what follows from other instances and regions."""
    record = {key: value for key, value in instance.record.items() if key != "ClusterParameters"}
    record["ReadReplicaDBInstanceIdentifiers"] = sorted(
        replica.name if replica.region == instance.region else replica.arn
        for replica in ctx.world.replicas_of(instance)
    )
    infos = status_infos(ctx.world, instance)
    if infos:
        record["StatusInfos"] = infos
    if instance.backed_up is not None and record["BackupRetentionPeriod"] > 0:
        record["LatestRestorableTime"] = max(instance.backed_up, ctx.now - 300)
    answer: dict[str, Any] = shown(record)
    return answer


def answer(ctx: Context, name: str) -> Mapping[str, Any]:
    return {"DBInstance": described(ctx, ctx.instance(name))}


def require_available(instance: Instance) -> None:
    if instance.status != "available" or instance.is_promoting:
        raise ApiError("InvalidDBInstanceState", f"Database instance {instance.name} is not in available state.")


def create_instance(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    if params.get("DBClusterIdentifier"):
        return answer(ctx, members.create(ctx))
    name = birth.new_identifier(ctx)
    engine = params["Engine"]
    if engine in catalog.AURORA:
        raise bad_value(f"Invalid DB engine: {engine}")
    version = catalog.resolve_version(engine, params.get("EngineVersion"))
    record = birth.shared_record(ctx, name, engine=engine, version=version, instance_class=params["DBInstanceClass"])
    record |= _storage(ctx, engine)
    record |= _backups(params)
    group = INSTANCE_GROUPS.fitting(ctx, params.get("DBParameterGroupName"), engine, version)
    record["DBParameterGroups"] = [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]
    record |= birth.placement(ctx, params.get("DBSubnetGroupName"))
    record["EngineLifecycleSupport"] = params.get("EngineLifecycleSupport") or "open-source-rds-extended-support"
    if params.get("DBName"):
        checks.database_name(params["DBName"])
        record["DBName"] = params["DBName"]
    record |= credentials(ctx, kind="db")
    port = int(params.get("Port") or birth.default_port(engine))
    instance = Instance(record).then(*_creation(ctx, record, port))
    with ctx.lock:
        birth.add(ctx, instance)
    return answer(ctx, name)


def _creation(ctx: Context, record: Record, port: int) -> list[Step]:
    lasts = durations.CREATE_MULTI_AZ_S if record["MultiAZ"] else durations.CREATE_S
    born = ctx.now + lasts
    after = {
        "Endpoint": birth.endpoint(ctx, record["DBInstanceIdentifier"], port),
        "InstanceCreateTime": born,
    }
    if not record["BackupRetentionPeriod"]:
        return [Step(born, "available", after, "0005")]
    return backup_steps(born, after, "0005")


def _storage(ctx: Context, engine: str) -> Record:
    params = ctx.params
    kind = params.get("StorageType") or ("io1" if params.get("Iops") else "gp3")
    gib = int(params.get("AllocatedStorage") or 0)
    record: Record = {"StorageType": kind, "AllocatedStorage": gib}
    record |= checks.storage(engine, kind, gib, params.get("Iops"), params.get("StorageThroughput"))
    key, encrypted = params.get("KmsKeyId"), params.get("StorageEncrypted", False)
    if key and not encrypted:
        raise bad_combination("KmsKeyId can only be specified when StorageEncrypted is true.")
    if encrypted:
        record["KmsKeyId"] = surroundings.key_arn(ctx, key) if key else birth.service_key(ctx)
    return record | {"StorageEncrypted": encrypted}


def _backups(params: Mapping[str, Any]) -> Record:
    days = params.get("BackupRetentionPeriod")
    days = 1 if days is None else int(days)
    checks.retention(days)
    record: Record = {
        "BackupRetentionPeriod": days,
        "PreferredBackupWindow": params.get("PreferredBackupWindow") or birth.BACKUP_WINDOW,
        "PreferredMaintenanceWindow": (params.get("PreferredMaintenanceWindow") or birth.MAINTENANCE_WINDOW).lower(),
    }
    checks.windows(record["PreferredBackupWindow"], record["PreferredMaintenanceWindow"])
    return record


def credentials(ctx: Context, *, kind: str) -> Record:
    """The master user, and the secret that holds the password where RDS manages it. `kind` is db or cluster."""
    params = ctx.params
    username = params.get("MasterUsername")
    if not username:
        raise bad_value("The parameter MasterUsername must be provided and must not be blank.")
    checks.master_username(username)
    if params.get("ManageMasterUserPassword"):
        if params.get("MasterUserPassword"):
            raise bad_combination("You can't specify MasterUserPassword when you specify ManageMasterUserPassword.")
        return {"MasterUsername": username, "MasterUserSecret": managed_secret(ctx, username, kind=kind)}
    if not params.get("MasterUserPassword"):
        raise bad_value("The parameter MasterUserPassword must be provided and must not be blank.")
    checks.password(params["MasterUserPassword"])
    return {"MasterUsername": username}


def managed_secret(ctx: Context, username: str, *, kind: str) -> Record:
    """A secret with a new password, owned by RDS. Source: RDS guide, "Password management with AWS Secrets Manager"."""
    client = ctx.env.client("secretsmanager", ctx.region)
    value = {"username": username, "password": secrets.token_urlsafe(21)}
    key = ctx.params.get("MasterUserSecretKmsKeyId")
    encryption = {"KmsKeyId": surroundings.key_arn(ctx, key)} if key else {}
    made = client.create_secret(Name=f"rds!{kind}-{uuid.uuid4()}", SecretString=json.dumps(value), **encryption)
    return {"SecretArn": made["ARN"], "SecretStatus": "active", **encryption}


def describe_instances(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params.get("DBInstanceIdentifier")
    found = [ctx.instance(name)] if name else list(ctx.state.instances.values())
    for key, values in checks.filters(ctx.params.get("Filters"), _FILTERS):
        accepted = {value.rpartition(":")[2].lower() if key == "DBInstanceIdentifier" else value for value in values}
        found = [instance for instance in found if instance.record.get(key) in accepted]
    watch(ctx.env, ctx.world, ctx.lock, ctx.now, source_regions(found))
    records = [described(ctx, ctx.state.instances.get(instance.name, instance)) for instance in found]
    entries, marker = page(records, ctx.params, lambda record: str(record["DBInstanceIdentifier"]))
    return {"DBInstances": entries, **marker}


def reboot_instance(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        instance = ctx.instance(ctx.params["DBInstanceIdentifier"])
        require_available(instance)
        record = instance.record
        synced = [{**entry, "ParameterApplyStatus": "in-sync"} for entry in record["DBParameterGroups"]]
        changes: Record = {"DBParameterGroups": synced}
        if instance.cluster:
            changes["ClusterParameters"] = "in-sync"
        end = ctx.now + durations.REBOOT_S
        if ctx.params.get("ForceFailover"):
            if not record["MultiAZ"]:
                raise bad_combination(
                    "You can't specify ForceFailover for an instance that isn't configured for Multi-AZ."
                )
            changes["AvailabilityZone"] = record["SecondaryAvailabilityZone"]
            changes["SecondaryAvailabilityZone"] = record["AvailabilityZone"]
            log_event(ctx.state, "db-instance", instance.arn, "0013", ctx.now)
            steps = [Step(end, "available", changes, "0049")]
        else:
            log_event(ctx.state, "db-instance", instance.arn, "0004", ctx.now)
            steps = [Step(end, "available", changes, "0006")]
        ctx.world.put(instance.with_fields({"DBInstanceStatus": "rebooting"}).then(*steps))
    return answer(ctx, instance.name)


def stop_instance(ctx: Context) -> Mapping[str, Any]:
    """StopDBInstance: RDS starts it again after seven days. Source: RDS guide, "Stopping an Amazon RDS DB instance"."""
    snapshot = ctx.params.get("DBSnapshotIdentifier")
    with ctx.lock:
        instance = ctx.instance(ctx.params["DBInstanceIdentifier"])
        require_available(instance)
        members.refuse(instance, "The instance can't be stopped on its own.")
        if instance.replication or ctx.world.replicas_of(instance):
            raise ApiError(
                "InvalidDBInstanceState",
                f"Cannot stop the DB instance {instance.name} because it is a read replica or has read replicas.",
            )
        if snapshot:
            snapshots.take(ctx, instance, snapshot)
        stopped = ctx.now + durations.STOP_S
        again = stopped + _WEEK_S
        ctx.world.put(
            instance.with_fields({"DBInstanceStatus": "stopping"}).then(
                Step(stopped, "stopped", {"AutomaticRestartTime": again}, "0087"),
                Step(again, "starting", {"AutomaticRestartTime": None}),
                Step(again + durations.START_S, "available", {}, "0088"),
            )
        )
    return answer(ctx, instance.name)


def start_instance(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        instance = ctx.instance(ctx.params["DBInstanceIdentifier"])
        if instance.status != "stopped":
            raise ApiError("InvalidDBInstanceState", f"Instance {instance.name} is not stopped.")
        started = replace(instance, steps=()).with_fields(
            {"DBInstanceStatus": "starting", "AutomaticRestartTime": None}
        )
        ctx.world.put(started.then(Step(ctx.now + durations.START_S, "available", {}, "0088")))
    return answer(ctx, instance.name)


def delete_instance(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    final = params.get("FinalDBSnapshotIdentifier")
    with ctx.lock:
        instance = ctx.instance(params["DBInstanceIdentifier"])
        if instance.status == "deleting":
            raise ApiError("InvalidDBInstanceState", f"Instance {instance.name} is already being deleted.")
        if instance.record["DeletionProtection"]:
            raise bad_combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again."
            )
        skip = bool(params.get("SkipFinalSnapshot", False) or instance.cluster)
        if final and (instance.replication or instance.cluster):
            raise bad_combination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance")
        check_final_snapshot(final, skip=skip)
        if final:
            snapshots.take(ctx, instance, final)
        gone = Step(ctx.now + durations.DELETE_S, GONE, {}, "0003")
        leaving = replace(instance, steps=(gone,)).with_fields({"DBInstanceStatus": "deleting"})
        ctx.world.put(leaving)
        if instance.cluster:
            ctx.world.elect(ctx.cluster(instance.cluster))
    forget_secret(ctx, instance.record)
    return {"DBInstance": described(ctx, leaving)}


def forget_secret(ctx: Context, record: Mapping[str, Any]) -> None:
    """Deletes the secret that RDS made for the master user, if it made one."""
    if secret := record.get("MasterUserSecret"):
        ctx.env.client("secretsmanager", ctx.region).delete_secret(
            SecretId=secret["SecretArn"], ForceDeleteWithoutRecovery=True
        )


def check_final_snapshot(final: str | None, *, skip: bool) -> None:
    if final and skip:
        raise bad_combination("FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified.")
    if not final and not skip:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")


OPERATIONS = {
    "CreateDBInstance": create_instance,
    "DescribeDBInstances": describe_instances,
    "RebootDBInstance": reboot_instance,
    "StopDBInstance": stop_instance,
    "StartDBInstance": start_instance,
    "DeleteDBInstance": delete_instance,
}
