"""Recovery objectives, and the times that templates spend of them.

Only times that the templates state are counted, or that a service documents. A person's decision and the promotion of a
database have no such figure: they come on top, and the budget says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drgen.preflight.rules.alarms import ALARM
from drgen.preflight.rules.dns import ALARMS, Record, records
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, number
from drgen.preflight.world import World

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
CHECK = "AWS::Route53::HealthCheck"
TTL = "TTL"


@dataclass(frozen=True)
class Objectives:
    """In seconds; None where nobody says one."""

    rto: float | None
    rpo: float | None


@dataclass(frozen=True)
class Part:
    """One known time of a budget: what takes it, and how it comes about."""

    seconds: float
    how: str


def seconds(text: object) -> float | None:
    """`15m`, `30 s`, `1h`, `2 minutes` or a number of seconds; None if it is none of them."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])?[a-z]*", str(text).strip().lower())
    return float(found[1]) * UNITS[found[2] or "s"] if found else None


def shown(value: float) -> str:
    """Seconds as a person says them: `90 s`, `8.5 min`, `4 h`."""
    if value < 120:
        return f"{value:g} s"
    return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:.3g} h"


def objectives(world: World) -> Objectives:
    """The objectives of `intent.objectives`, else of the tags rto and rpo of the stacks; the strictest of several."""
    stated = world.deployment.intent.other.get("objectives")
    found: dict[str, list[float]] = {"rto": [], "rpo": []}
    places = [stated] if isinstance(stated, dict) else [entry.tags for entry in world.deployment.stacks]
    for place in places:
        for key, value in place.items():
            name, said = str(key).lower(), seconds(value)
            if name in found and said is not None:
                found[name].append(said)
    return Objectives(min(found["rto"], default=None), min(found["rpo"], default=None))


def alarm_time(alarm: Resource) -> Part | None:
    """How long a breach lasts before the alarm fires: its period, as often as it wants data points."""
    period = number(alarm.value("Period"))
    wanted = alarm.value("DatapointsToAlarm") if alarm.has("DatapointsToAlarm") else alarm.value("EvaluationPeriods")
    count = number(wanted)
    if period is None or count is None:
        return None
    return Part(period * count, f"alarm {alarm.logical_id} {count:g} x {shown(period)}")


def _children(world: World, check: Resource) -> list[Resource]:
    found = (world.target(value, CHECK) for value in check.values("HealthCheckConfig.ChildHealthChecks"))
    return [child for child in found if child is not None and child is not check]


def asks(world: World, check: Resource) -> bool:
    """True if the health check, or a child of it, asks an endpoint: it sees an outage by itself."""
    kind = check.text("HealthCheckConfig.Type") or ""
    return kind.startswith(("HTTP", "TCP")) or any(asks(world, child) for child in _children(world, check))


def check_time(world: World, check: Resource) -> Part | None:
    """How long a failure lasts before the health check is unhealthy; None where that is not known.

    Of the children of a check those count that ask endpoints. Alarms beside them are for what none of those sees.
    """
    kind = check.text("HealthCheckConfig.Type") or ""
    if kind == "CLOUDWATCH_METRIC":
        alarms = [a for v in check.values("HealthCheckConfig.AlarmIdentifier.Name") for a in world.targets(v, *ALARMS)]
        times = [alarm_time(alarm) for alarm in alarms if alarm.type == ALARM]
        return max((time for time in times if time), key=lambda time: time.seconds, default=None)
    if kind == "CALCULATED":
        children = _children(world, check)
        seeing = [child for child in children if asks(world, child)]
        known = [time for child in seeing or children if (time := check_time(world, child))]
        return max(known, key=lambda time: time.seconds, default=None)
    if not kind or kind == "RECOVERY_CONTROL":
        return None
    every = (
        number(check.value("HealthCheckConfig.RequestInterval"))
        if check.has("HealthCheckConfig.RequestInterval")
        else 30
    )
    count = (
        number(check.value("HealthCheckConfig.FailureThreshold"))
        if check.has("HealthCheckConfig.FailureThreshold")
        else 3
    )
    return Part(every * count, f"health check {check.logical_id} {count:g} x {every:g} s") if every and count else None


def moves_by_itself(world: World, record: Record) -> bool:
    """True if Route 53 leaves the record when its endpoint does not answer, and nobody has to notice that."""
    found = (world.target(value, CHECK) for value in leaves(record.properties.get("HealthCheckId")))
    return any(asks(world, check) for check in found if check is not None)


def moving_records(world: World) -> Iterator[tuple[Record, list[Part]]]:
    """The records that traffic leaves when their region fails, each with the times until clients ask for another."""
    for record in records(world):
        weight = number(record.properties.get("Weight"))
        leaving = record.text("Failover") == "PRIMARY" or bool(weight)
        checks = [c for v in leaves(record.properties.get("HealthCheckId")) if (c := world.target(v, CHECK))]
        if not leaving or not checks:
            continue
        parts = [time for check in checks if (time := check_time(world, check))]
        ttl = number(record.properties.get("TTL"))
        yield record, [*parts, *([Part(ttl, TTL)] if ttl is not None else [])]


def total(parts: Sequence[Part]) -> float:
    return sum(part.seconds for part in parts)


def summed(parts: Sequence[Part]) -> str:
    """`alarm Gone 3 x 60 s = 3 min + TTL 60 s`."""
    return " + ".join(part.how if part.how.endswith(" s") else f"{part.how} {shown(part.seconds)}" for part in parts)


LAGS: Mapping[tuple[str, str], float] = {
    ("AWS/RDS", "ReplicaLag"): 1,
    ("AWS/RDS", "AuroraGlobalDBRPOLag"): 0.001,
    ("AWS/RDS", "AuroraGlobalDBReplicationLag"): 0.001,
    ("AWS/S3", "ReplicationLatency"): 1,
    ("AWS/DynamoDB", "ReplicationLatency"): 0.001,
}
"""Metrics of how far a copy is behind, and their unit in seconds.

Source: Amazon RDS User Guide, Monitoring read replication (seconds); Amazon Aurora User Guide, CloudWatch metrics
(milliseconds); Amazon S3 User Guide, Metrics and dimensions (seconds); Amazon DynamoDB Developer Guide (milliseconds).
"""
