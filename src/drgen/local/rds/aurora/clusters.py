"""Aurora clusters: created, described, deleted."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, catalog, checks, durations, groups, instances, surroundings
from drgen.local.rds.aurora import joining, snapshots
from drgen.local.rds.aurora.shown import cluster_answer, described_cluster
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context, Operation, page
from drgen.local.rds.parameter_groups import CLUSTER_GROUPS
from drgen.local.rds.records import GONE, Cluster, GlobalCluster, Record, Step

_NOT_FOR_AURORA = ("AllocatedStorage", "DBClusterInstanceClass", "Iops", "PubliclyAccessible")
_NOT_EMULATED = ("ReplicationSourceIdentifier", "ScalingConfiguration", "WithExpressConfiguration")
_FILTERS = {
    "db-cluster-id": "DBClusterIdentifier",
    "db-cluster-resource-id": "DbClusterResourceId",
    "engine": "Engine",
}


def create_cluster(ctx: Context) -> Mapping[str, Any]:
    """CreateDBCluster. With GlobalClusterIdentifier it is the primary of an empty global cluster, else a secondary."""
    name = checks.identifier("DBClusterIdentifier", ctx.params["DBClusterIdentifier"])
    engine = _engine(ctx)
    if name in ctx.state.clusters:
        raise _already_exists()
    group = joining.joined(ctx)
    if group is not None:
        joining.check(ctx, group, name)
    version = (
        group.record["EngineVersion"] if group else catalog.resolve_version(engine, ctx.params.get("EngineVersion"))
    )
    primary = ctx.world.primary_of(group) if group else None
    record = _record(ctx, name, engine, version) | _placement(ctx) | _storage(ctx) | _schedule(ctx.params)
    record |= _identity(ctx, group, primary)
    lasts = durations.CREATE_SECONDARY_S if primary else durations.CREATE_CLUSTER_S
    ready = ctx.now + lasts
    cluster = Cluster(record).then(
        Step(ready, "available", {"ClusterCreateTime": ready, "EarliestRestorableTime": ready}, "0170")
    )
    with ctx.lock:
        if name in ctx.state.clusters:
            raise _already_exists()
        if group is not None:
            cluster = joining.join(ctx, group, primary, cluster)
        ctx.world.put_cluster(cluster)
    return cluster_answer(ctx, name)


def _engine(ctx: Context) -> str:
    params = ctx.params
    engine = str(params["Engine"])
    if engine not in catalog.AURORA:
        raise bad_value(f"Invalid DB engine: {engine}. The embedded AWS has clusters of Aurora only.")
    if params.get("EngineMode") not in (None, "provisioned"):
        raise bad_value(f"The embedded AWS has no clusters of engine mode {params['EngineMode']}.")
    for name in _NOT_EMULATED:
        if params.get(name):
            raise bad_value(f"The embedded AWS does not act on {name} of a DB cluster.")
    for name in _NOT_FOR_AURORA:
        if params.get(name) is not None:
            raise bad_combination(f"{name} isn't supported for DB engine {engine}.")
    return engine


def _already_exists() -> ApiError:
    return ApiError("DBClusterAlreadyExistsFault", "DB Cluster already exists")


def _record(ctx: Context, name: str, engine: str, version: str) -> Record:
    params = ctx.params
    interval = int(params.get("MonitoringInterval") or 0)
    checks.monitoring(interval, params.get("MonitoringRoleArn"))
    logs = list(params.get("EnableCloudwatchLogsExports") or ())
    checks.log_exports(engine, logs)
    forwards = params.get("EnableGlobalWriteForwarding")
    record: Record = {
        "DBClusterIdentifier": name,
        "DBClusterArn": ctx.arn("cluster", name),
        "DbClusterResourceId": "cluster-" + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("="),
        "Status": "creating",
        "Engine": engine,
        "EngineVersion": version,
        "EngineMode": "provisioned",
        "AllocatedStorage": 1,
        "Port": int(params.get("Port") or birth.default_port(engine)),
        "Endpoint": birth.host(ctx, name, "cluster-"),
        "ReaderEndpoint": birth.host(ctx, name, "cluster-ro-"),
        "HostedZoneId": birth.hosted_zone(ctx),
        "DBClusterParameterGroup": CLUSTER_GROUPS.fitting(
            ctx, params.get("DBClusterParameterGroupName"), engine, version
        ),
        "DBClusterOptionGroupMemberships": [],
        "AssociatedRoles": [],
        "ActivityStreamStatus": "stopped",
        "AutoMinorVersionUpgrade": params.get("AutoMinorVersionUpgrade", True),
        "CopyTagsToSnapshot": params.get("CopyTagsToSnapshot", False),
        "CrossAccountClone": False,
        "DeletionProtection": params.get("DeletionProtection", False),
        "DomainMemberships": [],
        "EnabledCloudwatchLogsExports": logs,
        "EngineLifecycleSupport": params.get("EngineLifecycleSupport") or "open-source-rds-extended-support",
        "GlobalWriteForwardingRequested": forwards,
        "HttpEndpointEnabled": params.get("EnableHttpEndpoint", False),
        "IAMDatabaseAuthenticationEnabled": params.get("EnableIAMDatabaseAuthentication", False),
        "MonitoringInterval": interval,
        "MonitoringRoleArn": params.get("MonitoringRoleArn"),
        "NetworkType": params.get("NetworkType") or "IPV4",
        "ServerlessV2ScalingConfiguration": params.get("ServerlessV2ScalingConfiguration"),
        "TagList": checks.tags(params.get("Tags")),
    }
    given = {key: value for key, value in record.items() if value is not None}
    return given | birth.insights(ctx, params)


def _placement(ctx: Context) -> Record:
    """The subnet group's name, its zones and the security groups."""
    group = groups.subnet_group(ctx, ctx.params.get("DBSubnetGroupName"))
    zones = sorted({entry["SubnetAvailabilityZone"]["Name"] for entry in group["Subnets"]})
    wanted = sorted(ctx.params.get("AvailabilityZones") or zones)
    if not set(wanted) <= set(zones):
        raise ApiError(
            "InvalidVPCNetworkStateFault",
            f"Availability zone '{wanted}' is unavailable in this region, please choose another zone set.",
        )
    return {
        "DBSubnetGroup": group["DBSubnetGroupName"],
        "AvailabilityZones": wanted,
        "VpcSecurityGroups": surroundings.security_groups(ctx, ctx.params.get("VpcSecurityGroupIds"), group["VpcId"]),
    }


def _storage(ctx: Context) -> Record:
    """Encryption and storage type. aurora is not shown. Source: botocore, CreateDBClusterMessage.StorageType."""
    kind, key = ctx.params.get("StorageType") or "aurora", ctx.params.get("KmsKeyId")
    if kind not in ("aurora", "aurora-iopt1"):
        raise bad_value(f"Invalid storage type: {kind}")
    encrypted = bool(ctx.params.get("StorageEncrypted"))
    if key and not encrypted:
        raise bad_combination("KmsKeyId can only be specified when StorageEncrypted is true.")
    record: Record = {"StorageEncrypted": encrypted, "StorageEncryptionType": "sse-kms" if encrypted else "none"}
    if encrypted:
        record["KmsKeyId"] = surroundings.key_arn(ctx, key) if key else birth.service_key(ctx)
    return record | ({"StorageType": kind} if kind != "aurora" else {})


def _schedule(params: Mapping[str, Any]) -> Record:
    days = 1 if params.get("BackupRetentionPeriod") is None else int(params["BackupRetentionPeriod"])
    check_retention(days)
    record: Record = {
        "BackupRetentionPeriod": days,
        "PreferredBackupWindow": params.get("PreferredBackupWindow") or birth.BACKUP_WINDOW,
        "PreferredMaintenanceWindow": (params.get("PreferredMaintenanceWindow") or birth.MAINTENANCE_WINDOW).lower(),
    }
    checks.windows(record["PreferredBackupWindow"], record["PreferredMaintenanceWindow"])
    return record


def check_retention(days: int) -> None:
    """Backups of Aurora cannot be turned off. Source: botocore, CreateDBClusterMessage.BackupRetentionPeriod."""
    if not 1 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 1 and 35 days.")


def _identity(ctx: Context, group: GlobalCluster | None, primary: Cluster | None) -> Record:
    """Master user and database: a secondary has those of its primary."""
    if primary is not None:
        return {key: primary.record[key] for key in ("MasterUsername", "DatabaseName") if key in primary.record}
    database = ctx.params.get("DatabaseName") or (group.record.get("DatabaseName") if group else None)
    if database:
        checks.database_name(database)
    record = instances.credentials(ctx, kind="cluster")
    return record | ({"DatabaseName": database} if database else {})


def describe_clusters(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params.get("DBClusterIdentifier")
    found = [ctx.cluster(name)] if name else list(ctx.state.clusters.values())
    for key, values in checks.filters(ctx.params.get("Filters"), _FILTERS):
        accepted = {value.rpartition(":")[2].lower() if key == "DBClusterIdentifier" else value for value in values}
        found = [cluster for cluster in found if cluster.record.get(key) in accepted]
    records = [described_cluster(ctx, cluster) for cluster in found]
    entries, marker = page(records, ctx.params, lambda record: str(record["DBClusterIdentifier"]))
    return {"DBClusters": entries, **marker}


def delete_cluster(ctx: Context) -> Mapping[str, Any]:
    """DeleteDBCluster: instances and the global cluster come first. Wordings as published by users."""
    final, skip = ctx.params.get("FinalDBSnapshotIdentifier"), ctx.params.get("SkipFinalSnapshot", False)
    with ctx.lock:
        cluster = ctx.cluster(ctx.params["DBClusterIdentifier"])
        _check_deletable(ctx, cluster)
        instances.check_final_snapshot(final, skip=skip)
        if final:
            snapshots.take(ctx, cluster, final)
        staying = [one.steps[-1].at for one in ctx.world.instances_of(cluster) if one.steps]
        gone = Step(max([ctx.now + durations.DELETE_CLUSTER_S, *staying]), GONE, {}, "0171")
        ctx.world.put_cluster(replace(cluster, steps=(gone,)).with_fields({"Status": "deleting"}))
    instances.forget_secret(ctx, cluster.record)
    return cluster_answer(ctx, cluster.name)


def _check_deletable(ctx: Context, cluster: Cluster) -> None:
    if cluster.status == "deleting":
        raise ApiError("InvalidDBClusterStateFault", f"Cluster {cluster.name} is already being deleted.")
    if cluster.record["DeletionProtection"]:
        raise bad_combination("Cannot delete protected Cluster, please disable deletion protection and try again.")
    if any(one.status != "deleting" for one in ctx.world.instances_of(cluster)):
        raise ApiError(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )
    group = ctx.world.group_of(cluster)
    if group is None:
        return
    if not ctx.world.is_secondary(cluster) and len(ctx.world.members_of(group)) > 1:
        raise ApiError(
            "InvalidGlobalClusterStateFault",
            "Unable to delete cluster that is a primary member of global cluster while there are other global cluster "
            "members",
        )
    raise ApiError(
        "InvalidDBClusterStateFault",
        "This cluster is a part of a global cluster, please remove it from globalcluster first",
    )


OPERATIONS: Mapping[str, Operation] = {
    "CreateDBCluster": create_cluster,
    "DescribeDBClusters": describe_clusters,
    "DeleteDBCluster": delete_cluster,
}
