"""The loop that drives a failover, as an Amazon States Language definition: decide, act, wait, ask, until it ends."""

from __future__ import annotations

from typing import Any

APPROVAL_TIMEOUT_S = 4 * 3600
RUN_TIMEOUT_S = 12 * 3600
DECIDE_TIMEOUT_S = 120
SERVICE_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""Source: Step Functions Developer Guide, "Handle transient Lambda service exceptions"."""
SUBSTITUTIONS = ("Partition", "FailoverFunctionArn")
"""What the definition leaves open: the builder writes the partition of the stack's region into it, and
DefinitionSubstitutions supplies the ARN of the failover function."""


def definition() -> dict[str, Any]:
    """The state machine's definition.

    Its input is {"request": {incident, target, mode, operator, accept_loss_s, insist, ask}}; what travels from turn
    to turn is what the function returns. Whoever answers the approval sends {"approved": true, "by": "name"}.
    Step Functions cannot call another region, so everything that does is done by the function. Source: Step Functions
    Developer Guide, "Accessing resources in other AWS accounts in Step Functions".
    """
    return {
        "Comment": "Moves the workload to this region. Every turn observes anew, so a turn that dies is taken again.",
        "StartAt": "Decide",
        "TimeoutSeconds": RUN_TIMEOUT_S,
        "States": {
            "Decide": _decide(),
            "Which": _which(),
            "Wait": {
                "Comment": "Something takes its time in AWS; look again afterwards.",
                "Type": "Wait",
                "SecondsPath": "$.wait_s",
                "Next": "Decide",
            },
            "Ask": _ask(),
            "NotApproved": {
                "Comment": "Nobody answered in time, or the answer was an error: that is a no.",
                "Type": "Pass",
                "Result": {"approved": False, "by": "nobody", "reason": "no approval arrived"},
                "ResultPath": "$.approval",
                "Next": "Decide",
            },
            **_ends(),
        },
    }


def _ends() -> dict[str, Any]:
    return {
        "Done": {"Comment": "The workload runs in this region.", "Type": "Succeed"},
        "Refused": {
            "Comment": "A guard said no; nothing was changed, or it was undone.",
            "Type": "Fail",
            "Error": "Refused",
            "CausePath": "$.message",
        },
        "Stopped": {
            "Comment": "It cannot go on without a person; the record says why.",
            "Type": "Fail",
            "Error": "Stopped",
            "CausePath": "$.message",
        },
        "Broken": {
            "Comment": "The function itself failed again and again. Starting again resumes from what is observed.",
            "Type": "Fail",
            "Error": "Broken",
            "CausePath": "$.error.Cause",
        },
    }


def _decide() -> dict[str, Any]:
    return {
        "Comment": "Observe both regions, choose the next safe step, perform it. A turn can be taken twice without "
        "harm; only a broken invariant is not tried again, because that is a bug.",
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "${FailoverFunctionArn}",
            "Payload": {
                "command": "decide",
                "state.$": "$",
                "execution": {"arn.$": "$$.Execution.Id", "started.$": "$$.Execution.StartTime"},
            },
        },
        "OutputPath": "$.Payload",
        "TimeoutSeconds": DECIDE_TIMEOUT_S,
        "Retry": _retries(),
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Broken"}],
        "Next": "Which",
    }


def _retries() -> list[dict[str, Any]]:
    return [
        {
            "ErrorEquals": ["InvariantBroken"],
            "MaxAttempts": 0,
        },
        _retry(*SERVICE_ERRORS),
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxDelaySeconds": 30,
            "MaxAttempts": 6,
        },
    ]


def _retry(*errors: str) -> dict[str, Any]:
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 1,
        "BackoffRate": 2,
        "MaxDelaySeconds": 20,
        "MaxAttempts": 8,
        "JitterStrategy": "FULL",
    }


def _which() -> dict[str, Any]:
    ways = (("again", "Decide"), ("wait", "Wait"), ("ask", "Ask"), ("done", "Done"), ("refused", "Refused"))
    return {
        "Comment": "The turn says how it goes on.",
        "Type": "Choice",
        "Choices": [{"Variable": "$.next", "StringEquals": word, "Next": state} for word, state in ways],
        "Default": "Stopped",
    }


def _ask() -> dict[str, Any]:
    return {
        "Comment": "Everything so far can be undone, promotion cannot: wait for a person's approval. A question that "
        "could not be put is put again; an answer is final.",
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": "${FailoverFunctionArn}",
            "Payload": {
                "command": "ask",
                "token.$": "$$.Task.Token",
                "state.$": "$",
                "execution": {"arn.$": "$$.Execution.Id", "started.$": "$$.Execution.StartTime"},
            },
        },
        "ResultPath": "$.approval",
        "TimeoutSeconds": APPROVAL_TIMEOUT_S,
        "Retry": [_retry(*SERVICE_ERRORS, "Lambda.Unknown", "Sandbox.Timedout", "NotAsked")],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NotApproved"}],
        "Next": "Decide",
    }
