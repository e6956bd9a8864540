"""DR116, DR117: what a template demands of its parameters and of the call that makes its stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Stack
from drgen.preflight.values import known_text, leaves
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule("DR116", "A value is one that its parameter allows", source="CloudFormation User Guide, Parameters (constraints)")
def value_is_allowed(world: World) -> Found:
    """CloudFormation refuses the stack before it makes anything, with the stacks before it already made. Also a value
    that another stack puts out must fit.

    Fix: give a value that AllowedValues, AllowedPattern and the limits of the parameter accept.
    """
    for stack in world.steps:
        for name, declared in stack.template.section("Parameters").items():
            if name not in stack.given or not isinstance(declared, Mapping):
                continue
            if str(declared.get("Type", "")).startswith("AWS::SSM::"):
                continue
            for leaf in leaves(stack.parameter(name)):
                text = known_text(leaf)
                refused = _refused(declared, text) if text is not None else ""
                if refused:
                    message = f"parameter {name} gets {_shown(declared, text)}, and {refused}"
                    yield Fault(_place(world, stack, name), message, "give a value that the parameter allows")


def _place(world: World, stack: Stack, name: str) -> Any:
    own = stack.key == stack.entry.stack
    return world.place(stack, name) if own else stack.section_place("Parameters", name)


def _shown(declared: Mapping[str, Any], text: str | None) -> str:
    hidden = str(declared.get("NoEcho", "")).lower() == "true"
    return "a secret value" if hidden else repr(text)


def _refused(declared: Mapping[str, Any], text: str) -> str:
    """Why the parameter refuses `text`; "" if it takes it."""
    allowed = declared.get("AllowedValues")
    if isinstance(allowed, list) and text not in [known_text(value) for value in allowed]:
        return f"AllowedValues are {', '.join(map(str, allowed))}"
    pattern = declared.get("AllowedPattern")
    if isinstance(pattern, str) and _matches(pattern, text) is False:
        return f"AllowedPattern is {pattern}"
    numeric = str(declared.get("Type")) in ("Number", "List<Number>")
    if numeric and not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text):
        return "it is of type Number"
    for key, size in (("Length", float(len(text))), ("Value", float(text) if numeric else None)):
        least, most = declared.get(f"Min{key}"), declared.get(f"Max{key}")
        if size is not None and least is not None and size < float(least):
            return f"Min{key} is {least}"
        if size is not None and most is not None and size > float(most):
            return f"Max{key} is {most}"
    return ""


def _matches(pattern: str, text: str) -> bool | None:
    """Whether all of `text` matches; None for a pattern that Java reads and Python does not."""
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return None


NAMES = {
    "AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::InstanceProfile": "InstanceProfileName",
}  # fmt: skip
"""Types whose names of your own need CAPABILITY_NAMED_IAM. Source: CloudFormation API, CreateStack, Capabilities."""

PLAIN = frozenset({*NAMES, "AWS::IAM::Policy", "AWS::IAM::AccessKey", "AWS::IAM::UserToGroupAddition"})


@rule(
    "DR117",
    "A stack is made with the capabilities that its template needs",
    source="CloudFormation API, CreateStack, Capabilities",
)
def capabilities_are_given(world: World) -> Found:
    """CloudFormation refuses the stack: "Requires capabilities : [CAPABILITY_NAMED_IAM]", after the stacks before it
    were made. A manifest that lists none leaves them to the tool that deploys; one that lists some must list all.

    Fix: add the capability to the stack's `capabilities` in the manifest.
    """
    for stack in world.steps:
        if stack.key != stack.entry.stack:
            continue
        identities = [resource for resource in stack.resources.values() if resource.type in PLAIN]
        named = any(found.has(NAMES[found.type]) for found in identities if found.type in NAMES)
        given = set(stack.entry.capabilities)
        missing = []
        if named and "CAPABILITY_NAMED_IAM" not in given:
            missing.append("CAPABILITY_NAMED_IAM")
        elif identities and not given & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
            missing.append("CAPABILITY_IAM")
        if stack.template.body.get("Transform") and "CAPABILITY_AUTO_EXPAND" not in given:
            only_language = stack.template.body.get("Transform") == "AWS::LanguageExtensions"
            missing += [] if only_language else ["CAPABILITY_AUTO_EXPAND"]
        message = f"stack {stack.key} needs {' and '.join(missing)}"
        if missing and given:
            yield Fault(world.place(stack, ""), message, f"list {', '.join(missing)} under capabilities")
        elif missing:
            yield NotDecided(world.place(stack, ""), f"{message}, and the manifest leaves that to who deploys")
