"""Turns what a step goes through into events."""

from __future__ import annotations

from collections.abc import Sequence

from drgen.deploy.follow import Operation
from drgen.deploy.run import Run
from drgen.model.events import Cause, Note, Outcome, ResourceProgress, StepEnded, StepStarted
from drgen.model.live import StackEvent
from drgen.model.plan import Step
from drgen.planning.cause import root_cause


def ended(
    step: Step,
    outcome: Outcome,
    *,
    detail: str = "",
    fix: str = "",
    cause: Cause | None = None,
    operation: Operation | None = None,
) -> StepEnded:
    """The event for the end of `step`, with the times of `operation` if there was one."""
    return StepEnded(
        step=step.id,
        stack=step.entry.stack,
        region=step.entry.region,
        stage=step.entry.stage,
        outcome=outcome,
        detail=detail,
        fix=fix,
        cause=cause,
        began=operation.began if operation else None,
        ended=operation.ended if operation else None,
    )


class Telling:
    """The events of one step, with the count of resources that have ended well."""

    def __init__(self, run: Run, step: Step) -> None:
        self._emit = run.emit
        self._step = step
        self._done: set[str] = set()
        self._total = 0

    def started(self, change: str, *, total: int, reattached: bool = False) -> None:
        self._total = total
        entry = self._step.entry
        self._emit(StepStarted(self._step.id, entry.region, entry.stage, change, total, reattached))

    def note(self, text: str) -> None:
        self._emit(Note(self._step.id, self._step.entry.region, text))

    def resources(self, events: Sequence[StackEvent]) -> None:
        for event in events:
            if event.about_stack:
                continue
            if event.status.endswith("_COMPLETE"):
                self._done.add(event.logical_id)
            else:
                self._done.discard(event.logical_id)
            self._emit(
                ResourceProgress(
                    step=self._step.id,
                    region=self._step.entry.region,
                    resource=event.logical_id,
                    type=event.type,
                    status=event.status,
                    reason=event.reason,
                    at=event.at,
                    done=len(self._done),
                    total=max(self._total, len(self._done)),
                )
            )

    def failed(self, operation: Operation) -> StepEnded:
        final = operation.final
        cause = root_cause(self._step.entry.region, operation.events)
        detail = f"the stack ended in {final.status}" + (f": {final.reason}" if final.reason else "")
        fix = cause.fix if cause else "look at the stack's events in CloudFormation"
        return ended(self._step, Outcome.FAILED, detail=detail, fix=fix, cause=cause, operation=operation)
