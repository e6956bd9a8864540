"""What CloudFormation's answers about change sets mean, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drgen.model.plan import Action, Change, Replacement

_NO_CHANGE = ("The submitted information didn't contain changes", "No updates are to be performed")
"""How CloudFormation words an empty change set. Source: AWS CLI's `deploy` command tests for these two beginnings."""


@dataclass(frozen=True)
class ChangeSet:
    arn: str
    name: str
    stack_id: str
    status: str
    reason: str
    execution_status: str
    changes: tuple[Change, ...] = ()

    @property
    def is_being_made(self) -> bool:
        return self.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS")

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be done. A set that changes outputs alone has no changes either and is not empty."""
        return self.status == "FAILED" and self.reason.startswith(_NO_CHANGE)

    @property
    def is_ready(self) -> bool:
        return self.status == "CREATE_COMPLETE" and self.execution_status == "AVAILABLE"


def change(resource: Mapping[str, Any]) -> Change:
    """The change that a `ResourceChange` of DescribeChangeSet says."""
    details = resource.get("Details") or []
    targets = [detail.get("Target") or {} for detail in details]
    names = [str(target.get("Name") or target.get("Attribute") or "") for target in targets]
    recreating = [
        name
        for name, target in zip(names, targets, strict=True)
        if target.get("RequiresRecreation") in ("Always", "Conditionally")
    ]
    return Change(
        logical_id=str(resource.get("LogicalResourceId", "")),
        type=str(resource.get("ResourceType", "")),
        action=Action(resource.get("Action", "Modify")),
        replacement=Replacement(resource.get("Replacement", "")),
        policy_action=str(resource.get("PolicyAction", "")),
        physical_id=str(resource.get("PhysicalResourceId", "")),
        properties=tuple(dict.fromkeys(name for name in names if name)),
        recreating=tuple(dict.fromkeys(name for name in recreating if name)),
    )
