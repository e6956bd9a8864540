"""DR10x: parameters, outputs, exports and the order of stacks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drgen.model.deployment import FromOutput
from drgen.model.finding import Severity
from drgen.preflight.expressions import arguments, references
from drgen.preflight.requirements import misplaced_in_own_region
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Stack
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
PARAMETERS = "CloudFormation User Guide, Parameters"


def _near(name: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _flows(stack: Stack) -> Iterator[tuple[str, FromOutput]]:
    if stack.key == stack.entry.stack:
        for name, source in stack.entry.parameters.items():
            if isinstance(source, FromOutput):
                yield name, source


@rule("DR101", "Every value comes from an output that exists", source="CloudFormation User Guide, Outputs")
def output_exists(world: World) -> Found:
    """A deployment that asks for an output nobody declares stops half-way, with the stacks before it already made.

    Fix: declare the output in the producing template, or name one that it declares.
    """
    for stack in world.steps:
        for name, source in _flows(stack):
            producer = world.stacks.get(source.stack)
            if producer is None:
                continue
            declared = producer.template.section("Outputs")
            if source.output in declared:
                if producer.leaves_out(source.output):
                    message = f"the condition of output {source.output} of stack {source.stack} does not hold"
                    fix = f"take the value of a stack where it holds, or correct it for {producer.region}"
                    yield Fault(world.place(stack, name), message, fix)
                continue
            if unlisted := producer.unlisted("Outputs"):
                yield NotDecided(
                    world.place(stack, name), f"{source.stack} may have output {source.output}: {unlisted}"
                )
            else:
                fix = _near(source.output, declared, f"add output {source.output} to {producer.template.file}")
                message = f"parameter {name} wants output {source.output} of stack {source.stack}, which has none"
                yield Fault(world.place(stack, name), message, fix)


@rule("DR102", "Every parameter without a default has a value", source=PARAMETERS)
def parameter_has_value(world: World) -> Found:
    """CloudFormation refuses the stack before it makes anything; the stacks before it are there already.

    Fix: give the parameter a value in the manifest, or a Default in the template.
    """
    for stack in world.steps:
        for name, declared in stack.template.section("Parameters").items():
            if name not in stack.given and isinstance(declared, dict) and "Default" not in declared:
                place = stack.section_place("Parameters", name)
                message = f"parameter {name} of stack {stack.key} gets no value and has no default"
                yield Fault(place, message, f"add {name} to the parameters of {stack.key} in the manifest")


@rule("DR103", "Every value goes to a parameter that the template declares", source=PARAMETERS)
def parameter_is_declared(world: World) -> Found:
    """CloudFormation refuses a parameter that it does not know, so the stack is never made.

    Fix: correct the name, declare the parameter, or take it out of the manifest.
    """
    for stack in world.steps:
        declared = stack.template.section("Parameters")
        for name in stack.given:
            if name not in declared:
                place = world.place(stack, name) if stack.key == stack.entry.stack else stack.place("", "")
                fix = _near(name, declared, f"remove {name} from the manifest, or declare it in the template")
                yield Fault(place, f"the template of stack {stack.key} has no parameter {name}", fix)


@rule("DR104", "A stack is deployed after the stacks whose outputs it needs", source="drgen: order of a deployment")
def producer_comes_first(world: World) -> Found:
    """The value does not exist yet when the stack is made: the first deployment fails, later ones use an old value.

    Fix: move the stack behind its producer in deploy.yaml; where both need each other, make one value late.
    """
    cyclic = {key for path in _cycles(world) for key in path}
    for stack in world.steps:
        for name, source in _flows(stack):
            producer = world.first.get(source.stack)
            both_cyclic = stack.key in cyclic and source.stack in cyclic
            if not source.late and producer is not None and producer > world.order(stack) and not both_cyclic:
                message = f"stack {stack.key} takes {name} from stack {source.stack}, which is deployed after it"
                yield Fault(world.place(stack, name), message, f"list {source.stack} before {stack.key}")


@rule("DR105", "No two stacks need each other", source="drgen: order of a deployment")
def no_cycle(world: World) -> Found:
    """No order can deploy stacks that wait for each other.

    Fix: make one of the values late (empty default, used under a condition), or move it to a stack of its own.
    """
    for path in _cycles(world):
        stack = world.stacks[path[0]]
        name = next(name for name, source in _flows(stack) if source.stack == path[1] and not source.late)
        message = f"these stacks wait for each other: {' -> '.join(path)}"
        yield Fault(world.place(stack, name), message, f"make {name} late: `late: true` in the manifest, default ''")


def _cycles(world: World) -> list[tuple[str, ...]]:
    """One path per cycle among the stacks, from its first stack (in the manifest's order) back to itself."""
    needs = {
        key: sorted({source.stack for _, source in _flows(stack) if not source.late and source.stack != key})
        for key, stack in world.stacks.items()
    }
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in needs:
        if start in seen:
            continue
        path = _way_back(start, needs)
        if path:
            found.append(path)
            seen |= set(path)
    return found


def _way_back(start: str, needs: Mapping[str, list[str]]) -> tuple[str, ...]:
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for following in needs.get(way[-1], ()):
            if following == start:
                return (*way, start)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()


@rule("DR108", "A late value is used only under a condition that asks for it", source="drgen: late parameters")
def late_value_is_guarded(world: World) -> Found:
    """On its first deployment the stack gets the empty default: a property that uses it unconditionally fails.

    Fix: put the property or the resource under a condition such as `!Not [!Equals [!Ref Name, ""]]`.
    """
    for stack in world.stacks.values():
        for name, source in _flows(stack):
            if not source.late:
                continue
            declared = stack.template.section("Parameters").get(name)
            if isinstance(declared, dict) and "Default" not in declared:
                place = stack.section_place("Parameters", name)
                yield Fault(place, f"late parameter {name} has no default for the first pass", "add `Default: ''`")
            guards = _conditions_on(stack, name)
            for logical_id, body in stack.template.resources.items():
                if str(body.get("Condition")) not in guards and _used_bare(body.get("Properties"), name, guards):
                    message = f"{logical_id} uses late parameter {name} also where it is still empty"
                    fix = f"give the resource or the property a condition on {name}"
                    yield Fault(stack.place(logical_id), message, fix)


def _conditions_on(stack: Stack, parameter: str) -> set[str]:
    conditions = stack.template.section("Conditions")
    found = {name for name, body in conditions.items() if parameter in set(references(body))}
    while more := {n for n, b in conditions.items() if n not in found and set(arguments(b, "Condition")) & found}:
        found |= more
    return found


def _used_bare(node: Any, parameter: str, guards: set[str]) -> bool:
    if isinstance(node, list):
        return any(_used_bare(item, parameter, guards) for item in node)
    if not isinstance(node, dict):
        return False
    branches = node.get("Fn::If")
    if isinstance(branches, list) and branches and str(branches[0]) in guards:
        return False
    if set(node) & {"Ref", "Fn::Sub"} and parameter in set(references(node)):
        return True
    return any(_used_bare(item, parameter, guards) for item in node.values())


@rule("DR109", "Every expression can be evaluated", source="CloudFormation reference, Intrinsic functions")
def expressions_resolve(world: World) -> Found:
    """A mapping without an entry for the stack's region stops the deployment there: `Unable to get mapping`. What drgen
    cannot evaluate for other reasons, no other rule can judge; those places are listed as not checked.

    Fix: add the entry; else see what cfn-lint says about the place, where most often a name is misspelt.
    """
    for stack in world.stacks.values():
        for resource in stack.resources.values():
            _ = resource.properties
        for output in stack.template.section("Outputs"):
            stack.output(output)
        for place, reason in stack.problems:
            missing = "has no entry for" in reason and place.address.split("/")[1] in stack.resources
            if missing:
                yield Fault(place, reason, f"add an entry for {stack.region}, or a DefaultValue")
            else:
                yield NotDecided(place, reason)


@rule(
    "DR110",
    "A property that means its own region gets a value of that region",
    source="Registry schemas (property descriptions); user guides: keys, topics, networks and groups are regional",
    alone=True,
)
def value_is_of_own_region(world: World) -> Found:
    """Keys, topics, subnets, groups, functions and buckets exist in one region. The service of this region looks for
    the value at home and does not find it.

    Fix: make the thing in this region, too, and pass that one.
    """
    for case in misplaced_in_own_region(world):
        message = f"{case.path} of a resource in {case.wanted} gets {case.what}, which belongs to {case.found}"
        fix = f"use one that is made in {case.wanted}"
        # Where no table speaks of the property, its name and all its kin do.
        yield Fault(case.resource.place(case.path), message, fix, None if case.certain else Severity.WARNING)


@rule("DR111", "A parameter gets a value of its kind", source="CloudFormation User Guide, AWS-specific parameter types")
def value_has_kind(world: World) -> Found:
    """CloudFormation checks typed parameters (`AWS::EC2::VPC::Id`) before it makes the stack, and refuses others.

    Fix: pass the output that holds this kind of value.
    """
    for stack in world.stacks.values():
        for name, declared in stack.template.section("Parameters").items():
            kind = str(declared.get("Type", "")) if isinstance(declared, dict) else ""
            wanted = kind.removeprefix("List<").removesuffix(">")
            if name not in stack.given or not wanted.startswith("AWS::") or wanted.count("::") != 3:
                continue
            value = stack.parameter(name)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Attribute) and _other_kind(wanted, item):
                    got = f"{item.attribute} of {item.logical_id}, an {item.type}"
                    message = f"parameter {name} is an {wanted}, but gets {got}"
                    yield Fault(world.place(stack, name), message, "pass the value that the parameter names")


def _other_kind(wanted: str, value: Attribute) -> bool:
    if not wanted.endswith("::Id"):
        return False
    other_type = value.type.startswith("AWS::EC2::") and wanted.removesuffix("::Id") != value.type
    return value.attribute.endswith("Arn") or (value.attribute == "Ref" and other_type)
