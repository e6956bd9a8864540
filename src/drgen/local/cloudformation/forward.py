"""Takes a stack to what a template asks for: creates, updates and replaces resources in dependency order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.cloudformation.differences import changed, replaced_for
from drgen.local.cloudformation.document import Document, depends_on
from drgen.local.cloudformation.graph import run as run_graph
from drgen.local.cloudformation.handlers import NOT_UPDATABLE
from drgen.local.cloudformation.outputs import computed
from drgen.local.cloudformation.policy import denied
from drgen.local.cloudformation.records import STACK_TYPE, Deployment, Resource
from drgen.local.cloudformation.run import Run
from drgen.local.providers.provider import Physical, ResourceFailed
from drgen.template.resolve import ResolveError
from drgen.template.schema import schema_for

NEW_RESOURCE = "Requested update requires the creation of a new physical resource; hence creating one."


class Forward:
    """After `go`: `failures` holds the logical ids that failed to "create" or "update", `reason` why the stack did."""

    def __init__(
        self,
        run: Run,
        document: Document,
        deployment: Deployment,
        *,
        policy: str | None = None,
        imports: Mapping[str, str] | None = None,
    ) -> None:
        self._run = run
        self._stack = run.stack
        self._deployment = deployment
        self._policy = policy
        self._imports = imports or {}
        self._lock = run.engine.store.lock
        self._view = run.engine.view(run.stack, document, deployment, self._look)
        self._in_flight: dict[str, str] = {}
        self._stopped = False
        self.failures: dict[str, list[str]] = {}
        self.reason = ""

    def go(self) -> bool:
        """True if every resource and output is as the template asks; nothing is cleaned up yet."""
        try:
            self._graph = self._view.dependencies()
            well = run_graph(self._graph, self._one, stop_at_failure=True)
            if len(well) < len(self._graph):
                return False
            outputs = computed(self._run.engine.store, self._stack, self._view)
        except ResolveError as error:
            self.reason = str(error)
            return False
        with self._lock:
            self._stack.outputs = outputs
            self._stack.imports = sorted(self._view.scope.imported)
        return True

    def wanted(self) -> frozenset[str]:
        return frozenset(self._graph)

    def _look(self, logical_id: str) -> Resource | None:
        with self._lock:
            found = self._stack.resources.get(logical_id)
            return found if found is not None and found.physical_id else None

    def _one(self, logical_id: str) -> bool:
        if self._run.cancelled.is_set() or self._overdue():
            return False
        definition = dict(self._view.document.resources[logical_id])
        current = self._look(logical_id)
        wanted = Resource(
            logical_id,
            definition["Type"],
            definition,
            tags=dict(self._deployment.tags),
            depends=sorted({*self._graph[logical_id], *depends_on(definition)}),
        )
        try:
            wanted.properties = self._view.properties(logical_id)
        except ResolveError as error:
            return self._unresolved(wanted, current, str(error))
        if current is None:
            return self._create(wanted)
        if not _differs(current, wanted, self._stack.region):
            with self._lock:
                current.definition, current.depends = definition, wanted.depends
                if current.status.endswith("_FAILED"):
                    self._run.mark(current, "UPDATE_COMPLETE")
            return True
        return self._change(current, wanted)

    def _overdue(self) -> bool:
        limit = self._stack.timeout_minutes
        if self._run.kind != "CREATE_STACK" or limit is None or self._run.now() < self._stack.created + limit * 60:
            return False
        self.reason = "Stack creation time exceeded the specified timeout."
        return True

    def _create(self, wanted: Resource) -> bool:
        existing = self._imports.get(wanted.logical_id)
        verb = "CREATE" if existing is None else "IMPORT"
        handlers = self._run.engine.handlers
        with self._lock:
            if not self._begins(wanted, verb):
                return False
            self._stack.resources[wanted.logical_id] = wanted
        try:
            if existing is None:
                physical = handlers.create(self._stack, wanted)
            else:
                physical = handlers.adopt(self._stack, wanted, existing)
        except ResourceFailed as error:
            return self._failed(wanted, verb, error.message)
        return self._succeeded(wanted, wanted, physical, verb)

    def _change(self, current: Resource, wanted: Resource) -> bool:
        schema = schema_for(wanted.type, self._stack.region)
        if replaced_for(schema, current.properties, wanted.properties) == "Always":
            return self._replace(current, wanted)
        before = current.copy()
        if not self._begins(current, "UPDATE"):
            return False
        try:
            physical = self._run.engine.handlers.update(self._stack, _at(wanted, before), before)
        except ResourceFailed as error:
            if error.code == NOT_UPDATABLE:
                return self._replace(current, wanted)
            with self._lock:
                current.attempted = wanted.properties
            return self._failed(current, "UPDATE", error.message)
        return self._succeeded(current, wanted, physical, "UPDATE")

    def _replace(self, current: Resource, wanted: Resource) -> bool:
        refusal = denied(self._policy, "Update:Replace", current.logical_id, current.type) or _custom_name(
            current, wanted, self._stack.region
        )
        if refusal:
            return self._failed(current, "UPDATE", refusal)
        schema = schema_for(wanted.type, self._stack.region)
        deletes_first = schema is not None and schema.deletes_before_create
        old = current.copy()
        with self._lock:
            if not self._begins(current, "UPDATE", NEW_RESOURCE):
                return False
            if not deletes_first:
                self._stack.superseded.append(old)
        try:
            if deletes_first:
                self._run.engine.handlers.delete(self._stack, old, "Delete")
                current.physical_id = ""
            physical = self._run.engine.handlers.create(self._stack, wanted)
        except ResourceFailed as error:
            with self._lock:
                self._stack.superseded = [item for item in self._stack.superseded if item is not old]
            return self._failed(current, "UPDATE", error.message)
        return self._succeeded(current, wanted, physical, "UPDATE")

    def _begins(self, resource: Resource, verb: str, reason: str = "") -> bool:
        """False if something else has failed meanwhile: then nothing new may start."""
        with self._lock:
            if self._stopped:
                return False
            self._in_flight[resource.logical_id] = verb
            self._run.mark(resource, f"{verb}_IN_PROGRESS", reason)
            return True

    def _succeeded(self, record: Resource, wanted: Resource, physical: Physical, verb: str) -> bool:
        """Takes `wanted` into the record, also if the resource was cancelled: it exists, and must be taken back."""
        with self._lock:
            self._in_flight.pop(record.logical_id, None)
            record.definition, record.properties = wanted.definition, wanted.properties
            record.tags, record.depends, record.attempted = wanted.tags, wanted.depends, None
            record.physical_id, record.attributes = physical.id, dict(physical.attributes)
            if not self._stopped:
                self._run.mark(record, f"{verb}_COMPLETE")
            return not self._stopped

    def _failed(self, resource: Resource, verb: str, reason: str) -> bool:
        with self._lock:
            self._in_flight.pop(resource.logical_id, None)
            if self._stopped:
                return False
            self._stopped = True
            self._run.mark(resource, f"{verb}_FAILED", reason)
            self.failures.setdefault(verb.lower(), []).append(resource.logical_id)
            for logical_id, other in self._in_flight.items():
                noun = "creation" if other == "CREATE" else other.lower()
                self._run.mark(self._stack.resources[logical_id], f"{other}_FAILED", f"Resource {noun} cancelled")
                self.failures.setdefault(other.lower(), []).append(logical_id)
            self._in_flight.clear()
        return False

    def _unresolved(self, wanted: Resource, current: Resource | None, reason: str) -> bool:
        if current is not None:
            return self._failed(current, "UPDATE", reason)
        with self._lock:
            if not self._stopped:
                self._stack.resources[wanted.logical_id] = wanted
            return self._failed(wanted, "CREATE", reason)


def _differs(current: Resource, wanted: Resource, region: str) -> bool:
    tagged = schema_for(wanted.type, region)
    tags_matter = tagged is None or tagged.tag_property is not None
    return (
        wanted.type == STACK_TYPE
        or current.attempted is not None
        or bool(changed(current.properties, wanted.properties))
        or (tags_matter and current.tags != wanted.tags)
    )


def _at(wanted: Resource, current: Resource) -> Resource:
    record = wanted.copy()
    record.physical_id, record.attributes = current.physical_id, dict(current.attributes)
    return record


def _custom_name(current: Resource, wanted: Resource, region: str) -> str | None:
    """Why the resource cannot be replaced under its own name; None if it can.

    The new resource is made before the old one is deleted, so both would need the name at once.
    """
    schema = schema_for(wanted.type, region)
    if schema is None or schema.deletes_before_create:
        return None
    own = [path[0] for path in schema.primary_identifier if path not in schema.read_only]
    kind_name = f"{wanted.type.rsplit('::', 1)[-1]}Name"
    names = own or ([kind_name] if (kind_name,) in schema.create_only else [])
    if not names or any(not _same(name, current.properties, wanted.properties) for name in names):
        return None
    return (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {wanted.properties[names[0]]} and update the stack again."
    )


def _same(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return name in before and before[name] == after.get(name)
