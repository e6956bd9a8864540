"""DR345 to DR347: what the replicas of a global table take in their regions, and what is asked of them there."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.tables import REFERENCE, TABLE, regions, replicas
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_true, known_text, leaves
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
PLAIN = "AWS::DynamoDB::Table"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


@rule(
    "DR345",
    "A global table's name is free in the regions of its replicas",
    source="Amazon DynamoDB Developer Guide, Global tables: How it works",
)
def replica_name_is_free(world: World) -> Found:
    """The replica has the name of its table. If a stack makes a table of that name there, one of the two fails: `Table
    already exists`.

    Fix: remove the table of the recovery region, and use the replica.
    """
    for table in world.resources(TABLE):
        name, there = world.name(table), regions(table) or set()
        for other in world.named(PLAIN, name) if name and "*" not in name else ():
            if other.region in there and other.certain and world.overlap(other.stack, table.stack):
                message = f"{name} is already the replica of {table}"
                yield Fault(other.place("TableName"), message, "remove it, or choose another name")


@rule(
    "DR346",
    "All replicas of a global table can be restored, or none can",
    source=f"{REFERENCE}, ReplicaSpecification (settings of each replica)",
    severity=Severity.WARNING,
)
def replicas_are_restorable(world: World) -> Found:
    """Point-in-time recovery is set for each replica and is not replicated. After the failover, the table that takes
    the writes has no backups: an error of the application cannot be undone.

    Fix: set PointInTimeRecoverySpecification on every entry of Replicas.
    """
    path = "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"
    for table in world.resources(TABLE):
        kept: set[str] = set()
        lost: set[str] = set()
        for replica in replicas(table):
            found = list(at(replica, path))
            names = {text for value in leaves(replica.get("Region")) if (text := known_text(value))}
            if not found or all(known_text(value) is not None for value in found):
                (kept if any(is_true(value) for value in found) else lost).update(names)
        if kept and lost - kept:
            message = f"the replica in {', '.join(sorted(lost - kept))} cannot be restored to a point in time"
            yield Fault(table.place("Replicas"), message, "set PointInTimeRecoverySpecification on every replica")


@rule(
    "DR347",
    "What scales by itself exists in the region of its stack",
    source="Application Auto Scaling API, RegisterScalableTarget (ResourceId)",
)
def scaled_is_there(world: World) -> Found:
    """The target names a table or a service of the primary region by its name. Application Auto Scaling looks for it in
    its own region, and refuses the target.

    Fix: make the target in the region of the table or service, or add a replica there.
    """
    for target in world.resources(TARGET):
        pieces = (world.literal(target.value("ResourceId")) or "").split("/")
        kinds = {"table": (PLAIN, TABLE), "service": ("AWS::ECS::Cluster",)}.get(pieces[0], ())
        name = pieces[1] if len(pieces) > 1 and "*" not in pieces[1] else ""
        if isinstance(target.value("ResourceId"), Attribute) or not kinds or not name:
            continue
        found = [resource for kind in kinds for resource in world.named(kind, name)]
        if found and all(target.region not in _there(resource) for resource in found):
            message = f"{pieces[0]} {name} is in {', '.join(sorted(_there(found[0])))}, the target in {target.region}"
            yield Fault(target.place("ResourceId"), message, f"make it in {found[0].region}")


def _there(resource: Resource) -> set[str]:
    """The regions in which the resource is."""
    return {resource.region, *((regions(resource) or set()) if resource.type == TABLE else ())}
