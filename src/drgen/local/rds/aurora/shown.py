"""Clusters and global clusters as RDS shows them, with what follows from their members and from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.rds.context import Context, shown
from drgen.local.rds.records import Cluster, GlobalCluster, Record
from drgen.local.rds.state import World

CONNECTED = "connected"
PENDING_RESYNC = "pending-resync"

_OWN_OF_CLUSTERS = frozenset({"Global", "Joined", "Resync", "Writer"})
_OWN_OF_GROUPS = frozenset({"Primary", "Resolved"})


def cluster_answer(ctx: Context, name: str) -> Mapping[str, Any]:
    return {"DBCluster": described_cluster(ctx, ctx.cluster(name))}


def described_cluster(ctx: Context, cluster: Cluster) -> dict[str, Any]:
    record = {key: value for key, value in cluster.record.items() if key not in _OWN_OF_CLUSTERS}
    record["DBClusterMembers"] = [
        {
            "DBInstanceIdentifier": one.name,
            "IsClusterWriter": one.name == cluster.record.get("Writer"),
            "DBClusterParameterGroupStatus": one.record["ClusterParameters"],
            "PromotionTier": one.record["PromotionTier"],
        }
        for one in ctx.world.instances_of(cluster)
    ]
    record["MultiAZ"] = len({one.record["AvailabilityZone"] for one in ctx.world.instances_of(cluster)}) > 1
    record |= _relations(ctx.world, cluster)
    if "ClusterCreateTime" in record:
        record["LatestRestorableTime"] = max(float(record["ClusterCreateTime"]), ctx.now - 300)
    answer: dict[str, Any] = shown(record)
    return answer


def _relations(world: World, cluster: Cluster) -> Record:
    """What the cluster says of its global cluster, and of whom it follows or who follows it."""
    group = world.group_of(cluster)
    if group is None:
        return {"ReadReplicaIdentifiers": []}
    primary = world.primary_of(group)
    is_primary = primary is not None and primary.arn == cluster.arn
    others = [member.arn for member in world.members_of(group) if member.arn != cluster.arn]
    follows = {} if is_primary or primary is None else {"ReplicationSourceIdentifier": primary.arn}
    return {
        "GlobalClusterIdentifier": group.name,
        "ReadReplicaIdentifiers": others if is_primary else [],
        "GlobalWriteForwardingStatus": forwarding_status(world, cluster),
        **follows,
    }


def forwarding_status(world: World, cluster: Cluster) -> str:
    forwards = world.is_secondary(cluster) and cluster.record.get("GlobalWriteForwardingRequested", False)
    return "enabled" if forwards else "disabled"


def global_answer(ctx: Context, group: GlobalCluster) -> Mapping[str, Any]:
    return {"GlobalCluster": described_global(ctx, group)}


def described_global(ctx: Context, group: GlobalCluster) -> dict[str, Any]:
    record = {key: value for key, value in group.record.items() if key not in _OWN_OF_GROUPS}
    members = ctx.world.members_of(group)
    primary = ctx.world.primary_of(group)
    record["GlobalClusterMembers"] = [_member(ctx.world, one, primary, members) for one in members]
    answer: dict[str, Any] = shown(record)
    return answer


def _member(world: World, cluster: Cluster, primary: Cluster | None, members: list[Cluster]) -> Record:
    is_writer = primary is not None and primary.arn == cluster.arn
    return {
        "DBClusterArn": cluster.arn,
        "IsWriter": is_writer,
        "Readers": [one.arn for one in members if one.arn != cluster.arn] if is_writer else [],
        "GlobalWriteForwardingStatus": forwarding_status(world, cluster),
        "SynchronizationStatus": PENDING_RESYNC if cluster.record.get("Resync") else CONNECTED,
    }
