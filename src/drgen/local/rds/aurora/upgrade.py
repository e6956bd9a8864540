"""The way of a cluster and its instances to another engine version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.rds import catalog, durations
from drgen.local.rds.checks import bad_combination
from drgen.local.rds.events import log_event
from drgen.local.rds.records import Cluster, Record, Step
from drgen.local.rds.state import World


def check(engine: str, present: str, version: str, *, major: bool) -> None:
    """Nothing, if `present` can become `version`. `major` is what the call says to a new major version."""
    if catalog.version_key(version) < catalog.version_key(present):
        raise bad_combination(f"Cannot upgrade {engine} from {present} to {version}")
    if is_major(engine, present, version) and not major:
        raise bad_combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )


def is_major(engine: str, present: str, version: str) -> bool:
    return catalog.major(engine, version) != catalog.major(engine, present)


def start(world: World, cluster: Cluster, changes: Mapping[str, Any], now: float) -> None:
    """Upgrades the cluster to the EngineVersion in `changes`, and its instances with it. Hold the lock.

    A new major version takes the instances to their family's default group. Source: botocore,
    ModifyGlobalClusterMessage.AllowMajorVersionUpgrade.
    """
    engine, present, version = (
        str(cluster.record["Engine"]),
        str(cluster.record["EngineVersion"]),
        str(changes["EngineVersion"]),
    )
    jumps = is_major(engine, present, version)
    end = now + durations.UPGRADE_S
    log_event(world.region(cluster.region), "db-cluster", cluster.arn, "0177", now)
    done = Step(end, "available", changes, "0176" if jumps else "0173")
    world.put_cluster(cluster.with_fields({"Status": "upgrading"}).then(done))
    after: Record = {"EngineVersion": version}
    if jumps:
        name = f"default.{catalog.family(engine, version)}"
        after["DBParameterGroups"] = [{"DBParameterGroupName": name, "ParameterApplyStatus": "in-sync"}]
    for one in world.instances_of(cluster):
        if one.status != "deleting":
            world.put(one.with_fields({"DBInstanceStatus": "upgrading"}).then(Step(end, "available", after)))
