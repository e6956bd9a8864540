"""What one field of a bucket alone cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drgen.model.workload import Region, Workload
from drgen.template.load import Path as At

LONGEST = 63
"""Characters of a bucket's name. Source: registry schema AWS::S3::Bucket, BucketName."""

LOGS = "logs"
"""What drgen calls its own bucket, for access logs."""


def buckets(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """Names that S3, or the templates, cannot take; settings that do nothing."""
    first: dict[str, int] = {LOGS: -1}
    for index, bucket in enumerate(workload.buckets):
        at: At = ("buckets", index)
        earlier = first.setdefault(bucket.name.replace("-", ""), index)
        if earlier == -1:
            yield (*at, "name"), "the access logs are kept under this name", "choose another name"
        elif earlier != index:
            problem = f"{bucket.name} cannot be told from {workload.buckets[earlier].name}"
            yield (*at, "name"), problem, "choose another name"
        if bucket.replicate == "none" and bucket.replication_time_control:
            problem = "nothing is replicated, so there is no time to control"
            yield (*at, "replication_time_control"), problem, "remove it, or set replicate"
        if over := _over(workload, bucket.name, workload.sides()):
            yield (*at, "name"), _too_long(over), f"shorten it, or the workload's name, by {over}"
    if workload.buckets:
        yield from too_long(workload, LOGS, workload.sides())


def too_long(workload: Workload, name: str, sides: Sequence[Region]) -> Iterator[tuple[At, str, str]]:
    """The workload's own name where drgen's bucket `name` gets too long with it, in one of `sides`."""
    if over := _over(workload, name, sides):
        yield ("name",), _too_long(over), f"shorten name or environment by {over}"


def _over(workload: Workload, name: str, sides: Sequence[Region]) -> int:
    """By how many characters the bucket's name is too long, in the region where it is longest."""
    names = [workload.names.bucket(name, side.name, account="0" * 12) for side in sides]
    return max(0, max(map(len, names)) - LONGEST)


def _too_long(over: int) -> str:
    return f"the name of a bucket would have {LONGEST + over} characters, with account and region; S3 takes {LONGEST}"
