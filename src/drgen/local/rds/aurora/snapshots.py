"""Snapshots of Aurora clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import durations
from drgen.local.rds.catalog import license_model
from drgen.local.rds.checks import filters, identifier, tags
from drgen.local.rds.context import Context, Operation, page, shown
from drgen.local.rds.events import log_event
from drgen.local.rds.records import Cluster, Record
from drgen.local.rds.state import World

_COPIED = (
    "AllocatedStorage",
    "AvailabilityZones",
    "BackupRetentionPeriod",
    "ClusterCreateTime",
    "DBClusterIdentifier",
    "DbClusterResourceId",
    "Engine",
    "EngineMode",
    "EngineVersion",
    "IAMDatabaseAuthenticationEnabled",
    "KmsKeyId",
    "MasterUsername",
    "Port",
    "PreferredBackupWindow",
    "StorageEncrypted",
    "StorageEncryptionType",
    "StorageType",
)
_FILTERS = {
    "db-cluster-id": "DBClusterIdentifier",
    "db-cluster-snapshot-id": "DBClusterSnapshotIdentifier",
    "engine": "Engine",
    "snapshot-type": "SnapshotType",
}


def take(ctx: Context, cluster: Cluster, name: str, labels: list[dict[str, str]] | None = None) -> Record:
    """A manual snapshot that becomes available later. Hold the lock. Raises DBClusterSnapshotAlreadyExistsFault."""
    name = identifier("DBClusterSnapshotIdentifier", name, longest=255)
    if name in ctx.state.cluster_snapshots:
        raise ApiError(
            "DBClusterSnapshotAlreadyExistsFault",
            f"Cannot create the cluster snapshot because one already exists: {name}",
        )
    if cluster.status != "available":
        raise ApiError(
            "InvalidDBClusterStateFault",
            f"Can't create a snapshot because the database cluster {cluster.name} isn't currently in the available "
            "state.",
        )
    own = labels or (list(cluster.record["TagList"]) if cluster.record["CopyTagsToSnapshot"] else [])
    return keep(ctx.world, cluster, name, "manual", own, ctx.now)


def keep(world: World, cluster: Cluster, name: str, kind: str, labels: list[dict[str, str]], now: float) -> Record:
    """Puts the snapshot into the cluster's region. `kind` is manual or automated."""
    state = world.region(cluster.region)
    record: Record = {
        **{key: cluster.record[key] for key in _COPIED if key in cluster.record},
        "DBClusterSnapshotIdentifier": name,
        "DBClusterSnapshotArn": cluster.arn.rpartition(":cluster:")[0] + f":cluster-snapshot:{name}",
        "LicenseModel": license_model(str(cluster.record["Engine"])),
        "SnapshotType": kind,
        "Status": "creating",
        "PercentProgress": 0,
        "SnapshotCreateTime": now,
        "TagList": labels,
        "ReadyTime": now + durations.SNAPSHOT_S,
    }
    group = state.subnet_groups.get(str(cluster.record["DBSubnetGroup"]))
    if group is not None:
        record["VpcId"] = group["VpcId"]
    state.cluster_snapshots[name] = record
    event = "0074" if kind == "manual" else "0168"
    log_event(state, "db-cluster-snapshot", record["DBClusterSnapshotArn"], event, now)
    return record


def _public(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = shown({key: value for key, value in snapshot.items() if key != "ReadyTime"})
    return answer


def create_snapshot(ctx: Context) -> Mapping[str, Any]:
    labels = tags(ctx.params.get("Tags"))
    with ctx.lock:
        cluster = ctx.cluster(ctx.params["DBClusterIdentifier"])
        return {"DBClusterSnapshot": _public(take(ctx, cluster, ctx.params["DBClusterSnapshotIdentifier"], labels))}


def describe_snapshots(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    name = params.get("DBClusterSnapshotIdentifier")
    found = [_snapshot(ctx, name)] if name else list(ctx.state.cluster_snapshots.values())
    if params.get("DBClusterIdentifier"):
        wanted = params["DBClusterIdentifier"].rpartition(":")[2].lower()
        found = [snapshot for snapshot in found if snapshot["DBClusterIdentifier"] == wanted]
    for key in ("SnapshotType", "DbClusterResourceId"):
        if params.get(key):
            found = [snapshot for snapshot in found if snapshot[key] == params[key]]
    for key, values in filters(params.get("Filters"), _FILTERS):
        found = [snapshot for snapshot in found if snapshot[key] in values]
    entries, marker = page(
        [_public(entry) for entry in found], params, lambda record: str(record["DBClusterSnapshotIdentifier"])
    )
    return {"DBClusterSnapshots": entries, **marker}


def _snapshot(ctx: Context, name: str) -> Record:
    found = ctx.state.cluster_snapshots.get(name.partition(":cluster-snapshot:")[2].lower() or name.lower())
    if found is None:
        raise ApiError("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot not found: {name}", status=404)
    return found


def delete_snapshot(ctx: Context) -> Mapping[str, Any]:
    """DeleteDBClusterSnapshot takes manual snapshots only. Source: botocore, DeleteDBClusterSnapshotMessage."""
    with ctx.lock:
        snapshot = _snapshot(ctx, ctx.params["DBClusterSnapshotIdentifier"])
        if snapshot["Status"] != "available" or snapshot["SnapshotType"] != "manual":
            raise ApiError(
                "InvalidDBClusterSnapshotStateFault",
                "Cannot delete the snapshot because it is not a manual snapshot in the available state",
            )
        del ctx.state.cluster_snapshots[snapshot["DBClusterSnapshotIdentifier"]]
    return {"DBClusterSnapshot": _public({**snapshot, "Status": "deleted"})}


OPERATIONS: Mapping[str, Operation] = {
    "CreateDBClusterSnapshot": create_snapshot,
    "DescribeDBClusterSnapshots": describe_snapshots,
    "DeleteDBClusterSnapshot": delete_snapshot,
}
