"""The other recovery regions of a workload: where their copies are, and what is read from looking at them.

Each region runs its own failovers. That there is one writer among them depends on each run looking at the others
before it promotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drgen.recovery.facts import Absent, NotObserved
from drgen.recovery.guards import Guard, Verdict
from drgen.recovery.record import Mode, NotFenced, Record
from drgen.recovery.replica_facts import Instance, Other


@dataclass(frozen=True)
class Copy:
    """The database of another recovery region."""

    region: str
    identifier: str


def read_copies(text: str) -> tuple[Copy, ...]:
    """The copies, as one environment variable holds them (`names.copies_text`)."""
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


def others(regions: Sequence[Other], record: Record) -> Iterator[Guard]:
    """With several recovery regions: none of the others may have a writer, and a silent one is not taken for peaceful.

    A primary that takes writes, as a planned failover demands, is the writer. Otherwise it takes a person's word.
    """
    if not regions:
        return
    claim = "no other region has taken over"
    silent = [other for other in regions if isinstance(other.database, NotObserved)]
    if taken := "; ".join(took_over(regions)):
        yield Guard(claim, Verdict.FAILED, taken)
    elif not silent or record.request.mode is Mode.PLANNED:
        yield Guard(claim, Verdict.PASSED, _quiet(regions))
    elif record.request.insist:
        yield Guard(claim, Verdict.PASSED, f"{_quiet(regions)}; {record.request.operator} goes on all the same")
    else:
        verdict = Verdict.FAILED if isinstance(record.fence, NotFenced) else Verdict.WAIT
        yield Guard(claim, verdict, f"{_quiet(regions)}: find out, then run again with --disaster")


def _quiet(regions: Sequence[Other]) -> str:
    """What the other regions, none of which is seen to have taken over, show."""
    shown = []
    for other in regions:
        match other.database:
            case NotObserved(reason):
                shown.append(f"{other.region} does not tell ({reason})")
            case Absent():
                shown.append(f"{other.region} has no copy")
            case Instance(identifier):
                shown.append(f"{identifier} is a replica")
    return ", ".join(shown)
