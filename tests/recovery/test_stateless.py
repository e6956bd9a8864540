"""Workloads without a database: containers are started, then traffic moves, and a region that answers stays."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from global_worlds import CLOSED, OPEN, SERVING, STARTING, WAITING
from recovery_fakes import CONFIG, FakeClients, Regions
from recovery_worlds import START, asked

from drgen.recovery import steps as s
from drgen.recovery.config import Config, ServiceSettings, StatelessSettings, Switch, Trigger
from drgen.recovery.decide import decide, look
from drgen.recovery.facts import NotObserved, Services, Stack
from drgen.recovery.record import Approval, Mode, Record
from drgen.recovery.resolver import InvariantBroken, check_invariants, next_steps
from drgen.recovery.signals import Run
from drgen.recovery.stateless import Health, StatelessFacts
from drgen.recovery.stateless import Regions as Sides
from drgen.recovery.watch import watch

SIDES = Sides("us-east-1", "eu-west-1")
WELL, ILL = Health(True, "its health answers 200"), Health(False, "its health answers 503")
SILENT = NotObserved("no answer")
CALM = StatelessFacts(now=START, primary=WELL, target=WELL, alarms=OPEN, services=WAITING)
DARK = replace(CALM, primary=SILENT)


def plan(facts: StatelessFacts, record: Record) -> list[type]:
    return [type(step) for step in next_steps(facts, record, SIDES)]


def test_nothing_is_moved_before_somebody_approves_and_the_containers_run() -> None:
    whole = [s.RecordLoss, s.AskApproval, s.Scale, s.AwaitServices, s.MoveTraffic, s.VerifyAnswer, s.Notify]
    assert plan(DARK, asked(Mode.DISASTER)) == whole
    assert plan(CALM, asked(Mode.PLANNED)) == whole
    assert plan(replace(DARK, services=None), asked(Mode.DISASTER)) == [*whole[:2], *whole[4:]]
    assert plan(replace(DARK, alarms=None), asked(Mode.DISASTER)) == [*whole[:4], *whole[5:]]
    for step in (s.Scale(), s.MoveTraffic()):
        with pytest.raises(InvariantBroken, match="nobody has approved"):
            check_invariants(replace(DARK, services=SERVING), asked(Mode.DISASTER), SIDES, step)


@pytest.mark.parametrize(
    ("facts", "mode", "word"),
    [
        (CALM, Mode.DISASTER, "the primary is gone: us-east-1: its health answers 200"),
        (DARK, Mode.PLANNED, "us-east-1 does not answer (no answer)"),
        (replace(CALM, primary=ILL), Mode.PLANNED, "answers 503"),
        (replace(CALM, primary=NotObserved("AccessDenied", refused=True)), Mode.DISASTER, "AccessDenied"),
        (replace(DARK, older_run="gone-7"), Mode.DISASTER, "gone-7"),
        (replace(DARK, services=Services(Stack("ROLLBACK_FAILED", "standby"), ())), Mode.DISASTER, "ROLLBACK_FAILED"),
    ],
)
def test_a_guard_refuses_before_anything_is_touched(facts: StatelessFacts, mode: Mode, word: str) -> None:
    (step,) = next_steps(facts, asked(mode), SIDES)
    assert isinstance(step, s.Refuse)
    assert word in " ".join(step.reasons)


def test_a_primary_that_answers_that_it_is_ill_is_gone() -> None:
    assert s.MoveTraffic in plan(replace(CALM, primary=ILL), asked(Mode.DISASTER))


def test_a_region_that_is_not_well_itself_is_waited_for_but_not_for_ever() -> None:
    for target in (ILL, SILENT):
        facts = replace(DARK, target=target)
        assert plan(facts, asked(Mode.DISASTER)) == [s.AwaitTarget]
        late = replace(facts, now=START + 1801)
        assert plan(late, replace(asked(Mode.DISASTER), unseen_since=START)) == [s.Stop]


def test_a_denied_approval_ends_the_run_with_nothing_moved() -> None:
    denied = replace(asked(Mode.DISASTER), approval=Approval(False, "omar", START))
    assert plan(DARK, denied) == [s.Stop]


def test_every_state_of_the_region_leads_to_services_that_run_and_traffic_that_moved() -> None:
    approved = replace(asked(Mode.DISASTER), approval=Approval(True, "erin", START))
    for services, alarms in itertools.product((None, WAITING, STARTING, SERVING), (None, OPEN, CLOSED)):
        facts, record, log = replace(DARK, services=services, alarms=alarms), approved, []
        for _ in range(12):
            steps = next_steps(facts, record, SIDES)
            if not steps:
                break
            log.append(type(steps[0]))
            facts, record = after(facts, record, steps[0])
        assert facts.services_up, log
        assert facts.alarms in (None, CLOSED), log
        assert record.at("notified") is not None
        assert log.count(s.Scale) <= 1
        if s.MoveTraffic in log and services is not None:
            assert s.Scale not in log[log.index(s.MoveTraffic) :]


def after(facts: StatelessFacts, record: Record, step: s.Step) -> tuple[StatelessFacts, Record]:
    facts = replace(facts, now=facts.now + 10)
    match step:
        case s.RecordLoss():
            return facts, replace(record, loss=SILENT)
        case s.Scale():
            return replace(facts, services=STARTING), record.marked("scaling", facts.now).marked("activated", facts.now)
        case s.AwaitServices():
            return replace(facts, services=SERVING), record
        case s.MoveTraffic():
            return replace(facts, alarms=CLOSED), record
        case s.VerifyAnswer():
            return facts, replace(record, verification=SILENT)
        case s.Notify():
            return facts, record.marked("notified", facts.now)
        case _:
            raise AssertionError(step)


WEB = "orders-prod-web"
STATELESS = replace(
    CONFIG,
    database=StatelessSettings(),
    services=ServiceSettings("orders-prod-services-eu-west-1", "orders-prod-app", ((WEB, 4),)),
    switch=Switch("orders-prod-primary-withdrawn"),
)
ENVIRONMENT = {
    "WORKLOAD": "orders-prod",
    "PRIMARY_REGION": "us-east-1",
    "RECOVERY_REGION": "eu-west-1",
    "TOPIC_ARN": CONFIG.topic,
    "MACHINE_ARN": CONFIG.machine,
    "GONE_ALARM": CONFIG.gone_alarm,
    "TRIGGER": "approve",
    "RPO_SECONDS": "300",
    "RTO_SECONDS": "900",
}


def test_the_settings_say_which_kind_of_workload_it_is() -> None:
    services = {"SERVICES_STACK": "orders-prod-services-eu-west-1", "SERVICES_CLUSTER": "orders-prod-app"}
    read = Config.from_environment(
        {**ENVIRONMENT, **services, "SERVICES": f"{WEB}=4", "WITHDRAWN_ALARM": "orders-prod-primary-withdrawn"}
    )
    assert read == STATELESS
    aurora = {"GLOBAL_CLUSTER": "g", "PRIMARY_CLUSTER": "p", "RECOVERY_CLUSTER": "r", "DATABASE_STACK": "d"}
    found = Config.from_environment({**ENVIRONMENT, **aurora, "SECRET": "s", "PROBE_FUNCTION": "f"})
    assert type(found.database).__name__ == "AuroraSettings"
    assert (found.services, found.switch) == (None, None)


class Fargate(FakeClients):
    """Services in both regions; an update of their stack starts the tasks at once."""

    def __init__(self, regions: Regions) -> None:
        super().__init__(regions)
        regions.stack |= {
            "StackName": "orders-prod-services-eu-west-1",
            "Parameters": [
                {"ParameterKey": "DataKeyArn", "ParameterValue": "key"},
                {"ParameterKey": "ServiceRole", "ParameterValue": "standby"},
            ],
        }

    def target(self, service: str) -> Any:
        return Ecs(self.regions, 4 if self.regions.updates else 1) if service == "ecs" else super().target(service)

    def primary(self, service: str) -> Any:
        assert service == "ecs"
        return Ecs(self.regions, 0 if self.regions.dark else 4)


class Ecs:
    def __init__(self, regions: Regions, running: int) -> None:
        self.regions, self.running = regions, running

    def describe_services(self, *, cluster: str, services: list[str]) -> Any:
        assert (cluster, services) == ("orders-prod-app", [WEB])
        return {"services": [{"serviceName": WEB, "desiredCount": self.running, "runningCount": self.running}]}


def request(mode: str = "disaster") -> dict[str, Any]:
    return {"request": {"incident": "incident-1", "target": "eu-west-1", "mode": mode, "operator": "erin"}}


def test_the_services_are_made_active_through_their_stack_and_then_the_traffic_moves() -> None:
    regions = Regions(dark=True)
    clients, state = Fargate(regions), request()
    regions.stack["Parameters"][1]["ParameterValue"] = "standby"
    for _ in range(20):
        if regions.updates:
            regions.stack["Parameters"][1]["ParameterValue"] = "active"
        state = json.loads(json.dumps(decide(state, Run(), STATELESS, clients)))
        if state["next"] == "ask":
            assert regions.updates == []
            state["approval"] = {"approved": True, "by": "erin"}
        elif state["next"] not in ("again", "wait"):
            break
    assert state["next"] == "done"
    (update,) = regions.updates
    assert update["ClientRequestToken"] == "scale-incident-1"
    assert update["Parameters"] == [
        {"ParameterKey": "ServiceRole", "ParameterValue": "active"},
        {"ParameterKey": "DataKeyArn", "UsePreviousValue": True},
    ]
    assert [name for name in regions.metrics if name in ("PrimaryWithdrawn", "RecoveryWritable")] == [
        "PrimaryWithdrawn"
    ]


def test_looking_shows_what_would_follow() -> None:
    found = look(request()["request"], STATELESS, Fargate(Regions(dark=True)))
    assert [step["is"] for step in found["steps"]][1:] == [
        "AskApproval", "Scale", "AwaitServices", "MoveTraffic", "VerifyAnswer", "Notify",
    ]  # fmt: skip


def test_the_watch_counts_tasks_and_leaves_the_switch_to_people() -> None:
    regions = Regions()
    assert watch(STATELESS, Fargate(regions))["published"] == {"PrimaryReachable": 1.0}
    regions.dark = True
    regions.alarms["orders-prod-primary-gone"] = "ALARM"
    told = watch(STATELESS, Fargate(regions))
    assert (told["published"], told["started"]) == ({"PrimaryReachable": 0.0}, "gone-1795262160")
    regions.started.clear()
    regions.alarms["orders-prod-primary-withdrawn"] = "ALARM"
    watch(replace(STATELESS, trigger=Trigger.AUTOMATIC), Fargate(regions))
    assert regions.started == []
