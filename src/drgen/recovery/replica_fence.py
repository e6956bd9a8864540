"""The fence around an RDS instance: a security group without ingress, then a reboot that ends open sessions."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.recovery.endings import give_up
from drgen.recovery.facts import Absent, NotObserved
from drgen.recovery.record import Delegated, Fenced, Fencing, Mode, NotFenced, Record, Released, Unverified
from drgen.recovery.replica_facts import Instance, Pair, ReplicaFacts
from drgen.recovery.steps import AwaitFence, CutOffPrimary, RebootPrimary, RecordFence, Step, Stop

FENCE_LIMIT_S = 1200.0
FENCE_AGAIN_S = 60.0
"""A primary that could not be fenced is tried again after this long, not at each turn: a refusal must not loop."""


def fence(facts: ReplicaFacts, record: Record, pair: Pair, *, began: bool) -> Iterator[Step]:
    match record.fence:
        case NotFenced():
            yield from _begin(facts)
        case Fencing() as fencing:
            yield from _go_on(facts, record, fencing, pair, began=began)
        case Unverified(tried=False) as unverified if _worth_another_try(facts, unverified):
            yield from _begin(facts)
        case Fenced() | Unverified() | Delegated():
            pass
        case Released():
            yield Stop("the fence was taken down")


def late_fence(facts: ReplicaFacts, record: Record, pair: Pair, *, began: bool) -> Iterator[Step]:
    """A primary that comes back during the run, after it was recorded as unverified, is fenced then."""
    if isinstance(record.fence, Fencing):
        yield from _go_on(facts, record, record.fence, pair, began=began)
        return
    untried = isinstance(record.fence, Unverified) and not record.fence.tried
    if untried and isinstance(facts.primary, Instance) and facts.primary.status == "available":
        yield from _begin(facts)


def _worth_another_try(facts: ReplicaFacts, fence: Unverified) -> bool:
    """Whether the primary answers again since it could not be fenced: approval may have taken hours."""
    return isinstance(facts.primary, Instance) and facts.now - fence.at > FENCE_AGAIN_S


def _begin(facts: ReplicaFacts) -> Iterator[Step]:
    match facts.primary:
        case Instance():
            yield CutOffPrimary()
            yield RebootPrimary()
            yield AwaitFence("RDS puts the fence into force")
            yield RecordFence(True, "")
        case Absent():
            yield RecordFence(True, "the primary instance no longer exists")
        case NotObserved(reason):
            yield RecordFence(False, f"the primary's region does not answer ({reason})")


def _go_on(facts: ReplicaFacts, record: Record, fencing: Fencing, pair: Pair, *, began: bool) -> Iterator[Step]:
    match facts.primary:
        case NotObserved(reason):
            yield RecordFence(False, f"the primary's region stopped answering ({reason})")
            return
        case Absent():
            yield RecordFence(True, "the primary instance no longer exists")
            return
        case Instance() as primary:
            pass
    if facts.now - fencing.since > FENCE_LIMIT_S:
        yield from _not_confirmed(facts, record, primary, began=began)
    elif primary.status == "available" and primary.groups_settled and not pair.cut_off(primary):
        # Somebody's earlier change came into force after ours.
        yield CutOffPrimary()
        yield AwaitFence("RDS puts the fence into force")
        yield RecordFence(True, "")
    elif not fencing.rebooted:
        if pair.cut_off(primary) and primary.status == "available":
            yield RebootPrimary()
        yield AwaitFence(f"{primary.identifier} is {primary.status}")
        yield RecordFence(True, "")
    elif pair.cut_off(primary) and primary.status == "available" and not facts.primary_takes_writes:
        yield RecordFence(True, f"{primary.identifier} is only in {pair.fence_group} and was rebooted")
    else:
        yield AwaitFence(f"{primary.identifier} is {primary.status}")
        yield RecordFence(True, "")


def _not_confirmed(facts: ReplicaFacts, record: Record, primary: Instance, *, began: bool) -> Iterator[Step]:
    reason = f"the fence was not confirmed within {FENCE_LIMIT_S / 60:.0f} minutes ({primary.status})"
    needed = record.request.mode is Mode.PLANNED or facts.primary_takes_writes
    if needed and facts.is_replica and not began:
        yield from give_up(record, reason, refused=False)
    else:
        yield RecordFence(False, reason)
