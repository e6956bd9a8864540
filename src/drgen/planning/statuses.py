"""What drgen does with a stack in each status. docs/statuses.md shows this table.

Source: AWS CloudFormation user guide, "Stack status codes" and "Choose how to handle failures when provisioning
resources"; botocore cloudformation.StackStatus for the list of statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drgen.model.live import LiveStack


class Decision(StrEnum):
    """What a deployment, or a deletion, does when it meets a stack."""

    CREATE = "create"
    CREATE_IN_SHELL = "create in the empty shell"
    UPDATE = "update"
    WAIT = "wait, then update"
    FOLLOW_OR_LOCKED = "follow if ours, else locked"
    RECREATE_IF_EMPTY = "delete the empty remains, then create"
    REFUSE = "refuse"
    DELETE = "delete"
    WAIT_THEN_DELETE = "wait, then delete"
    FOLLOW_DELETION = "follow the deletion"
    GONE = "nothing to do"


@dataclass(frozen=True)
class StatusRow:
    """`fix` is for people, with `{stack}` and `{region}` to fill in; it is there wherever `deploy` refuses."""

    meaning: str
    deploy: Decision
    destroy: Decision
    fix: str = ""


_STABLE = (Decision.UPDATE, Decision.DELETE)
_RUNNING = (Decision.FOLLOW_OR_LOCKED, Decision.FOLLOW_OR_LOCKED)
_CLEANING = (Decision.WAIT, Decision.WAIT_THEN_DELETE)
_STUCK = (Decision.REFUSE, Decision.DELETE)
_AWS = "aws cloudformation"
_ON = "--stack-name {stack} --region {region}"

STATUSES: Mapping[str, StatusRow] = {
    "CREATE_COMPLETE": StatusRow("created", *_STABLE),
    "UPDATE_COMPLETE": StatusRow("updated", *_STABLE),
    "IMPORT_COMPLETE": StatusRow("resources were imported", *_STABLE),
    "UPDATE_ROLLBACK_COMPLETE": StatusRow("the last update failed and was undone", *_STABLE),
    "IMPORT_ROLLBACK_COMPLETE": StatusRow("the last import failed and was undone", *_STABLE),
    "REVIEW_IN_PROGRESS": StatusRow(
        "an empty shell: a change set was made for it and never executed", Decision.CREATE_IN_SHELL, Decision.DELETE
    ),
    "CREATE_IN_PROGRESS": StatusRow("being created", *_RUNNING),
    "UPDATE_IN_PROGRESS": StatusRow("being updated", *_RUNNING),
    "ROLLBACK_IN_PROGRESS": StatusRow("its creation failed and is being undone", *_RUNNING),
    "UPDATE_ROLLBACK_IN_PROGRESS": StatusRow("an update failed and is being undone", *_RUNNING),
    "IMPORT_IN_PROGRESS": StatusRow("resources are being imported", *_RUNNING),
    "IMPORT_ROLLBACK_IN_PROGRESS": StatusRow("an import failed and is being undone", *_RUNNING),
    "DELETE_IN_PROGRESS": StatusRow("being deleted", Decision.FOLLOW_OR_LOCKED, Decision.FOLLOW_DELETION),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": StatusRow("updated; what it replaced is being deleted", *_CLEANING),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": StatusRow("undone; what was new is being deleted", *_CLEANING),
    "ROLLBACK_COMPLETE": StatusRow(
        "its creation failed and was undone; CloudFormation allows nothing but deletion",
        Decision.RECREATE_IF_EMPTY,
        Decision.DELETE,
        f"look at what is left, remove or keep it by hand, then run `{_AWS} delete-stack {_ON}` and deploy again",
    ),
    "CREATE_FAILED": StatusRow(
        "its creation failed with rollback switched off; what was made still exists",
        *_STUCK,
        f"undo it with `{_AWS} rollback-stack {_ON}`, then deploy again",
    ),
    "ROLLBACK_FAILED": StatusRow(
        "its creation failed and could not be undone",
        *_STUCK,
        "remove what blocks the deletion, or keep it with --retain-resources, then run "
        f"`{_AWS} delete-stack {_ON}` and deploy again",
    ),
    "UPDATE_FAILED": StatusRow(
        "an update failed with rollback switched off",
        *_STUCK,
        f"correct the cause and undo the update with `{_AWS} rollback-stack {_ON}`, then deploy again",
    ),
    "UPDATE_ROLLBACK_FAILED": StatusRow(
        "an update failed and could not be undone",
        *_STUCK,
        f"correct the cause, run `{_AWS} continue-update-rollback {_ON}`, then deploy again",
    ),
    "DELETE_FAILED": StatusRow(
        "its deletion failed; some resources still exist",
        *_STUCK,
        f"remove what blocks it, then run `{_AWS} delete-stack {_ON}` again",
    ),
    "IMPORT_ROLLBACK_FAILED": StatusRow(
        "an import failed and could not be undone",
        *_STUCK,
        f"correct the cause, run `{_AWS} continue-update-rollback {_ON}`, then deploy again",
    ),
    "DELETE_COMPLETE": StatusRow("deleted; the name is free", Decision.CREATE, Decision.GONE),
}


def row(status: str) -> StatusRow:
    """The row of `status`. A status newer than this table is refused and never guessed at."""
    unknown = StatusRow(
        f"status {status} is not known to this version of drgen",
        Decision.REFUSE,
        Decision.REFUSE,
        "install a newer drgen, or bring stack {stack} in {region} to a stable status by hand",
    )
    return STATUSES.get(status, unknown)


def ended_well(status: str) -> bool:
    """True if an operation that ends in `status` did what it was asked to do."""
    return status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")


def is_running(status: str) -> bool:
    """True while CloudFormation works on the stack. The cleanup after an update counts: it can still be waited for."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def exists(live: LiveStack | None) -> bool:
    """True if the stack can hold resources; the empty shell of a change set never executed does not count."""
    return live is not None and live.status not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


def left_behind(resources: Mapping[str, str]) -> tuple[str, ...]:
    """Logical ids, of logical id -> resource status, that a failed creation left behind. Empty if nothing is left."""
    return tuple(name for name, status in resources.items() if status != "DELETE_COMPLETE")
