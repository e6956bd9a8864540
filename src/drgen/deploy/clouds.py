"""The regions of a run, each asked no more than needed: a region that once gave no answer is not asked again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import CallFailed, RegionUnreachable
from drgen.aws.session import Session
from drgen.deploy.pace import Pace
from drgen.model.deployment import Deployment, FromOutput
from drgen.model.live import LiveStack
from drgen.model.plan import Known
from drgen.planning.artifacts import STACK
from drgen.planning.parameters import Dark, Lookup, NoOutput, NotDeployed
from drgen.planning.statuses import exists

T = TypeVar("T")


class Clouds:
    """Everything a run needs of AWS, by region."""

    def __init__(self, *, poll_s: float) -> None:
        self.session = Session()
        self.poll_s = poll_s
        self._brief = self.session.brief()
        self._lock = threading.Lock()
        self._dark: dict[str, RegionUnreachable] = {}
        self._answered: set[str] = set()
        self._asking: dict[str, threading.Lock] = {}
        self._paces: dict[str, Pace] = {}
        self._account = ""

    def cloudformation(self, region: str) -> CloudFormation:
        """Raises RegionUnreachable, without another try if the region gave no answer before."""
        return self.answering(region, lambda session: CloudFormation(region, session.cloudformation(region)))

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
        """What `ask` gives, after the region has answered once to somebody with little patience.

        Raises RegionUnreachable, at once where the region is known to be dark.
        """
        self._greet(region)
        try:
            return ask(self.session)
        except RegionUnreachable as error:
            with self._lock:
                self._dark[region] = error
            raise

    def _greet(self, region: str) -> None:
        with self._lock:
            turn = self._asking.setdefault(region, threading.Lock())
        with turn:
            if region in self._dark:
                raise self._dark[region]
            if region in self._answered:
                return
            try:
                CloudFormation(region, self._brief.cloudformation(region)).stack(STACK)
            except RegionUnreachable as error:
                self._dark[region] = error
                raise
            except CallFailed:
                # Whatever it says, it answered; the call that matters will say it again.
                pass
            self._answered.add(region)

    def peek(self, region: str, stack_name: str) -> LiveStack | None:
        """The stack. Raises RegionUnreachable."""
        return self.answering(region, lambda s: CloudFormation(region, s.cloudformation(region)).stack(stack_name))

    def output(self, deployment: Deployment, source: FromOutput) -> Lookup:
        """The output as it is now."""
        producer = deployment.entry(source.stack)
        try:
            live = self.peek(producer.region, producer.stack_name)
        except RegionUnreachable:
            return Dark(producer.region)
        if live is None or not exists(live):
            return NotDeployed()
        if source.output not in live.outputs:
            return NoOutput(tuple(sorted(live.outputs)))
        return Known(live.outputs[source.output])
