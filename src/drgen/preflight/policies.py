"""Policy documents as values: who is allowed what on which resources, and what a role may do."""

from __future__ import annotations

import fnmatch
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, is_unknown, leaves, parts, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved, Text, Unknown


@dataclass(frozen=True)
class Statement:
    """One Allow statement. `services` and `others` are its principals; patterns hold `*` for parts not known."""

    actions: tuple[str, ...]
    resources: tuple[Resolved, ...]
    services: tuple[str, ...]
    others: tuple[str, ...]

    def allows(self, action: str) -> bool:
        return any(fnmatch.fnmatchcase(action.lower(), allowed.lower()) for allowed in self.actions)

    def reaches(self, region: str) -> bool:
        """True if one of the resources is of `region`, or may be; "" is any region."""
        named = [whole.region for value in self.resources if (whole := arn(value)) is not None]
        anywhere = len(named) < len(self.resources) or not self.resources
        return not region or anywhere or any(not found or "*" in found or found == region for found in named)

    def allows_service(self, service: str) -> bool:
        """True if the statement speaks of that service principal, or of everybody."""
        return "*" in self.others or any(fnmatch.fnmatchcase(service, named) for named in self.services)


def statements(document: Resolved) -> Iterator[Statement]:
    """The Allow statements of every alternative of a resolved policy document."""
    for alternative in map(_parsed, leaves(document)):
        if not isinstance(alternative, Mapping):
            continue
        for body in leaves(alternative.get("Statement")):
            if isinstance(body, Mapping) and body.get("Effect") == "Allow":
                yield _statement(body)


def is_readable(document: Resolved) -> bool:
    """False if the document or one of its statements is not known, so that nobody can say what it allows."""
    return all(
        isinstance(alternative, Mapping) and not is_unknown(alternative.get("Statement"))
        for alternative in map(_parsed, leaves(document))
    )


_MARK = re.compile("\ue000(\\d+)\ue001")


def _parsed(document: Resolved) -> Resolved:
    """A document that is written as text, as in `!Sub '{"Statement": [...]}'`, as the mapping that it stands for."""
    if not isinstance(document, str | Text):
        return document
    values = parts(document)
    text = "".join(part if isinstance(part, str) else f"\ue000{n}\ue001" for n, part in enumerate(values))
    try:
        return _filled(json.loads(text), values)
    except ValueError:
        return Unknown("the policy is text that is no JSON")


def _filled(node: Resolved, values: tuple[Resolved, ...]) -> Resolved:
    """`node` with the values in the places of their marks."""
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if not isinstance(node, str) or not _MARK.search(node):
        return node
    pieces: list[Resolved] = [values[int(p)] if n % 2 else p for n, p in enumerate(_MARK.split(node))]
    known = [piece for piece in pieces if piece != ""]
    return known[0] if len(known) == 1 else Text(tuple(known))


def _statement(body: Mapping[str, Resolved]) -> Statement:
    services: list[str] = []
    others: list[str] = []
    for principal in leaves(body.get("Principal")):
        if isinstance(principal, Mapping):
            services += _patterns(principal.get("Service"))
            others += [text for kind in ("AWS", "Federated") for text in _patterns(principal.get(kind))]
        else:
            others += _patterns(principal)
    return Statement(
        tuple(_patterns(body.get("Action"))) or (("*",) if "NotAction" in body else ()),
        tuple(leaves(body.get("Resource"))),
        tuple(services),
        tuple(others),
    )


def _patterns(value: Resolved) -> list[str]:
    return [pattern(leaf) or "?" for leaf in leaves(value)]


_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
MANAGED: Mapping[str, tuple[str, ...]] = {
    "AWSLambdaBasicExecutionRole": _LOGS,
    "AWSLambdaVPCAccessExecutionRole": (*_LOGS, "ec2:*"),
    "AWSLambdaSQSQueueExecutionRole": (*_LOGS, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "AWSLambdaDynamoDBExecutionRole": (*_LOGS, "dynamodb:DescribeStream", "dynamodb:GetRecords",
                                       "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
    "AWSLambdaKinesisExecutionRole": (*_LOGS, "kinesis:*"),
    "AmazonECSTaskExecutionRolePolicy": (*_LOGS, "ecr:*"),
    "AWSXRayDaemonWriteAccess": ("xray:*",),
    "AWSLambdaRole": ("lambda:InvokeFunction",),
    "AmazonEC2ContainerServiceEventsRole": ("ecs:RunTask", "ecs:TagResource", "iam:PassRole"),
    "AmazonEKSWorkerNodePolicy": ("ec2:Describe*", "eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"),
    "AmazonEKS_CNI_Policy": ("ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface",
                             "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"),
    "AmazonEC2ContainerRegistryReadOnly": ("ecr:*",),
    "AmazonEC2ContainerRegistryPullOnly": ("ecr:*",),
    "CloudWatchAgentServerPolicy": (*_LOGS, "cloudwatch:PutMetricData", "ec2:Describe*", "ssm:GetParameter"),
}  # fmt: skip
"""What these policies of AWS allow, at most. Source: AWS Managed Policy Reference Guide."""


@dataclass(frozen=True)
class Permissions:
    """What a role may do: its statements, and the names of the managed policies that are not part of the world.

    `complete` is false where a policy document is not known.
    """

    statements: tuple[Statement, ...]
    managed: tuple[str, ...]
    complete: bool

    def allows(self, action: str, region: str = "") -> bool:
        """True if a statement allows `action`, and on something that may be of `region`."""
        return any(statement.allows(action) and statement.reaches(region) for statement in self.statements)

    @property
    def known(self) -> bool:
        """False if a policy is not known, so that more may be allowed than is seen."""
        return self.complete and all(name in MANAGED for name in self.managed)

    def lacks(self, actions: Iterable[str], region: str = "") -> list[str]:
        """Those of `actions` that neither the statements allow, nor the policies of AWS that are attached."""
        granted = [action for name in self.managed for action in MANAGED.get(name, ())]
        return [
            action
            for action in actions
            if not self.allows(action, region)
            and not any(fnmatch.fnmatchcase(action.lower(), open_.lower()) for open_ in granted)
        ]


def role_of(world: World, resource: Resource, path: str) -> Resource | None:
    """The role that `resource` runs with, if it is part of the world."""
    for value in resource.values(path):
        role = world.target(value, "AWS::IAM::Role")
        if role is not None:
            return role
    return None


def permissions(world: World, role: Resource) -> Permissions:
    """Everything attached to `role`: inline, by separate policy resources, and by managed policies of the world."""
    known = world.once(_worked_out)
    if id(role) not in known:
        known[id(role)] = _permissions(world, role)
    return known[id(role)]


def _worked_out(_: World) -> dict[int, Permissions]:
    """What roles may do, by role, as far as somebody has asked."""
    return {}


def _permissions(world: World, role: Resource) -> Permissions:
    documents: list[Resolved] = list(role.values("Policies.PolicyDocument"))
    documents += world.once(_attached_documents).get(id(role), ())
    managed: list[str] = []
    for value in role.values("ManagedPolicyArns"):
        policy_of_world = world.target(value, "AWS::IAM::ManagedPolicy")
        if policy_of_world is not None:
            documents.append(policy_of_world.properties.get("PolicyDocument"))
        else:
            managed.append((pattern(value) or "*").rsplit("/", 1)[-1])
    found = tuple(statement for document in documents for statement in statements(document))
    return Permissions(found, tuple(managed), all(map(is_readable, documents)))


def _attached_documents(world: World) -> Mapping[int, list[Resolved]]:
    """The documents of the policies that name their roles, by role."""
    found: dict[int, list[Resolved]] = defaultdict(list)
    for policy in world.resources("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"):
        values = (*policy.values("Roles"), *policy.values("RoleName"))
        for named in {id(role) for value in values if (role := world.target(value, "AWS::IAM::Role"))}:
            found[named].append(policy.properties.get("PolicyDocument"))
    return found


def bodies(document: Resolved) -> Iterator[Mapping[str, Any]]:
    """Every statement of a policy document, whatever its effect."""
    for leaf in leaves(document):
        if isinstance(leaf, Mapping):
            inside = leaf.get("Statement")
            yield from (body for body in leaves(inside) if isinstance(body, Mapping)) if inside is not None else (leaf,)


def conditions(body: Mapping[str, Any], key: str) -> Iterator[tuple[str, list[str]]]:
    """Operator and values of each condition on `key`, whose case does not count."""
    for operator, values in tested(body, key):
        yield operator, [pattern(value) or "*" for value in values]


def tested(body: Mapping[str, Any], key: str) -> Iterator[tuple[str, list[Resolved]]]:
    """Like `conditions`, with the values as they are resolved."""
    for block in leaves(body.get("Condition")):
        for operator, tests in block.items() if isinstance(block, Mapping) else ():
            for test in leaves(tests):
                for name, values in test.items() if isinstance(test, Mapping) else ():
                    if str(name).lower() == key.lower():
                        yield str(operator), list(leaves(values))
