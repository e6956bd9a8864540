"""After a failover: the other members follow the new primary, each once its region answers.

Source: Aurora guide, "Performing managed failovers for Aurora global databases".
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime

from drgen.local.providers.provider import Environment
from drgen.local.rds import durations
from drgen.local.rds.aurora import snapshots
from drgen.local.rds.events import log_event
from drgen.local.rds.records import Cluster, Step
from drgen.local.rds.replication import watch
from drgen.local.rds.state import World

OLD_PRIMARY, SECONDARY, RUNNING = "old-primary", "secondary", "running"
"""What `Resync` says of a member: it is to be rebuilt, as the primary that it was or as a secondary; or it is being."""

STEADY_LAG_MS = 100.0


def member_regions(world: World) -> set[str]:
    """The regions of global databases with more than one member."""
    groups = [world.members_of(group) for group in list(world.global_clusters.values())]
    return {member.region for members in groups if len(members) > 1 for member in members}


def follow(env: Environment, world: World, lock: threading.RLock, now: float) -> None:
    """Finds out which member regions answer, and starts the resynchronisation of members that wait for theirs."""
    watch(env, world, lock, now, member_regions(world))
    begin(world, lock, now)


def begin(world: World, lock: threading.RLock, now: float) -> None:
    with lock:
        for cluster in _waiting(world, world.clusters()):
            log_event(world.region(cluster.region), "db-cluster", cluster.arn, "0240", now)
            if cluster.record["Resync"] == OLD_PRIMARY:
                _keep_old_volume(world, cluster, now)
            done = Step(now + durations.RESYNC_S, "available", {"Resync": None}, "0241")
            world.put_cluster(cluster.with_fields({"Resync": RUNNING}).then(done))


def _waiting(world: World, clusters: Iterable[Cluster]) -> list[Cluster]:
    return [
        cluster
        for cluster in clusters
        if cluster.record.get("Resync") in (OLD_PRIMARY, SECONDARY) and cluster.region not in world.dark
    ]


def _keep_old_volume(world: World, cluster: Cluster, now: float) -> None:
    """A snapshot of what the old primary had written and nobody else has."""
    name = f"rds:unplanned-global-failover-{cluster.name}-{datetime.fromtimestamp(now, UTC):%Y-%m-%d-%H-%M}"
    snapshots.keep(world, cluster, name, "automated", [], now)


def lag_ms(world: World, cluster: Cluster, now: float) -> float | None:
    """Milliseconds behind the primary; None for a cluster that follows nobody, or not yet."""
    group = world.group_of(cluster)
    primary = world.primary_of(group) if group else None
    if primary is None or primary.arn == cluster.arn or cluster.status == "creating" or cluster.record.get("Resync"):
        return None
    since = world.dark.get(primary.region)
    return STEADY_LAG_MS if since is None else STEADY_LAG_MS + (now - since) * 1000
