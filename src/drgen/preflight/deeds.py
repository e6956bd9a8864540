"""What services and code do with the roles they run with, as the IAM actions they need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drgen.preflight.policies import role_of
from drgen.preflight.sdk_calls import sdk_calls
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

FUNCTION = "AWS::Lambda::Function"
MACHINE = "AWS::StepFunctions::StateMachine"
SCHEDULE = "AWS::Scheduler::Schedule"
TASK = "AWS::ECS::TaskDefinition"


@dataclass(frozen=True)
class Deed:
    """`user` does what needs `actions`, with `role`, in `region` ("" where nobody knows); `path` says so."""

    user: Resource
    path: str
    role: Resource
    actions: tuple[str, ...]
    region: str


STARTED: Mapping[str, tuple[str, ...]] = {
    "AWS::Lambda::Function": ("lambda:InvokeFunction",),
    "AWS::Lambda::Alias": ("lambda:InvokeFunction",),
    "AWS::Lambda::Version": ("lambda:InvokeFunction",),
    "AWS::StepFunctions::StateMachine": ("states:StartExecution",),
    "AWS::SQS::Queue": ("sqs:SendMessage",),
    "AWS::SNS::Topic": ("sns:Publish",),
    "AWS::ECS::Cluster": ("ecs:RunTask",),
    "AWS::Events::EventBus": ("events:PutEvents",),
    "AWS::Kinesis::Stream": ("kinesis:PutRecord",),
}
"""What a role needs to start or to feed something of each type.

Source: EventBridge Scheduler User Guide, execution role; EventBridge User Guide, IAM roles for sending events to
targets.
"""

_BESIDE = (
    (SCHEDULE, "Target", "Arn", "RoleArn"),
    ("AWS::Events::Rule", "Targets", "Arn", "RoleArn"),
    ("AWS::ApiGateway::Method", "Integration", "Uri", "Credentials"),
    ("AWS::ApiGatewayV2::Integration", "", "IntegrationUri", "CredentialsArn"),
    ("AWS::ApiGateway::Authorizer", "", "AuthorizerUri", "AuthorizerCredentials"),
    ("AWS::AppSync::DataSource", "", "LambdaConfig.LambdaFunctionArn", "ServiceRoleArn"),
    ("AWS::AutoScaling::LifecycleHook", "", "NotificationTargetARN", "RoleARN"),
    ("AWS::Pipes::Pipe", "", "Target", "RoleArn"),
)
"""Types that start or feed something: where they say what, and the role for it, both inside the property before."""

_MANAGED_RULE = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_WAITING: Mapping[str, tuple[str, ...]] = {
    "ecs:runTask": ("ecs:StopTask", "ecs:DescribeTasks", *_MANAGED_RULE),
    "states:startExecution": ("states:DescribeExecution", "states:StopExecution", *_MANAGED_RULE),
    "codebuild:startBuild": ("codebuild:StopBuild", "codebuild:BatchGetBuilds", *_MANAGED_RULE),
    "batch:submitJob": ("batch:DescribeJobs", "batch:TerminateJob", *_MANAGED_RULE),
}
"""What a task that waits for its job (.sync) needs besides.

Source: AWS Step Functions Developer Guide, IAM policies for integrated services.
"""

_INTEGRATION = re.compile(r"arn:[^:]*:states:::([\w-]+):(\w+)(\.\w+)?(?::\d)?")
_SDK = re.compile(r"arn:[^:]*:(?:states|scheduler):::aws-sdk:(\w+):(\w+)")
_SDK_PREFIXES = {"sfn": "states", "eventbridge": "events", "cloudwatchlogs": "logs", "applicationautoscaling":
                 "application-autoscaling", "elasticloadbalancingv2": "elasticloadbalancing", "docdb": "rds",
                 "neptune": "rds", "efs": "elasticfilesystem"}  # fmt: skip
_SDK_ACTIONS = {("lambda", "invoke"): "InvokeFunction"}
_SAME_ACTION = frozenset({
    "autoscaling", "backup", "cloudformation", "cloudwatch", "dynamodb", "ec2", "ecs", "eks", "kms", "lambda", "rds",
    "route53", "secretsmanager", "sns", "sqs", "ssm", *_SDK_PREFIXES,
})  # fmt: skip


def deeds(world: World) -> Iterator[Deed]:
    """Everything that somebody of the world does with a role of the world, as far as templates show it."""
    yield from _started(world)
    yield from _tasks(world)
    yield from _code(world)
    for canary in world.resources("AWS::Synthetics::Canary"):
        role = role_of(world, canary, "ExecutionRoleArn")
        if role is not None:
            # Source: CloudWatch User Guide, Required roles and permissions for canaries.
            yield Deed(canary, "ExecutionRoleArn", role, ("s3:PutObject", "cloudwatch:PutMetricData"), "")
    for group in world.resources("AWS::EKS::Nodegroup"):
        role = role_of(world, group, "NodeRole")
        if role is not None:
            # Source: Amazon EKS User Guide, Amazon EKS node IAM role.
            yield Deed(group, "NodeRole", role, ("ec2:DescribeInstances", "ecr:BatchGetImage"), "")


def _started(world: World) -> Iterator[Deed]:
    for resource_type, around, what, role_path in _BESIDE:
        for user in world.resources(resource_type):
            for entry in user.values(around) if around else (user.properties,):
                role = _role(world, entry, role_path) if isinstance(entry, Mapping) else None
                for value in _at(entry, what) if role is not None else ():
                    actions = _starting(world, value, entry)
                    if role is not None and actions:
                        path = f"{around}.{what}" if around else what
                        yield Deed(user, path, role, actions, user.region)


def _at(entry: Resolved, path: str) -> list[Resolved]:
    found: list[Resolved] = [entry]
    for key in path.split("."):
        found = [leaf for part in found if isinstance(part, Mapping) for leaf in leaves(part.get(key))]
    return found


def _role(world: World, entry: Resolved, path: str) -> Resource | None:
    return next((role for value in _at(entry, path) if (role := world.target(value, "AWS::IAM::Role"))), None)


def _starting(world: World, value: Resolved, entry: Resolved) -> tuple[str, ...]:
    sdk = _SDK.match(pattern(value) or "")
    if sdk is not None:
        return _sdk_actions(sdk[1], sdk[2])
    target = world.target(value, *STARTED)
    if target is None:
        return ()
    tasks = [*_at(entry, "EcsParameters.TaskDefinitionArn")]
    return (*STARTED[target.type], *_passed(world, tasks if target.type == "AWS::ECS::Cluster" else []))


def _passed(world: World, tasks: list[Resolved]) -> tuple[str, ...]:
    """iam:PassRole where one of the task definitions runs with a role. Source: Amazon ECS Developer Guide."""
    definitions = [task for value in tasks if (task := world.target(value, TASK)) is not None]
    return ("iam:PassRole",) if any(t.has("ExecutionRoleArn") or t.has("TaskRoleArn") for t in definitions) else ()


def _sdk_actions(service: str, operation: str) -> tuple[str, ...]:
    if service not in _SAME_ACTION:
        return ()
    name = _SDK_ACTIONS.get((service, operation)) or operation[:1].upper() + operation[1:]
    return (f"{_SDK_PREFIXES.get(service, service)}:{name}",)


def _tasks(world: World) -> Iterator[Deed]:
    for machine in world.resources(MACHINE):
        role = role_of(world, machine, "RoleArn")
        for path in ("Definition", "DefinitionString") if role is not None else ():
            for value in machine.values(path):
                graph = value if isinstance(value, Mapping) else _read(pattern(value))
                for state in _states(graph):
                    actions = _of_task(world, state)
                    if role is not None and actions:
                        yield Deed(machine, path, role, actions, machine.region)


def _read(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def _states(graph: Any) -> Iterator[Mapping[str, Any]]:
    """Every task state, at any depth."""
    if isinstance(graph, Mapping):
        if graph.get("Type") == "Task":
            yield graph
        for item in graph.values():
            yield from _states(item)
    elif isinstance(graph, list):
        for item in graph:
            yield from _states(item)


def _of_task(world: World, state: Mapping[str, Any]) -> tuple[str, ...]:
    resource = state.get("Resource")
    if "Credentials" in state:
        return ()
    if world.target(resource, FUNCTION) is not None:
        return ("lambda:InvokeFunction",)
    text = pattern(resource) or ""
    sdk = _SDK.match(text)
    if sdk is not None:
        return _sdk_actions(sdk[1], sdk[2])
    task = _INTEGRATION.fullmatch(text)
    if task is None:
        return ()
    service, operation, waiting = task[1], task[2], task[3]
    called = f"{service}:{operation}"
    action = (
        "lambda:InvokeFunction" if called == "lambda:invoke" else f"{service}:{operation[:1].upper()}{operation[1:]}"
    )
    given = state.get("Parameters") or state.get("Arguments")
    passed = _passed(world, _at(given, "TaskDefinition")) if called == "ecs:runTask" else ()
    if called not in _WAITING and service not in ("lambda", "sns", "sqs", "dynamodb", "events"):
        return ()
    return (action, *passed, *(_WAITING[called] if waiting == ".sync" else ()))


def _code(world: World) -> Iterator[Deed]:
    """The calls of inline Python, each with the region its client is for."""
    for function in world.resources(FUNCTION):
        code = function.text("Code.ZipFile")
        role = role_of(world, function, "Role") if code and (function.text("Runtime") or "").startswith("py") else None
        for call in sdk_calls(code or "") if role is not None else ():
            if role is not None:
                region = function.region if call.region == "" else call.region or ""
                yield Deed(function, "Code.ZipFile", role, (call.action,), region)
