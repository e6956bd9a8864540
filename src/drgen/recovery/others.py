"""The other recovery regions of a workload: where their copies are, and what is read from looking at them.

Each region runs its own failovers. That there is one writer among them depends on each run looking at the others
before it promotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drgen.recovery.facts import Instance, Other


@dataclass(frozen=True)
class Copy:
    """The database of another recovery region."""

    region: str
    identifier: str


def as_text(copies: Sequence[Copy]) -> str:
    """The copies as one environment variable holds them."""
    return ",".join(f"{copy.region}:{copy.identifier}" for copy in copies)


def read_copies(text: str) -> tuple[Copy, ...]:
    """The copies that `as_text` was given."""
    return tuple(Copy(*pair.split(":")) for pair in text.split(",") if pair)


def machine_in(machine: str, region: str) -> str:
    """The ARN of the machine of the same name in `region`."""
    parts = machine.split(":")
    return ":".join([*parts[:3], region, *parts[4:]])


def older(running: Sequence[Mapping[str, Any]], *, than: datetime, arn: str) -> str:
    """Name of an execution that started before the one with this start and ARN, or "".

    Of two with the same start the first by ARN is the older one, so that every region comes to the same answer.
    """
    names = [str(e["name"]) for e in running if (e["startDate"], e["executionArn"]) < (than, arn)]
    return names[0] if names else ""


def took_over(others: Sequence[Other]) -> Iterator[str]:
    """A clause for each region whose database may take writes."""
    for other in others:
        if isinstance(other.database, Instance) and other.may_write:
            yield f"{other.database.identifier} in {other.region} stands alone and may take writes"
