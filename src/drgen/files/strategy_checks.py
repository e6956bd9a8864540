"""What a strategy rules out: parts that would make it untrue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drgen.model.workload import Workload
from drgen.template.load import Path as At

if TYPE_CHECKING:
    from drgen.model.services import Service

Found = Iterator[tuple[At, str, str]]
"""Where, what is wrong, and how to mend it."""


def strategy(workload: Workload) -> Found:
    """Tasks that the strategy has no place for, and what keeps regions from serving all at once."""
    for index, service in enumerate(workload.services):
        yield from _tasks(workload, service, ("services", index, "count", "recovery"))
    if workload.all_serve:
        yield from _one_writer(workload)
        yield from _one_way(workload)


def _tasks(workload: Workload, service: Service, at: At) -> Found:
    count = service.count.recovery
    match workload.strategy:
        case "warm-standby" if count == 0:
            problem = "the strategy is warm-standby, and nothing would run in the recovery region"
            yield at, problem, "use 1 or more, or set strategy to pilot-light"
        case "pilot-light" if count:
            problem = f"a pilot light runs no tasks in the recovery region, and count.recovery is {count}"
            yield at, problem, "remove it, or set strategy to warm-standby"
        case "active-active" if count is not None:
            problem = "the strategy is active-active, and no region stands by"
            yield at, problem, "remove it: count.primary is for every region"


def _one_writer(workload: Workload) -> Found:
    """Source: Amazon Aurora User Guide, "Using Amazon Aurora Global Database" (one primary cluster takes writes)."""
    at: At = ("strategy",)
    if workload.database is not None:
        problem = f"active-active needs data that every region can write, and {workload.database.engine} has one writer"
        yield at, problem, "keep the data in tables, which every region writes; or set strategy to warm-standby"
    if workload.api is None and not workload.services:
        problem = "active-active needs something that serves, and there is neither an API nor a service"
        yield at, problem, "declare api or services, or set strategy to warm-standby"


def _one_way(workload: Workload) -> Found:
    """Source: Route 53 Developer Guide, "Active-active and active-passive failover"."""
    for index, bucket in enumerate(workload.buckets):
        if bucket.replicate == "to-recovery":
            problem = "both regions write, and what a recovery region writes would stay there"
            yield (
                ("buckets", index, "replicate"),
                problem,
                "use both-ways; or none, if each region keeps its own objects",
            )
    if workload.events is not None and workload.events.forward is True:
        problem = "all regions send events, and those of a recovery region would stay there"
        yield ("events", "forward"), problem, "use both-ways; or false, if each region handles its own events"
    if workload.dns is not None and workload.dns.policy == "failover":
        problem = "failover records answer with one region while it is healthy, and all regions are to serve"
        yield ("dns", "policy"), problem, "use weighted: every region then has the same weight"
