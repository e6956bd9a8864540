"""ModifyDBInstance: what changes at once, what takes a while, and what waits for the maintenance window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, catalog, checks, durations, surroundings
from drgen.local.rds.aurora import members
from drgen.local.rds.checks import bad_combination
from drgen.local.rds.context import Context
from drgen.local.rds.events import log_event
from drgen.local.rds.instances import answer, managed_secret, require_available
from drgen.local.rds.parameter_groups import INSTANCE_GROUPS
from drgen.local.rds.records import Instance, Record, Step, backup_steps

_AT_ONCE = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DeletionProtection": "DeletionProtection",
    "MaxAllocatedStorage": "MaxAllocatedStorage",
    "PromotionTier": "PromotionTier",
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BEGUN = {"DBInstanceClass": "0012", "AllocatedStorage": "0018"}
_ENDED = {"DBInstanceClass": "0014", "AllocatedStorage": "0017"}


def modify_instance(ctx: Context) -> Mapping[str, Any]:
    """Fields without downtime change at once; others take a while, now (ApplyImmediately) or in the window.

    A new backup retention always starts with a backup. Source: RDS guide, "Modifying an Amazon RDS DB instance"; which
    fields change without a status is chosen by the emulator.
    """
    before = ctx.instance(ctx.params["DBInstanceIdentifier"])
    require_available(before)
    if before.cluster:
        members.check_modifiable(ctx, before)
    now_fields = _at_once(ctx, before)
    slow = _slow(ctx, before)
    with ctx.lock:
        instance = ctx.instance(before.name)
        require_available(instance)
        now = _changed(instance, now_fields)
        instance = instance.with_fields(now)
        if "MasterUserPassword" in ctx.params:
            log_event(ctx.state, "db-instance", instance.arn, "0016", ctx.now)
        wanted = _changed(instance, slow)
        if wanted:
            instance = _scheduled(ctx, instance, wanted)
        ctx.world.put(instance)
    return answer(ctx, instance.name)


def _changed(instance: Instance, fields: Mapping[str, Any]) -> Record:
    return {key: value for key, value in fields.items() if instance.record.get(key) != value}


def _scheduled(ctx: Context, instance: Instance, wanted: Record) -> Instance:
    record = instance.record
    pending = {key: value for key, value in wanted.items() if key in _PENDING and value is not None}
    immediate = ctx.params.get("ApplyImmediately", False) or not pending
    start = ctx.now if immediate else next_window(record["PreferredMaintenanceWindow"], ctx.now)
    end = start + durations.MODIFY_S
    first_backup = record["BackupRetentionPeriod"] == 0 and wanted.get("BackupRetentionPeriod", 0) > 0
    event = next((_ENDED[key] for key in wanted if key in _ENDED), "")
    if "MultiAZ" in wanted:
        event = "0025" if wanted["MultiAZ"] else "0029"
    if "BackupRetentionPeriod" in wanted and not (event or first_backup):
        event = "0028" if not wanted["BackupRetentionPeriod"] else ""
    still_pending = {key: value for key, value in record["PendingModifiedValues"].items() if key not in wanted}
    changes = {**wanted, "PendingModifiedValues": still_pending if immediate else {}}
    steps = backup_steps(end, changes, "0032") if first_backup else [Step(end, "available", changes, event)]
    marked = instance.with_fields({"PendingModifiedValues": {**record["PendingModifiedValues"], **pending}})
    if not immediate:
        return marked.then(Step(start, "modifying"), *steps)
    begun = next((_BEGUN[key] for key in wanted if key in _BEGUN), "")
    if "MultiAZ" in wanted:
        begun = "0024" if wanted["MultiAZ"] else "0030"
    if begun:
        log_event(ctx.state, "db-instance", instance.arn, begun, ctx.now)
    return marked.with_fields({"DBInstanceStatus": "modifying"}).then(*steps)


_PENDING = frozenset(
    {
        "DBInstanceClass",
        "AllocatedStorage",
        "StorageType",
        "Iops",
        "StorageThroughput",
        "MultiAZ",
        "EngineVersion",
        "BackupRetentionPeriod",
        "CACertificateIdentifier",
        "DBInstanceIdentifier",
    }
)


def next_window(window: str, now: float) -> float:
    """The start of the next maintenance window after `now`, in seconds since the epoch. `window`: ddd:hh24:mi-..."""
    day, hour, minute = window.partition("-")[0].split(":")
    at = datetime.fromtimestamp(now, UTC)
    wanted = (_DAYS.index(day) * 24 + int(hour)) * 3600 + int(minute) * 60
    since_monday = at.weekday() * 24 * 3600 + at.hour * 3600 + at.minute * 60 + at.second
    ahead = (wanted - since_monday) % (7 * 24 * 3600)
    return now + (ahead or 7 * 24 * 3600)


def _at_once(ctx: Context, instance: Instance) -> Record:
    params, record = ctx.params, instance.record
    fields: Record = {_AT_ONCE[key]: params[key] for key in _AT_ONCE if params.get(key) is not None}
    if params.get("MasterUserPassword"):
        if instance.replication:
            raise bad_combination("The master user password of a read replica can't be changed.")
        checks.password(params["MasterUserPassword"])
    fields["PreferredBackupWindow"] = params.get("PreferredBackupWindow") or record["PreferredBackupWindow"]
    maintenance = params.get("PreferredMaintenanceWindow") or record["PreferredMaintenanceWindow"]
    fields["PreferredMaintenanceWindow"] = maintenance.lower()
    checks.windows(fields["PreferredBackupWindow"], fields["PreferredMaintenanceWindow"])
    return fields | _insights(ctx, record)


def _insights(ctx: Context, record: Mapping[str, Any]) -> Record:
    params = ctx.params
    named = ("EnablePerformanceInsights", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod")
    if not any(params.get(name) is not None for name in (*named, "DatabaseInsightsMode")):
        return {}
    present = {
        "EnablePerformanceInsights": record["PerformanceInsightsEnabled"],
        "PerformanceInsightsKMSKeyId": record.get("PerformanceInsightsKMSKeyId"),
        "PerformanceInsightsRetentionPeriod": record.get("PerformanceInsightsRetentionPeriod"),
        "DatabaseInsightsMode": record["DatabaseInsightsMode"],
    }
    asked = {name: params[name] for name in present if params.get(name) is not None}
    if asked.get("EnablePerformanceInsights") is False:
        return {
            **birth.insights(ctx, {}),
            "PerformanceInsightsKMSKeyId": None,
            "PerformanceInsightsRetentionPeriod": None,
        }
    return birth.insights(ctx, {**present, **asked})


def _slow(ctx: Context, instance: Instance) -> Record:
    params, record = ctx.params, instance.record
    fields: Record = _version(ctx, instance) | _backups(ctx, instance) | _storage(ctx, instance)
    if params.get("DBInstanceClass"):
        catalog.check_class(ctx.region, record["Engine"], params["DBInstanceClass"], record["EngineVersion"])
        fields["DBInstanceClass"] = params["DBInstanceClass"]
    if params.get("MultiAZ") is not None and params["MultiAZ"] != record["MultiAZ"]:
        zones = sorted({entry["SubnetAvailabilityZone"]["Name"] for entry in record["DBSubnetGroup"]["Subnets"]})
        standby = next(zone for zone in zones if zone != record["AvailabilityZone"])
        fields |= {"MultiAZ": params["MultiAZ"], "SecondaryAvailabilityZone": standby if params["MultiAZ"] else None}
    if params.get("VpcSecurityGroupIds"):
        vpc = record["DBSubnetGroup"]["VpcId"]
        fields["VpcSecurityGroups"] = surroundings.security_groups(ctx, params["VpcSecurityGroupIds"], vpc)
    if params.get("NewDBInstanceIdentifier"):
        fields |= _rename(ctx, instance, params["NewDBInstanceIdentifier"])
    if params.get("DBPortNumber"):
        fields["Endpoint"] = {**record["Endpoint"], "Port": int(params["DBPortNumber"])}
    if params.get("CACertificateIdentifier"):
        fields["CACertificateIdentifier"] = params["CACertificateIdentifier"]
    if params.get("PubliclyAccessible") is not None:
        fields["PubliclyAccessible"] = params["PubliclyAccessible"]
    if params.get("EnableIAMDatabaseAuthentication") is not None:
        fields["IAMDatabaseAuthenticationEnabled"] = params["EnableIAMDatabaseAuthentication"]
    return fields | _monitoring(ctx, record) | _managed_password(ctx, instance)


def _monitoring(ctx: Context, record: Mapping[str, Any]) -> Record:
    params = ctx.params
    fields: Record = {}
    if params.get("MonitoringInterval") is not None or params.get("MonitoringRoleArn"):
        interval = int(params.get("MonitoringInterval", record["MonitoringInterval"]))
        role = params.get("MonitoringRoleArn") or (record.get("MonitoringRoleArn") if interval else None)
        checks.monitoring(interval, role)
        fields |= {"MonitoringInterval": interval, "MonitoringRoleArn": role}
    if exports := params.get("CloudwatchLogsExportConfiguration"):
        present = set(record["EnabledCloudwatchLogsExports"])
        checks.log_exports(record["Engine"], exports.get("EnableLogTypes") or ())
        present = (present | set(exports.get("EnableLogTypes") or ())) - set(exports.get("DisableLogTypes") or ())
        fields["EnabledCloudwatchLogsExports"] = sorted(present)
    return fields


def _managed_password(ctx: Context, instance: Instance) -> Record:
    wanted, held = ctx.params.get("ManageMasterUserPassword"), instance.record.get("MasterUserSecret")
    if wanted is None or wanted == bool(held):
        return {}
    if not wanted:
        if not ctx.params.get("MasterUserPassword"):
            raise bad_combination("You must specify MasterUserPassword when you turn off ManageMasterUserPassword.")
        return {"MasterUserSecret": None}
    if instance.replication or ctx.world.replicas_of(instance):
        raise bad_combination(
            "You can't manage the master user password of a DB instance that takes part in replication."
        )
    return {"MasterUserSecret": managed_secret(ctx, instance.record["MasterUsername"], kind="db")}


def _backups(ctx: Context, instance: Instance) -> Record:
    """Source: RDS guide, "Differences between read replicas for DB engines" (replica backups from PostgreSQL 14.1)."""
    days = ctx.params.get("BackupRetentionPeriod")
    if days is None:
        return {}
    checks.retention(int(days))
    engine, version = instance.record["Engine"], instance.record["EngineVersion"]
    if instance.replication and days and engine == "postgres" and catalog.version_key(version) < (14, 1):
        raise bad_combination(f"DB Backups not supported on a read replica for engine {engine}")
    if not days and ctx.world.replicas_of(instance):
        raise bad_combination("Backups can't be disabled while the DB instance is a source of read replicas.")
    return {"BackupRetentionPeriod": int(days)}


def _storage(ctx: Context, instance: Instance) -> Record:
    params, record = ctx.params, instance.record
    if not any(params.get(key) for key in ("AllocatedStorage", "StorageType", "Iops", "StorageThroughput")):
        return {}
    gib = int(params.get("AllocatedStorage") or record["AllocatedStorage"])
    kind = params.get("StorageType") or record["StorageType"]
    if gib < record["AllocatedStorage"]:
        raise bad_combination(
            f"Invalid storage size for engine name {record['Engine']}: requested {gib} GiB, but storage can't shrink "
            f"from {record['AllocatedStorage']} GiB."
        )
    iops = params.get("Iops") or (record.get("Iops") if kind in ("io1", "io2") else None)
    sizes = checks.storage(record["Engine"], kind, gib, iops, params.get("StorageThroughput"))
    return {"AllocatedStorage": gib, "StorageType": kind, "Iops": None, "StorageThroughput": None, **sizes}


def _version(ctx: Context, instance: Instance) -> Record:
    """The new version and a group that fits it. A prefix of the present version changes nothing."""
    params, record = ctx.params, instance.record
    engine, present = record["Engine"], record["EngineVersion"]
    group = params.get("DBParameterGroupName")
    wanted = params.get("EngineVersion")
    version = present
    if wanted and not (wanted == present or present.startswith(f"{wanted}.")):
        version = catalog.resolve_version(engine, wanted)
        if catalog.version_key(version) < catalog.version_key(present):
            raise bad_combination(f"Cannot upgrade {engine} from {present} to {version}")
        if catalog.major(engine, version) != catalog.major(engine, present):
            _check_major_upgrade(ctx, instance, version)
            group = group or f"default.{catalog.family(engine, version)}"
    fields: Record = {"EngineVersion": version}
    if group and group.lower() != record["DBParameterGroups"][0]["DBParameterGroupName"]:
        name = INSTANCE_GROUPS.fitting(ctx, group, engine, version)
        status = "pending-reboot" if version == present else "in-sync"
        fields["DBParameterGroups"] = [{"DBParameterGroupName": name, "ParameterApplyStatus": status}]
    return fields


def _check_major_upgrade(ctx: Context, instance: Instance, version: str) -> None:
    if not ctx.params.get("AllowMajorVersionUpgrade"):
        raise bad_combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )
    group = instance.record["DBParameterGroups"][0]["DBParameterGroupName"]
    if not group.startswith("default.") and not ctx.params.get("DBParameterGroupName"):
        raise bad_combination(
            f"The current DB instance parameter group {group} is custom. You must explicitly specify a new DB "
            f"parameter group, either default or custom, for the engine version upgrade to {version}."
        )


def _rename(ctx: Context, instance: Instance, wanted: str) -> Record:
    name = checks.identifier("NewDBInstanceIdentifier", wanted)
    if name == instance.name:
        return {}
    if name in ctx.state.instances:
        raise ApiError("DBInstanceAlreadyExists", "DB instance already exists")
    port = instance.record["Endpoint"]["Port"]
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": ctx.arn("db", name),
        "Endpoint": birth.endpoint(ctx, name, port),
    }


OPERATIONS = {"ModifyDBInstance": modify_instance}
