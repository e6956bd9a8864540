"""One operation on one stack while it runs: its events, its statuses and the way to cancel it."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from drgen.local.cloudformation.document import Document
from drgen.local.cloudformation.handlers import Handlers
from drgen.local.cloudformation.records import STACK_TYPE, Deployment, Event, Resource, Stack, new_id
from drgen.local.cloudformation.scope import Look, StackScope, View, Zones
from drgen.local.cloudformation.store import Store
from drgen.local.providers.provider import Environment

_BROKEN = {"CREATE_STACK": "CREATE_FAILED", "UPDATE_STACK": "UPDATE_FAILED", "DELETE_STACK": "DELETE_FAILED"}


@dataclass(frozen=True)
class Engine:
    """What every operation works with."""

    env: Environment
    store: Store
    handlers: Handlers
    zones: Zones

    def view(
        self, stack: Stack, document: Document, deployment: Deployment, look: Look, *, planning: bool = False
    ) -> View:
        scope = StackScope(
            env=self.env,
            store=self.store,
            stack=stack,
            document=document,
            deployment=deployment,
            zones=self.zones,
            look=look,
            planning=planning,
        )
        return View(document, scope)


@dataclass
class Run:
    """`kind` is CloudFormation's operation type. Events go into the stack as they happen."""

    engine: Engine
    stack: Stack
    kind: str
    token: str | None = None
    deletes_retained: bool = False
    """RetainExceptOnCreate: what this operation made and takes back is deleted even if its policy is Retain."""
    id: str = field(default_factory=new_id)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return self.engine.env.now()

    def enter(self, status: str, reason: str = "") -> None:
        """Puts the stack into `status`."""
        with self.engine.store.lock:
            self.stack.status, self.stack.reason = status, reason
            self._event(self.stack.name, self.stack.id, STACK_TYPE, status, reason, None)

    def mark(self, resource: Resource, status: str, reason: str = "") -> None:
        """Puts the resource into `status`."""
        with self.engine.store.lock:
            resource.status, resource.reason, resource.changed = status, reason, self.now()
            properties = json.dumps(resource.properties, sort_keys=True)
            self._event(resource.logical_id, resource.physical_id, resource.type, status, reason, properties)

    def _event(
        self, logical_id: str, physical_id: str, type_name: str, status: str, reason: str, properties: str | None
    ) -> None:
        event = Event(
            id=new_id() if type_name == STACK_TYPE else f"{logical_id}-{status}-{new_id()}",
            operation_id=self.id,
            operation_type=self.kind,
            logical_id=logical_id,
            physical_id=physical_id,
            type=type_name,
            status=status,
            reason=reason,
            time=self.now(),
            token=self.token,
            properties=properties,
        )
        self.stack.events.append(event)


class Runs:
    """The threads that operations run in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads: dict[str, threading.Thread] = {}
        self._runs: dict[str, Run] = {}

    def start(self, run: Run, work: Callable[[Run], None]) -> None:
        """Runs `work` in the background, after the operation on the same stack that is still running, if one is."""
        with self._store.lock:
            before = self._threads.get(run.stack.id)
            run.stack.operations.append((run.kind, run.id))
            thread = threading.Thread(
                target=self._work, args=(run, work, before), daemon=True, name=f"stack-{run.stack.name}"
            )
            self._threads[run.stack.id], self._runs[run.stack.id] = thread, run
        thread.start()

    def cancel(self, stack_id: str) -> None:
        """Lets the running operation of the stack start nothing more."""
        with self._store.lock:
            if stack_id in self._runs:
                self._runs[stack_id].cancelled.set()

    def _work(self, run: Run, work: Callable[[Run], None], before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            work(run)
        except Exception as error:
            # Without this the stack would stay IN_PROGRESS for ever, and nobody would learn why.
            traceback.print_exc()
            reason = f"Internal Failure: {type(error).__name__}: {error}. This is a bug in drgen."
            run.enter(_BROKEN.get(run.kind, "UPDATE_ROLLBACK_FAILED"), reason)
        finally:
            with self._store.lock:
                if self._runs[run.stack.id] is run:
                    self._store.end(run.stack)
