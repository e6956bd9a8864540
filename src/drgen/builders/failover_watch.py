"""The alarms of the recovery layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref

from drgen.builders.alarms import alarm
from drgen.builders.dns import NAMESPACE
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.timing import GONE_AFTER_MIN
from drgen.model.value import Value
from drgen.recovery.names import HEARTBEAT_LAG, PRIMARY_REACHABLE


@dataclass(frozen=True)
class Watched:
    """The region that is watched, the objective that the heartbeat's lag is held to where there is one, and the
    functions that may fail."""

    primary_region: str
    heartbeat_s: int | None
    functions: Sequence[Any]


def alarms(stack: StackDraft, names: Names, watched: Watched, *, topic: Value) -> None:
    """Is the primary there, does the watch itself run, how far behind is the replica, and do the functions fail?"""
    _outage_alarms(stack, names, watched, topic=topic)
    if watched.heartbeat_s is not None:
        _lag_alarm(stack, names, watched.heartbeat_s, topic=topic)
    for function in watched.functions:
        _errors_alarm(stack, names, function, topic=topic)


def _outage_alarms(stack: StackDraft, names: Names, watched: Watched, *, topic: Value) -> None:
    workload = {"Workload": names.prefix}
    alarm(
        stack,
        "PrimaryGoneAlarm",
        name=names.primary_gone,
        description=f"{watched.primary_region} has not answered for three minutes, seen from {stack.region}",
        namespace=NAMESPACE,
        metric=PRIMARY_REACHABLE,
        dimensions=workload,
        statistic="Maximum",
        comparison="LessThanThreshold",
        threshold=1,
        periods=GONE_AFTER_MIN,
        missing="missing",
        topic=topic,
        why="Fed from this region. Missing data is not an outage of the primary: WatchSilentAlarm tells of that.",
    )
    alarm(
        stack,
        "WatchSilentAlarm",
        name=names.regional("watch-silent"),
        description="The watch publishes nothing: nobody would notice that the primary is gone",
        namespace=NAMESPACE,
        metric=PRIMARY_REACHABLE,
        dimensions=workload,
        statistic="SampleCount",
        comparison="LessThanThreshold",
        threshold=1,
        missing="breaching",
        topic=topic,
    )


def _lag_alarm(stack: StackDraft, names: Names, limit_s: int, *, topic: Value) -> None:
    alarm(
        stack,
        "HeartbeatLagAlarm",
        name=names.regional("heartbeat-lag"),
        description="The replica is further behind than the recovery point objective",
        namespace=NAMESPACE,
        metric=HEARTBEAT_LAG,
        dimensions={"Workload": names.prefix},
        statistic="Maximum",
        threshold=limit_s,
        periods=3,
        topic=topic,
        why="A row written on the primary each minute and read on the replica: true on an idle database, too.",
    )


def _errors_alarm(stack: StackDraft, names: Names, function: Any, *, topic: Value) -> None:
    alarm(
        stack,
        f"{function.title}ErrorsAlarm",
        name=names.regional(f"{function.title.lower()}-errors"),
        description=f"The {function.title.lower()} function fails",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": Ref(function)},
        statistic="Sum",
        threshold=0,
        periods=3,
        topic=topic,
    )
