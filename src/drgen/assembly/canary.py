"""The canary: in every recovery region, so that it outlives the region it asks. Where all regions serve, in all."""

from __future__ import annotations

from drgen.assembly.packages import CANARY
from drgen.assembly.system import System
from drgen.builders import canary as synthetics


def canary(system: System) -> None:
    """A stack with a canary that asks the workload's URL, in each region that is to see an outage of another."""
    wanted = system.workload.canary
    if wanted is None:
        return
    asked = synthetics.Question(wanted.url, wanted.every, wanted.failures, wanted.keep_days)
    for site in system.sites if system.workload.all_serve else system.recovery:
        base = system.foundation(site)
        synthetics.canary(
            system.stack(site, "canary", "What asks the workload's URL from here."),
            system.names,
            asked,
            package=system.packages[CANARY],
            key=base.keys.data,
            topic=base.alerts.topic_arn,
        )
