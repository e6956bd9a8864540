"""An RDS for PostgreSQL instance whose read replica takes over: its guards and its steps.

Invariants: no promotion before the fence is verified or on record as unverified, or while the primary, or a copy in
another region, is seen to take writes; no release of the primary once the replica may have been promoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.recovery.endings import give_up
from drgen.recovery.facts import Absent, Answer, NotObserved, Stack
from drgen.recovery.guards import (
    UPDATABLE,
    Guard,
    Verdict,
    alone,
    available,
    database_evidence,
    guard,
    has_ended,
    is_there,
    leaving,
    loss,
    secret,
    services,
    updatable,
)
from drgen.recovery.others import others, took_over
from drgen.recovery.record import Fenced, Mode, NotFenced, Record, Unverified
from drgen.recovery.replica_facts import Instance, Pair, ReplicaFacts
from drgen.recovery.replica_fence import fence, late_fence
from drgen.recovery.steps import AwaitDrain, AwaitPromotion, Promote, ProtectStack, ReleasePrimary, Step, VerifyWrite

DRAIN_LIMIT_S = 1200.0
"""Longer than the five minutes after which even an idle primary makes its replica replay something (RDS User Guide,
"Working with read replicas for Amazon RDS for PostgreSQL")."""
PROMOTION_LIMIT_S = 7200.0


@dataclass(frozen=True)
class Replica:
    """What a failover of this kind does next, by facts and record."""

    facts: ReplicaFacts
    record: Record
    pair: Pair

    @property
    def unseen(self) -> str:
        return self.facts.replica.reason if isinstance(self.facts.replica, NotObserved) else ""

    @property
    def primary_answers(self) -> bool:
        return not isinstance(self.facts.primary, NotObserved)

    @property
    def began(self) -> bool:
        """Whether there is no way back: the source is gone, or the stack is on its way to remove it."""
        facts = self.facts
        if isinstance(facts.replica, Instance) and not facts.replica.source:
            return True
        if self.record.at("promoting") is not None:
            return True
        stack = facts.stack
        return isinstance(stack, Stack) and stack.role == "standalone" and "IN_PROGRESS" in stack.status

    @property
    def taken_over(self) -> bool:
        return self.facts.replica_takes_writes

    def guards(self) -> tuple[Guard, ...]:
        """Every guard that counts before the promotion, in the order in which people read them.

        What the fence itself disturbs (the primary's answers, replication during its reboot) counts only until the
        fence is begun; from then on the record of the fence and of the loss takes its place. A primary that nobody
        could fence must still be gone: hours may pass before somebody approves, and its region may be back by then.
        """
        facts, fence = self.facts, self.record.fence
        stack = updatable("the database stack can be updated", facts.stack, parameter="DatabaseRole", role="replica")
        missing = "the target region has no such instance"
        replica = available("the replica is available", facts.replica, missing=missing)
        elsewhere = [f"{other.older_run} in {other.region}" for other in facts.others if other.older_run]
        found = [alone(facts, elsewhere), *others(facts.others, self.record), replica, self._source(), stack]
        found += [*services(facts), secret(facts.secret)]
        if isinstance(fence, NotFenced):
            found += [self._leaving(), self._replication(), loss(facts.lag, self.record, self.pair.loss_objective_s)]
        elif isinstance(fence, Fenced) and isinstance(facts.primary, Instance):
            shown = f"{facts.primary.identifier} is in {', '.join(facts.primary.groups) or 'no security group'}"
            found.append(guard("the fence still stands", self.pair.cut_off(facts.primary), shown))
        elif isinstance(fence, Unverified):
            if facts.primary_takes_writes:
                shown = "it answers over SQL and could not be fenced"
                found.append(Guard("the primary takes no writes", Verdict.FAILED, shown))
            if not fence.tried and self.record.request.mode is Mode.DISASTER:
                found.append(self._leaving())
        return tuple(found)

    def _source(self) -> Guard:
        claim, replica = "the replica copies the expected primary", self.facts.replica
        if not isinstance(replica, Instance):
            return Guard(claim, Verdict.WAIT, "the replica was not seen")
        return guard(claim, self.pair.is_source(replica.source), f"its source is {replica.source or 'nothing'}")

    def _leaving(self) -> Guard:
        facts = self.facts
        return leaving(
            self.record,
            well=isinstance(facts.primary, Instance) and facts.primary.status == "available",
            there=is_there(facts.primary) or facts.primary_takes_writes,
            evidence=database_evidence(facts.primary, facts.primary_sql),
        )

    def _replication(self) -> Guard:
        claim, replica = "replication has not ended", self.facts.replica
        if not isinstance(replica, Instance):
            return Guard(claim, Verdict.WAIT, "the replica was not seen")
        shown = ", ".join(replica.replication) or "no status"
        if self.record.request.mode is Mode.PLANNED:
            return guard("the replica is replicating", replica.replication == ("replicating",), shown)
        accepted = self.record.request.accept_loss_s is not None
        return guard(claim, accepted or "terminated" not in replica.replication, shown)

    def freeze(self) -> Iterator[Step]:
        if isinstance(self.facts.stack, Stack) and not self.facts.stack.protected:
            yield ProtectStack()

    def fence(self) -> Iterator[Step]:
        return fence(self.facts, self.record, self.pair, began=self.began)

    def late_fence(self) -> Iterator[Step]:
        return late_fence(self.facts, self.record, self.pair, began=self.began)

    @property
    def drained(self) -> bool:
        """Whether the replica has replayed a transaction that is younger than the verified fence.

        WAL is replayed in order, so nothing older can be missing then.
        """
        fence, lag = self.record.fence, self.facts.lag
        if not isinstance(fence, Fenced) or isinstance(lag, NotObserved):
            return False
        return self.facts.now - lag.age_s - lag.seconds >= fence.at

    def drain(self) -> Iterator[Step]:
        fence = self.record.fence
        if self.record.request.mode is not Mode.PLANNED or self.drained:
            return
        if isinstance(fence, Fenced) and self.facts.now - fence.at > DRAIN_LIMIT_S:
            reason = f"the replica did not catch up within {DRAIN_LIMIT_S / 60:.0f} minutes"
            yield from give_up(self.record, reason, refused=False)
        elif isinstance(fence, Unverified):
            reason = "the primary was lost while it was being fenced: run again with --disaster"
            yield from give_up(self.record, reason, refused=False)
        else:
            yield AwaitDrain("the replica replays what the primary wrote before the fence")

    def promotion(self) -> Iterator[Step]:
        yield Promote()
        yield AwaitPromotion("the stack is updated")

    @property
    def failure(self) -> str:
        """Why the promotion cannot end well any more, or ""."""
        facts, stack, since = self.facts, self.facts.stack, self.record.at("promoting")
        if isinstance(facts.replica, Absent):
            return "the target's database is gone"
        if isinstance(facts.replica, Instance) and has_ended(facts.replica.status):
            return f"{facts.replica.identifier} is {facts.replica.status}"
        if isinstance(stack, Stack) and not stack.busy:
            unfinished = facts.is_replica and (stack.status not in UPDATABLE or "ROLLBACK" in stack.status)
            if unfinished:
                return f"the update of the database stack ended as {stack.status}: {stack.reason or 'no reason given'}"
        if since is not None and facts.now - since > PROMOTION_LIMIT_S:
            return f"the promotion was not finished after {PROMOTION_LIMIT_S / 60:.0f} minutes: {self.progress}"
        return ""

    @property
    def progress(self) -> str:
        """How far the promotion is."""
        facts = self.facts
        if not isinstance(facts.replica, Instance):
            return "the target's database was not seen"
        source = "its source is still set" if facts.replica.source else "its source is gone"
        shown = [f"{facts.replica.identifier} is {facts.replica.status}", source]
        if facts.replica.replication:
            shown.append(f"replication is {', '.join(facts.replica.replication)}")
        if isinstance(facts.replica_sql, Answer) and facts.replica_sql.in_recovery:
            shown.append("over SQL it only reads")
        if isinstance(facts.stack, Stack):
            shown.append(f"the stack is {facts.stack.status}")
        return ", ".join(shown)

    def verification(self) -> Step:
        return VerifyWrite()

    def violations(self, step: Step) -> Iterator[str]:
        facts, fence = self.facts, self.record.fence
        if isinstance(step, Promote):
            if not isinstance(fence, Fenced | Unverified):
                yield "the fence is neither verified nor on record as unverified"
            if facts.primary_takes_writes:
                yield "the primary takes writes, there would be two writers"
            for taken in took_over(facts.others):
                yield f"{taken}, there would be two writers"
            unfenced = isinstance(fence, Unverified) and not fence.tried and not self.record.request.insist
            if unfenced and is_there(facts.primary):
                yield "the primary is back and nobody has fenced it, there could be two writers"
        if isinstance(step, ReleasePrimary) and not (facts.is_replica or isinstance(facts.replica, Absent)):
            yield "the target's database may have been promoted, there could be two writers"
