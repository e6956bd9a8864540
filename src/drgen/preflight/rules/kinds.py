"""DR113: values of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.preflight.kinds import wrong_kinds
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.world import World


@rule(
    "DR113",
    "A property gets the kind of thing that it takes",
    source="Registry schemas (formats and descriptions of properties, primary identifiers)",
)
def property_gets_its_kind(world: World) -> Iterator[Fault | NotDecided]:
    """The value comes from a stack or resource of another kind, or is a name where an ARN is wanted, or the other way
    round. Each template is right alone; the service finds nothing under what it gets, and the stack is rolled back.

    Fix: pass the output or attribute that the message asks for.
    """
    for case in wrong_kinds(world):
        value = case.value
        got = f"{value.attribute} of {value.logical_id} (stack {value.stack}), an {value.type}"
        message = f"{case.path} takes {case.wanted}, but gets {got}"
        yield Fault(case.resource.place(case.path), message, f"pass {case.wanted}")
