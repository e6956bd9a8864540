"""Deletes resources in the order their dependants allow, minding what each one's policy says."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from drgen.local.cloudformation.graph import reversed_graph
from drgen.local.cloudformation.graph import run as run_graph
from drgen.local.cloudformation.handlers import deletion_policy, replace_policy
from drgen.local.cloudformation.records import Resource
from drgen.local.cloudformation.run import Run
from drgen.local.providers.provider import ResourceFailed

Why = Literal["deleted", "never wanted", "replaced"]
"""Removed from its stack, left over from a create or update that is taken back, or replaced by a new resource."""


def delete_all(
    run: Run, resources: Iterable[tuple[Resource, Why]], *, retain: Collection[str] = (), force: bool = False
) -> list[str]:
    """Deletes `resources`, each for its reason; the logical ids of those that could not be deleted.

    A resource is deleted after everything that depends on it; if that stays, it stays. `force` gives up on what
    cannot be deleted and counts it as retained.
    """
    reasons = list(resources)
    doomed = {f"{index}:{resource.logical_id}": resource for index, (resource, _) in enumerate(reasons)}
    why = {key: reason for key, (_, reason) in zip(doomed, reasons, strict=True)}
    needs = {
        key: frozenset(other for other, one in doomed.items() if one.logical_id in resource.depends and other != key)
        for key, resource in doomed.items()
    }
    failed: list[str] = []

    def work(key: str) -> bool:
        resource = doomed[key]
        if _delete(run, resource, _policy(run, resource, why[key]), kept=resource.logical_id in retain, force=force):
            return True
        failed.append(resource.logical_id)
        return False

    run_graph(reversed_graph(needs), work, stop_at_failure=False)
    return sorted(set(failed))


def _policy(run: Run, resource: Resource, why: Why) -> str:
    """Delete, Retain or Snapshot. What was created by an operation that is taken back is not worth a snapshot."""
    match why:
        case "replaced":
            return replace_policy(resource.definition)
        case "never wanted":
            policy = deletion_policy(resource)
            return "Retain" if policy == "Retain" and not run.deletes_retained else "Delete"
        case "deleted":
            policy = deletion_policy(resource)
            return "Retain" if policy == "RetainExceptOnCreate" else policy


def _delete(run: Run, resource: Resource, policy: str, *, kept: bool, force: bool) -> bool:
    if kept or policy == "Retain":
        run.mark(resource, "DELETE_SKIPPED")
        resource.physical_id = ""
        return True
    if not resource.physical_id:
        run.mark(resource, "DELETE_COMPLETE")
        return True
    run.mark(resource, "DELETE_IN_PROGRESS")
    try:
        run.engine.handlers.delete(run.stack, resource, policy)
    except ResourceFailed as error:
        run.mark(resource, "DELETE_SKIPPED" if force else "DELETE_FAILED", error.message)
        return force
    run.mark(resource, "DELETE_COMPLETE")
    resource.physical_id = ""
    return True
