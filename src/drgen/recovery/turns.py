"""What a turn of the loop ends with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drgen.recovery.record import Record

SLOW_S = 15
QUICK_S = 5


class Next(StrEnum):
    """What the state machine does after a turn."""

    AGAIN = "again"
    WAIT = "wait"
    ASK = "ask"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Turn:
    """The outcome of one step. `wait_s` counts only where `next` is WAIT."""

    record: Record
    next: Next
    wait_s: int = 0


def again(record: Record, now: float, phase: str, text: str) -> Turn:
    return Turn(record.noted(now, phase, text), Next.AGAIN)


def waits(record: Record, now: float, phase: str, text: str, *, wait_s: int = SLOW_S) -> Turn:
    return Turn(record.noted(now, phase, text), Next.WAIT, wait_s)
