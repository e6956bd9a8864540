"""How many recovery regions the parts of a workload can have."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.workload import Workload
from drgen.template.load import Path as At

REPLICAS = 5
"""Source: Amazon RDS User Guide, "Creating a read replica in a different AWS Region": AWS cannot guarantee more than
five cross-region read replicas of an instance."""

TARGETS = 5
"""Source: Amazon EventBridge User Guide, "Amazon EventBridge quotas" (targets per rule)."""


def recovery_regions(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """More recovery regions than AWS allows, for what the workload has."""
    number, dns, events = len(workload.regions.recovery), workload.dns, workload.events
    at: At = ("regions", "recovery")
    if workload.postgres is not None and number > REPLICAS:
        problem = f"the database would have {number} replicas in other regions, and RDS guarantees {REPLICAS}"
        yield at, problem, f"list {REPLICAS} regions or fewer"
    if events is not None and events.forward is not False and number > TARGETS:
        problem = f"events would be sent on to {number} regions, and a rule has {TARGETS} targets"
        yield at, problem, f"list {TARGETS} regions or fewer, or set events.forward to false"
    if dns is not None and dns.policy == "failover" and number > 1:
        problem = f"failover records are one primary and one secondary, and there are {number} recovery regions"
        yield ("dns", "policy"), problem, "use weighted: a record for each region, and the first healthy one answers"
