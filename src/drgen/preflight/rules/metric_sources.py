"""DR83x: whether what publishes a metric is switched on, and what an alarm's expression is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.alarms import ALARM
from drgen.preflight.rules.metrics import watched
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, known_text, leaves, pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@dataclass(frozen=True)
class Source:
    """Metrics of `namespace` whose names begin with `names`: published by what `dimension` names, of type `type`, if
    it is switched on as `fix` says."""

    namespace: str
    names: str
    dimension: str
    type: str
    fix: str


SOURCES = (
    Source("AWS/AutoScaling", "Group", "AutoScalingGroupName", "AWS::AutoScaling::AutoScalingGroup",
           "add MetricsCollection with Granularity 1Minute to the group"),
    Source("ECS/ContainerInsights", "", "ClusterName", "AWS::ECS::Cluster",
           "set containerInsights to enabled in ClusterSettings"),
)  # fmt: skip
"""Metrics that a service publishes only when somebody asks for them.

Source: Amazon EC2 Auto Scaling User Guide, Enable Auto Scaling group metrics; Amazon ECS Developer Guide, Container
Insights.
"""


def _publishes(resource: Resource) -> bool:
    """Whether the template tells the resource to publish such metrics, or may do so."""
    match resource.type:
        case "AWS::AutoScaling::AutoScalingGroup":
            return resource.has("MetricsCollection")
        case "AWS::ECS::Cluster":
            settings = [leaf for leaf in resource.values("ClusterSettings") if isinstance(leaf, Mapping)]
            chosen = [pattern(s.get("Value")) for s in settings if pattern(s.get("Name")) == "containerInsights"]
            # Without the setting, the account's default counts, which is off unless somebody changed it.
            return any(value != "disabled" for value in chosen)
    return True


@rule(
    "DR836",
    "What publishes a metric is switched on",
    source="CloudWatch User Guide, AWS services that publish CloudWatch metrics; see rules/metric_sources.py",
    severity=Severity.WARNING,
)
def source_is_on(world: World) -> Found:
    """Group metrics of Auto Scaling and Container Insights of ECS are off until somebody switches them on. The alarm is
    made, and has no data: it never fires, or always. The setting often stands in another stack than the alarm.

    Fix: switch the metrics on where the message says.
    """
    for metric in watched(world):
        for source in SOURCES:
            if metric.namespace != source.namespace or not metric.name.startswith(source.names):
                continue
            for value in leaves((metric.dimensions or {}).get(source.dimension)):
                published_by = world.target(value, source.type)
                if published_by is not None and not _publishes(published_by):
                    message = f"{published_by} publishes no {metric.name}"
                    yield Fault(metric.alarm.place("MetricName"), message, source.fix)


_NAMES = re.compile(r"\b[a-z]\w*\b(?!\s*\()")


@rule(
    "DR837",
    "An alarm's expression is made of metrics that it has, and one of them is watched",
    source="CloudWatch API Reference, PutMetricAlarm and MetricDataQuery (Id, Expression, ReturnData)",
    alone=True,
)
def expression_is_complete(world: World) -> Found:
    """CloudWatch refuses an alarm whose expression names an id that no entry of Metrics has, and one where several
    entries return data, or none. ReturnData is true where the template leaves it out.

    Fix: correct the id; set ReturnData: false on every entry but the one to watch.
    """
    for alarm in world.resources(ALARM):
        entries = [entry for entry in alarm.values("Metrics") if isinstance(entry, Mapping)]
        ids = {known_text(entry.get("Id")) for entry in entries}
        if not entries or None in ids:
            continue
        returned = [entry for entry in entries if "ReturnData" not in entry or is_true(entry["ReturnData"])]
        if len(returned) != 1 and all(known_text(e["ReturnData"]) for e in entries if "ReturnData" in e):
            message = f"{len(returned) or 'no'} entries return data"
            yield Fault(alarm.place("Metrics"), message, "set ReturnData: false on all but one")
        for entry in entries:
            text = known_text(entry.get("Expression")) or ""
            plain = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
            lost = sorted(set(_NAMES.findall(plain)) - ids) if not text.upper().startswith("SELECT") else []
            if lost:
                message = f"the expression names {', '.join(lost)}, and no entry has that id"
                yield Fault(alarm.place("Metrics"), message, "correct the id, or add the metric")
