"""Payments that are taken once, in two regions that both take them.

The table is a DynamoDB global table with the keys `id` and `entry`. Of two writes to one item in two regions the last
one wins, and the other is lost without a word. So no item is ever written by two regions:

- `claim#REGION` under the payment's id: what that region was asked, and what became of it.
- `TIME#ID` under `open#REGION`: that region's list of claims that are not settled yet.

A claim is made with both items in one transaction, conditional on there being none. It is settled some time later by
its own region: by then the other region's claims have arrived, and all regions choose the same winner by the same rule:
a settled claim, else the earliest, else the first by region. The others become duplicates. Settled is this function's
last word: whoever moves the money reads the settled claims and passes the payment's id on as its own idempotency key.

Guaranteed: in one region, one claim per idempotency key, however often and however concurrently it is sent; the same
key with another payment is refused; a claim is settled at most once; a double submit in two regions is settled once as
long as replication takes less than SETTLE_AFTER_S.
Not guaranteed: once-only settlement while replication lags behind longer than that. A region that comes back from an
outage may not know yet what the other has settled: keep its settler still until ReplicationLatency is normal
again. Claims of a dark region that had not left it are settled when it is back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

SETTLE_AFTER_S = 60
"""Global tables usually replicate within a second; the alarm on ReplicationLatency tells when they do not."""
PAGE = 200
"""Claims that are settled between two looks at the time."""

Spread = Callable[[Callable[[tuple[str, str]], str], Sequence[tuple[str, str]]], Iterable[str]]

ACCEPTED, SETTLED, DUPLICATE = "accepted", "settled", "duplicate"
LARGEST = 99_999_999_999
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ACCOUNT = re.compile(r"[A-Za-z0-9-]{1,64}")
_FIELDS = {"amount", "currency", "debtor", "creditor"}


@dataclass(frozen=True)
class Payment:
    """What somebody wants to have paid. `amount` is in minor units (cents) of `currency`."""

    amount: int
    currency: str
    debtor: str
    creditor: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Claim:
    """One region's claim to a payment. `at_ms` is when it was made, in milliseconds since the epoch."""

    id: str
    region: str
    at_ms: int
    payment: Payment
    state: str = ACCEPTED


class Refused(Exception):
    """The request cannot be taken; `status` is HTTP's, and the message is for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Store(Protocol):
    """The region's replica of the table. Every read sees all that this region has written."""

    def claims(self, payment_id: str) -> Sequence[Claim]:
        """The claims to a payment, of all regions, as far as they have arrived."""

    def claim(self, claim: Claim) -> bool:
        """Writes the claim and its line in the region's open list; False if the region has claimed that payment."""

    def open(self, *, before_ms: int, limit: int) -> Sequence[tuple[str, str]]:
        """The region's oldest open claims made before then: the line, and the payment's id."""

    def close(self, claim: Claim, line: str, *, state: str) -> None:
        """Gives an accepted claim its last state and takes its line away. Does nothing to a claim that has one."""


def payment_id(key: str) -> str:
    """The payment's id, the same in every region. Raises Refused."""
    if not _KEY.fullmatch(key):
        raise Refused(400, "send a header Idempotency-Key of 8 to 64 letters, digits, - and _")
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def parse(body: str) -> Payment:
    """The payment in a JSON body. Raises Refused with everything that is wrong."""
    try:
        given = json.loads(body)
    except ValueError:
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(given, dict):
        raise Refused(400, "the body is not a JSON object")
    problems = list(_problems(given))
    if problems:
        raise Refused(400, "; ".join(problems))
    return Payment(given["amount"], given["currency"], given["debtor"], given["creditor"])


def _problems(given: Mapping[str, Any]) -> Iterator[str]:
    amount, text = given.get("amount"), {name: given.get(name) for name in ("currency", "debtor", "creditor")}
    yield from (f"{name} is not known" for name in sorted(given.keys() - _FIELDS))
    if type(amount) is not int or not 1 <= amount <= LARGEST:
        yield f"amount must be a whole number of minor units from 1 to {LARGEST}"
    for name, form, what in (
        ("currency", _CURRENCY, "three capital letters"),
        ("debtor", _ACCOUNT, "1 to 64 letters, digits and -"),
        ("creditor", _ACCOUNT, "1 to 64 letters, digits and -"),
    ):
        value = text[name]
        if not isinstance(value, str) or not form.fullmatch(value):
            yield f"{name} must be {what}"
    if text["debtor"] is not None and text["debtor"] == text["creditor"]:
        yield "debtor and creditor are the same"


def submit(key: str, payment: Payment, *, region: str, now_ms: int, store: Store) -> tuple[Claim, bool]:
    """The claim that stands for the payment, and whether it is new. Safe to call again. Raises Refused."""
    identity = payment_id(key)
    known = store.claims(identity)
    if not known:
        claim = Claim(identity, region, now_ms, payment)
        if store.claim(claim):
            return claim, True
        # Another call of this region was faster.
        known = store.claims(identity)
    standing = winner(known)
    if standing.payment.fingerprint != payment.fingerprint:
        raise Refused(422, "this Idempotency-Key belongs to another payment")
    return standing, False


def winner(claims: Sequence[Claim]) -> Claim:
    """The claim that counts. Every region that sees the same claims chooses the same one."""
    return min(claims, key=lambda claim: (claim.state != SETTLED, claim.at_ms, claim.region))


def find(identity: str, *, store: Store) -> Claim:
    """The claim that counts for a payment's id. Raises Refused."""
    known = store.claims(identity)
    if not known:
        raise Refused(404, "there is no such payment")
    return winner(known)


def settle(
    *, region: str, now_ms: int, store: Store, spread: Spread = map, goes_on: Callable[[], bool] = lambda: True
) -> Mapping[str, int]:
    """Settles what this region has claimed long enough ago; gives how many claims were settled and how many not.

    `spread` may run the claims of a page side by side; `goes_on` is asked before each page. Killed in the middle, or
    run twice at once, it does no harm: a claim that has its last state keeps it.
    """

    def settle_one(line: tuple[str, str]) -> str:
        known = store.claims(line[1])
        own = next(claim for claim in known if claim.region == region)
        state = SETTLED if winner(known).region == region else DUPLICATE
        store.close(own, line[0], state=state)
        return state

    counts = {SETTLED: 0, DUPLICATE: 0}
    before_ms = now_ms - SETTLE_AFTER_S * 1000
    while goes_on() and (lines := store.open(before_ms=before_ms, limit=PAGE)):
        for state in spread(settle_one, lines):
            counts[state] += 1
    return counts


def shown(claim: Claim, *, endpoint: str) -> Mapping[str, Any]:
    """What callers see of a payment."""
    return {
        "id": claim.id,
        "state": claim.state,
        "region": claim.region,
        "amount": claim.payment.amount,
        "currency": claim.payment.currency,
        "href": f"{endpoint}/payments/{claim.id}",
    }
