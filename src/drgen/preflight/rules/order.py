"""DR12x: dependencies that no parameter shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.kinds import TYPES
from drgen.preflight.naming import NAMING, Scope
from drgen.preflight.region_tables import ELSEWHERE, FREE_FORM, KEYS, In
from drgen.preflight.requirements import describe, misplaced
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.rules.stability import held_in
from drgen.preflight.stack import Place, Resource, Stack
from drgen.preflight.values import DynamicReference, arn, dynamic_references, known_text, leaves
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]

ROLE = ("AWS::IAM::Role",)
_PRINCIPALS = {
    "AWS::IAM::Role": "AssumeRolePolicyDocument", "AWS::KMS::Key": "KeyPolicy", "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument", "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument", "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::ECR::Repository": "RepositoryPolicyText", "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
}  # fmt: skip

NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(kind, f"{path}.Statement.Principal.AWS"): (*ROLE, "AWS::IAM::User") for kind, path in _PRINCIPALS.items()},
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket"): ("AWS::S3::Bucket",),
    ("AWS::S3::Bucket", "LoggingConfiguration.DestinationBucketName"): ("AWS::S3::Bucket",),
    ("AWS::S3::Bucket", "NotificationConfiguration.LambdaConfigurations.Function"): ("AWS::Lambda::Function",),
    ("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations.Queue"): ("AWS::SQS::Queue",),
    ("AWS::S3::Bucket", "NotificationConfiguration.TopicConfigurations.Topic"): ("AWS::SNS::Topic",),
    ("AWS::S3::BucketPolicy", "Bucket"): ("AWS::S3::Bucket",),
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): ("AWS::RDS::DBInstance",),
    ("AWS::RDS::GlobalCluster", "SourceDBClusterIdentifier"): ("AWS::RDS::DBCluster",),
    ("AWS::RDS::DBCluster", "ReplicationSourceIdentifier"): ("AWS::RDS::DBCluster",),
    ("AWS::Events::Rule", "Targets.Arn"): ("AWS::Events::EventBus",),
    ("AWS::Events::Endpoint", "EventBuses.EventBusArn"): ("AWS::Events::EventBus",),
    ("AWS::Route53::HealthCheck", "HealthCheckConfig.AlarmIdentifier.Name"): ("AWS::CloudWatch::Alarm",),
    ("AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn"):
        ("AWS::Backup::BackupVault",),
    ("AWS::Lambda::Function", "Role"): ROLE,
    ("AWS::Lambda::Function", "Code.S3Bucket"): ("AWS::S3::Bucket",),
    ("AWS::Lambda::Function", "DeadLetterConfig.TargetArn"): ("AWS::SQS::Queue", "AWS::SNS::Topic"),
    ("AWS::Lambda::Permission", "FunctionName"): ("AWS::Lambda::Function",),
    ("AWS::Lambda::EventSourceMapping", "FunctionName"): ("AWS::Lambda::Function",),
    ("AWS::Lambda::EventSourceMapping", "EventSourceArn"):
        ("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"),
    ("AWS::ECS::Service", "Cluster"): ("AWS::ECS::Cluster",),
    ("AWS::SNS::Subscription", "TopicArn"): ("AWS::SNS::Topic",),
    ("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn"): ("AWS::SQS::Queue",),
    ("AWS::Logs::SubscriptionFilter", "DestinationArn"): ("AWS::Lambda::Function",),
    ("AWS::IAM::InstanceProfile", "Roles"): ROLE,
    ("AWS::IAM::Policy", "Roles"): ROLE,
    ("AWS::IAM::ManagedPolicy", "Roles"): ROLE,
    ("AWS::IAM::RolePolicy", "RoleName"): ROLE,
    ("AWS::IAM::Role", "ManagedPolicyArns"): ("AWS::IAM::ManagedPolicy",),
    ("AWS::IAM::Role", "PermissionsBoundary"): ("AWS::IAM::ManagedPolicy",),
    ("AWS::SecretsManager::RotationSchedule", "SecretId"): ("AWS::SecretsManager::Secret",),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId"): ("AWS::SecretsManager::Secret",),
    ("AWS::SecretsManager::SecretTargetAttachment", "SecretId"): ("AWS::SecretsManager::Secret",),
    ("AWS::Scheduler::Schedule", "GroupName"): ("AWS::Scheduler::ScheduleGroup",),
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateData.KeyName"): ("AWS::EC2::KeyPair",),
    ("AWS::EC2::Instance", "KeyName"): ("AWS::EC2::KeyPair",),
    ("AWS::EKS::Nodegroup", "ClusterName"): ("AWS::EKS::Cluster",),
    ("AWS::EKS::Addon", "ClusterName"): ("AWS::EKS::Cluster",),
    ("AWS::CloudTrail::Trail", "S3BucketName"): ("AWS::S3::Bucket",),
    ("AWS::Config::DeliveryChannel", "S3BucketName"): ("AWS::S3::Bucket",),
    ("AWS::AutoScaling::AutoScalingGroup", "ServiceLinkedRoleARN"): ROLE,
}  # fmt: skip
"""Properties of one type whose value must exist when the resource is made, and what it is.

Source: registry schemas of the types; Amazon S3 User Guide, "Requirements and considerations for replication"; IAM,
KMS, SQS and SNS refuse policies whose principals do not exist.
"""

_NAMED = (
    "DBSubnetGroupName", "DBParameterGroupName", "DBClusterParameterGroupName", "DBClusterIdentifier",
    "GlobalClusterIdentifier", "SnsTopicArn", "SNSTopicArn", "StateMachineArn", "BackupVaultName", "RotationLambdaARN",
)  # fmt: skip
NEEDED_BY_NAME: Mapping[str, tuple[str, ...]] = {
    **{name: TYPES[name] for name in _NAMED},
    **{name: types for name, types in TYPES.items() if types == ROLE},
    "OptionGroupName": ("AWS::RDS::OptionGroup",),
    "LogGroupName": ("AWS::Logs::LogGroup",),
    "EventBusName": ("AWS::Events::EventBus",),
    "TargetBackupVault": ("AWS::Backup::BackupVault",),
    "ServiceToken": ("AWS::Lambda::Function", "AWS::SNS::Topic"),
}
"""The same for property names that take one kind of thing wherever they occur."""


@rule(
    "DR120",
    "What a resource names exists before it",
    source="Amazon S3, IAM, KMS and RDS user guides: names are checked at creation",
)
def named_exists_first(world: World) -> Found:
    """The name is written as text, so no parameter shows the dependency, and the order of the stacks is wrong: the
    service finds nothing under that name ("Destination bucket must exist").

    Fix: deploy the other stack first; where both need each other, add the property in a later update of one of them.
    """
    for stack in world.steps:
        for resource in stack.resources.values():
            for path, _, value in resource.parts:
                types = _needs(resource, path)
                for leaf in leaves(value) if types else ():
                    yield from _later(world, stack, resource, path, leaf, types)


def _needs(resource: Resource, path: str) -> tuple[str, ...]:
    """What the property names, if that must exist first; nothing where the resource itself makes what it names."""
    stated = NEEDED.get((resource.type, path))
    if stated is not None:
        return stated
    types = NEEDED_BY_NAME.get(path.rsplit(".", 1)[-1], ())
    return types if resource.type not in types and FREE_FORM.isdisjoint(path.split(".")) else ()


def _later(world: World, stack: Stack, resource: Resource, path: str, value: Resolved, types: tuple[str, ...]) -> Found:
    here = world.order(stack)
    targets = [target for target in world.targets(value, *types) if _meant(resource, target, value)]
    made = [step for target in targets if (step := made_at(world, target)) is not None]
    # A late value is empty until the stack that makes it exists: its second pass comes behind that stack.
    if targets and isinstance(value, Attribute) and targets[0].stack.key in stack.entry.upstream(late=True):
        return
    if made and min(made) > here:
        target = targets[0]
        message = f"it names {target}, which is deployed after {stack.key}"
        yield Fault(resource.place(path), message, f"deploy {target.stack.key} before {stack.key}")
    for target in targets:
        if target.stack is resource.stack and not isinstance(value, Attribute) and _at_once(resource, target):
            message = f"it names {target.logical_id} as text, so both are made at the same time"
            fix = f"refer to {target.logical_id} with !Ref or !GetAtt, or add it to DependsOn"
            yield Fault(resource.place(path), message, fix, Severity.WARNING)


def _at_once(one: Resource, other: Resource) -> bool:
    """True if neither of two resources of one template waits for the other."""
    return one is not other and one.logical_id not in before(other) and other.logical_id not in before(one)


def _meant(resource: Resource, target: Resource, value: Resolved) -> bool:
    """True if `value` means that target: a bare name means a thing of the own region, unless names are global."""
    by_region = NAMING[target.type].scope is Scope.REGION if target.type in NAMING else False
    stated = isinstance(value, Attribute) or arn(value) is not None
    crosses = resource.type == "AWS::Route53::HealthCheck"
    return stated or crosses or not by_region or target.region == resource.region


def made_at(world: World, resource: Resource) -> int | None:
    """The step of the manifest that first makes `resource`."""
    steps = [
        world.order(step) for step in world.steps
        if step.key == resource.stack.key and resource.logical_id in step.resources
    ]  # fmt: skip
    return min(steps, default=None)


@rule(
    "DR121",
    "A copy goes to a vault that exists",
    source="AWS Backup Developer Guide, Creating backup copies across AWS Regions",
    severity=Severity.WARNING,
)
def vault_exists(world: World) -> Found:
    """The plan is accepted whatever the vault's ARN says; every copy job fails, and the recovery region has no backup.

    Fix: pass the ARN of the vault as a parameter from the stack that makes it.
    """
    vaults = list(world.resources("AWS::Backup::BackupVault"))
    for plan in world.resources("AWS::Backup::BackupPlan"):
        path = "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn"
        for value in plan.values(path):
            whole = arn(value)
            if whole is None or "*" in whole.name or world.targets(value, "AWS::Backup::BackupVault"):
                continue
            if any(vault.region == whole.region for vault in vaults):
                message = f"no stack of {whole.region} makes vault {whole.name}"
                yield Fault(plan.place("BackupPlan"), message, "name the vault that is made there")
            else:
                yield NotDecided(plan.place("BackupPlan"), f"no stack makes a vault in {whole.region}")


@rule(
    "DR122",
    "A property that names its region gets a value of that region",
    source="Registry schemas: Secret.ReplicaRegions, GlobalTable.Replicas, Bucket.ReplicationConfiguration, HostedZone",
    alone=True,
)
def value_is_of_named_region(world: World) -> Found:
    """The template says which region the value is for, and the value is of another: a replica's key, for example,
    must be a key of the replica's region. S3 accepts the wrong key and then replicates nothing.

    Fix: pass the value made in the region that the property names.
    """
    for case in misplaced(world, ELSEWHERE):
        message = f"{case.path} must be of {case.wanted} ({case.said_by}), but is {case.what} of {case.found}"
        yield Fault(case.resource.place(case.path), message, f"use one that is made in {case.wanted}")


REPLICA_KEYS = frozenset(path for _, path in ELSEWHERE)
"""Keys of another region than the stack's: DR122 judges them."""


@rule(
    "DR123",
    "An alias exists in the region that uses it",
    source="AWS KMS Developer Guide, Multi-Region keys (aliases are not shared)",
)
def alias_is_known(world: World) -> Found:
    """Aliases are made per region, also for replicas of one key; a name that no stack makes is only right if
    somebody made it by hand.

    Fix: make the AWS::KMS::Alias in a stack of this region.
    """
    for resource, name, region, value in _aliases(world):
        here = [alias for alias in world.named("AWS::KMS::Alias", value) if alias.region == region]
        made = [step for alias in here if (step := made_at(world, alias)) is not None]
        if not here:
            yield NotDecided(resource.place(name), f"{describe(value)} is made by no stack of {region}")
        elif min(made, default=0) > resource.stack.position:
            message = f"{value} is made in {region} by a later stack"
            yield Fault(resource.place(name), message, "change the order of the stacks")


def _aliases(world: World) -> Iterator[tuple[Resource, str, str, str]]:
    """Every alias that a property names, with the region where the service looks for it."""
    for resource in world.all_resources():
        for name, around, found in resource.parts:
            where = ELSEWHERE.get((resource.type, name))
            region: str | None = resource.region
            if isinstance(where, In):
                region = next((known_text(part[where.named]) for part in around if where.named in part), region)
            elif name.rsplit(".", 1)[-1] not in KEYS or name in REPLICA_KEYS:
                continue
            for value in leaves(found) if region is not None else ():
                if isinstance(value, str) and value.startswith("alias/") and not value.startswith("alias/aws/"):
                    yield resource, name, str(region), value


@rule(
    "DR129",
    "A stored parameter or secret is written before it is read",
    source="CloudFormation User Guide, Get values stored in other services using dynamic references",
)
def stored_value_comes_first(world: World) -> Found:
    """CloudFormation reads the value when it makes the stack. The stack that writes it comes later, so the first
    deployment fails, and later ones read what the last one left.

    Fix: deploy the stack that writes the value first.
    """
    for stack in world.steps:
        for place, reference in _read(stack):
            kind = "AWS::SecretsManager::Secret" if reference.service == "secretsmanager" else "AWS::SSM::Parameter"
            found = [target for target in world.targets(reference.name, kind) if stack.region in held_in(target)]
            made = [step for target in found if (step := made_at(world, target)) is not None]
            if made and min(made) > world.order(stack):
                message = f"{found[0].logical_id} is written by {found[0].stack.key}, which is deployed later"
                yield Fault(place, message, f"deploy {found[0].stack.key} before {stack.key}")


def _read(stack: Stack) -> Iterator[tuple[Place, DynamicReference]]:
    """Everything that CloudFormation reads from Parameter Store and Secrets Manager for the stack."""
    for name, declared in stack.template.section("Parameters").items():
        kind = str(declared.get("Type", "")) if isinstance(declared, dict) else ""
        if kind.startswith("AWS::SSM::Parameter::Value"):
            source = stack.given[name]() if name in stack.given else declared.get("Default")
            yield stack.section_place("Parameters", name), DynamicReference("ssm", source, ())
    for resource in stack.resources.values():
        for name, value in resource.properties.items():
            yield from ((resource.place(name), reference) for reference in dynamic_references(value))
