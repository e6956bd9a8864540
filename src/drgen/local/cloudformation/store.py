"""All stacks of the account, and what must be unique or is shared between them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.cloudformation.records import Output, Resource, Stack, stack_from_json


class Store:
    """Stacks by region. Hold `lock` while reading or changing one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._stacks: dict[str, Stack] = {}
        self._settled: dict[str, dict[str, Any]] = {}
        self._names: dict[tuple[str, str, str], str] = {}

    def add(self, stack: Stack) -> None:
        with self.lock:
            self._stacks[stack.id] = stack

    def begin(self, stack: Stack) -> None:
        """Remembers `stack` as it is before an operation, for a dump during it.

        An operation that cuts another one short has that one's beginning as its own.
        """
        with self.lock:
            if not stack.running or stack.id not in self._settled:
                self._settled[stack.id] = stack.to_json()

    def end(self, stack: Stack) -> None:
        with self.lock:
            self._settled.pop(stack.id, None)

    def stacks(self, region: str) -> list[Stack]:
        """Newest first, deleted ones included."""
        with self.lock:
            found = [stack for stack in self._stacks.values() if stack.region == region]
        return sorted(found, key=lambda stack: -stack.created)

    def resources(self) -> list[Resource]:
        """Every resource of every stack and region that exists."""
        with self.lock:
            return [resource for stack in self._stacks.values() for resource in stack.exists()]

    def find(self, region: str, name_or_id: str) -> Stack | None:
        """By name only if it is not deleted; by id in any state."""
        with self.lock:
            if name_or_id in self._stacks:
                stack = self._stacks[name_or_id]
                return stack if stack.region == region else None
            living = (stack for stack in self.stacks(region) if stack.name == name_or_id and not stack.gone)
            return next(living, None)

    def get(self, region: str, name_or_id: str, message: str = "Stack with id {} does not exist") -> Stack:
        """The stack. Raises ApiError (ValidationError) if there is none."""
        stack = self.find(region, name_or_id)
        if stack is None:
            raise ApiError("ValidationError", message.format(name_or_id))
        return stack

    def exports(self, region: str) -> Iterator[tuple[Stack, Output]]:
        """Each export of the region with the stack it comes from, by name."""
        with self.lock:
            found = [
                (stack, output)
                for stack in self.stacks(region)
                if not stack.gone
                for output in stack.outputs
                if output.export
            ]
        yield from sorted(found, key=lambda item: str(item[1].export))

    def importers(self, region: str, export: str) -> list[str]:
        """Names of the stacks that import `export`."""
        with self.lock:
            return sorted(s.name for s in self.stacks(region) if not s.gone and export in s.imports)

    def claim(self, region: str, type_name: str, physical_id: str, stack_id: str) -> str | None:
        """Takes a physical id for a resource; the id of the stack that has it already, or None if it was free."""
        with self.lock:
            key = (region, type_name, physical_id)
            holder = self._names.get(key)
            self._names.setdefault(key, stack_id)
            return holder

    def is_claimed(self, region: str, type_name: str, physical_id: str) -> bool:
        with self.lock:
            return (region, type_name, physical_id) in self._names

    def release(self, region: str, type_name: str, physical_id: str) -> None:
        with self.lock:
            self._names.pop((region, type_name, physical_id), None)

    def dump(self) -> Any:
        """Stacks as their last finished operation left them; one whose first creation still runs is left out."""
        with self.lock:
            stacks = [
                self._settled[stack.id] if stack.running and stack.id in self._settled else stack.to_json()
                for stack in self._stacks.values()
            ]
            return {
                "stacks": [state for state in stacks if state["status"] != ""],
                "names": [[*key, holder] for key, holder in self._names.items()],
            }

    def restore(self, state: Mapping[str, Any]) -> None:
        with self.lock:
            self._stacks = {item["id"]: stack_from_json(item) for item in state["stacks"]}
            self._settled = {}
            self._names = {(region, kind, name): holder for region, kind, name, holder in state["names"]}
