"""With several recovery regions there is still one writer: a failover looks at the others before it promotes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from recovery_fakes import CONFIG, FakeClients, Regions, now
from recovery_fakes import PAIR as WITH_REPLICA
from recovery_worlds import ALONE, CALM, DARK, PAIR, REPLICA, SILENT, START, asked

from drgen.recovery import steps as s
from drgen.recovery.codec import decode, encode
from drgen.recovery.config import Config
from drgen.recovery.decide import decide
from drgen.recovery.facts import Absent, NotObserved
from drgen.recovery.guards import Guard, Verdict
from drgen.recovery.kinds import kind_of
from drgen.recovery.names import copies_text
from drgen.recovery.others import Copy, read_copies
from drgen.recovery.record import Approval, Fencing, Loss, Mode, Record, Unverified
from drgen.recovery.replica_facts import Instance, Other, ReplicaFacts
from drgen.recovery.resolver import InvariantBroken, check_invariants
from drgen.recovery.signals import Run

THIRD = replace(CONFIG, database=replace(WITH_REPLICA, others=(Copy("us-west-2", "orders-prod-us-west-2"),)))
RUN = Run("arn:aws:states:eu-west-1:123456789012:execution:orders-prod-failover:incident-1", "2026-11-21T12:00:00Z")
FOLLOWS = Instance("orders-prod-us-west-2", "available", REPLICA.source, ("replicating",))
STANDS = Instance("orders-prod-us-west-2", "available")


def guards(facts: ReplicaFacts, record: Record) -> tuple[Guard, ...]:
    return kind_of(facts, record, PAIR).guards()


def others(seen: Instance | Absent | NotObserved) -> tuple[Other, ...]:
    return (Other("us-west-2", seen),)


def turn(regions: Regions, *, insist: bool = False, config: Config = THIRD) -> dict[str, Any]:
    """The first turn of a disaster failover to eu-west-1."""
    asks = {"incident": "incident-1", "target": "eu-west-1", "mode": "disaster", "operator": "erin", "insist": insist}
    state: dict[str, Any] = json.loads(json.dumps(decide({"request": asks}, RUN, config, FakeClients(regions))))
    return state


def test_a_failover_is_refused_when_another_region_has_taken_over() -> None:
    regions = Regions(dark=True)
    regions.third_db["ReadReplicaSourceDBInstanceIdentifier"] = ""
    end = turn(regions, insist=True)
    assert end["next"] == "refused"
    assert "orders-prod-us-west-2 in us-west-2 stands alone and may take writes" in end["message"]
    assert regions.updates == []


def test_a_failover_is_refused_while_an_older_one_runs_in_another_region() -> None:
    machine = "arn:aws:states:us-west-2:123456789012:stateMachine:orders-prod-failover"
    other = {"executionArn": "other", "name": "gone-7", "startDate": now() - timedelta(minutes=1), "machine": machine}
    end = turn(Regions(dark=True, running=[other]))
    assert "this is the only failover: gone-7 in us-west-2 was started earlier" in end["message"]
    younger = {**other, "startDate": now() + timedelta(minutes=1)}
    assert turn(Regions(dark=True, running=[younger]))["next"] == "again"


def test_a_silent_region_is_not_taken_for_one_that_has_not_taken_over() -> None:
    regions = Regions(dark=True, third_is_dark=True)
    end = turn(regions)
    assert end["next"] == "refused"
    assert "us-west-2 does not tell (EndpointConnectionError): find out, then run" in end["message"]
    assert turn(Regions(dark=True, third_is_dark=True), insist=True)["next"] == "again"


def test_without_further_regions_nobody_is_asked() -> None:
    regions = Regions(dark=True)
    turn(regions, config=CONFIG)
    assert [call for call in regions.calls if call.startswith("us-west-2")] == []
    assert [guard for guard in guards(DARK, asked(Mode.DISASTER)) if "region has taken over" in guard.claim] == []


@pytest.mark.parametrize(
    ("seen", "mode", "verdict"),
    [
        (FOLLOWS, Mode.DISASTER, Verdict.PASSED),
        (Absent(), Mode.DISASTER, Verdict.PASSED),
        (STANDS, Mode.PLANNED, Verdict.FAILED),
        (SILENT, Mode.PLANNED, Verdict.PASSED),
        (SILENT, Mode.DISASTER, Verdict.FAILED),
    ],
)
def test_what_another_region_shows_counts_against_the_mode(
    seen: Instance | Absent | NotObserved, mode: Mode, verdict: Verdict
) -> None:
    """A planned failover has a primary that takes writes: where that is, no other region has a writer."""
    facts = replace(CALM if mode is Mode.PLANNED else DARK, others=others(seen))
    assert _guard(guards(facts, asked(mode))).verdict is verdict


def test_a_region_that_falls_silent_behind_the_fence_is_waited_for() -> None:
    record = replace(asked(Mode.DISASTER), fence=Fencing((), START))
    assert _guard(guards(replace(DARK, others=others(SILENT)), record)).verdict is Verdict.WAIT


def _guard(judged: tuple[Guard, ...]) -> Guard:
    (found,) = [guard for guard in judged if guard.claim == "no other region has taken over"]
    return found


def test_a_promotion_next_to_another_writer_is_a_bug_and_not_a_step() -> None:
    record = replace(
        asked(Mode.DISASTER),
        fence=Unverified(START, "dark"),
        loss=Loss(1, "a sample"),
        approval=Approval(True, "omar", START),
    )
    check_invariants(replace(DARK, others=others(FOLLOWS)), record, PAIR, s.Promote())
    with pytest.raises(InvariantBroken, match="orders-prod-us-west-2 in us-west-2 stands alone"):
        check_invariants(replace(DARK, others=others(STANDS)), record, PAIR, s.Promote())


def test_the_other_copies_travel_in_one_variable() -> None:
    pairs = (("us-west-2", "orders-prod-us-west-2"), ("ap-south-1", "orders-prod-ap-south-1"))
    assert copies_text(pairs) == "us-west-2:orders-prod-us-west-2,ap-south-1:orders-prod-ap-south-1"
    assert read_copies(copies_text(pairs)) == tuple(Copy(*pair) for pair in pairs)
    assert read_copies("") == ()


def test_facts_about_other_regions_survive_the_way_through_json() -> None:
    facts = replace(CALM, replica=ALONE, others=others(FOLLOWS))
    assert decode(json.loads(json.dumps(encode(facts)))) == facts
