from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drgen.model.live import StackEvent
from drgen.planning.cause import root_cause

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-db/1"


def event(number: int, logical_id: str, status: str, reason: str = "") -> StackEvent:
    own = logical_id == "orders-db"
    kind = "AWS::CloudFormation::Stack" if own else "AWS::RDS::DBInstance"
    physical = STACK_ID if own else f"{logical_id}-1"
    at = START + timedelta(seconds=number)
    return StackEvent(f"e{number}", STACK_ID, "orders-db", logical_id, physical, kind, status, at, reason)


def test_the_first_failure_is_the_cause_and_not_what_was_cancelled_for_it() -> None:
    cause = root_cause(
        "eu-west-1",
        [
            event(1, "orders-db", "CREATE_IN_PROGRESS"),
            event(2, "Alarm", "CREATE_FAILED", "Resource creation cancelled"),
            event(3, "Replica", "CREATE_FAILED", "DB Instance orders already exists"),
            event(4, "Other", "CREATE_FAILED", "something later"),
            event(5, "orders-db", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Replica]"),
            event(6, "orders-db", "ROLLBACK_COMPLETE"),
        ],
    )
    assert cause is not None
    assert (cause.resource, cause.reason) == ("Replica", "DB Instance orders already exists")
    assert cause.fix == "remove or rename what exists under that name, or import it into the stack"


def test_nothing_failed_has_no_cause() -> None:
    assert root_cause("eu-west-1", [event(1, "orders-db", "CREATE_COMPLETE")]) is None


def test_where_only_the_stack_itself_failed_that_is_the_cause() -> None:
    cause = root_cause("eu-west-1", [event(1, "orders-db", "UPDATE_ROLLBACK_FAILED", "no permission")])
    assert cause is not None
    assert (cause.resource, cause.reason) == ("orders-db", "no permission")
