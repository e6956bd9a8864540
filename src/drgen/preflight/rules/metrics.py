"""DR825 to DR827: the metric behind an alarm exists, in this region and with these dimensions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.metrics import METRICS, NEEDED
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.alarms import ALARM
from drgen.preflight.rules.global_clusters import CLUSTER, is_secondary, members
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, known_text, leaves
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
PUBLISHED = "CloudWatch User Guide, AWS services that publish CloudWatch metrics"


@dataclass(frozen=True)
class Watched:
    """One metric that an alarm watches; the value of each dimension by its name, None where one is not known."""

    alarm: Resource
    namespace: str
    name: str
    dimensions: Mapping[str, Resolved] | None


def watched(world: World) -> Iterator[Watched]:
    """Every metric of every alarm whose namespace and name are known."""
    for alarm in world.resources(ALARM):
        for metric in (alarm.properties, *alarm.values("Metrics.MetricStat.Metric")):
            namespace = next((known_text(value) for value in at(metric, "Namespace")), None)
            name = next((known_text(value) for value in at(metric, "MetricName")), None)
            if namespace and name:
                yield Watched(alarm, namespace, name, _dimensions(metric))


def _dimensions(metric: Resolved) -> Mapping[str, Resolved] | None:
    found: dict[str, Resolved] = {}
    for entry in at(metric, "Dimensions"):
        named = known_text(entry.get("Name")) if isinstance(entry, Mapping) else None
        if named is None or not isinstance(entry, Mapping):
            return None
        found[named] = entry.get("Value")
    return found


@rule("DR825", "An alarm watches a metric that is published", source=PUBLISHED, severity=Severity.WARNING)
def metric_exists(world: World) -> Found:
    """CloudWatch takes any name. One with a slip of the pen has no data: the alarm never leaves INSUFFICIENT_DATA, or
    is always OK.

    Fix: write the name as the service does, capitals included.
    """
    for metric in watched(world):
        known = METRICS.get(metric.namespace, frozenset())
        if known and metric.name not in known:
            near = difflib.get_close_matches(metric.name, sorted(known), n=1, cutoff=0.85)
            if near:
                message = f"{metric.namespace} publishes no {metric.name}"
                yield Fault(metric.alarm.place("MetricName"), message, f"did you mean {near[0]}?")


@rule("DR826", "An alarm names the dimensions that its metric has", source=PUBLISHED, severity=Severity.WARNING)
def dimensions_complete(world: World) -> Found:
    """A metric is its name and all of its dimensions. With one left out it is another metric, which nobody publishes:
    the alarm has no data.

    Fix: add the missing dimensions.
    """
    for metric in watched(world):
        needed = NEEDED.get((metric.namespace, metric.name), ())
        missing = [name for name in needed if metric.dimensions is not None and name not in metric.dimensions]
        if missing:
            message = f"{metric.name} has the dimensions {', '.join(needed)}; {', '.join(missing)} is missing"
            yield Fault(metric.alarm.place("Dimensions"), message, f"add {', '.join(missing)}")


@rule(
    "DR827",
    "A lag between regions is watched where it is published",
    source="Amazon Aurora User Guide, CloudWatch metrics for Aurora; Amazon DynamoDB Developer Guide, DynamoDB metrics",
    severity=Severity.WARNING,
)
def lag_is_published(world: World) -> Found:
    """The lag of an Aurora global database is published by its secondary clusters. ReplicationLatency of DynamoDB is
    published where the writes are, for each other region. Elsewhere the alarm has no data. Alarms on both sides are
    right: one of them waits for the day when the roles are exchanged.

    Fix: watch the secondary cluster in its region; name the other region as ReceivingRegion.
    """
    primaries = {id(cluster) for cluster in members(world) if not is_secondary(cluster)}
    clusters = [(metric, cluster) for metric in watched(world) for cluster in _global_clusters(world, metric)]
    followed = {metric.name for metric, cluster in clusters if id(cluster) not in primaries}
    for metric, cluster in clusters:
        if id(cluster) in primaries and metric.name not in followed:
            message = f"{cluster.logical_id} is the primary cluster, and publishes no {metric.name}"
            yield Fault(metric.alarm.place("Dimensions"), message, "watch the secondary cluster")
    for metric in watched(world):
        dimensions = metric.dimensions or {}
        place = metric.alarm.place("Dimensions")
        if (metric.namespace, metric.name) == ("AWS/DynamoDB", "ReplicationLatency"):
            receiving = known_text(dimensions.get("ReceivingRegion"))
            if receiving == metric.alarm.region:
                yield Fault(place, f"{receiving} receives nothing from itself", "name the other region")


def _global_clusters(world: World, metric: Watched) -> Iterator[Resource]:
    """The clusters whose lag between regions the metric is about."""
    if metric.namespace == "AWS/RDS" and metric.name.startswith("AuroraGlobalDB") and metric.dimensions:
        for value in leaves(metric.dimensions.get("DBClusterIdentifier")):
            cluster = world.target(value, CLUSTER)
            if cluster is not None:
                yield cluster
