"""DR36x: what an Aurora global database cannot have."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
GLOBAL = "AWS::RDS::GlobalCluster"
CLUSTER = "AWS::RDS::DBCluster"
LIMITS = "Amazon Aurora User Guide, Using Amazon Aurora Global Database (limitations)"


def members(world: World) -> Iterator[Resource]:
    """Clusters that belong to a global database: by their own property, or as the source of the global cluster."""
    sources = [world.target(value, CLUSTER) for found in world.resources(GLOBAL)
               for value in found.values("SourceDBClusterIdentifier")]  # fmt: skip
    for cluster in world.resources(CLUSTER):
        if cluster.has("GlobalClusterIdentifier") or any(source is cluster for source in sources):
            yield cluster


def is_secondary(cluster: Resource) -> bool:
    """True if the cluster joins a global database and brings no data or master user of its own.

    Source: registry schema AWS::RDS::DBCluster (a secondary cluster takes no MasterUsername, no snapshot).
    """
    own = ("MasterUsername", "SnapshotIdentifier", "SourceDBClusterIdentifier")
    return cluster.has("GlobalClusterIdentifier") and not any(cluster.has(name) for name in own)


@rule("DR360", "A cluster of a global database keeps to what global databases can", source=LIMITS, alone=True)
def member_limits(world: World) -> Found:
    """Backtrack, Aurora Serverless v1 and passwords managed by RDS work for stand-alone clusters only. Aurora refuses
    to make such a cluster part of a global database, or to add the second region.

    Fix: remove BacktrackWindow, EngineMode and ManageMasterUserPassword; keep the password in a secret of your own.
    """
    for cluster in members(world):
        window = number(cluster.value("BacktrackWindow"))
        if window is None and cluster.has("BacktrackWindow"):
            yield NotDecided(cluster.place("BacktrackWindow"), "the backtrack window is not known")
        if window:
            message = "a cluster of a global database has no backtrack"
            yield Fault(cluster.place("BacktrackWindow"), message, "remove BacktrackWindow")
        mode = cluster.text("EngineMode")
        if mode in ("serverless", "parallelquery", "multimaster"):
            message = f"a cluster of a global database cannot run in mode {mode}"
            yield Fault(cluster.place("EngineMode"), message, "remove EngineMode; use db.serverless instances")
        if is_true(cluster.value("ManageMasterUserPassword")):
            message = "RDS does not manage the password of a global database"
            yield Fault(cluster.place("ManageMasterUserPassword"), message, "use a secret of your own")


INHERITED = ("Engine", "EngineVersion", "StorageEncrypted")


@rule(
    "DR361",
    "A global cluster that is made of a cluster inherits its engine",
    source="Registry schema AWS::RDS::GlobalCluster, Engine, EngineVersion and StorageEncrypted",
    alone=True,
)
def source_or_engine(world: World) -> Found:
    """RDS reads engine, version and encryption from the source: `value for engineName should not be specified since it
    will be inherited from source cluster`.

    Fix: remove the inherited properties, or SourceDBClusterIdentifier.
    """
    for found in world.resources(GLOBAL):
        if found.has("SourceDBClusterIdentifier"):
            for name in INHERITED:
                if found.has(name):
                    yield Fault(found.place(name), f"{name} is inherited from the source cluster", f"remove {name}")


TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


@rule("DR362", "Readers of a secondary cluster do not scale by themselves", source=LIMITS, alone=True)
def secondary_does_not_scale(world: World) -> Found:
    """Aurora Auto Scaling is not there for the secondary clusters of a global database: the target is refused.

    Fix: give the secondary a fixed number of readers, and add more with the failover.
    """
    for target in world.resources(TARGET):
        if target.text("ServiceNamespace") != "rds":
            continue
        for value in target.values("ResourceId"):
            cluster = world.target(value, CLUSTER) or _named_after_prefix(world, value, target)
            if cluster is not None and is_secondary(cluster):
                message = f"{cluster.logical_id} is a secondary cluster of a global database"
                yield Fault(target.place("ResourceId"), message, "remove the scalable target")


def _named_after_prefix(world: World, value: object, target: Resource) -> Resource | None:
    """The cluster that a resource id of Application Auto Scaling names: cluster:NAME."""
    name = (world.literal(value) or "").removeprefix("cluster:")
    found = [cluster for cluster in world.named(CLUSTER, name) if cluster.region == target.region] if name else []
    return found[0] if len(found) == 1 else None
