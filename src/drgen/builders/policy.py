"""Policy documents and roles. Actions are always named one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from awacs.aws import Action, Allow, Bool, Condition, Deny, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AccountId, If, Sub, iam

from drgen.builders.scanners import AWS_POLICY, Concern, accepted, wildcards
from drgen.model.stack import StackDraft

ACCOUNT_ROOT = Principal("AWS", Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))
THIS_ACCOUNT = Condition(StringEquals({"aws:SourceAccount": AccountId}))


_SAY_FOR_WHOM = frozenset(
    {
        "ecs-tasks.amazonaws.com",
        "events.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "states.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
)


def actions(service: str, *names: str) -> list[Any]:
    return [Action(service, name) for name in names]


def document(*statements: Any) -> PolicyDocument:
    """A policy of these statements; one may be an Fn::If of troposphere, whose type awacs does not know."""
    made = PolicyDocument(Version="2012-10-17", Statement=[])
    made.properties["Statement"] = list(statements)
    return made


def allow(sid: str, action: Sequence[Any], resource: Any, **more: Any) -> Statement:
    resources = resource if isinstance(resource, list) else [resource]
    return Statement(Sid=sid, Effect=Allow, Action=list(action), Resource=resources, **more)


def deny(sid: str, action: Sequence[Any], resource: Sequence[Any], **more: Any) -> Statement:
    return Statement(Sid=sid, Effect=Deny, Action=list(action), Resource=list(resource), **more)


def deny_without_tls(action: Sequence[Any], resource: Any) -> Statement:
    """Refuses every request that does not come over TLS. `resource` is one, or a list."""
    resources = resource if isinstance(resource, list) else [resource]
    plain = Condition(Bool({"aws:SecureTransport": "false"}))
    return Statement(
        Sid="TlsOnly", Effect=Deny, Principal=Principal("*"), Action=list(action), Resource=resources, Condition=plain
    )


def service_principal(service: str) -> Principal:
    return Principal("Service", service)


def role(
    stack: StackDraft,
    title: str,
    *,
    name: str,
    service: str,
    statements: Sequence[Any] = (),
    managed: Sequence[str] = (),
    accept: Mapping[Concern, str] | None = None,
    why: str = "",
) -> Any:
    """A role that only `service` can take: one inline policy, and AWS policies by path. `accept` is for scanners.

    Services that say for whom they act are held to this account.
    Source: IAM User Guide, "The confused deputy problem", and the pages of the services in `_SAY_FOR_WHOM`.
    """
    trust = Statement(Effect=Allow, Principal=service_principal(service), Action=actions("sts", "AssumeRole"))
    if service in _SAY_FOR_WHOM:
        trust.Condition = THIS_ACCOUNT
    resource = iam.Role(
        title,
        RoleName=name,
        AssumeRolePolicyDocument=document(trust),
    )
    if statements:
        resource.properties["Policies"] = [iam.Policy(PolicyName=name, PolicyDocument=document(*statements))]
    if managed:
        resource.properties["ManagedPolicyArns"] = [
            Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{m}") for m in managed
        ]
    if reasons := {**(accept or {}), **_breadth(statements, managed, service)}:
        resource.Metadata = accepted(reasons)
    return stack.add(resource, why=why)


def _breadth(statements: Sequence[Any], managed: Sequence[str], service: str) -> dict[Concern, str]:
    """Why the role's policies are as wide as they are; empty where every resource is named in full."""
    reasons = {}
    listed = [branch for each in statements for branch in _branches(each)]
    resources = [item for each in listed if each.properties["Effect"] == Allow for item in each.properties["Resource"]]
    if wide := [text for text in map(_text, resources) if "*" in text]:
        concern = wildcards(alone="*" in wide, of_function=service == "lambda.amazonaws.com")
        named = 'A "*" within an ARN stands for the parts of one resource: streams, objects, executions.'
        alone = 'A "*" alone is for actions that take no resource, or none that is known before.'
        reasons[concern] = " ".join([*([named] if set(wide) != {"*"} else []), *([alone] if "*" in wide else [])])
    if managed:
        reasons[AWS_POLICY] = "AWS keeps this policy as the service needs it; it is made for this role alone."
    return reasons


def _branches(statement: Any) -> list[Any]:
    """The statements that one may be."""
    said = statement.data["Fn::If"] if isinstance(statement, If) else [statement]
    return [each for each in said if isinstance(each, Statement)]


def _text(resource: Any) -> str:
    """The resource as far as it stands in the template."""
    if isinstance(resource, str):
        return resource
    return str(resource.data.get("Fn::Sub", "")) if isinstance(resource, Sub) else ""
