"""DR58x: what must be complete in a stack before something begins to work with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.stack import Resource
from drgen.preflight.values import pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
FUNCTION = "AWS::Lambda::Function"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


def follow(world: World, start: Resource, *steps: tuple[str, str]) -> list[Resource]:
    """The resources that `start` leads to: each step is a property and the type of what it names."""
    found = [start]
    for path, kind in steps:
        found = [
            target
            for resource in found
            for value in resource.values(path)
            if (target := world.target(value, kind)) is not None
        ]
    return found


@dataclass(frozen=True)
class Sibling:
    """`user` works with `whole`, which is complete only with what names it at `path` of the types `parts`."""

    user: str
    whole: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    path: str
    applies: Callable[[Resource], bool] = lambda _: True
    severity: Severity | None = None


_ROLE = "AWS::IAM::Role"
SIBLINGS = (
    Sibling(FUNCTION, (("FileSystemConfigs.Arn", "AWS::EFS::AccessPoint"), ("FileSystemId", "AWS::EFS::FileSystem")),
            ("AWS::EFS::MountTarget",), "FileSystemId"),
    Sibling("AWS::ECS::Service", (("TaskDefinition", "AWS::ECS::TaskDefinition"),
                                  ("Volumes.EFSVolumeConfiguration.FilesystemId", "AWS::EFS::FileSystem")),
            ("AWS::EFS::MountTarget",), "FileSystemId", severity=Severity.WARNING),
    Sibling("AWS::AppSync::Resolver", (("ApiId", "AWS::AppSync::GraphQLApi"),), ("AWS::AppSync::GraphQLSchema",),
            "ApiId"),
    Sibling("AWS::Lambda::EventSourceMapping", (("FunctionName", FUNCTION), ("Role", _ROLE)), POLICIES, "Roles"),
    Sibling("AWS::StepFunctions::StateMachine", (("RoleArn", _ROLE),), POLICIES, "Roles",
            lambda found: found.has("LoggingConfiguration")),
    Sibling("AWS::KinesisFirehose::DeliveryStream",
            (("ExtendedS3DestinationConfiguration.RoleARN", _ROLE),), POLICIES, "Roles"),
    Sibling("AWS::Logs::SubscriptionFilter", (("RoleArn", _ROLE),), POLICIES, "Roles"),
    Sibling("AWS::CloudFormation::CustomResource", (("ServiceToken", FUNCTION), ("Role", _ROLE)), POLICIES, "Roles"),
)  # fmt: skip
"""What refuses to be made, or fails at once, while something else of its stack is still missing.

Source: AWS Lambda Developer Guide, file systems ("mount targets must be available"), event source mappings (the role
is checked); AppSync: a resolver belongs to a field of the schema; Step Functions, Firehose and CloudWatch Logs try the
role when they are made; IAM policies of their own are made in parallel to everything that names only the role.
"""


@rule(
    "DR580",
    "What a resource works with is complete before the resource is made",
    source="User guides of the services, see the table in rules/siblings.py; CloudFormation User Guide, DependsOn",
)
def whole_comes_first(world: World) -> Found:
    """The resource names a role, a file system or an API, but not the policy, the mount targets or the schema that
    belong to it. CloudFormation makes all of them at the same time: sometimes it goes well, sometimes the service
    refuses ("does not have permissions to call ReceiveMessage", "not all are in the available life cycle state yet").
    The policy is then deleted first, too, while a custom resource still needs it.

    Fix: let the resource depend on the missing part (DependsOn).
    """
    custom = {found.type for found in world.all_resources() if found.type.startswith("Custom::")}
    for row in SIBLINGS:
        kinds = (row.user, *sorted(custom)) if row.user == "AWS::CloudFormation::CustomResource" else (row.user,)
        for user in world.resources(*kinds):
            wholes = follow(world, user, *row.whole) if row.applies(user) else []
            late = [part for whole in wholes for part in _parts(world, row, whole) if _may_be_late(part, user)]
            if late:
                names = " and ".join(sorted({part.logical_id for part in late}))
                message = f"{names} may be made after it"
                yield Fault(user.place(), message, f"add DependsOn: {late[0].logical_id}", row.severity)


def _parts(world: World, row: Sibling, whole: Resource) -> Iterator[Resource]:
    for part in world.resources(*row.parts):
        values = [*part.values(row.path), *(part.values("RoleName") if row.path == "Roles" else ())]
        if any(world.target(value, whole.type) is whole for value in values):
            yield part


def _may_be_late(part: Resource, user: Resource) -> bool:
    apart = part is not user and part.stack is user.stack and part.certain
    return apart and part.logical_id not in before(user) and user.logical_id not in before(part)


SCALABLE = re.compile(r"service/(?P<cluster>[^/]+)/(?P<service>[^/]+)")
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SERVICE = "AWS::ECS::Service"


@rule(
    "DR581",
    "A scalable target names a service that exists before it",
    source="Application Auto Scaling API Reference, RegisterScalableTarget (ResourceId, ObjectNotFoundException)",
)
def scaled_service_exists(world: World) -> Found:
    """ResourceId is text that is put together: nothing shows CloudFormation that it means the service. Application Auto
    Scaling refuses a service that is not there: `ECS service doesn't exist: service/main/api`.

    Fix: write `!Sub "service/${Cluster}/${Service.Name}"`, which waits for the service.
    """
    for target in world.resources(TARGET):
        named = SCALABLE.fullmatch(world.literal(target.value("ResourceId")) or "")
        if named is None or target.text("ServiceNamespace") != "ecs" or "*" in named["service"]:
            continue
        near = [service for service in world.resources(SERVICE) if _in_cluster(world, service, target, named)]
        names = {world.literal(service.value("ServiceName")) for service in near}
        same = [service for service in near if world.literal(service.value("ServiceName")) == named["service"]]
        place = target.place("ResourceId")
        if near and not same and None not in names and not any("*" in str(name) for name in names):
            message = f"the cluster has no service {named['service']}; it has {', '.join(sorted(map(str, names)))}"
            yield Fault(place, message, "name a service of the cluster")
        for service in same:
            if service.stack is target.stack and service.logical_id not in before(target):
                message = f"{service.logical_id} is named as text, and may be made after it"
                yield Fault(place, message, f"add DependsOn: {service.logical_id}")
            elif service.stack is not target.stack and service.stack.position > target.stack.position:
                message = f"{service.logical_id} is made by stack {service.stack.key}, which is deployed later"
                yield Fault(place, message, f"deploy {service.stack.key} first")


def _in_cluster(world: World, service: Resource, target: Resource, named: re.Match[str]) -> bool:
    """True if the service is in the region and the cluster that the target names."""
    cluster = world.literal(service.value("Cluster")) or ""
    return service.region == target.region and cluster.rsplit("/", 1)[-1] == named["cluster"] != "*"


@rule(
    "DR582",
    "An API that writes logs has a role for them in its region",
    source="Amazon API Gateway Developer Guide, Set up CloudWatch logging for REST APIs (account settings)",
    severity=Severity.WARNING,
)
def api_may_log(world: World) -> Found:
    """API Gateway writes logs of REST APIs with a role that is set once for each account and region. Where nobody has
    set it, the stage is refused: `CloudWatch Logs role ARN must be set in account settings to enable logging`. In the
    primary region somebody did it by hand years ago; the recovery region has none.

    Fix: add AWS::ApiGateway::Account with CloudWatchRoleArn to a stack of the region, and let the stage depend on it.
    """
    for stage in world.resources("AWS::ApiGateway::Stage"):
        levels = {pattern(value) for value in stage.values("MethodSettings.LoggingLevel")} - {"OFF", None}
        if not levels and not stage.has("AccessLogSetting"):
            continue
        accounts = [a for a in world.resources("AWS::ApiGateway::Account") if a.region == stage.region]
        place = stage.place("MethodSettings" if levels else "AccessLogSetting")
        if not accounts:
            message = f"nothing here gives API Gateway in {stage.region} a role for logs"
            yield Fault(place, message, "add AWS::ApiGateway::Account to a stack of the region")
        elif all(_may_be_late(account, stage) for account in accounts):
            message = f"{accounts[0].logical_id} sets the role for logs, and may be made after it"
            yield Fault(place, message, f"add DependsOn: {accounts[0].logical_id}")
