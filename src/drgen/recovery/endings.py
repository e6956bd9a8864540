"""How a failover waits for the target region, gives up, and ends."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.recovery.record import Fenced, Fencing, Record, Released, Unverified
from drgen.recovery.steps import AwaitTarget, Refuse, ReleasePrimary, Step, Stop

UNSEEN_LIMIT_S = 1800.0


def look_again(now: float, record: Record, reason: str) -> Iterator[Step]:
    """Waits for what the target region withholds, but not for ever."""
    since = now if record.unseen_since is None else record.unseen_since
    if now - since > UNSEEN_LIMIT_S:
        yield Stop(f"the target region withheld what is needed for {UNSEEN_LIMIT_S / 60:.0f} minutes: {reason}")
    else:
        yield AwaitTarget(reason)


def giving_up(record: Record) -> str:
    """Why the run is to end before anything irreversible, or ""."""
    if record.giving_up:
        return record.giving_up
    if record.approval is not None and not record.approval.given:
        return f"{record.approval.by} did not approve"
    return ""


def give_up(record: Record, reason: str, *, refused: bool) -> Iterator[Step]:
    """Takes down the fence that stands, then ends."""
    match record.fence:
        case Fencing(groups_before=groups) | Fenced(groups_before=groups) if groups:
            yield ReleasePrimary(reason, refused)
        case Unverified(tried=True):
            reason = f"{reason}; look at the primary, fencing it was begun and not confirmed"
        case Released(problem=problem) if problem:
            reason = f"{reason}; the primary is still fenced ({problem})"
        case _:
            pass
    yield Refuse((reason,)) if refused else Stop(reason)
