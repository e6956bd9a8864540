"""Whether a database serves its clients well: alarms on symptoms, and one alarm over everything that impairs it.

Source of the metrics and their units: Amazon RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS"; of composite
alarms: Amazon CloudWatch User Guide, "Combining alarms".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from troposphere import Sub, cloudwatch

from drgen.builders.alarms import alarm
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

WINDOW_MIN, BAD_MIN = 10, 5


@dataclass(frozen=True)
class Thresholds:
    """From which values on a database is impaired."""

    connections: int
    read_latency_ms: int
    write_latency_ms: int


@dataclass(frozen=True)
class Watched:
    """A database by the dimension of its metrics; `statistic` takes the worst where that stands for several instances.

    `resources` are the alarms on what the database lives on, by their logical ids: the stack must hold them.
    """

    dimension: str
    identifier: str
    statistic: str
    resources: Sequence[str]


def health_alarms(stack: StackDraft, names: Names, database: Watched, limits: Thresholds, *, topic: Value) -> None:
    """Alarms on connections and latency, and one that tells `topic` when any of them, or of the resources, is bad."""
    identifier = database.identifier
    for title, thing, description, metric, threshold in (
        (
            "ConnectionsAlarm",
            "connections",
            f"More than {limits.connections} connections to {identifier}",
            "DatabaseConnections",
            limits.connections,
        ),
        (
            "ReadLatencyAlarm",
            "read-latency",
            f"Disk reads of {identifier} take more than {limits.read_latency_ms} ms",
            "ReadLatency",
            limits.read_latency_ms / 1000,
        ),
        (
            "WriteLatencyAlarm",
            "write-latency",
            f"Disk writes of {identifier} take more than {limits.write_latency_ms} ms",
            "WriteLatency",
            limits.write_latency_ms / 1000,
        ),
    ):
        alarm(
            stack,
            title,
            name=names.everywhere(thing, stack.region),
            description=f"{description} in {BAD_MIN} of {WINDOW_MIN} minutes",
            metric=metric,
            dimensions={database.dimension: identifier},
            threshold=threshold,
            statistic=database.statistic,
            periods=WINDOW_MIN,
            bad_periods=BAD_MIN,
            topic=None,
            silent="DatabaseImpairedAlarm tells of it.",
        )
    _impaired(stack, names, database, topic=topic)


def _impaired(stack: StackDraft, names: Names, database: Watched, *, topic: Value) -> None:
    children = (*database.resources, "ConnectionsAlarm", "ReadLatencyAlarm", "WriteLatencyAlarm")
    target = stack.use(topic)
    impaired = cloudwatch.CompositeAlarm(
        "DatabaseImpairedAlarm",
        AlarmName=names.database_impaired(stack.region),
        AlarmDescription=f"{database.identifier} serves its clients badly: the reason names the alarm behind this one",
        AlarmRule=Sub(" OR ".join(f'ALARM("${{{child}}}")' for child in children)),
        AlarmActions=[target],
        OKActions=[target],
    )
    stack.add(
        impaired,
        why="One message for symptoms that come together. Connections and latency need five bad minutes of ten, and "
        "stay bad until fewer than five are left, so that this alarm does not flap.",
    )
