"""What is deployed, as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import assert_never

from drgen.model.status import DatabaseState, GroupState, Ingress, StackState, WorkloadState


def status_report(state: WorkloadState) -> str:
    """One line per stack, what is wrong with it under it, and who takes writes now."""
    lines = [line for stack in state.stacks for line in _stack(stack)]
    return "\n".join([*lines, *_writers(state)]) + "\n"


def _stack(stack: StackState) -> Iterator[str]:
    if stack.unreachable:
        yield f"{stack.region}  {stack.stack}  unreachable: {stack.unreachable}"
        return
    if stack.live is None:
        yield f"{stack.region}  {stack.stack}  not deployed"
        return
    protected = ", protected" if stack.live.termination_protection else ""
    since = age(stack.live.as_of - stack.live.changed)
    yield f"{stack.region}  {stack.stack}  {stack.live.status}, {since} ago{protected}"
    for stale in stack.stale:
        has = stale.has or "no value"
        yield f"    stale: {stale.parameter} is {has}, but {stale.producer}.{stale.output} is {stale.now}; deploy again"
    if stack.default_group:
        hint = "; deploy again to revoke them" if stack.default_group is GroupState.HAS_RULES else ""
        yield f"    default security group: {stack.default_group}{hint}"
    for database in stack.databases:
        yield f"    database {database.identifier}: {database.status}, {_role(database)}"


def _role(database: DatabaseState) -> str:
    if database.replica_of:
        return f"replica of {database.replica_of}"
    match database.ingress:
        case Ingress.FENCED:
            return "fenced: its security groups let nobody in"
        case Ingress.UNKNOWN:
            return "no replica; what its security groups let in is not known"
        case Ingress.OPEN:
            return "writer" if database.takes_writes else "no replica"
        case _:
            assert_never(database.ingress)


def _writers(state: WorkloadState) -> Iterator[str]:
    if not any(stack.databases for stack in state.stacks):
        return
    writers = ", ".join(f"{identifier} in {region}" for region, identifier in state.writers)
    unseen = f" (not seen: {', '.join(state.dark)})" if state.dark else ""
    yield f"takes writes now, as RDS shows it: {writers or 'no database'}{unseen}"


def age(length: timedelta) -> str:
    """The length in its largest unit: `40s`, `12m`, `5h`, `3d`."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
