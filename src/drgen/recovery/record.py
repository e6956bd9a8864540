"""What a failover knows about itself. The record travels with the execution: it is data, never a position.

A step is taken because facts and record call for it, so a run that died between two steps continues with the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from drgen.recovery.facts import NotObserved


class Mode(StrEnum):
    """planned: both regions are well, nothing may be lost. disaster: the primary is gone, or given up."""

    PLANNED = "planned"
    DISASTER = "disaster"


@dataclass(frozen=True)
class Request:
    """What was asked for. `incident` names the execution; `operator` is who asked.

    `accept_loss_s` is the loss of data, in seconds of writes, that the operator accepts; without it the objective
    counts. `insist` is an operator's word that the primary is to be given up although it answers. `ask` is False only
    where a person has already approved, or nobody is to be asked.
    """

    incident: str
    target: str
    mode: Mode
    operator: str
    accept_loss_s: float | None = None
    insist: bool = False
    ask: bool = True


@dataclass(frozen=True)
class NotFenced:
    """The primary has not been touched."""


@dataclass(frozen=True)
class Fencing:
    """The primary was cut off from its clients; `groups_before` are its former security groups."""

    groups_before: tuple[str, ...]
    since: float
    rebooted: bool = False


@dataclass(frozen=True)
class Fenced:
    """Verified: nobody can reach the primary and no session is left."""

    groups_before: tuple[str, ...]
    at: float
    evidence: str


@dataclass(frozen=True)
class Unverified:
    """On record: nobody knows whether the primary still takes writes. `tried` says that fencing it was begun."""

    at: float
    reason: str
    tried: bool = False


@dataclass(frozen=True)
class Delegated:
    """Left to Aurora, which stops writes at the old writer before a switchover makes another one."""

    at: float
    reason: str


@dataclass(frozen=True)
class Released:
    """The fence was taken down again, or `problem` says what kept it up."""

    at: float
    problem: str = ""


Fence = NotFenced | Fencing | Fenced | Unverified | Delegated | Released


@dataclass(frozen=True)
class Loss:
    """Seconds of writes that the new primary may lack, at most, and how that is known."""

    seconds: float
    evidence: str


@dataclass(frozen=True)
class Approval:
    given: bool
    by: str
    at: float


@dataclass(frozen=True)
class Written:
    """A row was written to the new primary and read back."""

    at: float
    took_ms: float


@dataclass(frozen=True)
class Served:
    """The region was seen to serve."""

    at: float
    evidence: str


@dataclass(frozen=True)
class Mark:
    """The first time something was true, by AWS's clock in the target region."""

    name: str
    at: float


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    at: float
    phase: str
    text: str


@dataclass(frozen=True)
class Record:
    """`marks` hold first times: detected, started, fencing, fenced, asked, approved, adding, added, promoting,
    promoted, scaling, activated, scaled, moving-traffic, traffic-moved, verified, notified. `giving_up` is why the run
    ends once the fence is down again; `refused` says that a guard asked for it. `unseen_since` is since when the target
    region withholds what is needed.
    """

    request: Request
    fence: Fence = NotFenced()
    loss: Loss | NotObserved | None = None
    approval: Approval | None = None
    verification: Written | Served | NotObserved | None = None
    giving_up: str = ""
    refused: bool = False
    unseen_since: float | None = None
    marks: tuple[Mark, ...] = ()
    journal: tuple[Entry, ...] = ()

    def at(self, name: str) -> float | None:
        """When `name` was first true; None if it has not been."""
        return next((mark.at for mark in self.marks if mark.name == name), None)

    def marked(self, name: str, at: float) -> Record:
        """The record with `name` true since `at`, or since earlier."""
        return self if self.at(name) is not None else replace(self, marks=(*self.marks, Mark(name, at)))

    def noted(self, at: float, phase: str, text: str) -> Record:
        """The record with one more line; a line that only repeats the last one is left out."""
        if self.journal and (self.journal[-1].phase, self.journal[-1].text) == (phase, text):
            return self
        return replace(self, journal=(*self.journal, Entry(at, phase, text)))
