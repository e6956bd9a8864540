"""A model of an Aurora global database for the tests: what a step does to it, and what would then be observed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from recovery_worlds import SILENT, START

from drgen.recovery import steps as s
from drgen.recovery.aurora_facts import AuroraFacts, Cluster, Clusters, GlobalCluster, Member, Move, Node
from drgen.recovery.facts import Alarms, AlarmState, Answer, Lag, Secret, Services, Stack, Tasks
from drgen.recovery.record import Approval, Delegated, Fenced, Loss, Record, Served, Unverified, Written

ARN = "arn:aws:rds:{0}:123456789012:cluster:orders-prod-{0}"
HERE, THERE = ARN.format("eu-west-1"), ARN.format("us-east-1")
SETUP = Clusters(
    global_cluster="orders-prod",
    primary_region="us-east-1",
    primary_cluster="orders-prod-us-east-1",
    recovery_region="eu-west-1",
    recovery_cluster="orders-prod-eu-west-1",
    capacity="DatabaseCapacity",
    loss_objective_s=60,
)
NODE = Node("orders-prod-eu-west-1-1", "available")
WHOLE = GlobalCluster(
    "orders-prod", "available", "16.9", (Member(THERE, True, ""), Member(HERE, False, "connected")), None
)
MOVED = replace(WHOLE, members=(Member(THERE, False, "pending-resync"), Member(HERE, True, "")))
RUNNING = Cluster("orders-prod-eu-west-1", HERE, "available", "16.9", (NODE,))
HEADLESS = replace(RUNNING, nodes=())
WRITING = replace(RUNNING, nodes=(replace(NODE, writer=True),))
PRIMARY = Cluster("orders-prod-us-east-1", THERE, "available", "16.9", (Node("orders-prod-us-east-1-1", "available"),))
WAITING = Services(Stack("CREATE_COMPLETE", "standby"), (Tasks("orders-prod-web", 1, 1, 4),))
STARTING = Services(Stack("UPDATE_IN_PROGRESS", "active"), (Tasks("orders-prod-web", 4, 1, 4),))
SERVING = Services(Stack("UPDATE_COMPLETE", "active"), (Tasks("orders-prod-web", 4, 4, 4),))
OPEN, CLOSED = Alarms(AlarmState.OK, None), Alarms(AlarmState.ALARM, None)

CALM = AuroraFacts(
    now=START,
    database=WHOLE,
    target=RUNNING,
    primary=PRIMARY,
    target_sql=Answer(in_recovery=True),
    primary_sql=Answer(in_recovery=False),
    lag=Lag(0.4, 30, "AuroraGlobalDBRPOLag"),
    stack=Stack("CREATE_COMPLETE", "", protected=True),
    secret=Secret(read=True),
    alarms=OPEN,
    services=WAITING,
)
"""Both regions are well."""

DARK = replace(CALM, primary=SILENT, primary_sql=SILENT)
"""The primary's region is gone."""

PILOT = {"target": HEADLESS, "target_sql": SILENT, "stack": Stack("CREATE_COMPLETE", "headless", protected=True)}
"""What a headless secondary looks like."""


@dataclass(frozen=True)
class World:
    facts: AuroraFacts
    record: Record
    moves: int = 0
    log: tuple[str, ...] = ()


def apply(world: World, step: s.Step) -> World:
    """What the world looks like once `step` has been performed and has had its effect."""
    facts = replace(world.facts, now=world.facts.now + 10)
    now, record, moves = facts.now, world.record, world.moves
    match step:
        case s.ProtectStack():
            assert isinstance(facts.stack, Stack)
            facts = replace(facts, stack=replace(facts.stack, protected=True))
        case s.LeaveFence(evidence):
            record = replace(record, fence=Delegated(now, evidence))
        case s.RecordFence(verified, evidence):
            fence = Fenced((), now, evidence) if verified else Unverified(now, evidence)
            record = replace(record, fence=fence)
        case s.RecordLoss():
            record = replace(record, loss=Loss(0.4, "modelled"))
        case s.AskApproval():
            record = replace(record, approval=Approval(True, "erin", now))
        case s.AddInstances():
            facts = replace(facts, stack=Stack("UPDATE_IN_PROGRESS", "running", protected=True))
            record = record.marked("adding", now)
        case s.AwaitInstances():
            facts = replace(facts, target=RUNNING, stack=Stack("UPDATE_COMPLETE", "running", protected=True))
        case s.SwitchOver() | s.FailOver():
            assert isinstance(facts.database, GlobalCluster)
            status = "switching-over" if isinstance(step, s.SwitchOver) else "failing-over"
            facts = replace(facts, database=replace(facts.database, status=status, move=Move(status, HERE)))
            record, moves = record.marked("promoting", now), moves + 1
        case s.AwaitPromotion():
            facts = replace(facts, database=MOVED, target=WRITING, target_sql=Answer(in_recovery=False))
            facts = replace(facts, primary_sql=SILENT)
        case s.Scale():
            facts, record = replace(facts, services=STARTING), record.marked("scaling", now).marked("activated", now)
        case s.AwaitServices():
            facts = replace(facts, services=SERVING)
        case s.MoveTraffic():
            facts = replace(facts, alarms=CLOSED)
        case s.VerifyWrite():
            record = replace(record, verification=Written(now, 4.0))
        case s.VerifyAnswer():
            record = replace(record, verification=Served(now, "well"))
        case s.Notify():
            record = record.marked("notified", now)
        case s.AwaitTarget() | s.Refuse() | s.Stop():
            pass
        case _:
            raise AssertionError(f"{step} is no step of Aurora")
    return World(facts, record, moves, (*world.log, type(step).__name__))
