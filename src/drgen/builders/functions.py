"""Lambda functions: the log group first, the package by the hash of its bytes, a role of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, Sub, awslambda

from drgen.builders.logs import log_group
from drgen.builders.policy import role
from drgen.builders.scanners import checkov
from drgen.model.deployment import Artifact
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

RUNTIME = "python3.13"
"""Source: AWS Lambda Developer Guide, "Lambda runtimes"."""

ARTIFACT_BUCKET = Sub("drgen-artifacts-${AWS::AccountId}-${AWS::Region}")
"""The bucket of the deployer's bootstrap stack in the region of the function."""

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
    identity = role(stack, f"{title}Role", name=role_name, service="lambda.amazonaws.com", statements=code.statements)
    if placement is not None:
        identity.Metadata = checkov(CKV_AWS_111=INTERFACES_OF_A_VPC)
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
        Metadata=checkov(**_accepted(in_vpc=placement is not None, heard=failures_to is not None)),
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


def _accepted(*, in_vpc: bool, heard: bool) -> dict[str, str]:
    """Checks that the function fails on purpose."""
    return {
        "CKV_AWS_115": "A reservation cannot be deployed in an account that still has the first concurrency quota.",
        **({} if heard else {"CKV_AWS_116": "Only called synchronously: the caller gets every failure."}),
        **({} if in_vpc else {"CKV_AWS_117": "It calls the APIs of two regions, which a private subnet cannot reach."}),
        "CKV_AWS_173": "Names and endpoints, no secret. One key less that has to work during a disaster.",
    }
