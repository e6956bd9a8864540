"""DR83x: canaries that can be made, and that run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.values import is_false, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
CANARY = "AWS::Synthetics::Canary"
POLICY = "CloudWatch User Guide, Runtime versions support policy"

DEPRECATED = (
    ("syn-nodejs-puppeteer", (7, 0)),
    ("syn-python-selenium", (5, 1)),
    ("syn-nodejs", (2, 2)),
    ("syn", (1, 0)),
)
"""Runtime names, and the last version of each that is deprecated as of February 2026.

Source: CloudWatch User Guide, "Runtime versions support policy" (CloudWatch Synthetics runtime deprecation dates).
"""


@rule("DR830", "A canary runs on a runtime that still takes canaries", source=POLICY, alone=True)
def runtime_is_supported(world: World) -> Found:
    """Synthetics refuses a new canary on a deprecated runtime. A canary that is there goes on, and cannot be changed
    before it gets another runtime.

    Fix: use a current version of the same runtime; `aws synthetics describe-runtime-versions` lists them.
    """
    for canary in world.resources(CANARY):
        runtime = canary.text("RuntimeVersion") or ""
        found = re.fullmatch(r"(syn(?:-[a-z]+)*)-(\d+)\.(\d+)", runtime)
        last = dict(DEPRECATED).get(found[1]) if found else None
        if found and last and (int(found[2]), int(found[3])) <= last:
            yield Fault(canary.place("RuntimeVersion"), f"{runtime} is deprecated", "use a current version")


@rule("DR831", "A canary's results go to a bucket without dots in its name",
      source="CloudWatch User Guide, Creating a canary (Data storage)",
      alone=True)  # fmt: skip
def bucket_without_dots(world: World) -> Found:
    """Synthetics refuses a bucket with a dot in its name.

    Fix: use a bucket without dots.
    """
    for canary in world.resources(CANARY):
        place = world.literal(canary.value("ArtifactS3Location")) or ""
        name = place.removeprefix("s3://").split("/", 1)[0]
        if "." in name:
            yield Fault(canary.place("ArtifactS3Location"), f"{name} holds a dot", "use another bucket")


UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600}


def interval(expression: str) -> int | None:
    """The seconds between two runs of `rate(5 minutes)`; None for others, 0 for a single run."""
    found = re.fullmatch(r"rate\((\d+) (minutes?|hours?)\)", expression)
    return int(found[1]) * UNITS[found[2]] if found else None


@rule("DR832", "A canary ends before it runs again",
      source="Synthetics API Reference, CanaryRunConfigInput (TimeoutInSeconds)",
      alone=True)  # fmt: skip
def run_ends(world: World) -> Found:
    """Synthetics refuses a timeout that is longer than the time between two runs.

    Fix: set a shorter TimeoutInSeconds, or a longer rate.
    """
    for canary in world.resources(CANARY):
        timeout = number(canary.value("RunConfig.TimeoutInSeconds"))
        every = interval(canary.text("Schedule.Expression") or "")
        if timeout is not None and every and timeout > every:
            message = f"a run may take {timeout:g} s, and the next begins after {every} s"
            yield Fault(canary.place("RunConfig.TimeoutInSeconds"), message, "set a shorter timeout")


@rule("DR833", "A canary that alarms depend on runs",
      source="Registry schema AWS::Synthetics::Canary, StartCanaryAfterCreation and Schedule",
      severity=Severity.WARNING)  # fmt: skip
def canary_runs(world: World) -> Found:
    """A canary is not started by itself, and `rate(0 minute)` runs once. Nothing is measured, and the outage of the
    primary region is noticed by customers.

    Fix: set StartCanaryAfterCreation: true, and a rate of minutes.
    """
    for canary in world.resources(CANARY):
        if is_false(canary.value("StartCanaryAfterCreation")) or not canary.has("StartCanaryAfterCreation"):
            place = canary.place("StartCanaryAfterCreation")
            yield Fault(place, "the canary is made, and not started", "set StartCanaryAfterCreation: true")
        elif interval(canary.text("Schedule.Expression") or "") == 0:
            yield Fault(canary.place("Schedule"), "the canary runs once", "set a rate of minutes")
