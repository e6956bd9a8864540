"""Global databases: created, described, changed, left, deleted."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import catalog, checks, durations, surroundings
from drgen.local.rds.aurora import joining, resync, upgrade
from drgen.local.rds.aurora.shown import described_global, global_answer
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context, Operation, page
from drgen.local.rds.records import GONE, Cluster, GlobalCluster, Record, Step

_FROM_THE_SOURCE = ("DatabaseName", "Engine", "EngineVersion", "StorageEncrypted")
_FILTERS = {"db-cluster-id": "DBClusterArn"}


def create_global(ctx: Context) -> Mapping[str, Any]:
    """CreateGlobalCluster: empty, or around an existing cluster that becomes its primary."""
    name = checks.identifier("GlobalClusterIdentifier", ctx.params["GlobalClusterIdentifier"])
    source = ctx.params.get("SourceDBClusterIdentifier")
    record = _from_source(ctx, _source(ctx, source)) if source else _empty(ctx)
    joining.check_version(record["Engine"], record["EngineVersion"])
    made = uuid.uuid4().hex[:16]
    group = GlobalCluster(
        {
            **record,
            "GlobalClusterIdentifier": name,
            "GlobalClusterResourceId": f"cluster-{made}",
            "GlobalClusterArn": _arn(ctx, name),
            "Status": "available",
            "EngineLifecycleSupport": ctx.params.get("EngineLifecycleSupport") or "open-source-rds-extended-support",
            "StorageEncryptionType": "sse-kms" if record["StorageEncrypted"] else "none",
            "DeletionProtection": bool(ctx.params.get("DeletionProtection")),
            "Endpoint": _endpoint(name, made),
            "TagList": checks.tags(ctx.params.get("Tags")),
        }
    )
    with ctx.lock:
        if name in ctx.world.global_clusters:
            raise _already_exists(name)
        if source:
            primary = _source(ctx, source)
            ctx.world.put_cluster(primary.with_fields({"Global": group.id, "Joined": ctx.now}))
        ctx.world.put_global(group)
    return global_answer(ctx, group)


def _arn(ctx: Context, name: str) -> str:
    return f"arn:{ctx.env.partition}:rds::{ctx.env.account}:global-cluster:{name}"


def _endpoint(name: str, made: str) -> str:
    """The writer endpoint. It begins with the identifier; the label after it is made up."""
    return f"{name}.global-{hashlib.sha256(made.encode()).hexdigest()[:12]}.global.rds.amazonaws.com"


def _already_exists(name: str) -> ApiError:
    return ApiError("GlobalClusterAlreadyExistsFault", f"Global cluster {name} already exists")


def _empty(ctx: Context) -> Record:
    params = ctx.params
    engine = params.get("Engine")
    if not engine:
        raise bad_value("When creating standalone global cluster, value for engineName should be specified")
    if engine not in catalog.AURORA:
        raise bad_value(f"Invalid DB engine: {engine}")
    record: Record = {
        "Engine": engine,
        "EngineVersion": catalog.resolve_version(engine, params.get("EngineVersion")),
        "StorageEncrypted": bool(params.get("StorageEncrypted")),
    }
    if params.get("DatabaseName"):
        checks.database_name(params["DatabaseName"])
        record["DatabaseName"] = params["DatabaseName"]
    return record


def _source(ctx: Context, wanted: str) -> Cluster:
    cluster = ctx.cluster(wanted)
    if cluster.status != "available":
        raise ApiError("InvalidDBClusterStateFault", f"DB cluster {cluster.name} is not in available state.")
    if cluster.global_id:
        raise ApiError("InvalidDBClusterStateFault", f"DB cluster {cluster.name} already is in a global cluster.")
    if cluster.record.get("MasterUserSecret"):
        raise joining.managed_password()
    for one in ctx.world.instances_of(cluster):
        joining.check_class(str(one.record["DBInstanceClass"]))
    return cluster


def _from_source(ctx: Context, source: Cluster) -> Record:
    for name in _FROM_THE_SOURCE:
        if ctx.params.get(name) is not None:
            raise bad_combination(f"{name} can't be specified together with SourceDBClusterIdentifier.")
    record = {name: source.record[name] for name in _FROM_THE_SOURCE if name in source.record}
    return record | {"Primary": source.arn, "Resolved": source.arn}


def describe_global(ctx: Context) -> Mapping[str, Any]:
    resync.follow(ctx.env, ctx.world, ctx.lock, ctx.now)
    name = ctx.params.get("GlobalClusterIdentifier")
    found = [ctx.global_cluster(name)] if name else list(ctx.world.global_clusters.values())
    records = [described_global(ctx, group) for group in found]
    for _, values in checks.filters(ctx.params.get("Filters"), _FILTERS):
        records = [
            record
            for record in records
            if any(_is_named(member["DBClusterArn"], values) for member in record["GlobalClusterMembers"])
        ]
    entries, marker = page(records, ctx.params, lambda record: str(record["GlobalClusterIdentifier"]))
    return {"GlobalClusters": entries, **marker}


def _is_named(arn: str, values: frozenset[str]) -> bool:
    return arn in values or arn.rpartition(":")[2] in values


def modify_global(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    before = ctx.global_cluster(params["GlobalClusterIdentifier"])
    require_available(before)
    version = _version(ctx, before)
    with ctx.lock:
        group = ctx.global_cluster(before.name)
        require_available(group)
        if params.get("DeletionProtection") is not None:
            group = group.with_fields({"DeletionProtection": bool(params["DeletionProtection"])})
        if params.get("NewGlobalClusterIdentifier"):
            group = _renamed(ctx, group, params["NewGlobalClusterIdentifier"])
        if version is not None:
            group = _upgraded(ctx, group, version)
        ctx.world.put_global(group)
    return global_answer(ctx, group)


def require_available(group: GlobalCluster) -> None:
    if group.status != "available":
        raise ApiError("InvalidGlobalClusterStateFault", f"Global cluster {group.name} is not in available state.")


def _renamed(ctx: Context, group: GlobalCluster, wanted: str) -> GlobalCluster:
    """The endpoint begins with the identifier, so it changes. Source: guide, "Connecting to Amazon Aurora ..."."""
    name = checks.identifier("NewGlobalClusterIdentifier", wanted)
    if name == group.name:
        return group
    if name in ctx.world.global_clusters:
        raise _already_exists(name)
    del ctx.world.global_clusters[group.name]
    endpoint = name + str(group.record["Endpoint"]).removeprefix(group.name)
    return group.with_fields(
        {"GlobalClusterIdentifier": name, "GlobalClusterArn": _arn(ctx, name), "Endpoint": endpoint}
    )


def _version(ctx: Context, group: GlobalCluster) -> str | None:
    """The version to which all members are to be upgraded, or None. Their regions must answer."""
    engine, present = str(group.record["Engine"]), str(group.record["EngineVersion"])
    wanted = ctx.params.get("EngineVersion")
    if not wanted or present.startswith(f"{wanted}.") or wanted == present:
        return None
    version = catalog.resolve_version(engine, wanted)
    joining.check_version(engine, version)
    upgrade.check(engine, present, version, major=bool(ctx.params.get("AllowMajorVersionUpgrade")))
    for member in ctx.world.members_of(group):
        if member.status != "available":
            raise ApiError("InvalidDBClusterStateFault", f"DB cluster {member.name} is not in available state.")
        if member.region != ctx.region and not surroundings.is_reachable(ctx.env, member.region):
            raise ApiError(
                "InvalidGlobalClusterStateFault", f"The region {member.region} of {member.name} could not be reached."
            )
    return version


def _upgraded(ctx: Context, group: GlobalCluster, version: str) -> GlobalCluster:
    engine, present = str(group.record["Engine"]), str(group.record["EngineVersion"])
    for member in ctx.world.members_of(group):
        changes: Record = {"EngineVersion": version}
        if upgrade.is_major(engine, present, version):
            changes["DBClusterParameterGroup"] = f"default.{catalog.family(engine, version)}"
        if member.record["EngineVersion"] != version:
            upgrade.start(ctx.world, member, changes, ctx.now)
    done = Step(ctx.now + durations.UPGRADE_S, "available", {"EngineVersion": version})
    return group.with_fields({"Status": "upgrading"}).then(done)


def remove_member(ctx: Context) -> Mapping[str, Any]:
    """RemoveFromGlobalCluster: a secondary, or the primary when it is alone, goes on as a cluster of its own."""
    with ctx.lock:
        group = ctx.global_cluster(ctx.params["GlobalClusterIdentifier"])
        cluster = member_named(ctx, group, ctx.params["DbClusterIdentifier"])
    if cluster.region != ctx.region and not surroundings.is_reachable(ctx.env, cluster.region):
        raise ApiError("InternalFailure", f"The region {cluster.region} could not be reached.", status=500)
    with ctx.lock:
        group = ctx.global_cluster(group.name)
        require_available(group)
        cluster = member_named(ctx, group, cluster.arn)
        if not ctx.world.is_secondary(cluster) and len(ctx.world.members_of(group)) > 1:
            raise ApiError(
                "InvalidGlobalClusterStateFault",
                "Unable to remove cluster that is a primary member of global cluster while there are other global "
                "cluster members",
            )
        if cluster.status != "available":
            raise ApiError("InvalidDBClusterStateFault", f"DB cluster {cluster.name} is not in available state.")
        left = {"Global": None, "Joined": None, "Resync": None}
        done = Step(ctx.now + durations.DETACH_S, "available", left)
        ctx.world.put_cluster(cluster.with_fields({"Status": "promoting"}).then(done))
    return global_answer(ctx, group)


def member_named(ctx: Context, group: GlobalCluster, wanted: str) -> Cluster:
    """The member of that ARN, or of that identifier in the region of the call. Raises DBClusterNotFoundFault."""
    found = ctx.world.cluster_by_arn(wanted) if wanted.startswith("arn:") else ctx.state.clusters.get(wanted.lower())
    if found is None or found.global_id != group.id:
        raise ApiError(
            "DBClusterNotFoundFault", f"DB cluster {wanted} isn't a member of global cluster {group.name}.", status=404
        )
    return found


def delete_global(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        group = ctx.global_cluster(ctx.params["GlobalClusterIdentifier"])
        if group.status == "deleting":
            raise ApiError("InvalidGlobalClusterStateFault", f"Global cluster {group.name} is being deleted.")
        if group.record["DeletionProtection"]:
            raise bad_combination(
                "Cannot delete protected Global Cluster, please disable deletion protection and try again."
            )
        if ctx.world.members_of(group):
            raise ApiError("InvalidGlobalClusterStateFault", f"Global Cluster {group.arn} is not empty")
        gone = Step(ctx.now + durations.DELETE_GLOBAL_S, GONE)
        group = group.with_fields({"Status": "deleting"}).then(gone)
        ctx.world.put_global(group)
    return global_answer(ctx, group)


OPERATIONS: Mapping[str, Operation] = {
    "CreateGlobalCluster": create_global,
    "DescribeGlobalClusters": describe_global,
    "ModifyGlobalCluster": modify_global,
    "RemoveFromGlobalCluster": remove_member,
    "DeleteGlobalCluster": delete_global,
}
