"""Takes a stack back to its last stable state after an update failed."""

from __future__ import annotations

from collections.abc import Collection

from drgen.local.cloudformation.differences import changed
from drgen.local.cloudformation.graph import run as run_graph
from drgen.local.cloudformation.records import Resource
from drgen.local.cloudformation.removal import delete_all
from drgen.local.cloudformation.run import Run
from drgen.local.providers.provider import ResourceFailed


def restore(run: Run, *, skip: Collection[str] = ()) -> list[str]:
    """Brings every resource of the last stable state back; the logical ids of those that could not be brought back.

    Updates are taken back by updates. A replaced resource is simply taken up again: the old one still exists. What the
    failed operation made stays until `clean_up`. Resources in `skip` are taken as they are.
    """
    baseline = run.stack.baseline or {}
    needs = {name: frozenset(set(resource.depends) & set(baseline)) for name, resource in baseline.items()}
    well = run_graph(needs, lambda name: _restore(run, baseline[name], name in skip), stop_at_failure=False)
    with run.engine.store.lock:
        return sorted(name for name in set(baseline) - well if run.stack.resources[name].status == "UPDATE_FAILED")


def clean_up(run: Run) -> list[str]:
    """Deletes what the failed operation made; the logical ids of what could not be deleted."""
    stack = run.stack
    with run.engine.store.lock:
        baseline = stack.baseline or {}
        kept = {resource.physical_id for resource in baseline.values()}
        new = [resource for name, resource in stack.resources.items() if name not in baseline]
        extra = [resource for resource in stack.superseded if resource.physical_id not in kept]
        stack.superseded = []
    failed = delete_all(run, [(resource, "never wanted") for resource in (*new, *extra)])
    with run.engine.store.lock:
        for resource in new:
            del stack.resources[resource.logical_id]
    return failed


def _restore(run: Run, before: Resource, skipped: bool) -> bool:
    with run.engine.store.lock:
        current = run.stack.resources[before.logical_id]
        if skipped:
            current.attempted = None
            run.mark(current, "UPDATE_COMPLETE")
            return True
        if _untouched(current, before):
            current.definition, current.depends = dict(before.definition), list(before.depends)
            if current.status.endswith("_FAILED"):
                run.mark(current, "UPDATE_COMPLETE")
            return True
        run.mark(current, "UPDATE_IN_PROGRESS")
    try:
        _bring_back(run, current, before)
    except ResourceFailed as error:
        run.mark(current, "UPDATE_FAILED", error.message)
        return False
    run.mark(current, "UPDATE_COMPLETE")
    return True


def _untouched(current: Resource, before: Resource) -> bool:
    return (
        current.physical_id == before.physical_id
        and current.attempted is None
        and not changed(current.properties, before.properties)
        and current.tags == before.tags
    )


def _bring_back(run: Run, current: Resource, before: Resource) -> None:
    stack, handlers = run.stack, run.engine.handlers
    old = before.copy()
    if current.physical_id == before.physical_id:
        previous = current.copy()
        previous.properties = current.attempted or current.properties
        physical = handlers.update(stack, old, previous)
        old.attributes = dict(physical.attributes)
    elif any(item.physical_id == before.physical_id for item in stack.superseded):
        with run.engine.store.lock:
            stack.superseded = [item for item in stack.superseded if item.physical_id != before.physical_id]
            stack.superseded.append(current.copy())
    else:
        if current.physical_id:
            handlers.delete(stack, current.copy(), "Delete")
        physical = handlers.create(stack, old)
        old.physical_id, old.attributes = physical.id, dict(physical.attributes)
    with run.engine.store.lock:
        current.definition, current.properties, current.tags = old.definition, old.properties, old.tags
        current.depends, current.attempted = old.depends, None
        current.physical_id, current.attributes = old.physical_id, old.attributes
