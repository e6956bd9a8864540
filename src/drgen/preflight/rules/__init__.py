"""The registry: every rule of preflight, by family. An id is never used for another rule."""

from drgen.preflight.rule import Rule
from drgen.preflight.rules import (
    alarms,
    buckets,
    dns,
    encryption,
    exports,
    functions,
    kinds,
    literals,
    names,
    network,
    order,
    quotas,
    replicas,
    stability,
    suppressions,
    tables,
    wiring,
)

FAMILIES = {
    "DR0": "Suppressions",
    "DR1": "Wiring and order",
    "DR2": "Static stability and control path",
    "DR3": "Data stores and replication",
    "DR4": "Network and DNS",
    "DR5": "Compute, functions and events",
    "DR6": "Identity, encryption and secrets",
    "DR7": "Names, tags and limits",
    "DR8": "Alarms",
}

_MODULES = (
    suppressions,
    wiring,
    exports,
    order,
    kinds,
    literals,
    stability,
    replicas,
    buckets,
    tables,
    network,
    dns,
    functions,
    encryption,
    names,
    quotas,
    alarms,
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (value for module in _MODULES for value in vars(module).values() if isinstance(value, Rule)),
        key=lambda rule: rule.id,
    )
)
