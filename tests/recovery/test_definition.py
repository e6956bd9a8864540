"""The state machine's definition and the permissions of its roles."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from drgen.recovery import permissions
from drgen.recovery.statemachine import SUBSTITUTIONS, definition

SOURCES = Path(permissions.__file__).parent
IAM_PREFIX = {"stepfunctions": "states"}
SERVICES = (
    "cloudformation", "cloudwatch", "ecs", "lambda", "rds", "secretsmanager", "sns", "ssm", "stepfunctions",
)  # fmt: skip
NAMED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}


def targets(state: dict[str, Any]) -> set[str]:
    nested = [*state.get("Choices", []), *state.get("Catch", [])]
    return {item[key] for item in (state, *nested) for key in ("Next", "Default") if key in item}


def test_every_state_says_why_it_is_there_and_leads_somewhere() -> None:
    machine = definition()
    states = machine["States"]
    reached = {machine["StartAt"]}.union(*(targets(state) for state in states.values()))
    assert reached == set(states)
    for name, state in states.items():
        assert state.get("Comment") or state["Type"] == "Succeed", name
        assert targets(state) or state["Type"] in ("Succeed", "Fail"), name


def test_no_task_waits_for_ever_and_every_failure_is_caught() -> None:
    tasks = [state for state in definition()["States"].values() if state["Type"] == "Task"]
    assert len(tasks) == 2
    for task in tasks:
        assert task["TimeoutSeconds"] > 0
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_only_the_two_substitutions_are_left_open() -> None:
    text = str(definition())
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(SUBSTITUTIONS)
    assert "arn:aws" not in text


def test_a_broken_invariant_is_not_tried_again() -> None:
    first = definition()["States"]["Decide"]["Retry"][0]
    assert (first["ErrorEquals"], first["MaxAttempts"]) == (["InvariantBroken"], 0)


def calls_of(paths: list[Path]) -> set[str]:
    """IAM actions of every boto3 operation that the files call."""
    session = botocore.session.get_session()
    actions: dict[str, set[str]] = {}
    for service in (
        "cloudformation",
        "cloudwatch",
        "ecs",
        "lambda",
        "rds",
        "secretsmanager",
        "sns",
        "ssm",
        "stepfunctions",
    ):
        for operation in session.get_service_model(service).operation_names:
            action = f"{IAM_PREFIX.get(service, service)}:{operation}"
            actions.setdefault(xform_name(operation), set()).add(NAMED_OTHERWISE.get(action, action))
    called = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in actions:
                called |= actions[node.func.attr]
    return called


def test_the_failover_function_may_make_each_call_it_makes() -> None:
    packed = [path for path in SOURCES.glob("*.py") if path.name != "execution.py"]
    called = calls_of(packed)
    granted = {action for permission in permissions.FAILOVER for action in permission.actions}
    assert called - granted == set()
    assert {"rds:ModifyDBInstance", "cloudformation:UpdateStack", "states:StartExecution"} <= called


@pytest.mark.parametrize("role", ["FAILOVER", "PROBE", "MACHINE"])
def test_no_action_is_a_wildcard_and_star_resources_are_explained(role: str) -> None:
    for permission in getattr(permissions, role):
        assert all("*" not in action for action in permission.actions)
        if permission.resources == ("*",):
            assert "narrow" in permission.why or permission.condition, permission.sid


def test_every_field_of_a_pattern_is_listed_and_filled() -> None:
    listed = set(re.findall(r"\w+", str(permissions.__doc__).split("fills:")[1].split("Keys are")[0]))
    everything = permissions.FAILOVER + permissions.PROBE + permissions.MACHINE
    texts = [
        text for p in everything for text in (*p.resources, *(v for k in p.condition.values() for v in k.values()))
    ]
    used = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    assert used <= listed
    filled = permissions.allowed(everything, {name: f"<{name}>" for name in used})
    assert "{" not in str([(p.resources, *p.condition.items()) for p in filled]).replace("{'", "").replace("{}", "")
    with pytest.raises(KeyError):
        permissions.allowed(permissions.PROBE, {"partition": "aws"})


def test_the_code_of_the_probe_cannot_use_the_interfaces_that_lambda_makes_for_it() -> None:
    by_sid = {permission.sid: permission for permission in permissions.PROBE}
    given, taken = by_sid["Interfaces"], by_sid["NotByTheFunctionItself"]
    assert (given.denied, taken.denied) == (False, True)
    assert taken.actions == given.actions
    assert list(taken.condition) == ["ArnEquals"]
