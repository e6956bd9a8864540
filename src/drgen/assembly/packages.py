"""The function packages that a workload needs, as folders under lambdas/."""

from __future__ import annotations

from drgen.model.workload import Workload

CANARY = "canary"
"""The canary's script."""

FAILOVER, PROBE = "failover", "probe"
"""The functions of the recovery layer."""


def needed(workload: Workload) -> tuple[str, ...]:
    """Each folder once: those of the recovery layer where there is one, the canary's, then those of the application."""
    own = (*((FAILOVER,) if workload.fails_over else ()), *((PROBE,) if workload.database is not None else ()))
    asked = (CANARY,) if workload.canary is not None else ()
    return tuple(dict.fromkeys([*own, *asked, *(function.source for function in workload.functions)]))
