"""A workload without a database of its own: services are started and traffic is moved, and both can be undone.

Global tables take writes in every region, so nobody is fenced and nothing is promoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.recovery.facts import Alarms, NotObserved, Observed, Services
from drgen.recovery.guards import Guard, Verdict, alone, leaving, services
from drgen.recovery.record import Record
from drgen.recovery.steps import MoveTraffic, Scale, Step, VerifyAnswer


@dataclass(frozen=True)
class Health:
    """The region answered for its health, well or not."""

    serves: bool
    evidence: str


@dataclass(frozen=True)
class Regions:
    """The two regions as they were set up."""

    primary_region: str
    recovery_region: str


@dataclass(frozen=True, kw_only=True)
class StatelessFacts(Observed):
    """`target` is the health of the target region, None where its services are all there is to ask; `primary` that of
    the region to leave."""

    primary: Health | NotObserved
    target: Health | NotObserved | None


@dataclass(frozen=True)
class Stateless:
    """What a failover of this kind does next, by facts and record."""

    facts: StatelessFacts
    record: Record
    setup: Regions

    @property
    def unseen(self) -> str:
        """Never: the region that decides is the one that answers."""
        return ""

    @property
    def primary_answers(self) -> bool:
        return not isinstance(self.facts.primary, NotObserved)

    @property
    def began(self) -> bool:
        """Whether the region is on its way to serve: by this run, or by an earlier one."""
        if self.record.at("scaling") is not None or self.record.at("moving-traffic") is not None:
            return True
        alarms = self.facts.alarms
        if alarms is None:
            return isinstance(self.facts.services, Services) and self.facts.services.stack.role == "active"
        return isinstance(alarms, Alarms) and alarms.show_the_move

    @property
    def taken_over(self) -> bool:
        """Nothing has to: what serves is asked by `services_up`."""
        return True

    def guards(self) -> tuple[Guard, ...]:
        return (alone(self.facts), *services(self.facts), *self._target(), self._leaving())

    def _target(self) -> Iterator[Guard]:
        claim = f"{self.setup.recovery_region} answers for its health"
        match self.facts.target:
            case NotObserved(reason):
                yield Guard(claim, Verdict.WAIT, reason)
            case Health(serves, evidence):
                yield Guard(claim, Verdict.PASSED if serves else Verdict.WAIT, evidence)
            case None:
                pass

    def _leaving(self) -> Guard:
        primary, region = self.facts.primary, self.setup.primary_region
        if isinstance(primary, NotObserved):
            shown = f"{region} does not answer ({primary.reason})"
            return leaving(self.record, well=False, there=primary.refused, evidence=shown)
        return leaving(self.record, well=primary.serves, there=primary.serves, evidence=f"{region}: {primary.evidence}")

    def freeze(self) -> Iterator[Step]:
        return iter(())

    def fence(self) -> Iterator[Step]:
        return iter(())

    def late_fence(self) -> Iterator[Step]:
        return iter(())

    def drain(self) -> Iterator[Step]:
        return iter(())

    def promotion(self) -> Iterator[Step]:
        return iter(())

    @property
    def failure(self) -> str:
        return ""

    @property
    def progress(self) -> str:
        return ""

    def verification(self) -> Step:
        return VerifyAnswer()

    def violations(self, step: Step) -> Iterator[str]:
        approved = not self.record.request.ask or (self.record.approval is not None and self.record.approval.given)
        if isinstance(step, Scale | MoveTraffic) and not self.began and not approved:
            yield "nobody has approved"
