"""Follows what CloudFormation does to one stack until it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import CredentialsExpired, RegionUnreachable
from drgen.deploy.pace import Pace
from drgen.errors import DrgenError, StillRunning
from drgen.model.live import LiveStack, StackEvent
from drgen.planning.statuses import is_running

_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")


@dataclass(frozen=True)
class Operation:
    """One operation on a stack from its first event to its last."""

    final: LiveStack
    events: tuple[StackEvent, ...]

    @property
    def began(self) -> datetime | None:
        return self.events[0].at if self.events else None

    @property
    def ended(self) -> datetime | None:
        return self.events[-1].at if self.events else None


def last_event(events: Sequence[StackEvent]) -> str:
    """The id of the newest event; empty if there is none."""
    return events[-1].event_id if events else ""


def current_operation(events: Sequence[StackEvent]) -> tuple[StackEvent, ...]:
    """The events of the stack's latest operation, oldest first."""
    starts = [at for at, event in enumerate(events) if event.about_stack and event.status in _BEGINNINGS]
    return tuple(events[starts[-1] :]) if starts else ()


def before(events: Sequence[StackEvent], operation: Sequence[StackEvent]) -> str:
    """The id of the event before `operation`, the end of `events`; empty if nothing comes before it, or it is empty."""
    return last_event(events[: -len(operation)]) if operation else ""


def follow(
    cloud: CloudFormation,
    stack_id: str,
    *,
    after: str,
    pace: Pace,
    on_events: Callable[[Sequence[StackEvent]], None],
) -> Operation:
    """The operation whose events come after event `after`, when it is over.

    Raises StillRunning where nobody can tell any more how far it is: AWS goes on without us.
    """
    seen: list[StackEvent] = []
    while True:
        try:
            new = cloud.events(stack_id, after=last_event(seen) or after)
            live = cloud.stack(stack_id)
        except (CredentialsExpired, RegionUnreachable) as error:
            raise _still_running(stack_id, error) from error
        seen += new
        on_events(new)
        if live is not None and _is_over(live, seen):
            return Operation(live, tuple(seen))
        pace.wait()


def _is_over(live: LiveStack, seen: Sequence[StackEvent]) -> bool:
    """Events can lag behind the status, and the status behind the request: both must tell of the same end."""
    own = [event for event in seen if event.about_stack]
    return not is_running(live.status) and bool(own) and own[-1].status == live.status


def _still_running(stack_id: str, error: DrgenError) -> StillRunning:
    name = stack_id.rsplit(":stack/", 1)[-1].split("/", 1)[0]
    return StillRunning(f"CloudFormation goes on with {name}, unwatched: {error.problem}", at=error.at, fix=error.fix)
