"""Snapshots of instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import durations
from drgen.local.rds.aurora import members
from drgen.local.rds.checks import filters, identifier, tags
from drgen.local.rds.context import Context, page, shown
from drgen.local.rds.events import log_event
from drgen.local.rds.records import Instance, Record

_COPIED = (
    "DBInstanceIdentifier",
    "Engine",
    "EngineVersion",
    "LicenseModel",
    "AllocatedStorage",
    "AvailabilityZone",
    "MasterUsername",
    "StorageType",
    "Iops",
    "StorageThroughput",
    "KmsKeyId",
    "DbiResourceId",
    "InstanceCreateTime",
    "DedicatedLogVolume",
)
_FILTERS = {
    "db-instance-id": "DBInstanceIdentifier",
    "db-snapshot-id": "DBSnapshotIdentifier",
    "dbi-resource-id": "DbiResourceId",
    "snapshot-type": "SnapshotType",
    "engine": "Engine",
}


def take(ctx: Context, instance: Instance, name: str, labels: list[dict[str, str]] | None = None) -> Record:
    """A manual snapshot that becomes available later. Hold the lock. Raises DBSnapshotAlreadyExists."""
    name = identifier("DBSnapshotIdentifier", name, longest=255)
    members.refuse(instance, "Please use the CreateDBClusterSnapshot API instead.")
    if name in ctx.state.snapshots:
        raise ApiError("DBSnapshotAlreadyExists", f"Cannot create the snapshot because one already exists: {name}")
    if instance.status not in ("available", "backing-up", "storage-optimization", "stopped") or instance.is_promoting:
        raise ApiError(
            "InvalidDBInstanceState",
            f"Cannot create a snapshot because the database instance {instance.name} is not currently in the available "
            "state.",
        )
    own = labels or (list(instance.record["TagList"]) if instance.record["CopyTagsToSnapshot"] else [])
    record = instance.record
    snapshot: Record = {
        **{key: record[key] for key in _COPIED if key in record},
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": ctx.arn("snapshot", name),
        "SnapshotType": "manual",
        "SnapshotTarget": "region",
        "Status": "creating",
        "PercentProgress": 0,
        "SnapshotCreateTime": ctx.now,
        "OriginalSnapshotCreateTime": ctx.now,
        "VpcId": record["DBSubnetGroup"]["VpcId"],
        "Port": record["Endpoint"]["Port"],
        "Encrypted": record["StorageEncrypted"],
        "OptionGroupName": record["OptionGroupMemberships"][0]["OptionGroupName"],
        "IAMDatabaseAuthenticationEnabled": record["IAMDatabaseAuthenticationEnabled"],
        "TagList": own,
        "ReadyTime": ctx.now + durations.SNAPSHOT_S,
    }
    ctx.state.snapshots[name] = snapshot
    log_event(ctx.state, "db-snapshot", snapshot["DBSnapshotArn"], "0040", ctx.now)
    return snapshot


def _public(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = shown({key: value for key, value in snapshot.items() if key != "ReadyTime"})
    return answer


def create_snapshot(ctx: Context) -> Mapping[str, Any]:
    labels = tags(ctx.params.get("Tags"))
    with ctx.lock:
        instance = ctx.instance(ctx.params["DBInstanceIdentifier"])
        return {"DBSnapshot": _public(take(ctx, instance, ctx.params["DBSnapshotIdentifier"], labels))}


def describe_snapshots(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    name = params.get("DBSnapshotIdentifier")
    found = [_snapshot(ctx, name)] if name else list(ctx.state.snapshots.values())
    for key in ("DBInstanceIdentifier", "SnapshotType", "DbiResourceId"):
        if params.get(key):
            wanted = params[key].lower() if key == "DBInstanceIdentifier" else params[key]
            found = [snapshot for snapshot in found if snapshot[key] == wanted]
    for key, values in filters(params.get("Filters"), _FILTERS):
        found = [snapshot for snapshot in found if snapshot[key] in values]
    entries, marker = page(
        [_public(entry) for entry in found], params, lambda record: str(record["DBSnapshotIdentifier"])
    )
    return {"DBSnapshots": entries, **marker}


def _snapshot(ctx: Context, name: str) -> Record:
    found = ctx.state.snapshots.get(name.rpartition(":")[2].lower())
    if found is None:
        raise ApiError("DBSnapshotNotFound", f"DBSnapshot not found: {name}", status=404)
    return found


def delete_snapshot(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        snapshot = _snapshot(ctx, ctx.params["DBSnapshotIdentifier"])
        if snapshot["Status"] != "available":
            raise ApiError(
                "InvalidDBSnapshotState", "Cannot delete the snapshot because it is not in the available state"
            )
        del ctx.state.snapshots[snapshot["DBSnapshotIdentifier"]]
        log_event(ctx.state, "db-snapshot", snapshot["DBSnapshotArn"], "0041", ctx.now)
    return {"DBSnapshot": _public({**snapshot, "Status": "deleted"})}


OPERATIONS = {
    "CreateDBSnapshot": create_snapshot,
    "DescribeDBSnapshots": describe_snapshots,
    "DeleteDBSnapshot": delete_snapshot,
}
