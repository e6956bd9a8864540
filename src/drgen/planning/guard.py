"""The guard against losing data: which changes of a change set nobody may make by accident."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from drgen.model.plan import Action, Change, Replacement
from drgen.model.stateful import STATEFUL

_KEPT_ON_PURPOSE = ("Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot")

_CONDITIONAL = {
    ("AWS::RDS::DBInstance", "BackupRetentionPeriod"): (
        "whether a change of BackupRetentionPeriod replaces the instance is not known beforehand"
    ),
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): (
        "removing SourceDBInstanceIdentifier promotes the replica in place; adding or changing it replaces the instance"
    ),
    ("AWS::RDS::DBCluster", "GlobalClusterIdentifier"): (
        "removing GlobalClusterIdentifier detaches the cluster in place; adding or changing it replaces the cluster"
    ),
}
"""Properties CloudFormation cannot judge beforehand. Source: registry schemas (conditionalCreateOnlyProperties) and
the public RDS resource handlers, which decide by the transition."""


@dataclass(frozen=True)
class Danger:
    """A change that could lose data: `address` is what `--allow` takes, `why` says what would happen."""

    address: str
    change: Change
    why: str


def dangers(stack: str, changes: Iterable[Change], *, allowed: Collection[str] = ()) -> tuple[Danger, ...]:
    """The changes of `stack` that are refused unless `allowed` names them as `stack/LogicalId`."""
    found = [
        Danger(f"{stack}/{change.logical_id}", change, why)
        for change in changes
        if is_stateful(change) and (why := _danger(change))
    ]
    return tuple(danger for danger in found if danger.address not in allowed)


def is_stateful(change: Change) -> bool:
    """True for a type that holds data, and for whatever its author told CloudFormation to keep or to snapshot."""
    return change.type in STATEFUL or change.policy_action in _KEPT_ON_PURPOSE


def _danger(change: Change) -> str:
    """What the change would do to the resource; empty if it leaves the resource in place."""
    if change.action is Action.REMOVE:
        return f"would be removed{_afterwards(change)}"
    if change.action is Action.DYNAMIC:
        return "would change in a way that CloudFormation cannot tell before it is done"
    if change.action is Action.ADD or change.replacement in (Replacement.NONE, Replacement.FALSE):
        return ""
    because = f" because of {', '.join(change.recreating)}" if change.recreating else ""
    if change.replacement is Replacement.TRUE:
        return f"would be replaced by an empty one{because}{_afterwards(change)}"
    notes = [note for name in change.recreating if (note := _CONDITIONAL.get((change.type, name)))]
    return "; ".join([f"may be replaced by an empty one{because}", *notes])


def _afterwards(change: Change) -> str:
    match change.policy_action:
        case "Retain" | "ReplaceAndRetain":
            return ", and the old one would stay outside the stack"
        case "Snapshot" | "ReplaceAndSnapshot":
            return ", and only a snapshot of the old one would stay"
    return ""
