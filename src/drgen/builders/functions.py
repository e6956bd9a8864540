"""Lambda functions: the log group first, the package by the hash of its bytes, a role of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, Sub, awslambda

from drgen.builders.logs import log_group
from drgen.builders.policy import role
from drgen.builders.scanners import (
    CONCURRENCY,
    FUNCTION_DEAD_LETTERS,
    FUNCTION_IN_VPC,
    FUNCTION_TRACING,
    FUNCTION_VARIABLES,
    LATEST_RUNTIME,
    WRITE_CONSTRAINTS,
    Concern,
    accepted,
)
from drgen.model.deployment import Artifact
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

RUNTIME = "python3.13"
"""Source: AWS Lambda Developer Guide, "Lambda runtimes"."""

ARTIFACT_BUCKET = Sub("drgen-artifacts-${AWS::AccountId}-${AWS::Region}")
"""The bucket of the deployer's bootstrap stack in the region of the function."""

SUPPORTED = "Python 3.13 has support until 2029-06-30, as long as the latest one has."
"""Source: cfn-lint's LmbdRuntimeLifecycle.json."""

INTERFACES_OF_A_VPC = "Lambda makes the interfaces before they have a name; the code itself is denied their use."


@dataclass(frozen=True)
class Placement:
    """Where a function runs if it runs in a VPC."""

    subnet_ids: Value
    security_group_id: Any


@dataclass(frozen=True)
class Code:
    """What a function runs: its package, what it may do, and what its environment says."""

    package: Artifact
    statements: Sequence[Any]
    environment: Mapping[str, Any]
    timeout_s: int
    memory_mib: int = 256


def function(
    stack: StackDraft,
    names: Names,
    *,
    thing: str,
    about: str,
    code: Code,
    logs_key: Value,
    log_days: int,
    title: str = "",
    failures_to: Any = None,
    placement: Placement | None = None,
    traced: bool = False,
    why: str = "",
) -> Any:
    """A function named `<prefix>-<thing>`. `failures_to` is the ARN that gets asynchronous calls that failed.

    `traced` is for code whose statements let it send traces to X-Ray.
    """
    title = title or thing.capitalize()
    name = names.regional(thing)
    logs = log_group(stack, f"{title}Logs", name=names.log_group("aws", "lambda", name), key=logs_key, days=log_days)
    role_name = names.everywhere(thing, stack.region)
    identity = role(
        stack,
        f"{title}Role",
        name=role_name,
        service="lambda.amazonaws.com",
        statements=code.statements,
        accept={} if placement is None else {WRITE_CONSTRAINTS: INTERFACES_OF_A_VPC},
    )
    if code.package not in stack.artifacts:
        stack.artifacts.append(code.package)
    resource = awslambda.Function(
        title,
        FunctionName=name,
        Description=about,
        Runtime=RUNTIME,
        Architectures=["arm64"],
        Handler="handler.handler",
        Code=awslambda.Code(S3Bucket=ARTIFACT_BUCKET, S3Key=code.package.key),
        Role=GetAtt(identity, "Arn"),
        Timeout=code.timeout_s,
        MemorySize=code.memory_mib,
        Environment=awslambda.Environment(Variables=dict(code.environment)),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(logs)),
        Metadata=accepted(_accepted(in_vpc=placement is not None, heard=failures_to is not None, traced=traced)),
    )
    if failures_to is not None:
        resource.DeadLetterConfig = awslambda.DeadLetterConfig(TargetArn=failures_to)
    if traced:
        resource.TracingConfig = awslambda.TracingConfig(Mode="Active")
    if placement is not None:
        resource.VpcConfig = awslambda.VPCConfig(
            SubnetIds=stack.use(placement.subnet_ids), SecurityGroupIds=[placement.security_group_id]
        )
    return stack.add(resource, why=why)


def _accepted(*, in_vpc: bool, heard: bool, traced: bool) -> dict[Concern, str]:
    """Checks that the function fails on purpose."""
    reasons = {
        CONCURRENCY: "A reservation cannot be deployed in an account that still has the first concurrency quota.",
        FUNCTION_VARIABLES: "Names and endpoints, no secret. One key less that has to work during a disaster.",
        LATEST_RUNTIME: SUPPORTED,
    }
    if not heard:
        reasons[FUNCTION_DEAD_LETTERS] = "Only called synchronously: the caller gets every failure."
    if not in_vpc:
        reasons[FUNCTION_IN_VPC] = "It calls the APIs of two regions, which a private subnet cannot reach."
    if not traced:
        reasons[FUNCTION_TRACING] = "No path leads from its subnets to X-Ray; its log says how long each call took."
    return reasons
