"""Whether a replica still follows its source, and how far behind it is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from drgen.local.providers.provider import Environment
from drgen.local.rds.events import log_event
from drgen.local.rds.records import REPLICATING, TERMINATED, Instance
from drgen.local.rds.state import World
from drgen.local.rds.surroundings import is_reachable

STEADY_LAG_S = 1.0
NOT_REPLICATING = -1.0
_GIVEN_UP_S = 30 * 24 * 3600

_MESSAGES = {
    "error": "Replication error: the source DB instance can't be reached.",
    TERMINATED: "Replication has been terminated.",
}


def source_regions(instances: Iterable[Instance]) -> set[str]:
    """The other regions that replicas among `instances` follow."""
    return {
        instance.source_arn.split(":")[3]
        for instance in instances
        if instance.replication == REPLICATING and _is_remote(instance)
    }


def replica_regions(instances: Iterable[Instance]) -> set[str]:
    """The regions of those replicas among `instances` that follow a source in another region."""
    return {instance.region for instance in instances if instance.replication == REPLICATING and _is_remote(instance)}


def watch(env: Environment, world: World, lock: threading.RLock, now: float, regions: Iterable[str]) -> None:
    """Finds out which of `regions` answer, and records what changed.

    Replication that has been stopped for more than 30 days is terminated. Source: RDS guide, "Monitoring read
    replication".
    """
    answers = {region: is_reachable(env, region) for region in sorted(regions)}
    with lock:
        for region, answered in answers.items():
            _note(world, region, now, answered=answered)


def _is_remote(replica: Instance) -> bool:
    return replica.source_arn.split(":")[3] != replica.region


def _note(world: World, region: str, now: float, *, answered: bool) -> None:
    since = world.dark.get(region)
    if since is not None and now - since > _GIVEN_UP_S:
        event = "0057"
    elif answered:
        event = "" if since is None else "0046"
    else:
        event = "0045" if since is None else ""
    if answered:
        world.dark.pop(region, None)
    else:
        world.dark.setdefault(region, now)
    for replica in world.instances() if event else ():
        follows = replica.replication == REPLICATING and replica.source_arn.split(":")[3] == region
        if follows and _is_remote(replica) and replica.status != "creating":
            if event == "0057":
                world.put(replace(replica, replication=TERMINATED))
            log_event(world.region(replica.region), "db-instance", replica.arn, event, now)


def status(world: World, replica: Instance) -> str:
    """replicating, error or terminated; "" for an instance that is no replica or is still being created."""
    if replica.status == "creating" or not replica.replication:
        return ""
    is_cut = _is_remote(replica) and replica.source_arn.split(":")[3] in world.dark
    return "error" if replica.replication == REPLICATING and is_cut else replica.replication


def status_infos(world: World, replica: Instance) -> list[dict[str, Any]]:
    found = status(world, replica)
    if not found:
        return []
    info = {"StatusType": "read replication", "Normal": found == REPLICATING, "Status": found}
    return [info | ({"Message": _MESSAGES[found]} if found in _MESSAGES else {})]


def lag_s(world: World, replica: Instance, now: float) -> float:
    """Seconds behind the source: steady while replicating, growing while the source is dark, -1 once terminated."""
    match status(world, replica):
        case "replicating":
            return STEADY_LAG_S
        case "error":
            return STEADY_LAG_S + now - world.dark[replica.source_arn.split(":")[3]]
        case _:
            return NOT_REPLICATING
