"""The function packages that a workload needs, as folders under lambdas/."""

from __future__ import annotations

from drgen.assembly.canary import PACKAGE
from drgen.assembly.recovery import FUNCTIONS
from drgen.model.workload import Workload


def needed(workload: Workload) -> tuple[str, ...]:
    """Each folder once: those of the recovery layer where there is one, the canary's, then those of the application."""
    own = FUNCTIONS if workload.database is not None else ()
    asked = (PACKAGE,) if workload.canary is not None else ()
    return tuple(dict.fromkeys([*own, *asked, *(function.source for function in workload.functions)]))
