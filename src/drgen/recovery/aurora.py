"""An Aurora global database whose secondary cluster takes over: its guards and its steps.

Planned, Aurora switches over: it stops writes at the old writer itself and loses nothing. In a disaster it fails over:
it tries to stop writes in the old region, and whether it did cannot be seen. Both keep the identifiers of all clusters,
so that every stack stays true. Source: Aurora User Guide, "Using switchover or failover in
Amazon Aurora Global Database".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.recovery.aurora_facts import AuroraFacts, Cluster, Clusters, GlobalCluster
from drgen.recovery.facts import Absent, Answer, Lag, NotObserved, Stack
from drgen.recovery.guards import (
    CONTINUABLE,
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
    loss_limit_s,
    secret,
    services,
)
from drgen.recovery.record import Delegated, Fenced, Mode, NotFenced, Record, Unverified
from drgen.recovery.steps import (
    AddInstances,
    AwaitInstances,
    AwaitPromotion,
    FailOver,
    LeaveFence,
    ProtectStack,
    RecordFence,
    Step,
    Stop,
    SwitchOver,
    VerifyWrite,
)

INSTANCES_LIMIT_S = 3600.0
MOVE_LIMIT_S = 7200.0
BEGUN_WITHIN_S = 300.0
"""A move that Aurora took and that is still not to be seen after this long was given up by Aurora."""
SWITCHED = "Aurora stopped writes there before it made {} the writer"
UNSEEN_FENCE = (
    "Aurora itself tries to stop writes in {}; whether it did is told only by the events RDS-EVENT-0390 and "
    "RDS-EVENT-0391 of that region"
)


@dataclass(frozen=True)
class Aurora:
    """What a failover of this kind does next, by facts and record."""

    facts: AuroraFacts
    record: Record
    setup: Clusters

    @property
    def planned(self) -> bool:
        return self.record.request.mode is Mode.PLANNED

    @property
    def unseen(self) -> str:
        for found in (self.facts.target, self.facts.database):
            if isinstance(found, NotObserved):
                return found.reason
        return ""

    @property
    def primary_answers(self) -> bool:
        return not isinstance(self.facts.primary, NotObserved)

    @property
    def began(self) -> bool:
        """Whether Aurora has moved the writer here, or is about to, whoever asked it."""
        move = self.facts.move
        if self.facts.target_is_writer or self.record.at("promoting") is not None:
            return True
        return move is not None and self.facts.target_arn != "" and move.target == self.facts.target_arn

    @property
    def taken_over(self) -> bool:
        return self.facts.target_takes_writes

    def guards(self) -> tuple[Guard, ...]:
        """Every guard that counts before Aurora is asked. Nothing has been touched by then, so they all stay."""
        facts = self.facts
        found = [alone(facts), self._cluster(), self._global(), self._member(), self._version(), self._stack()]
        found += [*services(facts), secret(facts.secret), self._leaving()]
        if self.record.loss is None:
            found.append(self._loss())
        return tuple(found)

    def _cluster(self) -> Guard:
        target = self.facts.target
        shown = f", {_count(len(target.nodes))}" if isinstance(target, Cluster) else ""
        missing = "the target region has no such cluster"
        return available("the secondary cluster is available", target, missing=missing, shown=shown)

    def _global(self) -> Guard:
        claim, database = "the global database is settled", self.facts.database
        if isinstance(database, GlobalCluster) and database.move is not None:
            return Guard(claim, Verdict.FAILED, f"it is {database.move.status}, to {database.move.target}")
        return available(claim, database, missing=f"there is no global database {self.setup.global_cluster}")

    def _member(self) -> Guard:
        claim, facts = "the secondary copies the expected primary", self.facts
        if not isinstance(facts.database, GlobalCluster) or not isinstance(facts.target, Cluster):
            return Guard(claim, Verdict.WAIT, "the global database was not seen")
        if facts.member is None:
            shown = f"{facts.target.identifier} is no member of {facts.database.identifier}"
            return Guard(claim, Verdict.FAILED, shown)
        shown = f"the writer is {facts.database.writer or 'nobody'}, synchronization {facts.member.synchronization}"
        if not self.setup.is_primary(facts.database.writer):
            return Guard(claim, Verdict.FAILED, shown)
        synchronized = facts.member.synchronization in ("", "connected")
        return guard(claim, synchronized or not self.planned, shown)

    def _version(self) -> Guard:
        """Source: Aurora User Guide, "Patch level compatibility for managed cross-Region switchovers and failovers"."""
        claim, facts = "both sides run the same version", self.facts
        if not isinstance(facts.database, GlobalCluster) or not isinstance(facts.target, Cluster):
            return Guard(claim, Verdict.WAIT, "the global database was not seen")
        there, here = facts.database.version, facts.target.version
        same = there.split(".")[:2] == here.split(".")[:2]
        return guard(claim, same, f"the global database has {there}, {facts.target.identifier} has {here}")

    def _stack(self) -> Guard:
        claim = "the secondary has an instance, or its stack can add one"
        stack, target = self.facts.stack, self.facts.target
        nodes = target.nodes if isinstance(target, Cluster) else ()
        if nodes:
            return guard(claim, True, ", ".join(f"{node.identifier} is {node.status}" for node in nodes))
        if not self.setup.capacity:
            return Guard(claim, Verdict.FAILED, "it has none, and its stack has no parameter for it")
        match stack:
            case NotObserved(reason):
                return Guard(claim, Verdict.WAIT, reason)
            case Absent():
                return Guard(claim, Verdict.FAILED, "the target region has no such stack")
            case Stack(status, role):
                shown = f"the stack is {status} with {self.setup.capacity} {role or 'unknown'}"
                if stack.busy and role != "running":
                    return Guard(claim, Verdict.WAIT, shown)
                return guard(claim, stack.busy or status in CONTINUABLE, shown)

    def _leaving(self) -> Guard:
        facts = self.facts
        return leaving(
            self.record,
            well=isinstance(facts.primary, Cluster) and facts.primary.status == "available",
            there=is_there(facts.primary) or facts.primary_takes_writes,
            evidence=database_evidence(facts.primary, facts.primary_sql),
        )

    def _loss(self) -> Guard:
        """A switchover loses nothing, but stops writes until the secondary has everything."""
        lag, objective_s = self.facts.lag, self.setup.loss_objective_s
        if not self.planned:
            return loss(lag, self.record, objective_s)
        limit_s = loss_limit_s(self.record, objective_s)
        claim = f"the secondary is no more than {limit_s:.0f} s behind"
        if isinstance(lag, Lag):
            return guard(claim, lag.seconds <= limit_s, f"{lag.metric} was {lag.seconds:.1f} s, {lag.age_s:.0f} s ago")
        return guard(claim, True, f"not observed ({lag.reason}); Aurora itself waits for it")

    def freeze(self) -> Iterator[Step]:
        if isinstance(self.facts.stack, Stack) and not self.facts.stack.protected:
            yield ProtectStack()

    def fence(self) -> Iterator[Step]:
        if not isinstance(self.record.fence, NotFenced):
            return
        if self.planned:
            yield LeaveFence("a switchover stops writes at the old writer first")
        else:
            yield RecordFence(False, UNSEEN_FENCE.format(self.setup.primary_region))

    def late_fence(self) -> Iterator[Step]:
        """A switchover that has ended is the evidence that was missing."""
        if isinstance(self.record.fence, Delegated):
            yield RecordFence(True, SWITCHED.format(self.setup.recovery_cluster))

    def drain(self) -> Iterator[Step]:
        """Nothing: a switchover waits until the secondary has everything, a failover cannot."""
        return iter(())

    def promotion(self) -> Iterator[Step]:
        target = self.facts.target
        if isinstance(target, Cluster) and not target.ready:
            capacity = tuple(self._capacity(target))
            yield from capacity
            if any(isinstance(step, Stop) for step in capacity):
                return
        yield SwitchOver() if self.planned else FailOver()
        yield AwaitPromotion("Aurora moves the writer")

    def _capacity(self, target: Cluster) -> Iterator[Step]:
        """Gives a headless cluster its instances: neither switchover nor failover takes one without."""
        stack, since = self.facts.stack, self.record.at("adding")
        shown = ", ".join(f"{node.identifier} is {node.status}" for node in target.nodes) or "there is no instance yet"
        if since is not None and self.facts.now - since > INSTANCES_LIMIT_S:
            yield Stop(f"the instances were not available after {INSTANCES_LIMIT_S / 60:.0f} minutes: {shown}")
        elif not isinstance(stack, Stack) or stack.busy:
            yield AwaitInstances(shown)
        elif since is not None and ("FAILED" in stack.status or "ROLLBACK" in stack.status):
            reason = stack.reason or "no reason given"
            yield Stop(f"the instances could not be added, the stack is {stack.status}: {reason}")
        elif not target.nodes and (stack.role != "running" or stack.status == "UPDATE_FAILED"):
            yield AddInstances()
            yield AwaitInstances("instances take minutes to come")
        else:
            yield AwaitInstances(shown)

    @property
    def failure(self) -> str:
        """Why the move cannot end well any more, or ""."""
        facts, since = self.facts, self.record.at("promoting")
        if isinstance(facts.target, Absent) or isinstance(facts.database, Absent):
            return "the target's database is gone"
        if isinstance(facts.target, Cluster) and has_ended(facts.target.status):
            return f"{facts.target.identifier} is {facts.target.status}"
        if since is None:
            return ""
        if facts.move is None and not facts.target_is_writer and facts.now - since > BEGUN_WITHIN_S:
            return f"Aurora gave the move up, its events of the category global failover say why: {self.progress}"
        if facts.now - since > MOVE_LIMIT_S:
            return f"the writer was not moved after {MOVE_LIMIT_S / 60:.0f} minutes: {self.progress}"
        return ""

    @property
    def progress(self) -> str:
        """How far the move is."""
        facts, target = self.facts, self.facts.target
        if not isinstance(target, Cluster):
            return "the target's cluster was not seen"
        shown = [f"{target.identifier} is {target.status}"]
        shown.append("it is the writer" if facts.target_is_writer else "it is not the writer yet")
        if facts.move is not None:
            shown.append(f"the global database is {facts.move.status}")
        shown += [f"{node.identifier} is {node.status}" for node in target.nodes if node.status != "available"]
        if isinstance(facts.target_sql, Answer) and facts.target_sql.in_recovery:
            shown.append("over SQL it only reads")
        return ", ".join(shown)

    def verification(self) -> Step:
        return VerifyWrite()

    def violations(self, step: Step) -> Iterator[str]:
        facts, fence = self.facts, self.record.fence
        if isinstance(step, SwitchOver | FailOver):
            if not (isinstance(facts.target, Cluster) and facts.target.ready):
                yield "the target has no instance that could write"
            if facts.move is not None:
                yield "Aurora is moving the writer already"
        if isinstance(step, SwitchOver) and not isinstance(fence, Delegated | Fenced):
            yield "nothing says who stops writes at the primary"
        if isinstance(step, FailOver):
            if not isinstance(fence, Fenced | Unverified):
                yield "the fence is neither verified nor on record as unverified"
            if not self.record.request.insist and (is_there(facts.primary) or facts.primary_takes_writes):
                yield "the primary is there and nobody gave it up, there could be two writers"


def _count(nodes: int) -> str:
    return {0: "headless", 1: "with one instance"}.get(nodes, f"with {nodes} instances")
