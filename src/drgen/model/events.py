"""What happens during a deployment, one value per happening. `code` is stable; text may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Outcome(StrEnum):
    """How a step ended. Only `done` and `unchanged` let the stacks behind it start."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REFUSED = "refused"
    LOCKED = "locked"
    STILL_RUNNING = "still running"
    BLOCKED = "blocked"
    NOT_STARTED = "not started"

    @property
    def is_good(self) -> bool:
        return self in (Outcome.DONE, Outcome.UNCHANGED)


@dataclass(frozen=True)
class Started:
    """The run begins. `steps` are ids in the order of the manifest."""

    code: ClassVar[str] = "started"
    workload: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class StepStarted:
    """`change` is create, update or delete; `reattached` if an earlier run of the same content began it."""

    code: ClassVar[str] = "step-started"
    step: str
    region: str
    stage: str
    change: str
    total: int
    reattached: bool = False


@dataclass(frozen=True)
class ResourceProgress:
    """CloudFormation's event on one resource. `done` of `total` resources have ended well in this step."""

    code: ClassVar[str] = "resource"
    step: str
    region: str
    resource: str
    type: str
    status: str
    reason: str
    at: datetime
    done: int
    total: int


@dataclass(frozen=True)
class Note:
    """Something worth a line: a value kept, an empty remainder removed, protection set, rules revoked."""

    code: ClassVar[str] = "note"
    step: str
    region: str
    text: str


@dataclass(frozen=True)
class Cause:
    """The first resource that failed, and what to do about it."""

    region: str
    stack: str
    resource: str
    type: str
    reason: str
    fix: str


@dataclass(frozen=True)
class StepEnded:
    """`began` and `ended` are CloudFormation's times; None if it was asked to do nothing."""

    code: ClassVar[str] = "step-ended"
    step: str
    stack: str
    region: str
    stage: str
    outcome: Outcome
    detail: str = ""
    fix: str = ""
    cause: Cause | None = None
    began: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Stopping:
    """Ctrl-C: nothing new is started. `running` steps are followed to their end."""

    code: ClassVar[str] = "stopping"
    running: tuple[str, ...]
    resume: str


@dataclass(frozen=True)
class Finished:
    """The end: what became of every step, in the order of the manifest."""

    code: ClassVar[str] = "finished"
    workload: str
    steps: tuple[StepEnded, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code of the run: the gravest thing that happened decides."""
        outcomes = {step.outcome for step in self.steps}
        if self.interrupted:
            return 130
        for outcome, code in _CODES:
            if outcome in outcomes:
                return code
        return 0


_CODES = (
    (Outcome.FAILED, 1),
    (Outcome.STILL_RUNNING, 75),
    (Outcome.REFUSED, 3),
    (Outcome.LOCKED, 4),
    (Outcome.NOT_STARTED, 75),
    (Outcome.BLOCKED, 1),
)

Event = Started | StepStarted | ResourceProgress | Note | StepEnded | Stopping | Finished
