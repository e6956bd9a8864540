"""What the embedded CloudFormation remembers: stacks, their resources, events and change sets, as plain values."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

RUNNING_SUFFIX = "_IN_PROGRESS"
STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Parameter:
    """`value` is what the request said; `resolved` what an SSM parameter type made of it."""

    key: str
    value: str
    resolved: str | None = None

    @property
    def effective(self) -> str:
        return self.value if self.resolved is None else self.resolved


@dataclass(frozen=True)
class Deployment:
    """What one create or update asks for: enough to run it, and to return to it."""

    template: str
    parameters: tuple[Parameter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None
    processed: str = ""
    """The template after its transform; empty if it has none."""

    @property
    def final(self) -> str:
        """The template that is deployed."""
        return self.processed or self.template

    @property
    def values(self) -> dict[str, str]:
        """The effective value of each parameter."""
        return {parameter.key: parameter.effective for parameter in self.parameters}


@dataclass
class Resource:
    """One resource of a stack. `properties` are those last sent, with dynamic references still in them."""

    logical_id: str
    type: str
    definition: dict[str, Any] = field(default_factory=dict)
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    changed: float = 0.0
    depends: list[str] = field(default_factory=list)
    attempted: dict[str, Any] | None = None
    """The properties of an update that failed half way: what a rollback must take back."""

    def copy(self) -> Resource:
        return copy.deepcopy(self)


@dataclass(frozen=True)
class Output:
    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True)
class Event:
    id: str
    operation_id: str
    operation_type: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    time: float
    token: str | None = None
    properties: str | None = None


@dataclass
class ChangeSet:
    id: str
    name: str
    kind: str
    deployment: Deployment
    created: float
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution: str = "UNAVAILABLE"
    description: str | None = None
    on_stack_failure: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    """For an import: the physical id of each resource, by logical id."""


@dataclass
class Stack:
    """One stack, deleted ones included. Everybody who reads or changes one holds the store's lock."""

    id: str
    name: str
    region: str
    created: float
    status: str
    reason: str = ""
    updated: float | None = None
    deleted: float | None = None
    deployment: Deployment = Deployment(template="")
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    change_set_id: str | None = None
    policy: str | None = None
    termination_protection: bool = False
    disable_rollback: bool = False
    timeout_minutes: int | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    operations: list[tuple[str, str]] = field(default_factory=list)
    baseline: dict[str, Resource] | None = None
    """The resources at the last stable state, while the stack is away from it; None in a stable state."""
    stable: Deployment | None = None
    superseded: list[Resource] = field(default_factory=list)
    """Resources that a replacement has taken the place of, until the cleanup phase deletes them."""

    @property
    def running(self) -> bool:
        return self.status.endswith(RUNNING_SUFFIX) and self.status != "REVIEW_IN_PROGRESS"

    @property
    def gone(self) -> bool:
        return self.status == "DELETE_COMPLETE"

    def exists(self) -> list[Resource]:
        """The resources that have a physical counterpart."""
        return [resource for resource in self.resources.values() if resource.physical_id]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def stack_from_json(state: Mapping[str, Any]) -> Stack:
    """The stack that `Stack.to_json` gave, also after a trip through JSON."""
    stack = Stack(**state)
    return replace(
        stack,
        deployment=_deployment(state["deployment"]),
        stable=_deployment(state["stable"]) if state["stable"] else None,
        resources={key: Resource(**item) for key, item in state["resources"].items()},
        outputs=[Output(**item) for item in state["outputs"]],
        events=[Event(**item) for item in state["events"]],
        change_sets={
            key: ChangeSet(**{**item, "deployment": _deployment(item["deployment"])})
            for key, item in state["change_sets"].items()
        },
        operations=[(kind, operation) for kind, operation in state["operations"]],
        baseline=None
        if state["baseline"] is None
        else {key: Resource(**item) for key, item in state["baseline"].items()},
        superseded=[Resource(**item) for item in state["superseded"]],
    )


def _deployment(state: Mapping[str, Any]) -> Deployment:
    return Deployment(
        **{
            **state,
            "parameters": tuple(Parameter(**item) for item in state["parameters"]),
            "capabilities": tuple(state["capabilities"]),
            "notification_arns": tuple(state["notification_arns"]),
        }
    )


def new_id() -> str:
    return str(uuid.uuid4())
