"""DR650: whether a role is allowed what is done with it."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.deeds import deeds
from drgen.preflight.policies import permissions
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule(
    "DR650",
    "A role is allowed what is done with it",
    source="Service Authorization Reference; user guides of the services, see the tables in preflight/deeds.py",
    severity=Severity.WARNING,
)
def role_may_do_it(world: World) -> Found:
    """Tasks of a state machine, targets of schedules and rules, and the calls of inline code need permissions of their
    role, for resources of the region where they work. Everything is made without them; the step fails with
    AccessDenied when it is run for the first time, which may be the failover. A task that waits for its job (.sync)
    needs events:PutRule, too, without which the machine is refused.

    Fix: allow what the message lists in a policy of the role, on resources of that region.
    """
    told: set[tuple[int, str]] = set()
    for deed in deeds(world):
        allowed = permissions(world, deed.role)
        lacking = allowed.lacks(deed.actions, deed.region)
        missing = [action for action in lacking if (id(deed.user), action) not in told]
        told.update((id(deed.user), action) for action in missing)
        empty = not allowed.statements and not allowed.managed
        if missing and (empty or not allowed.known):
            yield NotDecided(deed.user.place(deed.path), f"what {deed.role.logical_id} is allowed is not wholly known")
        elif missing:
            where = f" in {deed.region}" if allowed.allows(missing[0]) else ""
            message = f"role {deed.role} lacks {', '.join(missing)}{where}"
            yield Fault(deed.user.place(deed.path), message, "allow it in a policy of the role")
