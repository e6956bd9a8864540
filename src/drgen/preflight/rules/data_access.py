"""DR648, DR649: roles that may read data, and cannot: for want of the key, or in the wrong region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.policies import Permissions, Statement, permissions, role_of, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.encryption import key_of
from drgen.preflight.rules.tables import regions as table_regions
from drgen.preflight.stack import Resource
from drgen.preflight.values import pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]


@dataclass(frozen=True)
class Data:
    """`action` on a resource of `type` uses the key at `key`, and needs `kms` of it."""

    type: str
    action: str
    key: str
    kms: str


_BUCKET_KEY = "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID"
ENCRYPTED = (
    Data("AWS::SecretsManager::Secret", "secretsmanager:GetSecretValue", "KmsKeyId", "kms:Decrypt"),
    Data("AWS::SQS::Queue", "sqs:SendMessage", "KmsMasterKeyId", "kms:GenerateDataKey"),
    Data("AWS::SQS::Queue", "sqs:ReceiveMessage", "KmsMasterKeyId", "kms:Decrypt"),
    Data("AWS::SNS::Topic", "sns:Publish", "KmsMasterKeyId", "kms:GenerateDataKey"),
    Data("AWS::S3::Bucket", "s3:GetObject", _BUCKET_KEY, "kms:Decrypt"),
    Data("AWS::S3::Bucket", "s3:PutObject", _BUCKET_KEY, "kms:GenerateDataKey"),
)
"""Services that use the key with the permissions of the caller.

Source: user guides of the services (AWS Secrets Manager, Secret encryption; Amazon SQS, Key management; Amazon SNS, Key
management; Amazon S3, Using server-side encryption with AWS KMS keys).
"""

WITHOUT_KEYS = frozenset({
    "AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaSQSQueueExecutionRole", "AWSLambdaKinesisExecutionRole", "AWSXRayDaemonWriteAccess",
    "AmazonECSTaskExecutionRolePolicy",
})  # fmt: skip
"""Managed policies that allow nothing of KMS. Source: AWS Managed Policy Reference Guide."""


@rule(
    "DR648",
    "Who may read encrypted data may use its key",
    source="User guides of the services; see the table in rules/data_access.py",
    severity=Severity.WARNING,
)
def reader_may_use_key(world: World) -> Found:
    """The data is encrypted with a key of your own, and the role lacks the permission for it: every read ends with
    AccessDenied, at run time, and often not before the failover.

    Fix: allow the role the action on the key in one of its policies, or in the key's policy.
    """
    for role in world.resources("AWS::IAM::Role"):
        allowed = permissions(world, role)
        if not allowed.complete or not WITHOUT_KEYS.issuperset(allowed.managed):
            continue
        missing = {
            (row.kms, key.logical_id, target.logical_id): key
            for row, target, key in _encrypted(world, allowed)
            if not allowed.allows(row.kms) and not _key_lets(key, row.kms)
        }
        for action, key, target in missing:
            message = f"it may use {target}, and lacks {action} for key {key} with which that is encrypted"
            yield Fault(role.place(), message, f"allow {action} on the key")


def _encrypted(world: World, allowed: Permissions) -> Iterator[tuple[Data, Resource, Resource]]:
    """What the role may use, and the key of the world with which that is encrypted."""
    for row in ENCRYPTED:
        for statement in allowed.statements:
            for value in statement.resources if statement.allows(row.action) else ():
                target = world.target(value, row.type)
                for named in target.values(row.key) if target is not None else ():
                    key = key_of(world, named)
                    if target is not None and key is not None:
                        yield row, target, key


def _key_lets(key: Resource, action: str) -> bool:
    """True if the key's policy allows the action to somebody but the account's root, who only hands it on to IAM."""
    found = [statement for statement in statements(key.properties.get("KeyPolicy")) if statement.allows(action)]
    return any(not named.endswith(":root") for statement in found for named in statement.others)


USERS = (
    ("AWS::Lambda::Function", "Role"), ("AWS::ECS::TaskDefinition", "TaskRoleArn"),
    ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"), ("AWS::StepFunctions::StateMachine", "RoleArn"),
)  # fmt: skip


@rule(
    "DR649",
    "A role names the replica of the region where it is used",
    source="Amazon DynamoDB and AWS Secrets Manager guides, replicas (each has an ARN of its region)",
    severity=Severity.WARNING,
)
def role_names_own_replica(world: World) -> Found:
    """The policy has the ARN of the table or the secret in the primary region. The code uses the replica next to it, so
    every call in the recovery region ends with AccessDenied.

    Fix: name the replica of the region, as in `!Sub "arn:aws:dynamodb:${AWS::Region}:..."`.
    """
    for resource_type, path in USERS:
        for user in world.resources(resource_type):
            role = role_of(world, user, path)
            allowed = permissions(world, role) if role is not None else None
            if role is None or allowed is None or not allowed.complete:
                continue
            for statement in allowed.statements:
                for target in _replicated(world, statement, user.region):
                    if not _named_here(statement, allowed, user.region):
                        message = f"role {role.logical_id} may use {target.logical_id} in {target.region} only"
                        yield Fault(user.place(path), message, f"name the replica in {user.region}")


REPLICATED = ("AWS::DynamoDB::GlobalTable", "AWS::SecretsManager::Secret")


def _replicated(world: World, statement: Statement, region: str) -> Iterator[Resource]:
    """Tables and secrets of other regions that the statement names, and that have a replica in `region`."""
    for value in statement.resources:
        target = world.target(value, *REPLICATED)
        if target is None or target.region == region or region_of(value) != target.region:
            continue
        if target.type == REPLICATED[0]:
            there: set[str] = table_regions(target) or set()
        else:
            there = {pattern(replica) or "" for replica in target.values("ReplicaRegions.Region")}
        if region in there:
            yield target


def _named_here(statement: Statement, allowed: Permissions, region: str) -> bool:
    """True if one of the statements with such actions names something of `region`, or of any."""
    service = {action.partition(":")[0] for action in statement.actions}
    alike = [other for other in allowed.statements if service & {name.partition(":")[0] for name in other.actions}]
    return any(_of_region(value, region) for other in alike for value in other.resources)


def _of_region(value: Resolved, region: str) -> bool:
    return region_of(value) in (region, None) and not (isinstance(value, Attribute) and value.region != region)
