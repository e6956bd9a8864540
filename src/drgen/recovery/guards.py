"""The guards of a failover: each holds one claim against the facts and shows its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from drgen.recovery.facts import Absent, Answer, Facts, Instance, Lag, NotObserved, Pair, Secret, Stack
from drgen.recovery.others import took_over
from drgen.recovery.record import Fenced, Mode, NotFenced, Record, Unverified

STALE_S = 900.0
"""A sample of the lag older than this, counted from the last sign of life of the primary, proves nothing."""

ENDED = (
    "failed",
    "stopped",
    "stopping",
    "deleting",
    "storage-full",
    "restore-error",
    "inaccessible-encryption-credentials",
)
"""Statuses of a DB instance that do not turn into `available` by waiting, with every `incompatible-*`.

Source: RDS User Guide, "Viewing Amazon RDS DB instance status".
"""

UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
"""Statuses in which CloudFormation takes an ordinary update. Source: botocore, cloudformation StackStatus."""


ONLY_RUN = "this is the only failover"
"""The claim whose failure means that another run holds the workload."""


class Verdict(StrEnum):
    """wait: it may become true by itself."""

    PASSED = "passed"
    WAIT = "wait"
    FAILED = "failed"


@dataclass(frozen=True)
class Guard:
    """One claim, whether it holds, and what was seen."""

    claim: str
    verdict: Verdict
    evidence: str


def has_ended(status: str) -> bool:
    """Whether an instance in `status` needs a person."""
    return status in ENDED or status.startswith(("incompatible-", "inaccessible-"))


def is_there(primary: Instance | Absent | NotObserved) -> bool:
    """Whether RDS speaks for the primary: no person is needed to bring it back, or RDS refuses to tell us.

    A refusal comes from a region that works. To take it for silence would give up a healthy primary whenever this
    role loses a permission.
    """
    match primary:
        case Instance(status=status):
            return not has_ended(status)
        case NotObserved(refused=refused):
            return refused
        case Absent():
            return False
        case _:
            assert_never(primary)


def guards(facts: Facts, record: Record, pair: Pair) -> tuple[Guard, ...]:
    """Every guard that counts before the promotion, in the order in which people read them.

    What the fence itself disturbs (the primary's answers, replication during its reboot) counts only until the fence
    is begun; from then on the record of the fence and of the loss takes its place. A primary that nobody could fence
    must still be gone: hours may pass before somebody approves, and its region may be back by then.
    """
    found = [
        _alone(facts),
        *_others(facts, record),
        _replica(facts),
        _source(facts, pair),
        _stack(facts),
        _secret(facts),
    ]
    if isinstance(record.fence, NotFenced):
        found += [*_primary(facts, record), _replication(facts, record), _loss(facts, record, pair)]
    elif isinstance(record.fence, Fenced) and isinstance(facts.primary, Instance):
        shown = f"{facts.primary.identifier} is in {', '.join(facts.primary.groups) or 'no security group'}"
        found.append(_guard("the fence still stands", pair.cut_off(facts.primary), shown))
    elif isinstance(record.fence, Unverified):
        if facts.primary_takes_writes:
            found.append(
                Guard("the primary takes no writes", Verdict.FAILED, "it answers over SQL and could not be fenced")
            )
        if not record.fence.tried and record.request.mode is Mode.DISASTER:
            found += _primary(facts, record)
    return tuple(found)


def _guard(claim: str, holds: bool, evidence: str) -> Guard:
    return Guard(claim, Verdict.PASSED if holds else Verdict.FAILED, evidence)


def _alone(facts: Facts) -> Guard:
    elsewhere = [f"{other.older_run} in {other.region}" for other in facts.others if other.older_run]
    older = facts.older_run or " and ".join(elsewhere)
    return _guard(ONLY_RUN, not older, f"{older} was started earlier and is running" if older else "no other run")


def _others(facts: Facts, record: Record) -> Iterator[Guard]:
    """With several recovery regions: none of the others may have a writer, and a silent one is not taken for peaceful.

    A primary that takes writes, as a planned failover demands, is the writer. Otherwise it takes a person's word.
    """
    if not facts.others:
        return
    claim = "no other region has taken over"
    silent = [other for other in facts.others if isinstance(other.database, NotObserved)]
    if taken := "; ".join(took_over(facts.others)):
        yield Guard(claim, Verdict.FAILED, taken)
    elif not silent or record.request.mode is Mode.PLANNED:
        yield Guard(claim, Verdict.PASSED, _quiet(facts))
    elif record.request.insist:
        yield Guard(claim, Verdict.PASSED, f"{_quiet(facts)}; {record.request.operator} goes on all the same")
    else:
        verdict = Verdict.FAILED if isinstance(record.fence, NotFenced) else Verdict.WAIT
        yield Guard(claim, verdict, f"{_quiet(facts)}: find out, then run again with --disaster")


def _quiet(facts: Facts) -> str:
    """What the other regions, none of which is seen to have taken over, show."""
    shown = []
    for other in facts.others:
        match other.database:
            case NotObserved(reason):
                shown.append(f"{other.region} does not tell ({reason})")
            case Absent():
                shown.append(f"{other.region} has no copy")
            case Instance(identifier):
                shown.append(f"{identifier} is a replica")
    return ", ".join(shown)


def _replica(facts: Facts) -> Guard:
    claim = "the replica is available"
    match facts.replica:
        case NotObserved(reason):
            return Guard(claim, Verdict.WAIT, reason)
        case Absent():
            return Guard(claim, Verdict.FAILED, "the target region has no such instance")
        case Instance(identifier, status):
            if has_ended(status):
                return Guard(claim, Verdict.FAILED, f"{identifier} is {status}")
            verdict = Verdict.PASSED if status == "available" else Verdict.WAIT
            return Guard(claim, verdict, f"{identifier} is {status}")


def _source(facts: Facts, pair: Pair) -> Guard:
    claim = "the replica copies the expected primary"
    if not isinstance(facts.replica, Instance):
        return Guard(claim, Verdict.WAIT, "the replica was not seen")
    return _guard(claim, pair.is_source(facts.replica.source), f"its source is {facts.replica.source or 'nothing'}")


def _stack(facts: Facts) -> Guard:
    claim = "the database stack can be updated"
    match facts.stack:
        case NotObserved(reason):
            return Guard(claim, Verdict.WAIT, reason)
        case Absent():
            return Guard(claim, Verdict.FAILED, "the target region has no such stack")
        case Stack(status, role):
            if status.endswith("_IN_PROGRESS"):
                return Guard(claim, Verdict.WAIT, f"it is {status}")
            fits = status in UPDATABLE and role == "replica"
            return _guard(claim, fits, f"it is {status} with DatabaseRole {role or 'unknown'}")


def _secret(facts: Facts) -> Guard:
    claim = "the replicated secret can be read"
    match facts.secret:
        case NotObserved(reason):
            return Guard(claim, Verdict.WAIT, reason)
        case Absent():
            return Guard(claim, Verdict.FAILED, "the target region has no copy of it")
        case Secret(read):
            return _guard(claim, True, "the probe read it" if read else "it exists; its value was not read")


def _primary(facts: Facts, record: Record) -> Iterator[Guard]:
    """Planned: it must be available. Disaster: it must not be there any more."""
    if record.request.mode is Mode.PLANNED:
        available = isinstance(facts.primary, Instance) and facts.primary.status == "available"
        yield _guard("the primary answers", available, _primary_evidence(facts))
        return
    claim = "the primary is gone"
    if record.request.insist:
        yield _guard(claim, True, f"{_primary_evidence(facts)}; {record.request.operator} gives it up all the same")
    else:
        yield _guard(claim, not is_there(facts.primary) and not facts.primary_takes_writes, _primary_evidence(facts))


def _primary_evidence(facts: Facts) -> str:
    match facts.primary:
        case Instance(identifier, status):
            control = f"RDS shows {identifier} as {status}"
        case Absent():
            control = "RDS knows no such instance"
        case NotObserved(reason):
            control = f"RDS does not answer ({reason})"
    match facts.primary_sql:
        case Answer(in_recovery):
            return f"{control}; over SQL it {'only reads' if in_recovery else 'takes writes'}"
        case NotObserved(reason):
            return f"{control}; SQL not observed ({reason})"


def _replication(facts: Facts, record: Record) -> Guard:
    claim = "replication has not ended"
    if not isinstance(facts.replica, Instance):
        return Guard(claim, Verdict.WAIT, "the replica was not seen")
    shown = ", ".join(facts.replica.replication) or "no status"
    if record.request.mode is Mode.PLANNED:
        return _guard("the replica is replicating", facts.replica.replication == ("replicating",), shown)
    accepted = record.request.accept_loss_s is not None
    return _guard(claim, accepted or "terminated" not in facts.replica.replication, shown)


def loss_limit_s(record: Record, pair: Pair) -> float:
    """Seconds of writes that may be lost: what the operator accepted, else the objective."""
    accepted = record.request.accept_loss_s
    return pair.loss_objective_s if accepted is None else accepted


def _loss(facts: Facts, record: Record, pair: Pair) -> Guard:
    limit = loss_limit_s(record, pair)
    accepted = record.request.accept_loss_s is not None
    claim = f"no more than {limit:.0f} s of writes are lost"
    match facts.lag:
        case NotObserved(reason):
            word = f"; {record.request.operator} accepts up to {limit:.0f} s" if accepted else ""
            return _guard(claim, accepted, f"not observed ({reason}){word}")
        case Lag(seconds, age_s, metric):
            shown = f"{metric} was {seconds:.0f} s, {age_s:.0f} s ago"
            if age_s > STALE_S and not accepted:
                return _guard(claim, False, f"{shown}: too old to count on")
            return _guard(claim, seconds <= limit, shown)
