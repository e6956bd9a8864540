"""The kinds of database that a failover knows: a closed union, each with its own facts, guards and steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from drgen.recovery.aurora import Aurora
from drgen.recovery.aurora_facts import AuroraFacts, Clusters
from drgen.recovery.guards import Guard
from drgen.recovery.record import Record
from drgen.recovery.replica import Replica
from drgen.recovery.replica_facts import Pair, ReplicaFacts
from drgen.recovery.stateless import Regions, Stateless, StatelessFacts
from drgen.recovery.steps import Step

Facts = ReplicaFacts | AuroraFacts | StatelessFacts
Setup = Pair | Clusters | Regions


class Kind(Protocol):
    """What the resolver asks of a kind. The steps of each phase are those that are left; none where it is done."""

    @property
    def unseen(self) -> str:
        """Why nothing can be decided at the moment, or ""."""

    @property
    def primary_answers(self) -> bool:
        """Whether the region to leave said anything."""

    @property
    def began(self) -> bool:
        """Whether there is no way back any more."""

    @property
    def taken_over(self) -> bool:
        """Whether the target takes writes as far as anybody can see."""

    @property
    def failure(self) -> str:
        """Why what began cannot end well any more, or ""."""

    @property
    def progress(self) -> str:
        """How far it is."""

    def guards(self) -> tuple[Guard, ...]:
        """Every guard that counts now, in the order in which people read them."""

    def freeze(self) -> Iterator[Step]: ...

    def fence(self) -> Iterator[Step]: ...

    def drain(self) -> Iterator[Step]: ...

    def promotion(self) -> Iterator[Step]: ...

    def late_fence(self) -> Iterator[Step]:
        """What is left of the fence once traffic has moved."""

    def verification(self) -> Step: ...

    def violations(self, step: Step) -> Iterator[str]:
        """The invariants of this kind that `step` would break."""


def kind_of(facts: Facts, record: Record, setup: Setup) -> Kind:
    """Raises TypeError where facts and setup are of different kinds."""
    if isinstance(facts, ReplicaFacts) and isinstance(setup, Pair):
        return Replica(facts, record, setup)
    if isinstance(facts, AuroraFacts) and isinstance(setup, Clusters):
        return Aurora(facts, record, setup)
    if isinstance(facts, StatelessFacts) and isinstance(setup, Regions):
        return Stateless(facts, record, setup)
    raise TypeError(f"{type(facts).__name__} says nothing about {type(setup).__name__}")
