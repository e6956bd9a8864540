"""ModifyDBCluster: what changes at once, and what takes a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import birth, catalog, checks, durations, groups, surroundings
from drgen.local.rds.aurora import joining, members, upgrade
from drgen.local.rds.aurora.clusters import check_retention
from drgen.local.rds.aurora.shown import cluster_answer
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context, Operation
from drgen.local.rds.events import log_event
from drgen.local.rds.instances import managed_secret
from drgen.local.rds.parameter_groups import CLUSTER_GROUPS
from drgen.local.rds.records import Cluster, Record, Step

_AT_ONCE = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DeletionProtection": "DeletionProtection",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "ServerlessV2ScalingConfiguration": "ServerlessV2ScalingConfiguration",
}
_SLOW = {
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "EnableGlobalWriteForwarding": "GlobalWriteForwardingRequested",
    "EnableHttpEndpoint": "HttpEndpointEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "Port": "Port",
    "StorageType": "StorageType",
}


def modify_cluster(ctx: Context) -> Mapping[str, Any]:
    """Settings without downtime change at once; others take a while, whatever ApplyImmediately says.

    Which is which is chosen by the emulator. What the cluster has already is no change.
    """
    before = ctx.cluster(ctx.params["DBClusterIdentifier"])
    _require_available(before)
    _check(ctx, before)
    quick, slow = _at_once(ctx, before), _slow(ctx, before)
    with ctx.lock:
        cluster = ctx.cluster(before.name)
        _require_available(cluster)
        cluster = cluster.with_fields(quick)
        if ctx.params.get("MasterUserPassword"):
            log_event(ctx.state, "db-cluster", cluster.arn, "0016", ctx.now)
        wanted = {key: value for key, value in slow.items() if cluster.record.get(key) != value}
        if "EngineVersion" in wanted:
            upgrade.start(ctx.world, cluster, wanted, ctx.now)
        elif wanted:
            done = Step(ctx.now + durations.MODIFY_S, "available", wanted)
            ctx.world.put_cluster(cluster.with_fields({"Status": "modifying"}).then(done))
        else:
            ctx.world.put_cluster(cluster)
        _share(ctx, cluster.with_fields(wanted), waiting="DBClusterParameterGroup" in wanted)
    return cluster_answer(ctx, before.name)


def _require_available(cluster: Cluster) -> None:
    if cluster.status != "available":
        raise ApiError("InvalidDBClusterStateFault", f"Database cluster {cluster.name} is not in available state.")


def _check(ctx: Context, cluster: Cluster) -> None:
    params = ctx.params
    if params.get("NewDBClusterIdentifier"):
        raise bad_value("The embedded AWS does not rename DB clusters.")
    if params.get("BackupRetentionPeriod") is not None:
        check_retention(int(params["BackupRetentionPeriod"]))
    if params.get("MasterUserPassword"):
        if ctx.world.is_secondary(cluster):
            raise bad_combination("The master user password of a secondary cluster can't be changed.")
        checks.password(params["MasterUserPassword"])
    if params.get("ManageMasterUserPassword") and cluster.global_id:
        raise joining.managed_password()
    if params.get("StorageType") not in (None, "aurora", "aurora-iopt1"):
        raise bad_value(f"Invalid storage type: {params['StorageType']}")
    checks.windows(
        params.get("PreferredBackupWindow") or cluster.record["PreferredBackupWindow"],
        str(params.get("PreferredMaintenanceWindow") or cluster.record["PreferredMaintenanceWindow"]).lower(),
    )


def _at_once(ctx: Context, cluster: Cluster) -> Record:
    given = {key: ctx.params[name] for name, key in _AT_ONCE.items() if ctx.params.get(name) is not None}
    if "PreferredMaintenanceWindow" in given:
        given["PreferredMaintenanceWindow"] = given["PreferredMaintenanceWindow"].lower()
    return given | _insights(ctx, cluster)


def _insights(ctx: Context, cluster: Cluster) -> Record:
    params = ctx.params
    names = ("EnablePerformanceInsights", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod")
    if not any(params.get(name) is not None for name in (*names, "DatabaseInsightsMode")):
        return {}
    held = {"EnablePerformanceInsights": cluster.record["PerformanceInsightsEnabled"]}
    held |= {name: cluster.record.get(name) for name in (*names[1:], "DatabaseInsightsMode")}
    asked = {name: params[name] for name in held if params.get(name) is not None}
    if asked.get("EnablePerformanceInsights") is False:
        gone = {"PerformanceInsightsKMSKeyId": None, "PerformanceInsightsRetentionPeriod": None}
        return {**birth.insights(ctx, {}), **gone}
    return birth.insights(ctx, {**held, **asked})


def _slow(ctx: Context, cluster: Cluster) -> Record:
    params = ctx.params
    fields: Record = {key: params[name] for name, key in _SLOW.items() if params.get(name) is not None}
    if fields.get("StorageType") == "aurora":
        fields["StorageType"] = None
    if fields.get("GlobalWriteForwardingRequested") is False and "GlobalWriteForwardingRequested" not in cluster.record:
        del fields["GlobalWriteForwardingRequested"]
    if params.get("VpcSecurityGroupIds"):
        vpc = groups.subnet_group(ctx, str(cluster.record["DBSubnetGroup"]))["VpcId"]
        fields["VpcSecurityGroups"] = surroundings.security_groups(ctx, params["VpcSecurityGroupIds"], vpc)
    return fields | _version(ctx, cluster) | _logs(ctx, cluster) | _monitoring(ctx, cluster) | _password(ctx, cluster)


def _version(ctx: Context, cluster: Cluster) -> Record:
    """The new version and a group that fits it. A member of a global database upgrades minor versions only.

    Source: Aurora guide, "Upgrading an Amazon Aurora global database" (major upgrades are those of the global cluster).
    """
    engine, present = str(cluster.record["Engine"]), str(cluster.record["EngineVersion"])
    wanted, group = ctx.params.get("EngineVersion"), ctx.params.get("DBClusterParameterGroupName")
    version = present if not wanted or present.startswith(f"{wanted}.") else catalog.resolve_version(engine, wanted)
    if version != present:
        upgrade.check(engine, present, version, major=bool(ctx.params.get("AllowMajorVersionUpgrade")))
        if upgrade.is_major(engine, present, version):
            if cluster.global_id:
                raise bad_combination(
                    "The major version of a member of a global cluster is upgraded with ModifyGlobalCluster."
                )
            group = group or f"default.{catalog.family(engine, version)}"
    fields: Record = {"EngineVersion": version}
    if group:
        fields["DBClusterParameterGroup"] = CLUSTER_GROUPS.fitting(ctx, group, engine, version)
    return fields


def _logs(ctx: Context, cluster: Cluster) -> Record:
    exports = ctx.params.get("CloudwatchLogsExportConfiguration")
    if not exports:
        return {}
    added = set(exports.get("EnableLogTypes") or ())
    checks.log_exports(str(cluster.record["Engine"]), sorted(added))
    present = (set(cluster.record["EnabledCloudwatchLogsExports"]) | added) - set(exports.get("DisableLogTypes") or ())
    if present == set(cluster.record["EnabledCloudwatchLogsExports"]):
        return {}
    return {"EnabledCloudwatchLogsExports": sorted(present)}


def _monitoring(ctx: Context, cluster: Cluster) -> Record:
    params = ctx.params
    if params.get("MonitoringInterval") is None and not params.get("MonitoringRoleArn"):
        return {}
    interval = int(params.get("MonitoringInterval", cluster.record["MonitoringInterval"]))
    role = params.get("MonitoringRoleArn") or (cluster.record.get("MonitoringRoleArn") if interval else None)
    checks.monitoring(interval, role)
    return {"MonitoringInterval": interval, "MonitoringRoleArn": role}


def _password(ctx: Context, cluster: Cluster) -> Record:
    wanted, held = ctx.params.get("ManageMasterUserPassword"), cluster.record.get("MasterUserSecret")
    if wanted is None or bool(wanted) == bool(held):
        return {}
    if wanted:
        return {"MasterUserSecret": managed_secret(ctx, str(cluster.record["MasterUsername"]), kind="cluster")}
    if not ctx.params.get("MasterUserPassword"):
        raise bad_combination("You must specify MasterUserPassword when you turn off ManageMasterUserPassword.")
    return {"MasterUserSecret": None}


def _share(ctx: Context, after: Cluster, *, waiting: bool) -> None:
    """The instances show at once what their cluster is becoming; a new parameter group waits for their reboot."""
    marks = {"ClusterParameters": "pending-reboot"} if waiting else {}
    shared = {key: value for key, value in members.shared_with(after).items() if key != "EngineVersion"}
    for one in ctx.world.instances_of(after):
        ctx.world.put(one.with_fields({**shared, **marks}))


OPERATIONS: Mapping[str, Operation] = {"ModifyDBCluster": modify_cluster}
