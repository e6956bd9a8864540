from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drgen.model.live import LiveStack
from drgen.model.status import DatabaseState, Ingress, StackState, WorkloadState
from drgen.reports.status import status_report

PRIMARY = "orders-us-east-1"
PROMOTED = "orders-eu-west-1"
LIVE = LiveStack(
    "database",
    "arn:aws:cloudformation:us-east-1:123456789012:stack/database/1",
    "us-east-1",
    "CREATE_COMPLETE",
    created=datetime(2026, 1, 1, tzinfo=UTC),
    as_of=datetime(2026, 1, 3, tzinfo=UTC),
)


def database(
    identifier: str, *, status: str = "available", replica_of: str = "", ingress: Ingress = Ingress.OPEN
) -> DatabaseState:
    return DatabaseState(identifier, status, replica_of, ("sg-1",), ingress)


def state(primary: DatabaseState, recovery: DatabaseState) -> WorkloadState:
    stacks = (
        StackState("database-us", "us-east-1", "primary", live=LIVE, databases=(primary,)),
        StackState("database-eu", "eu-west-1", "recovery", live=LIVE, databases=(recovery,)),
    )
    return WorkloadState("orders", stacks)


def test_a_fenced_primary_is_no_writer() -> None:
    told = status_report(state(database(PRIMARY, ingress=Ingress.FENCED), database(PROMOTED)))
    assert "database orders-us-east-1: available, fenced: its security groups let nobody in\n" in told
    assert told.endswith("takes writes now, as RDS shows it: orders-eu-west-1 in eu-west-1\n")


def test_two_databases_that_can_be_reached_are_two_writers() -> None:
    told = status_report(state(database(PRIMARY), database(PROMOTED)))
    assert told.endswith(
        "takes writes now, as RDS shows it: orders-us-east-1 in us-east-1, orders-eu-west-1 in eu-west-1\n"
    )


def test_a_database_whose_fence_nobody_knows_counts_as_a_writer() -> None:
    told = status_report(state(database(PRIMARY, ingress=Ingress.UNKNOWN), database(PROMOTED, replica_of=PRIMARY)))
    assert "available, no replica; what its security groups let in is not known\n" in told
    assert told.endswith("takes writes now, as RDS shows it: orders-us-east-1 in us-east-1\n")


@pytest.mark.parametrize(("status", "writes"), [("backing-up", True), ("modifying", True), ("stopped", False)])
def test_a_database_writes_while_it_serves(status: str, writes: bool) -> None:
    found = state(database(PRIMARY, status=status), database(PROMOTED, replica_of=PRIMARY))
    assert found.writers == ((("us-east-1", PRIMARY),) if writes else ())
