"""What CloudFormation says about stacks that exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class LiveStack:
    """A stack as it is now. `parameters` and `outputs` are by name; secret parameters read `****`.

    `as_of` is the time of the answer by AWS's clock.
    """

    name: str
    stack_id: str
    region: str
    status: str
    created: datetime
    as_of: datetime
    reason: str = ""
    updated: datetime | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    termination_protection: bool = False

    @property
    def changed(self) -> datetime:
        """When the last operation began."""
        return self.updated or self.created


@dataclass(frozen=True)
class StackEvent:
    """One event of a stack. The event with `logical_id == stack_name` and the stack's own type is about the stack."""

    event_id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    at: datetime
    reason: str = ""
    token: str = ""

    @property
    def about_stack(self) -> bool:
        return self.physical_id == self.stack_id


@dataclass(frozen=True)
class LiveResource:
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""
