"""The regions of a run, each asked no more than needed: a region that once gave no answer is not asked again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import RegionUnreachable
from drgen.aws.session import Session
from drgen.deploy.pace import Pace
from drgen.model.deployment import Deployment, FromOutput
from drgen.model.live import LiveStack
from drgen.model.plan import Known
from drgen.planning.parameters import Dark, Lookup, NoOutput, NotDeployed

T = TypeVar("T")

_NOT_THERE = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


class Clouds:
    """Everything a run needs of AWS, by region."""

    def __init__(self, *, poll_s: float) -> None:
        self.session = Session()
        self.poll_s = poll_s
        self._brief = Session(attempts=2, connect_timeout_s=3, read_timeout_s=5)
        self._lock = threading.Lock()
        self._dark: dict[str, RegionUnreachable] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._paces: dict[str, Pace] = {}
        self._account = ""

    def cloudformation(self, region: str) -> CloudFormation:
        return CloudFormation(region, self.session.cloudformation(region))

    def pace(self, region: str) -> Pace:
        with self._lock:
            return self._paces.setdefault(region, Pace(self.poll_s))

    def account(self, region: str) -> str:
        with self._lock:
            known = self._account
        if not known:
            known = self.session.account(region)
            with self._lock:
                self._account = known
        return known

    def answering(self, region: str, ask: Callable[[Session], T]) -> T:
        """What `ask` gives with short time-outs. Raises RegionUnreachable, at once where the region is known dark."""
        with self._lock:
            turn = self._asking.setdefault(region, threading.Lock())
        with turn:
            if region in self._dark:
                raise self._dark[region]
            try:
                return ask(self._brief)
            except RegionUnreachable as error:
                self._dark[region] = error
                raise

    def peek(self, region: str, stack_name: str) -> LiveStack | None:
        """The stack, asked for with short time-outs. Raises RegionUnreachable."""
        return self.answering(region, lambda s: CloudFormation(region, s.cloudformation(region)).stack(stack_name))

    def output(self, deployment: Deployment, source: FromOutput) -> Lookup:
        """The output as it is now."""
        producer = deployment.entry(source.stack)
        try:
            live = self.peek(producer.region, producer.stack_name)
        except RegionUnreachable:
            return Dark(producer.region)
        if live is None or live.status in _NOT_THERE:
            return NotDeployed()
        if source.output not in live.outputs:
            return NoOutput(tuple(sorted(live.outputs)))
        return Known(live.outputs[source.output])
