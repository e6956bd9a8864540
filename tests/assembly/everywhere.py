"""A workload file as it must be where all regions serve."""

from __future__ import annotations

from typing import Any


def serve_everywhere(file: dict[str, Any]) -> None:
    """Lets all regions serve: then nothing goes one way only, and no region waits."""
    file["strategy"] = "active-active"
    file.get("dns", {}).pop("policy", None)
    for service in file.get("services", ()):
        service.get("count", {}).pop("recovery", None)
    for bucket in file.get("buckets", ()):
        if bucket.get("replicate") != "none":
            bucket["replicate"] = "both-ways"
    if "events" in file and file["events"].get("forward", True) is True:
        file["events"]["forward"] = "both-ways"
