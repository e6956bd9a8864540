"""The components a workload is made of, in the order in which they are added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from drgen.assembly.system import System
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload


class Component(NamedTuple):
    """A function of the system, by module and name. It is imported and runs where the workload has `section`."""

    module: str
    function: str
    section: str = ""
    """Empty: every workload has it."""

    def load(self) -> Any:
        """The function."""
        return getattr(import_module(f"drgen.assembly.{self.module}"), self.function)


COMPONENTS = (
    Component("foundation", "foundation"),
    Component("database", "database", "postgres"),
    Component("aurora", "aurora", "aurora"),
    Component("tables", "tables", "tables"),
    Component("storage", "storage", "buckets"),
    Component("buses", "events", "events"),
    Component("services", "services", "services"),
    Component("application", "application", "functions"),
    Component("recovery", "recovery", "fails_over"),
    Component("backup", "backup", "backup"),
    Component("canary", "canary", "canary"),
    Component("ties", "peering"),
    Component("names", "private_names", "dns"),
    Component("names", "public_name", "dns"),
    Component("extensions", "extensions", "extensions"),
)


def components(workload: Workload) -> Iterator[Component]:
    """Those that `workload` asks for. What it does not declare is not even imported: a build should take no time."""
    return (each for each in COMPONENTS if not each.section or getattr(workload, each.section))


def assemble(workload: Workload, packages: Mapping[str, Artifact]) -> tuple[StackDraft, ...]:
    """Every stack of the workload, in deployment order. `packages` are the function packages by their folder's name.

    Raises LinkError where stacks would need each other.
    """
    system = System(workload, packages)
    for component in components(workload):
        component.load()(system)
    return system.stacks()
