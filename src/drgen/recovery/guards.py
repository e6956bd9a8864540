"""Guards: each holds one claim against what was observed and shows its evidence. Here are those that kinds share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drgen.recovery.facts import Absent, Answer, Lag, NotObserved, Observed, Secret, Stack
from drgen.recovery.record import Mode, Record

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
"""Statuses of a database that do not turn into `available` by waiting, with every `incompatible-*`.

Source: RDS User Guide, "Viewing Amazon RDS DB instance status"; Aurora User Guide, "Viewing DB cluster status".
"""

UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
"""Statuses in which CloudFormation takes an ordinary update. Source: botocore, cloudformation StackStatus."""

CONTINUABLE = (*UPDATABLE, "UPDATE_FAILED")
"""With them, what an update without rollback leaves behind: the same update may be tried again.
Source: CloudFormation User Guide, "Choose how to handle failures when provisioning resources"."""

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


class Database(Protocol):
    @property
    def status(self) -> str: ...

    @property
    def identifier(self) -> str: ...


def guard(claim: str, holds: bool, evidence: str) -> Guard:
    return Guard(claim, Verdict.PASSED if holds else Verdict.FAILED, evidence)


def has_ended(status: str) -> bool:
    """Whether a database in `status` needs a person."""
    return status in ENDED or status.startswith(("incompatible-", "inaccessible-"))


def is_there(primary: Database | Absent | NotObserved) -> bool:
    """Whether RDS speaks for the primary: no person is needed to bring it back, or RDS refuses to tell us.

    A refusal comes from a region that works. To take it for silence would give up a healthy primary whenever this
    role loses a permission.
    """
    if isinstance(primary, NotObserved):
        return primary.refused
    return not isinstance(primary, Absent) and not has_ended(primary.status)


def alone(facts: Observed, elsewhere: Sequence[str] = ()) -> Guard:
    """`elsewhere` names older runs in other recovery regions."""
    older = facts.older_run or " and ".join(elsewhere)
    return guard(ONLY_RUN, not older, f"{older} was started earlier and is running" if older else "no other run")


def available(claim: str, found: Database | Absent | NotObserved, *, missing: str, shown: str = "") -> Guard:
    """Whether the target's database is available, or may be soon; `shown` ends the evidence."""
    if isinstance(found, NotObserved):
        return Guard(claim, Verdict.WAIT, found.reason)
    if isinstance(found, Absent):
        return Guard(claim, Verdict.FAILED, missing)
    evidence = f"{found.identifier} is {found.status}{shown}"
    if has_ended(found.status):
        return Guard(claim, Verdict.FAILED, evidence)
    return Guard(claim, Verdict.PASSED if found.status == "available" else Verdict.WAIT, evidence)


def updatable(claim: str, stack: Stack | Absent | NotObserved, *, parameter: str, role: str) -> Guard:
    """Whether the stack takes the update that this failover needs: `parameter` has the value `role` still."""
    match stack:
        case NotObserved(reason):
            return Guard(claim, Verdict.WAIT, reason)
        case Absent():
            return Guard(claim, Verdict.FAILED, "the target region has no such stack")
        case Stack(status):
            if stack.busy:
                return Guard(claim, Verdict.WAIT, f"it is {status}")
            fits = status in UPDATABLE and stack.role == role
            return guard(claim, fits, f"it is {status} with {parameter} {stack.role or 'unknown'}")


def services(facts: Observed) -> Iterator[Guard]:
    """Whether the stack of the services can be updated, where there are any that do not run yet."""
    if facts.services is None:
        return
    claim = "the services stack can be updated"
    found = facts.services
    if isinstance(found, NotObserved | Absent):
        yield updatable(claim, found, parameter="ServiceRole", role="standby")
    elif found.stack.busy and found.stack.role != "active":
        yield Guard(claim, Verdict.WAIT, f"it is {found.stack.status}")
    elif found.stack.busy:
        yield guard(claim, True, "it is being made active already")
    else:
        shown = f"it is {found.stack.status} with ServiceRole {found.stack.role or 'unknown'}"
        yield guard(claim, found.stack.status in CONTINUABLE and found.stack.role != "", shown)


def secret(found: Secret | Absent | NotObserved) -> Guard:
    claim = "the replicated secret can be read"
    match found:
        case NotObserved(reason):
            return Guard(claim, Verdict.WAIT, reason)
        case Absent():
            return Guard(claim, Verdict.FAILED, "the target region has no copy of it")
        case Secret(read):
            return guard(claim, True, "the probe read it" if read else "it exists; its value was not read")


def leaving(record: Record, *, well: bool, there: bool, evidence: str) -> Guard:
    """Planned: the primary must be well. Disaster: it must not be there any more, unless somebody gives it up."""
    if record.request.mode is Mode.PLANNED:
        return guard("the primary answers", well, evidence)
    claim = "the primary is gone"
    if record.request.insist:
        return guard(claim, True, f"{evidence}; {record.request.operator} gives it up all the same")
    return guard(claim, not there, evidence)


def database_evidence(primary: Database | Absent | NotObserved, sql: Answer | NotObserved) -> str:
    """What RDS and the database itself say about the primary."""
    if isinstance(primary, NotObserved):
        control = f"RDS does not answer ({primary.reason})"
    elif isinstance(primary, Absent):
        control = "RDS knows no such database"
    else:
        control = f"RDS shows {primary.identifier} as {primary.status}"
    match sql:
        case Answer(in_recovery):
            return f"{control}; over SQL it {'only reads' if in_recovery else 'takes writes'}"
        case NotObserved(reason):
            return f"{control}; SQL not observed ({reason})"


def loss_limit_s(record: Record, objective_s: float) -> float:
    """Seconds of writes that may be lost: what the operator accepted, else the objective."""
    accepted = record.request.accept_loss_s
    return objective_s if accepted is None else accepted


def loss(lag: Lag | NotObserved, record: Record, objective_s: float) -> Guard:
    limit = loss_limit_s(record, objective_s)
    accepted = record.request.accept_loss_s is not None
    claim = f"no more than {limit:.0f} s of writes are lost"
    match lag:
        case NotObserved(reason):
            word = f"; {record.request.operator} accepts up to {limit:.0f} s" if accepted else ""
            return guard(claim, accepted, f"not observed ({reason}){word}")
        case Lag(seconds, age_s, metric):
            shown = f"{metric} was {seconds:.0f} s, {age_s:.0f} s ago"
            if age_s > STALE_S and not accepted:
                return guard(claim, False, f"{shown}: too old to count on")
            return guard(claim, seconds <= limit, shown)
