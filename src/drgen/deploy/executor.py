"""Runs the steps of a plan: each when all it needs has ended well, independent ones side by side."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from drgen.deploy.run import Run
from drgen.deploy.step import run_step
from drgen.deploy.telling import ended
from drgen.model.events import Event, Finished, Outcome, Started, StepEnded, Stopping
from drgen.model.plan import Step

AT_ONCE = 10


@dataclass(frozen=True)
class _Broken:
    error: BaseException


def execute(run: Run) -> Iterator[Event]:
    """Yields what happens, and Finished at the end.

    After `run.stop` is set, running steps are followed to their end and no other starts.
    """
    return _Execution(run).events()


class _Execution:
    def __init__(self, run: Run) -> None:
        self._inbox: queue.Queue[Event | _Broken] = queue.Queue()
        self._run = replace(run, emit=self._inbox.put)
        self._ended: dict[str, StepEnded] = {}
        self._running: set[str] = set()
        self._told = False

    def events(self) -> Iterator[Event]:
        yield Started(self._run.deployment.name, tuple(step.id for step in self._run.steps))
        while True:
            yield from self._advance()
            if not self._running:
                break
            yield from self._receive()
        interrupted = self._run.stop.is_set()
        ends = tuple(self._ended[step.id] for step in self._run.steps)
        yield Finished(self._run.deployment.name, ends, interrupted)

    def _receive(self) -> Iterator[Event]:
        try:
            # The time-out lets a stop asked for by a signal be noticed while nothing happens.
            event = self._inbox.get(timeout=0.2)
        except queue.Empty:
            return
        if isinstance(event, _Broken):
            raise event.error
        if isinstance(event, StepEnded):
            self._running.discard(event.step)
            self._ended[event.step] = event
        yield event

    def _advance(self) -> Iterator[Event]:
        if self._run.stop.is_set() and not self._told:
            self._told = True
            yield Stopping(tuple(sorted(self._running)), self._run.resume)
        for step in self._run.steps:
            if step.id in self._ended or step.id in self._running:
                continue
            bad = [self._ended[need] for need in step.needs if need in self._ended]
            bad = [end for end in bad if not end.outcome.is_good]
            if bad:
                yield self._not_run(step, bad[0])
            elif self._run.stop.is_set():
                yield self._end(ended(step, Outcome.NOT_STARTED))
            elif all(need in self._ended for need in step.needs) and len(self._running) < AT_ONCE:
                self._start(step)

    def _not_run(self, step: Step, because: StepEnded) -> StepEnded:
        if because.outcome is Outcome.NOT_STARTED:
            return self._end(ended(step, Outcome.NOT_STARTED))
        return self._end(ended(step, Outcome.BLOCKED, detail=f"waits for {because.step}"))

    def _end(self, end: StepEnded) -> StepEnded:
        self._ended[end.step] = end
        return end

    def _start(self, step: Step) -> None:
        self._running.add(step.id)
        # A daemon: a second Ctrl-C must end the process at once, whatever CloudFormation still does.
        threading.Thread(target=self._work, args=(step,), name=step.id, daemon=True).start()

    def _work(self, step: Step) -> None:
        try:
            self._inbox.put(run_step(self._run, step))
        except BaseException as error:
            self._inbox.put(_Broken(error))
