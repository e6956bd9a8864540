"""The operations: which statuses a stack passes through, and what happens in each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from drgen.local.cloudformation.backward import clean_up, restore
from drgen.local.cloudformation.document import parse
from drgen.local.cloudformation.forward import Forward
from drgen.local.cloudformation.outputs import in_use
from drgen.local.cloudformation.plan import ResourceChange
from drgen.local.cloudformation.policy import denied
from drgen.local.cloudformation.records import ChangeSet, Deployment, Resource
from drgen.local.cloudformation.removal import Why, delete_all
from drgen.local.cloudformation.run import Run

USER = "User Initiated"


@dataclass(frozen=True)
class Ask:
    """What a create or update was called with. `on_failure` is ROLLBACK, DO_NOTHING or DELETE."""

    deployment: Deployment
    on_failure: str = "ROLLBACK"
    policy: str | None = None
    changes: Sequence[ResourceChange] = ()
    deletes_retained: bool = False
    change_set: ChangeSet | None = None


def create(run: Run, ask: Ask) -> None:
    """CREATE_IN_PROGRESS (already entered) to CREATE_COMPLETE, CREATE_FAILED, ROLLBACK_* or DELETE_*."""
    forward = Forward(run, parse(ask.deployment.final), ask.deployment)
    well = forward.go()
    with run.engine.store.lock:
        if run.cancelled.is_set():
            # Only DeleteStack cancels a creation; it waits for this thread, and then deletes what exists.
            return
        _executed(ask, "EXECUTE_COMPLETE" if well else "EXECUTE_FAILED")
        if well:
            _settle(run, "CREATE_COMPLETE")
            return
        reason = _reason(run, forward)
        match ask.on_failure:
            case "DO_NOTHING":
                run.enter("CREATE_FAILED", reason)
            case "DELETE":
                run.enter("DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
            case _:
                run.enter("ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
    match ask.on_failure:
        case "DO_NOTHING":
            return
        case "DELETE":
            _delete_everything(run, done="DELETE_COMPLETE", stuck="DELETE_FAILED")
        case _:
            roll_back_create(run)


def update(run: Run, ask: Ask) -> None:
    """UPDATE_IN_PROGRESS (already entered) to UPDATE_COMPLETE, UPDATE_FAILED or UPDATE_ROLLBACK_*."""
    forward = Forward(run, parse(ask.deployment.final), ask.deployment, policy=ask.policy)
    refused = _refuse_by_policy(run, ask)
    if not refused and forward.go():
        run.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        leftovers = _clean_up_after_update(run, forward.wanted())
        text = "Update successful. One or more resources could not be deleted." if leftovers else ""
        _executed(ask, "EXECUTE_COMPLETE")
        _settle(run, "UPDATE_COMPLETE", text)
        return
    _executed(ask, "EXECUTE_FAILED")
    if refused:
        forward.failures.setdefault("update", []).extend(refused)
    if ask.on_failure == "DO_NOTHING":
        run.enter("UPDATE_FAILED", _reason(run, forward))
        return
    if run.stack.stable is None:
        run.enter("ROLLBACK_IN_PROGRESS", _reason(run, forward))
        roll_back_create(run)
        return
    run.enter("UPDATE_ROLLBACK_IN_PROGRESS", _reason(run, forward))
    roll_back_update(run)


def take_in(run: Run, ask: Ask, imports: Mapping[str, str]) -> None:
    """IMPORT_IN_PROGRESS (already entered) to IMPORT_COMPLETE or IMPORT_ROLLBACK_COMPLETE."""
    before = run.stack.stable or Deployment("")
    forward = Forward(run, parse(ask.deployment.final), ask.deployment, imports=imports)
    if forward.go():
        _executed(ask, "EXECUTE_COMPLETE")
        _settle(run, "IMPORT_COMPLETE")
        return
    _executed(ask, "EXECUTE_FAILED")
    run.enter("IMPORT_ROLLBACK_IN_PROGRESS", _reason(run, forward))
    with run.engine.store.lock:
        for logical_id in imports:
            run.stack.resources.pop(logical_id, None)
        run.stack.deployment = before
    _settle(run, "IMPORT_ROLLBACK_COMPLETE")


def roll_back_create(run: Run) -> None:
    """ROLLBACK_IN_PROGRESS (already entered) to ROLLBACK_COMPLETE or ROLLBACK_FAILED."""
    _delete_everything(run, done="ROLLBACK_COMPLETE", stuck="ROLLBACK_FAILED")


def roll_back_update(run: Run, *, skip: Collection[str] = ()) -> None:
    """UPDATE_ROLLBACK_IN_PROGRESS (already entered) to UPDATE_ROLLBACK_COMPLETE or UPDATE_ROLLBACK_FAILED."""
    failed = restore(run, skip=skip)
    if failed:
        run.enter("UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{', '.join(failed)}]. ")
        return
    run.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    clean_up(run)
    with run.engine.store.lock:
        if run.stack.stable is not None:
            run.stack.deployment = run.stack.stable
    _settle(run, "UPDATE_ROLLBACK_COMPLETE")


def delete(run: Run, *, retain: Collection[str] = (), force: bool = False) -> None:
    """DELETE_IN_PROGRESS (already entered) to DELETE_COMPLETE or DELETE_FAILED."""
    refusal = in_use(run.engine.store, run.stack, [])
    if refusal:
        run.enter("DELETE_FAILED", refusal)
        return
    _delete_everything(run, done="DELETE_COMPLETE", stuck="DELETE_FAILED", retain=retain, force=force)


def _delete_everything(run: Run, *, done: str, stuck: str, retain: Collection[str] = (), force: bool = False) -> None:
    stack = run.stack
    why: Why = "never wanted" if done == "ROLLBACK_COMPLETE" else "deleted"
    with run.engine.store.lock:
        doomed = [*(item for item in stack.resources.values() if _is_left(item)), *stack.superseded]
    failed = delete_all(run, [(resource, why) for resource in doomed], retain=retain, force=force)
    with run.engine.store.lock:
        stack.superseded = [item for item in stack.superseded if item.physical_id]
        if failed:
            run.enter(stuck, f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
            return
        stack.outputs, stack.imports, stack.baseline = [], [], None
        if done == "DELETE_COMPLETE":
            stack.deleted = run.now()
            stack.change_sets = {}
    run.enter(done)


def _is_left(resource: Resource) -> bool:
    return bool(resource.physical_id) or resource.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")


def _clean_up_after_update(run: Run, wanted: Collection[str]) -> list[str]:
    stack = run.stack
    with run.engine.store.lock:
        removed = [resource for name, resource in stack.resources.items() if name not in wanted]
        superseded, stack.superseded = stack.superseded, []
        for old in superseded:
            new = stack.resources.get(old.logical_id)
            if new is not None:
                old.definition = {**old.definition, "UpdateReplacePolicy": new.definition.get("UpdateReplacePolicy")}
    doomed: list[tuple[Resource, Why]] = [(resource, "replaced") for resource in superseded]
    failed = delete_all(run, [*doomed, *((resource, "deleted") for resource in removed)])
    with run.engine.store.lock:
        for resource in removed:
            del stack.resources[resource.logical_id]
    return failed


def _refuse_by_policy(run: Run, ask: Ask) -> list[str]:
    refused = []
    for change in ask.changes:
        action = {"Remove": "Update:Delete", "Modify": "Update:Modify"}.get(change.action)
        if change.replacement == "True":
            action = "Update:Replace"
        reason = action and denied(ask.policy, action, change.logical_id, change.type)
        if reason:
            run.mark(run.stack.resources[change.logical_id], "UPDATE_FAILED", reason)
            refused.append(change.logical_id)
    return refused


def _settle(run: Run, status: str, reason: str = "") -> None:
    with run.engine.store.lock:
        run.stack.baseline, run.stack.stable = None, None
        for resource in run.stack.resources.values():
            resource.attempted = None
        run.enter(status, reason)


def _executed(ask: Ask, execution: str) -> None:
    if ask.change_set is not None:
        ask.change_set.execution = execution


def _reason(run: Run, forward: Forward) -> str:
    if run.cancelled.is_set() and not forward.failures:
        return USER
    parts = [
        f"The following resource(s) failed to {verb}: [{', '.join(sorted(forward.failures[verb]))}]."
        for verb in ("create", "update", "import")
        if verb in forward.failures
    ]
    return " ".join([*([forward.reason] if forward.reason else []), *parts])
