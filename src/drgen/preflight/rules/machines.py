"""DR54x: state machines as graphs, and what their kind can do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
MACHINE = "AWS::StepFunctions::StateMachine"
LANGUAGE = "Amazon States Language specification"
GUIDE = "AWS Step Functions Developer Guide"

Graph = Mapping[str, Any]


def definitions(world: World) -> Iterator[tuple[Resource, str, Graph]]:
    """Every machine whose definition is known, with the property that holds it. Unknown parts inside are `*`."""
    for machine in world.resources(MACHINE):
        for value in machine.values("Definition"):
            if isinstance(value, Mapping):
                yield machine, "Definition", value
        text = pattern(machine.value("DefinitionString"))
        graph = _read(text) if text else None
        if graph is not None:
            yield machine, "DefinitionString", graph


def _read(text: str) -> Graph | None:
    try:
        graph = json.loads(text)
    except ValueError:
        return None
    return graph if isinstance(graph, dict) else None


def graphs(graph: Graph, name: str = "the machine") -> Iterator[tuple[str, Graph]]:
    """`graph` and every graph inside its Parallel and Map states, each with its name."""
    yield name, graph
    for state_name, state in _states(graph).items():
        inner = [*_listed(state, "Branches"), state.get("Iterator"), state.get("ItemProcessor")]
        for part in inner:
            if isinstance(part, Mapping):
                yield from graphs(part, state_name)


def _states(graph: Graph) -> Mapping[str, Graph]:
    states = graph.get("States")
    if not isinstance(states, Mapping):
        return {}
    return {str(name): state for name, state in states.items() if isinstance(state, Mapping)}


def _next_of(state: Graph) -> Iterator[str]:
    """Every name that the state may go to."""
    for place in (state, *_listed(state, "Catch"), *_listed(state, "Choices")):
        if isinstance(place, Mapping) and (target := pattern(place.get("Next"))):
            yield target
    if default := pattern(state.get("Default")):
        yield default


def _listed(state: Graph, name: str) -> list[Any]:
    items = state.get(name)
    return items if isinstance(items, list) else []


def _resource(state: Graph) -> str:
    return pattern(state.get("Resource")) or ""


@rule("DR540", "A state machine goes to states that it has", source=f"{LANGUAGE}, Transitions", alone=True)
def transitions_exist(world: World) -> Found:
    """Step Functions refuses the definition (MISSING_TRANSITION_TARGET), and the stack is rolled back.

    Fix: correct the name; states inside Parallel and Map are of their own graph.
    """
    for machine, path, whole in definitions(world):
        for name, graph in graphs(whole):
            states = _states(graph)
            if not states or "*" in "".join(states):
                continue
            start = graph.get("StartAt")
            if isinstance(start, str) and "*" not in start and start not in states:
                yield Fault(machine.place(path), f"StartAt of {name} names {start}, which is no state", "correct it")
            for state_name, state in states.items():
                for target in _next_of(state):
                    if target not in states and "*" not in target:
                        message = f"state {state_name} goes to {target}, which is no state of {name}"
                        yield Fault(machine.place(path), message, "correct the name of the next state")


@rule(
    "DR541", "A state machine can reach every state, and comes to an end", source=f"{LANGUAGE}, Transitions", alone=True
)
def machine_ends(world: World) -> Found:
    """Step Functions refuses a definition with a state that has neither Next nor End. A state that nothing leads to
    is refused, too: a step that was meant to happen never would.

    Fix: add Next or End: true; lead to the state, or remove it.
    """
    for machine, path, whole in definitions(world):
        for name, graph in graphs(whole):
            states = _states(graph)
            if not states or "*" in "".join(states):
                continue
            for state_name, state in states.items():
                ends = state.get("Type") in ("Succeed", "Fail", "Choice") or state.get("End") is not None
                if state.get("Type") and not ends and "Next" not in state:
                    yield Fault(machine.place(path), f"state {state_name} has neither Next nor End", "add one of them")
            known = all("*" not in target for state in states.values() for target in _next_of(state))
            lost = sorted(set(states) - _reached(graph, states)) if known and graph.get("StartAt") in states else []
            if lost:
                yield Fault(machine.place(path), f"nothing in {name} leads to {', '.join(lost)}", "lead to it")


def _reached(graph: Graph, states: Mapping[str, Graph]) -> set[str]:
    found: set[str] = set()
    waiting = [str(graph.get("StartAt"))]
    while waiting:
        name = waiting.pop()
        if name in states and name not in found:
            found.add(name)
            waiting += _next_of(states[name])
    return found


@rule(
    "DR542",
    "An express machine waits for nothing",
    source=f"{GUIDE}, Discover service integration patterns",
    alone=True,
)
def express_does_not_wait(world: World) -> Found:
    """Express workflows know only request and response: a task that waits for a job (.sync) or for a task token is
    refused. An approval needs a standard machine.

    Fix: set StateMachineType: STANDARD, or take the suffix away.
    """
    for machine, path, whole in definitions(world):
        if machine.text("StateMachineType") != "EXPRESS":
            continue
        for _, graph in graphs(whole):
            for name, state in _states(graph).items():
                resource = _resource(state)
                if re.search(r"\.(sync(:2)?|waitForTaskToken)$", resource):
                    message = f"state {name} waits ({resource.rsplit('.', 1)[-1]}), and the machine is express"
                    yield Fault(machine.place(path), message, "set StateMachineType: STANDARD")


@rule(
    "DR543",
    "A state machine logs to a log group's ARN with its last part",
    source="Step Functions API Reference, CloudWatchLogsLogGroup (the ARN must end with :*)",
    alone=True,
)
def log_group_arn(world: World) -> Found:
    """Step Functions refuses the machine where the log group's ARN does not end with `:*`.

    Fix: use `!GetAtt Group.Arn`, which ends so, or add `:*` to the text.
    """
    for machine in world.resources(MACHINE):
        for value in machine.values("LoggingConfiguration.Destinations.CloudWatchLogsLogGroup.LogGroupArn"):
            whole = arn(value)
            if whole is not None and "log-group:" in whole.resource and not whole.resource.endswith("*"):
                yield Fault(machine.place("LoggingConfiguration"), "the log group's ARN ends without :*", "add :*")


SDK_TASK = re.compile(r"arn:[^:]*:states:::aws-sdk:(\w+):(\w+)")


@rule(
    "DR544",
    "An SDK task spells its parameters as Step Functions does",
    source=f"{GUIDE}, AWS SDK service integrations (parameter names in PascalCase)",
    severity=Severity.WARNING,
    alone=True,
)
def sdk_parameters(world: World) -> Found:
    """Step Functions takes parameters of rds and others in the spelling of the SDK for Java: DbInstanceIdentifier, not
    DBInstanceIdentifier. The machine is accepted; the step fails when the failover reaches it.

    Fix: write Db instead of DB in the names of parameters.
    """
    for machine, path, whole in definitions(world):
        for _, graph in graphs(whole):
            for name, state in _states(graph).items():
                task = SDK_TASK.match(_resource(state))
                if task is None or task[1] not in ("rds", "docdb", "neptune"):
                    continue
                given = state.get("Parameters") or state.get("Arguments") or {}
                names = map(str, given) if isinstance(given, Mapping) else ()
                wrong = sorted(key for key in names if re.match(r"\w*DB[A-Z]", key))
                if wrong:
                    message = f"state {name} of {task[1]}:{task[2]} is given {', '.join(wrong)}"
                    yield Fault(machine.place(path), message, f"write {wrong[0].replace('DB', 'Db')}")
