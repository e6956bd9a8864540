"""A plan as text for reviewers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drgen.model.plan import Action, Change, Foreseen, Pass, Plan, Replacement, StepPlan


def plan_report(plan: Plan) -> str:
    """The plan, stack by stack in deployment order, with a line of totals at the end."""
    lines = [line for step in plan.steps for line in _step(step)]
    for region, kept in plan.kept.items():
        lines.append(f"{region} does not answer; these parameters keep their values: {', '.join(kept)}")
    return "\n".join([*lines, _totals(plan)]) + "\n"


def _step(step: StepPlan) -> Iterator[str]:
    second = " (second pass: late values)" if step.passes is Pass.FINAL else ""
    yield f"{step.region}  {step.stack}{second}: {_foreseen(step)}"
    if step.pending:
        yield f"    waits for {_by_stack(step.pending)}"
    if step.assumes:
        yield f"    assumes that these stay as they are: {_by_stack(step.assumes)}"
    yield from (f"    {_change(change)}" for change in step.changes)
    yield from (f"    then {setting}" for setting in step.settings)
    if step.reason:
        yield f"    ! {step.reason}"
        yield f"      fix: {step.fix}"


def _by_stack(outputs: tuple[str, ...]) -> str:
    """`stack (OneOutput, Another), stack2 (Third)` of `stack.OneOutput`, ...; what has no dot stands as it is."""
    grouped: dict[str, list[str]] = {}
    for output in outputs:
        stack, _, name = output.partition(".")
        grouped.setdefault(stack, []).extend([name] if name else [])
    return ", ".join(f"{stack} ({', '.join(names)})" if names else stack for stack, names in grouped.items())


def _foreseen(step: StepPlan) -> str:
    match step.foreseen:
        case Foreseen.UNKNOWN if step.changes:
            return "create (values known after deploy)"
        case Foreseen.RECREATE:
            return "create, after removing the empty remains of a failed creation"
        case _:
            return str(step.foreseen)


def _change(change: Change) -> str:
    properties = f" [{', '.join(change.properties)}]" if change.properties else ""
    return f"{_sign(change):3} {change.logical_id} {change.type}{properties}{_replacement(change)}{_policy(change)}"


def _sign(change: Change) -> str:
    match change.action:
        case Action.ADD | Action.IMPORT:
            return "+"
        case Action.REMOVE:
            return "-"
        case Action.MODIFY | Action.SYNC | Action.DYNAMIC:
            return "-/+" if change.replacement in (Replacement.TRUE, Replacement.CONDITIONAL) else "~"


def _replacement(change: Change) -> str:
    if change.action is Action.DYNAMIC:
        return " (CloudFormation cannot tell what this does)"
    because = f" because of {', '.join(change.recreating)}" if change.recreating else ""
    match change.replacement:
        case Replacement.TRUE:
            return f" replaced{because}"
        case Replacement.CONDITIONAL:
            return f" perhaps replaced{because}"
    return ""


def _policy(change: Change) -> str:
    return f" (old one: {change.policy_action})" if change.policy_action else ""


def _totals(plan: Plan) -> str:
    signs = Counter(_sign(change) for step in plan.steps for change in step.changes)
    stacks = Counter(str(step.foreseen) for step in plan.steps)
    if not plan.changes_something:
        return "no changes"
    counted = ", ".join(f"{count} {name}" for name, count in stacks.items())
    return f"resources: {signs['+']} +, {signs['~']} ~, {signs['-/+']} -/+, {signs['-']} -; steps: {counted}"
