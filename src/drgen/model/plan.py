"""A plan: the steps of a deployment, what decides each parameter, and what each step would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drgen.model.deployment import StackEntry


class Pass(StrEnum):
    """`FIRST` leaves late parameters as they are; `FINAL` gives them their values; most stacks need `ONLY` one."""

    ONLY = "only"
    FIRST = "first"
    FINAL = "final"


class Work(StrEnum):
    DEPLOY = "deploy"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One pass over one stack. `needs` are the ids of the steps that must have ended well before."""

    id: str
    entry: StackEntry
    passes: Pass = Pass.ONLY
    work: Work = Work.DEPLOY
    needs: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    """Late parameters this pass leaves as they are."""


@dataclass(frozen=True)
class Known:
    """The parameter's text."""

    value: str


@dataclass(frozen=True)
class Keep:
    """The value the stack has; the template's default where it has none."""


@dataclass(frozen=True)
class Pending:
    """Known after `stack` is deployed."""

    stack: str
    output: str


ParameterValue = Known | Keep | Pending


class Action(StrEnum):
    """What a change set says about one resource. Source: botocore cloudformation.ChangeAction."""

    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    IMPORT = "Import"
    DYNAMIC = "Dynamic"
    SYNC = "SyncWithActual"


class Replacement(StrEnum):
    """Source: botocore cloudformation.Replacement; NONE where the API leaves it out."""

    NONE = ""
    FALSE = "False"
    CONDITIONAL = "Conditional"
    TRUE = "True"


@dataclass(frozen=True)
class Change:
    """One resource's line of a change set.

    `properties` are those that differ; `recreating` are the ones among them that replace the resource, always or
    perhaps. `logical_id` of a resource in a nested stack is `Nested/LogicalId`.
    """

    logical_id: str
    type: str
    action: Action
    replacement: Replacement = Replacement.NONE
    policy_action: str = ""
    physical_id: str = ""
    properties: tuple[str, ...] = ()
    recreating: tuple[str, ...] = ()


class Foreseen(StrEnum):
    """What will become of a stack."""

    CREATE = "create"
    RECREATE = "recreate"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    DELETE = "delete"
    ABSENT = "absent"
    UNKNOWN = "known after deploy"
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(frozen=True)
class StepPlan:
    """What one step would do. `pending` are the values nobody can know yet, as `stack.Output`.

    `assumes` are outputs read now from stacks that this plan changes. `reason` says why a step is refused or locked.
    """

    step: str
    stack: str
    region: str
    stage: str
    passes: Pass
    foreseen: Foreseen
    template_sha256: str = ""
    changes: tuple[Change, ...] = ()
    pending: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """Protection and the visible steps after the stack, in words."""
    reason: str = ""
    fix: str = ""

    @property
    def changes_something(self) -> bool:
        return self.foreseen not in (Foreseen.UNCHANGED, Foreseen.ABSENT)


@dataclass(frozen=True)
class Plan:
    workload: str
    steps: tuple[StepPlan, ...]
    regions: tuple[str, ...] = ()
    """The regions the plan is limited to; empty for all."""
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regions that did not answer -> values that stay as they are, as `stack.Parameter`."""

    @property
    def changes_something(self) -> bool:
        return any(step.changes_something for step in self.steps)
