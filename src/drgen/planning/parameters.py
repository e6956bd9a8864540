"""Where each parameter of a stack gets its value, decided from what is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from drgen.model.deployment import FromOutput, StackEntry
from drgen.model.plan import Keep, Known, ParameterValue, Pending, Step


@dataclass(frozen=True)
class NotDeployed:
    """The producer does not exist."""


@dataclass(frozen=True)
class NoOutput:
    """The producer exists and has only these outputs."""

    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Dark:
    """The producer's region does not answer."""

    region: str


Lookup = Known | Pending | NotDeployed | NoOutput | Dark


@dataclass(frozen=True)
class Missing:
    """A value the stack cannot do without."""

    parameter: str
    problem: str
    fix: str


@dataclass(frozen=True)
class Decided:
    """`kept` names parameters that keep their value because a region does not answer."""

    values: Mapping[str, ParameterValue]
    missing: tuple[Missing, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def pending(self) -> tuple[str, ...]:
        return tuple(f"{v.stack}.{v.output}" for v in self.values.values() if isinstance(v, Pending))


def decide_parameters(
    step: Step,
    *,
    declared: Mapping[str, Any],
    previous: Collection[str],
    lookup: Callable[[FromOutput], Lookup],
) -> Decided:
    """What every parameter the template declares gets.

    `declared` is the template's Parameters section; `previous` names the parameters the live stack has.
    A parameter the manifest does not mention keeps its value.
    """
    values: dict[str, ParameterValue] = {}
    missing: list[Missing] = []
    kept: list[str] = []
    for name in step.entry.parameters:
        if name not in declared:
            fix = f"remove it from the manifest, or declare it under Parameters in {step.entry.template}"
            missing.append(Missing(name, f"the template has no parameter {name}", fix))
    for name, declaration in declared.items():
        found = _value(step, name, lookup)
        if isinstance(found, Dark):
            kept.append(name)
            found = Keep() if name in previous else found
        if isinstance(found, Keep) and name not in previous and not _has_default(declaration):
            fix = f"give it a value in the manifest, or a Default in {step.entry.template}"
            missing.append(Missing(name, f"parameter {name} has no value", fix))
        elif isinstance(found, Known | Keep | Pending):
            values[name] = found
        else:
            missing.append(_missing(step.entry, name, found))
    return Decided(values, tuple(missing), tuple(kept))


def _has_default(declaration: Any) -> bool:
    return isinstance(declaration, Mapping) and "Default" in declaration


def _value(step: Step, name: str, lookup: Callable[[FromOutput], Lookup]) -> Lookup | Keep:
    entry = step.entry
    if name not in entry.parameters or name in step.deferred:
        return Keep()
    source = entry.parameters[name]
    match source:
        case str():
            return Known(source)
        case FromOutput():
            found = lookup(source)
            return Keep() if source.late and isinstance(found, NotDeployed | Dark) else found
        case _:
            assert_never(source)


def _missing(entry: StackEntry, name: str, found: NotDeployed | NoOutput | Dark) -> Missing:
    source = entry.parameters[name]
    assert isinstance(source, FromOutput)
    match found:
        case NotDeployed():
            problem = f"parameter {name} needs output {source.output} of stack {source.stack}, which does not exist"
            return Missing(name, problem, f"deploy {source.stack} first")
        case NoOutput(outputs):
            has = ", ".join(outputs) or "none"
            problem = f"parameter {name} needs output {source.output} of stack {source.stack}, whose outputs are: {has}"
            return Missing(name, problem, f"add output {source.output} to {source.stack}, or correct the manifest")
        case Dark(region):
            problem = f"parameter {name} needs stack {source.stack}, and {region} does not answer"
            return Missing(
                name, problem, f"wait for {region}: this stack was never deployed, so it has no value to keep"
            )
        case _:
            assert_never(found)
