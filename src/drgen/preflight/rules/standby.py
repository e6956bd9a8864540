"""DR314: whether the replica can do the work of its source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.replicas import replicas
from drgen.preflight.stack import Resource
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
SIZES = ("micro", "small", "medium", "large", "xlarge")


@rule(
    "DR314",
    "A replica has the strength to take over",
    source="Amazon RDS User Guide, Monitoring and tuning the replication process (same class or larger)",
    severity=Severity.WARNING,
)
def replica_is_strong_enough(world: World) -> Found:
    """The replica of a recovery region gets the whole load on the day of the failover. On a burstable class, or one
    that is much smaller, it is overrun; and before that day it falls behind its source.

    Fix: use the class of the source, or change the class as a step of the failover, and test how long that takes.
    """
    for replica, source in replicas(world):
        if source is None or replica.region == source.region:
            continue
        own, other = _strength(replica), _strength(source)
        if own is None or other is None:
            continue
        burstable = own[0].startswith("t") and not other[0].startswith("t")
        if burstable or other[1] - own[1] > 1:
            message = (
                f"it is {replica.text('DBInstanceClass')}, and its source {source.logical_id} of stack "
                f"{source.stack.key} is {source.text('DBInstanceClass')}"
            )
            yield Fault(replica.place("DBInstanceClass"), message, "use the class of the source")


def _strength(instance: Resource) -> tuple[str, int] | None:
    """Family and size of the class as a number that grows by one where the size doubles; None if not known."""
    found = re.fullmatch(r"db\.([a-z0-9]+)\.(?:(\d+)x?)?([a-z]+)", instance.text("DBInstanceClass") or "")
    if found is None or found[3] not in SIZES:
        return None
    times = int(found[2]).bit_length() - 1 if found[2] else 0
    return found[1], SIZES.index(found[3]) + times
