"""Payments are taken once: by each region for itself, and by both together as far as replication allows."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "lambdas/payment_processor"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"payment_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


logic = load("logic")
BODY = {"amount": 1200, "currency": "EUR", "debtor": "A-1", "creditor": "B-2"}
PAYMENT = logic.Payment(1200, "EUR", "A-1", "B-2")
MINUTE_MS = 60_000


@dataclass
class Replica:
    """One region's replica: it sees its own writes at once, and another's when `receive` brings them."""

    region: str
    items: dict[tuple[str, str], Any] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)

    def claims(self, payment_id: str) -> Sequence[Any]:
        return [claim for (identity, _), claim in sorted(self.items.items()) if identity == payment_id]

    def claim(self, claim: Any) -> bool:
        if (claim.id, claim.region) in self.items:
            return False
        self.items[claim.id, claim.region] = claim
        self.lines[f"{claim.at_ms:015d}#{claim.id}"] = claim.id
        return True

    def open(self, *, before_ms: int, limit: int) -> Sequence[tuple[str, str]]:
        return [(line, i) for line, i in sorted(self.lines.items()) if int(line.split("#")[0]) < before_ms][:limit]

    def close(self, claim: Any, line: str, *, state: str) -> None:
        if self.items[claim.id, claim.region].state == logic.ACCEPTED:
            self.items[claim.id, claim.region] = replace(claim, state=state)
        del self.lines[line]

    def receive(self, other: Replica) -> None:
        """All that the other region has written: its own items, and no others."""
        self.items |= {key: claim for key, claim in other.items.items() if claim.region == other.region}


def settled(*replicas: Replica) -> list[str]:
    return [r.region for r in replicas for c in r.items.values() if (c.state, c.region) == (logic.SETTLED, r.region)]


def test_the_same_key_twice_is_one_claim() -> None:
    east = Replica("us-east-1")
    first, new = logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=1, store=east)
    again, newer = logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=2, store=east)
    assert (new, newer) == (True, False)
    assert again == first
    assert len(east.items) == len(east.lines) == 1


def test_a_key_is_refused_for_another_payment() -> None:
    east = Replica("us-east-1")
    logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=1, store=east)
    with pytest.raises(logic.Refused, match="belongs to another payment") as caught:
        logic.submit("order-0001", replace(PAYMENT, amount=1201), region="us-east-1", now_ms=2, store=east)
    assert caught.value.status == 422


def test_a_claim_that_has_arrived_from_the_other_region_stands() -> None:
    east, west = Replica("us-east-1"), Replica("us-east-2")
    logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=1, store=east)
    west.receive(east)
    claim, new = logic.submit("order-0001", PAYMENT, region="us-east-2", now_ms=2, store=west)
    assert (claim.region, new) == ("us-east-1", False)
    assert west.lines == {}


@given(
    east_ms=st.integers(0, 5_000),
    west_ms=st.integers(0, 5_000),
    runs=st.lists(st.sampled_from(["us-east-1", "us-east-2"]), max_size=6),
)
def test_a_double_submit_in_two_regions_is_settled_once_whoever_settles_first(
    east_ms: int, west_ms: int, runs: list[str]
) -> None:
    both = {name: Replica(name) for name in ("us-east-1", "us-east-2")}
    for name, at_ms in (("us-east-1", east_ms), ("us-east-2", west_ms)):
        logic.submit("order-0001", PAYMENT, region=name, now_ms=at_ms, store=both[name])
    for name in [*runs, *both]:
        for replica in both.values():
            for other in both.values():
                replica.receive(other)
        logic.settle(region=name, now_ms=5_001 + MINUTE_MS, store=both[name])
    expected = "us-east-1" if east_ms <= west_ms else "us-east-2"
    assert settled(*both.values()) == [expected]
    assert [replica.lines for replica in both.values()] == [{}, {}]


def test_a_settled_claim_wins_over_an_earlier_one_that_arrives_after_an_outage() -> None:
    east, west = Replica("us-east-1"), Replica("us-east-2")
    logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=1, store=east)
    logic.submit("order-0001", PAYMENT, region="us-east-2", now_ms=2, store=west)
    logic.settle(region="us-east-2", now_ms=MINUTE_MS + 3, store=west)
    east.receive(west)
    assert logic.settle(region="us-east-1", now_ms=MINUTE_MS + 4, store=east) == {"settled": 0, "duplicate": 1}
    assert settled(east, west) == ["us-east-2"]


def test_nothing_is_settled_before_the_other_region_could_be_heard() -> None:
    east = Replica("us-east-1")
    logic.submit("order-0001", PAYMENT, region="us-east-1", now_ms=1_000, store=east)
    assert logic.settle(region="us-east-1", now_ms=1_000 + MINUTE_MS, store=east) == {"settled": 0, "duplicate": 0}
    assert logic.settle(region="us-east-1", now_ms=1_001 + MINUTE_MS, store=east) == {"settled": 1, "duplicate": 0}


def test_a_backlog_is_settled_page_by_page_while_there_is_time() -> None:
    east, pages = Replica("us-east-1"), iter([True, True, False])
    for number in range(500):
        logic.submit(f"order-{number:04}", PAYMENT, region="us-east-1", now_ms=number, store=east)
    late_ms = MINUTE_MS + 1_000
    counts = logic.settle(region="us-east-1", now_ms=late_ms, store=east, goes_on=lambda: next(pages))
    assert (counts["settled"], len(east.lines)) == (400, 100)
    assert logic.settle(region="us-east-1", now_ms=late_ms, store=east)["settled"] == 100


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": 12.5}, "amount must be a whole number of minor units from 1 to 99999999999"),
        ({"amount": True}, "amount must be a whole number of minor units from 1 to 99999999999"),
        ({"amount": 0}, "amount must be a whole number of minor units from 1 to 99999999999"),
        ({"currency": "eur"}, "currency must be three capital letters"),
        ({"creditor": "A-1"}, "debtor and creditor are the same"),
        ({"debtor": "a\nb"}, "debtor must be 1 to 64 letters, digits and -"),
        ({"card": "4111"}, "card is not known"),
    ],
)
def test_a_payment_that_is_not_one_is_refused_with_the_reason(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(logic.Refused) as caught:
        logic.parse(json.dumps({**BODY, **change}))
    assert (caught.value.status, str(caught.value)) == (400, problem)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space 1"])
def test_a_payment_without_a_usable_key_is_refused(key: str) -> None:
    with pytest.raises(logic.Refused, match="Idempotency-Key"):
        logic.payment_id(key)
