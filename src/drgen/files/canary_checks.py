"""What a single field of section `canary` cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.files.buckets_checks import too_long
from drgen.model.workload import Workload
from drgen.template.load import Path as At

RESULTS = "canary"
"""What drgen calls the bucket of the results."""


def canary(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """Source: Synthetics API, CanaryScheduleInput (rate(1 minute) to rate(1 hour))."""
    if workload.canary is None:
        return
    if any(bucket.name == RESULTS for bucket in workload.buckets):
        yield ("canary",), "the canary's results go to a bucket of that name", "call your bucket something else"
    yield from too_long(workload, RESULTS, workload.sides() if workload.all_serve else workload.regions.recovery)
    every_s = int(workload.canary.every.total_seconds())
    if every_s % 60 or not 60 <= every_s <= 3600:
        problem = "a canary runs at most once a minute and at least once an hour, in whole minutes"
        yield ("canary", "every"), problem, "use 1m to 60m"
