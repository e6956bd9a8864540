"""Stacks that a failover reads and updates: it sets one parameter, and every other keeps its value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import explain
from drgen.recovery.facts import Absent, NotObserved, Stack


def describe_stack(
    cloudformation: Any, name: str, parameter: str, *, logical_id: str = ""
) -> Stack | Absent | NotObserved:
    """The stack, with the value of `parameter`, and whether its policy keeps the resource `logical_id`."""
    policy = ""
    try:
        shown = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if logical_id:
            policy = cloudformation.get_stack_policy(StackName=name).get("StackPolicyBody", "")
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "ValidationError"
        return Absent() if missing else NotObserved(explain(error))
    except BotoCoreError as error:
        return NotObserved(explain(error))
    roles = [p for p in shown.get("Parameters", []) if p["ParameterKey"] == parameter]
    failed = shown["StackStatus"].endswith("_FAILED") or "ROLLBACK" in shown["StackStatus"]
    return Stack(
        status=shown["StackStatus"],
        role=roles[0]["ParameterValue"] if roles else "",
        protected=denies_loss(policy, logical_id),
        reason=_first_failure(cloudformation, shown) if failed else "",
    )


def _first_failure(cloudformation: Any, stack: Mapping[str, Any]) -> str:
    """The first failure of the stack's last operation: resource and reason. Later ones only follow from it."""
    reason = str(stack.get("StackStatusReason", ""))
    try:
        events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    except (BotoCoreError, ClientError):
        return reason
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED") and event["PhysicalResourceId"] != stack["StackId"]:
            reason = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        if event.get("ResourceStatusReason") == "User Initiated":
            break
    return reason


def denies_loss(policy: str, logical_id: str) -> bool:
    """Whether the text of a stack policy denies replacing and deleting `logical_id`. Anything in doubt does not count.

    A statement counts if it names the resource or everything, without a condition.
    Source: CloudFormation User Guide, "Prevent updates to stack resources".
    """
    denied: set[str] = set()
    for statement in json.loads(policy).get("Statement", []) if policy else []:
        conditional = "Condition" in statement
        named = _names(statement.get("Resource", []), f"LogicalResourceId/{logical_id}")
        if statement.get("Effect") == "Deny" and not conditional and named:
            actions = statement.get("Action", [])
            denied |= {actions} if isinstance(actions, str) else set(actions)
    return {"Update:Replace", "Update:Delete"} <= denied or "Update:*" in denied


def _names(resources: Any, wanted: str) -> bool:
    return any(fnmatchcase(wanted, pattern) for pattern in ([resources] if isinstance(resources, str) else resources))


def protected_policy(present: str) -> str:
    """The stack policy `present` ("" if there is none) with one more statement: nothing is replaced or deleted.

    Without any policy everything may be updated, and with one nothing that it does not allow: hence the first
    statement. Source: CloudFormation User Guide, "Prevent updates to stack resources".
    """
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": "*"}
    statements = json.loads(present)["Statement"] if present else [allow]
    return json.dumps({"Statement": [*statements, deny]})


def set_parameter(cloudformation: Any, name: str, parameter: str, value: str, token: str) -> None:
    """Starts an update of the stack in which `parameter` gets `value`. Raises what botocore raises."""
    shown = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    cloudformation.update_stack(**update_of(shown, parameter, value, token))


def update_of(shown: Mapping[str, Any], parameter: str, value: str, token: str) -> dict[str, Any]:
    """The arguments of UpdateStack for the stack `shown` (as DescribeStacks gives it): nothing is rolled back.

    A rollback would take away what was gained; for a promotion it could only put the source back by replacement.
    """
    others = [p["ParameterKey"] for p in shown.get("Parameters", []) if p["ParameterKey"] != parameter]
    return {
        "StackName": shown["StackName"],
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": parameter, "ParameterValue": value},
            *({"ParameterKey": name, "UsePreviousValue": True} for name in others),
        ],
        "Capabilities": list(shown.get("Capabilities", [])),
        "DisableRollback": True,
        "ClientRequestToken": re.sub("[^a-zA-Z0-9]+", "-", token)[:128],
    }


def may_pass(error: ClientError) -> bool:
    """Whether the same call may succeed later: too many requests, or somebody else is changing the stack."""
    told = error.response["Error"]
    return "Throttl" in told.get("Code", "") or "_IN_PROGRESS" in told.get("Message", "")
