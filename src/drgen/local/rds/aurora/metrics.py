"""The CloudWatch metrics of Aurora: of the instances of a cluster, and of global databases.

Source of names and units: Aurora guide, "Amazon CloudWatch metrics for Amazon Aurora". No database runs here: every
value is chosen by the emulator, except the lag of a global database, which follows what the control plane knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drgen.local.rds.aurora.resync import lag_ms
from drgen.local.rds.records import Cluster, Instance
from drgen.local.rds.state import World

_GIB = 1024**3
_READER_LAG_MS = 20.0


def of_instance(world: World, instance: Instance, at: datetime) -> Sequence[dict[str, Any]]:
    """The points of a member, by its own name, by its cluster and by its role in it."""
    cluster = world.region(instance.region).clusters.get(instance.cluster)
    writes = cluster is not None and cluster.record.get("Writer") == instance.name
    values: list[tuple[str, float, str]] = [
        ("CPUUtilization", 10.0, "Percent"),
        ("DatabaseConnections", 5.0, "Count"),
        ("FreeLocalStorage", 32.0 * _GIB, "Bytes"),
        ("FreeableMemory", 4.0 * _GIB, "Bytes"),
        ("ReadLatency", 0.001, "Seconds"),
        ("WriteLatency", 0.002, "Seconds"),
    ]
    if not writes:
        values.append(("AuroraReplicaLag", _READER_LAG_MS, "Milliseconds"))
    by_cluster = {"Name": "DBClusterIdentifier", "Value": instance.cluster}
    groups = (
        [{"Name": "DBInstanceIdentifier", "Value": instance.name}],
        [by_cluster],
        [by_cluster, {"Name": "Role", "Value": "WRITER" if writes else "READER"}],
    )
    return [point for dimensions in groups for point in _points(dimensions, values, at)]


def of_cluster(world: World, cluster: Cluster, now: float, at: datetime) -> Sequence[dict[str, Any]]:
    """How far a secondary is behind, in milliseconds. Nothing of a cluster that is no secondary."""
    group = world.group_of(cluster)
    primary = world.primary_of(group) if group else None
    lag = lag_ms(world, cluster, now)
    if lag is None or primary is None:
        return ()
    names = ("AuroraGlobalDBReplicationLag", "AuroraGlobalDBRPOLag", "AuroraGlobalDBProgressLag")
    values = [(name, lag, "Milliseconds") for name in names]
    own = {"Name": "DBClusterIdentifier", "Value": cluster.name}
    source = {"Name": "SourceRegion", "Value": primary.region}
    return [*_points([own], values, at), *_points([own, source], values, at)]


def _points(dimensions: Sequence[Any], values: Sequence[tuple[str, float, str]], at: datetime) -> list[dict[str, Any]]:
    return [
        {"MetricName": name, "Dimensions": list(dimensions), "Timestamp": at, "Value": value, "Unit": unit}
        for name, value, unit in values
    ]
