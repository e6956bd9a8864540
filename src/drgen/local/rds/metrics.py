"""The CloudWatch metrics of the instances.

Source of names, units and dimension: RDS guide, "Amazon CloudWatch instance-level metrics for Amazon RDS". No database
runs here: every value is chosen by the emulator, except the lag, which follows what the control plane knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drgen.local.rds.aurora import metrics as aurora
from drgen.local.rds.records import REPLICATING, Instance
from drgen.local.rds.replication import lag_s, status
from drgen.local.rds.state import World

_GIB = 1024**3
_WAL_BYTES_PER_S = 64 * 1024**2 / 300
"""One WAL segment of 64 MiB every five minutes: the rate at which an idle source writes WAL. Chosen."""
_WAL_KEPT_BYTES = 2 * 64 * 1024**2
_QUIET = frozenset({"creating", "deleting", "stopping", "stopped", "starting"})


def points(world: World, instance: Instance, now: float, at: datetime) -> Sequence[dict[str, Any]]:
    """The data points of one instance at `now` on the virtual clock, stamped with the real time `at`."""
    if instance.status in _QUIET:
        return ()
    if instance.cluster:
        return aurora.of_instance(world, instance, at)
    backlog = slot_backlog_bytes(world, instance, now)
    values: list[tuple[str, float, str]] = [
        ("CPUUtilization", 10.0, "Percent"),
        ("DatabaseConnections", 5.0, "Count"),
        ("FreeStorageSpace", max(0.0, instance.record["AllocatedStorage"] * _GIB * 0.8 - backlog), "Bytes"),
        ("FreeableMemory", 4.0 * _GIB, "Bytes"),
        ("ReadLatency", 0.001, "Seconds"),
        ("WriteLatency", 0.002, "Seconds"),
        ("TransactionLogsDiskUsage", _WAL_KEPT_BYTES + backlog, "Bytes"),
    ]
    if instance.replication:
        values.append(("ReplicaLag", lag_s(world, instance, now), "Seconds"))
    if any(replica.region != instance.region for replica in world.replicas_of(instance)):
        values.append(("OldestReplicationSlotLag", backlog, "Bytes"))
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": instance.name}]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value, "Unit": unit}
        for name, value, unit in values
    ]


def slot_backlog_bytes(world: World, source: Instance, now: float) -> float:
    """WAL that the most lagging replica in another region has not consumed, in bytes."""
    backlogs = [0.0]
    for replica in world.replicas_of(source):
        if replica.region != source.region and status(world, replica) == REPLICATING:
            since = world.dark.get(replica.region)
            backlogs.append(0.0 if since is None else (now - since) * _WAL_BYTES_PER_S)
    return max(backlogs)
