"""The components a workload is made of, in the order in which they are added."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drgen.assembly.application import application
from drgen.assembly.backup import backup
from drgen.assembly.buses import events
from drgen.assembly.canary import canary
from drgen.assembly.database import database
from drgen.assembly.extensions import extensions
from drgen.assembly.foundation import foundation
from drgen.assembly.recovery import recovery
from drgen.assembly.services import services
from drgen.assembly.storage import storage
from drgen.assembly.system import System
from drgen.assembly.tables import tables
from drgen.assembly.ties import dns, peering, public_dns
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload

Component = Callable[[System], None]

COMPONENTS: tuple[Component, ...] = (
    foundation,
    database,
    tables,
    storage,
    services,
    recovery,
    application,
    backup,
    events,
    canary,
    peering,
    dns,
    public_dns,
    extensions,
)
"""Each does nothing where the workload does not ask for it."""


def assemble(workload: Workload, packages: Mapping[str, Artifact]) -> tuple[StackDraft, ...]:
    """Every stack of the workload, in deployment order. `packages` are the function packages by their folder's name.

    Raises LinkError where stacks would need each other.
    """
    system = System(workload, packages)
    for component in COMPONENTS:
        component(system)
    return system.stacks()
