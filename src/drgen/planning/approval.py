"""Whether a change set does no more than what people approved."""

from __future__ import annotations

from drgen.model.plan import Action, Change, Foreseen, Plan, Replacement, StepPlan


def beyond(approved: StepPlan, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """What `changes` do that `approved` does not cover, in words; empty if they stay within it.

    Where the approved step still waited for values, or read outputs that may change, new resources and changes in place
    are covered.
    """
    known = {change.logical_id: change for change in approved.changes}
    open_ended = approved.foreseen is Foreseen.UNKNOWN or bool(approved.assumes)
    found = []
    for change in changes:
        limit = _gravity(known[change.logical_id]) if change.logical_id in known else -1
        if open_ended:
            limit = max(limit, 1)
        if _gravity(change) > limit:
            before = describe(known[change.logical_id]) if change.logical_id in known else "no change"
            found.append(f"{change.logical_id}: {describe(change)} (approved: {before})")
    return tuple(found)


def approved_step(plan: Plan, step: str) -> StepPlan | None:
    return next((approved for approved in plan.steps if approved.step == step), None)


def describe(change: Change) -> str:
    """`Modify, replacement True` and the like."""
    replaced = f", replacement {change.replacement}" if change.replacement is not Replacement.NONE else ""
    return f"{change.action}{replaced}"


def _gravity(change: Change) -> int:
    if change.action in (Action.ADD, Action.IMPORT):
        return 0
    if change.action is Action.REMOVE:
        return 5
    if change.action is Action.DYNAMIC:
        return 4
    return {Replacement.NONE: 1, Replacement.FALSE: 1, Replacement.CONDITIONAL: 2, Replacement.TRUE: 3}[
        change.replacement
    ]
