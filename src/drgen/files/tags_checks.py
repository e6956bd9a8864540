"""What a single tag cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.workload import Workload
from drgen.template.load import Path as At

OWN = ("drgen", "rpo", "rto")
"""The tags that drgen gives every stack: the workload and its objectives."""


def tags(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """Keys that are taken, and more tags than AWS takes."""
    seen: dict[str, str] = {}
    for key in workload.tags:
        # Roles get the tags, too, and IAM does not tell upper from lower case in keys.
        plain = key.lower()
        if plain in OWN:
            yield ("tags", key), f"drgen sets the tag {plain} of every stack itself", "remove it, or use another key"
        elif plain in seen:
            yield ("tags", key), f"IAM takes {key} and {seen[plain]} for the same key", "keep one of them"
        seen[plain] = key
    if len(workload.tags) > 40:
        yield ("tags",), f"{len(workload.tags)} tags; AWS takes 50 and CloudFormation adds its own", "keep 40 or fewer"
