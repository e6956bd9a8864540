"""The embedded CloudFormation: one object that answers the API. BEHAVIOUR.md says how it behaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.change_set_calls import ChangeSetCalls
from drgen.local.cloudformation.event_reading import EventReading
from drgen.local.cloudformation.handlers import Handlers
from drgen.local.cloudformation.reading import StackReading
from drgen.local.cloudformation.run import Engine, Runs
from drgen.local.cloudformation.stack_calls import StackCalls
from drgen.local.cloudformation.store import Store
from drgen.local.providers.provider import Environment, Provider


class CloudFormation:
    """Implements drgen.local.api.Service for all regions. `zones` gives the zone names of a region, in order."""

    def __init__(self, env: Environment, providers: Mapping[str, Provider], zones: Callable[[str], list[str]]) -> None:
        self._store = Store()
        engine = Engine(env, self._store, Handlers(env, providers, self._store), zones)
        stacks = StackCalls(engine, Runs(self._store))
        self._table: Mapping[str, Callable[[Call], Mapping[str, Any]]] = {
            **stacks.table(),
            **ChangeSetCalls(engine, stacks).table(),
            **StackReading(self._store).table(),
            **EventReading(engine).table(),
        }

    def operations(self) -> frozenset[str]:
        return frozenset(self._table)

    def handle(self, call: Call) -> Mapping[str, Any]:
        if call.operation not in self._table:
            raise ApiError("InvalidAction", f"The embedded AWS does not answer cloudformation:{call.operation}")
        return self._table[call.operation](call)

    def dump(self) -> Any:
        """Operations that still run are left out: their stacks are as they were before."""
        return self._store.dump()

    def restore(self, state: Any) -> None:
        self._store.restore(state)
