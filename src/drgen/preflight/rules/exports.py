"""DR106, DR107, DR112, DR114, DR115: values that templates fetch from other stacks by themselves."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from drgen.preflight.expressions import arguments
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Place, Stack
from drgen.preflight.values import known_text
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule(
    "DR106", "An imported export exists in the stack's own region", source="CloudFormation reference, Fn::ImportValue"
)
def import_exists(world: World) -> Found:
    """Exports belong to one account and region. A name that only another region exports does not exist here.

    Fix: pass the value as a parameter (`from:` in the manifest), or import the name that is really exported.
    """
    exporters = [(stack, name) for stack in world.steps for name in stack.exports]
    for stack in world.stacks.values():
        for section, owner, argument in imports(stack):
            place = stack.section_place(section, owner)
            name = known_text(stack.evaluate(argument, place))
            here = [other.position for other, known in exporters if known == name and other.region == stack.region]
            if name is None:
                yield NotDecided(place, "the name of the imported export is not known")
            elif here and min(here) > stack.position:
                yield Fault(place, f"export {name} is made by a stack that is deployed later", "change the order")
            elif not here:
                elsewhere = [other for other, known in exporters if known == name]
                yield from _missing_export(place, name, stack, elsewhere, [known for _, known in exporters])


def _missing_export(place: Place, name: str, stack: Stack, elsewhere: list[Stack], known: list[str]) -> Found:
    if elsewhere:
        other = elsewhere[0]
        message = f"{name} is exported by stack {other.key} in {other.region}, but imported in {stack.region}"
        yield Fault(place, message, f"make it a parameter with {{from: {{stack: {other.key}, output: ...}}}}")
    elif near := difflib.get_close_matches(name, sorted(known), n=1):
        message = f"no stack of this deployment exports {name} in {stack.region}"
        yield Fault(place, message, f"did you mean {near[0]}?")
    else:
        yield NotDecided(place, f"export {name} is made by no stack of this deployment")


def imports(stack: Stack) -> Iterator[tuple[str, str, Any]]:
    """Every Fn::ImportValue that `stack` evaluates: the section, the resource or output, and the argument as
    written."""
    if not stack.template.uses("Fn::ImportValue"):
        return
    for section in ("Resources", "Outputs"):
        for owner, body in stack.template.section(section).items():
            if section == "Outputs" or owner in stack.resources:
                for argument in arguments(stack.taken(body), "Fn::ImportValue"):
                    yield section, owner, argument


@rule("DR107", "An export name is used once in a region", source="CloudFormation reference, Fn::ImportValue")
def export_is_unique(world: World) -> Found:
    """The second stack that exports the name is rolled back.

    Fix: put the stack's name into the export's name: `!Sub "${AWS::StackName}-VpcId"`.
    """
    owners: dict[tuple[str, str], Stack] = {}
    for stack in world.stacks.values():
        for name, output in stack.exports.items():
            first = owners.setdefault((stack.region, name), stack)
            if first is not stack:
                message = f"export {name} is already made by stack {first.key} in {stack.region}"
                yield Fault(stack.section_place("Outputs", output), message, "add ${AWS::StackName} to the name")


@rule(
    "DR112",
    "Fn::GetStackOutput stands where CloudFormation resolves it",
    source="CloudFormation reference, Fn::GetStackOutput (supported positions)",
    alone=True,
)
def stack_output_position(world: World) -> Found:
    """As the value of an output, in the variables of Fn::Sub, in Fn::Base64, in a condition or in Fn::ImportValue it
    ends in "InternalFailure", which says nothing about the cause; linters accept it.

    Fix: put it into a property of a resource (Join, If and Select may stand around it), or pass a parameter.
    """
    for stack in world.stacks.values():
        if not stack.template.uses("Fn::GetStackOutput"):
            continue
        for name, output in stack.template.section("Outputs").items():
            if isinstance(output, dict) and list(arguments(output.get("Value"), "Fn::GetStackOutput")):
                yield _misused(stack.section_place("Outputs", name), "an output")
        for name, condition in stack.template.section("Conditions").items():
            if list(arguments(condition, "Fn::GetStackOutput")):
                yield _misused(stack.section_place("Conditions", name), "a condition")
        for logical_id, body in stack.template.resources.items():
            for function in ("Fn::Sub", "Fn::Base64", "Fn::ImportValue"):
                if any(list(arguments(argument, "Fn::GetStackOutput")) for argument in arguments(body, function)):
                    yield _misused(stack.place(logical_id), function)


def _misused(place: Place, where: str) -> Fault:
    return Fault(place, f"Fn::GetStackOutput stands in {where}", "make the value a parameter of the stack")


@rule(
    "DR114",
    "Fn::GetStackOutput asks a stack that is there before, for an output that it has",
    source="CloudFormation reference, Fn::GetStackOutput",
)
def asked_output_exists(world: World) -> Found:
    """CloudFormation looks when it makes the stack: another region, a later stack or a misspelt output ends in a
    rollback.

    Fix: name the stack, its region and its output as they are; deploy that stack first.
    """
    for stack in world.stacks.values():
        if not stack.template.uses("Fn::GetStackOutput"):
            continue
        for logical_id in stack.resources:
            place = stack.place(logical_id)
            for argument in arguments(stack.taken(stack.resources[logical_id].body), "Fn::GetStackOutput"):
                if not isinstance(argument, dict):
                    continue
                asked = {key: known_text(stack.evaluate(value, place)) for key, value in argument.items()}
                name, output = asked.get("StackName"), asked.get("OutputName")
                region = asked.get("Region", stack.region)
                if name is None or output is None or region is None:
                    yield NotDecided(place, "the stack, output or region of Fn::GetStackOutput is not known")
                else:
                    yield from _asked(world, stack, place, name, output, region)


def _asked(world: World, stack: Stack, place: Place, name: str, output: str, region: str) -> Found:
    producer = world.stack_named(name, region)
    namesakes = [other for other in world.stacks.values() if other.entry.stack_name == name]
    if producer is None and namesakes:
        message = f"stack {name} is in {namesakes[0].region}, but is asked for in {region}"
        yield Fault(place, message, f"set Region to {namesakes[0].region}")
    elif producer is None:
        yield NotDecided(place, f"stack {name} of {region} is not part of this deployment")
    elif output not in producer.template.section("Outputs"):
        near = difflib.get_close_matches(output, sorted(producer.template.section("Outputs")), n=1)
        fix = f"did you mean {near[0]}?" if near else f"declare output {output} in {producer.template.file}"
        yield Fault(place, f"stack {name} has no output {output}", fix)
    elif producer.position > stack.position:
        yield Fault(place, f"stack {name} is deployed after {stack.key}", f"deploy {producer.key} before {stack.key}")


@rule(
    "DR115",
    "A value of a nested stack is an output that its template declares",
    source="CloudFormation reference, AWS::CloudFormation::Stack (Outputs.NAME)",
)
def nested_output_exists(world: World) -> Found:
    """The child is made in full before CloudFormation notices that the output is missing, and everything is rolled
    back.

    Fix: declare the output in the child's template, or ask for one that it declares.
    """
    for stack in world.stacks.values():
        if not stack.entry.nested:
            continue
        bodies = [
            (name, body, "Resources") for name, body in stack.template.resources.items() if name in stack.resources
        ]
        bodies += [(name, body, "Outputs") for name, body in stack.template.section("Outputs").items()]
        for owner, body, section in bodies:
            for child_id, output in _nested_outputs(stack.taken(body)):
                child = world.child(stack, child_id)
                declared = child.template.section("Outputs") if child is not None else None
                if declared is not None and output not in declared:
                    near = difflib.get_close_matches(output, sorted(declared), n=1)
                    fix = f"did you mean {near[0]}?" if near else f"declare output {output} in the child's template"
                    yield Fault(stack.section_place(section, owner), f"{child_id} has no output {output}", fix)


def _nested_outputs(body: Any) -> Iterator[tuple[str, str]]:
    for argument in arguments(body, "Fn::GetAtt"):
        parts = argument.split(".") if isinstance(argument, str) else argument
        text = ".".join(map(str, parts)) if isinstance(parts, list) else ""
        yield from _output_of(text)
    for argument in arguments(body, "Fn::Sub"):
        text = argument[0] if isinstance(argument, list) and argument else argument
        for name in re.findall(r"\$\{([^!}]+)\}", text) if isinstance(text, str) else ():
            yield from _output_of(name)


def _output_of(name: str) -> Iterator[tuple[str, str]]:
    logical_id, _, rest = name.strip().partition(".Outputs.")
    if rest:
        yield logical_id, rest
