"""What the small overlays share: one call at a time, answered by a table of operations, over a state that is kept."""

from __future__ import annotations

import copy
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from drgen.local.api import Call
from drgen.local.providers.provider import Environment

Handler = Callable[[Call], Mapping[str, Any]]


class Overlay(ABC):
    """Some operations of a service. `tables` holds all its state, by the name of the table and then by key."""

    def __init__(self, env: Environment, *tables: str) -> None:
        self._env = env
        self._lock = threading.RLock()
        self._tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in tables}

    @abstractmethod
    def handlers(self) -> Mapping[str, Handler]:
        """What answers each operation. It is called while no other call is."""

    @cached_property
    def _by_operation(self) -> Mapping[str, Handler]:
        return self.handlers()

    def operations(self) -> frozenset[str]:
        return frozenset(self._by_operation)

    def handle(self, call: Call) -> Mapping[str, Any]:
        with self._lock:
            return self._by_operation[call.operation](call)

    def dump(self) -> Any:
        with self._lock:
            return copy.deepcopy(self._tables)

    def restore(self, state: Any) -> None:
        with self._lock:
            self._tables = copy.deepcopy(state)
