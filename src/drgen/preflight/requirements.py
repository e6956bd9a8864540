"""Which region the value of a property must belong to.

A value has an origin (values.region_of): the region of the resource it names. A property has a requirement. The rules
that compare the two are rows of the tables here, not functions.

Source of the rows: the property descriptions in the registry schemas bundled with cfn-lint ("in the same Region"), the
service user guides (keys, topics, subnets and groups are regional), and for alarms the observed API error
"Invalid region X specified. Only Y is supported."
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, is_true, leaves, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved, Unknown

KEYS = frozenset({
    "KmsKeyId", "KMSKeyId", "KmsKeyArn", "KMSKeyArn", "KmsMasterKeyId", "KMSMasterKeyId", "KMSMasterKeyID", "KmsKey",
    "KmsKeyIdentifier", "EncryptionKeyArn", "EncryptionKey", "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsKmsKeyId", "TargetKeyId", "KmsArn",
})  # fmt: skip
"""Property names that take a KMS key of the resource's own region."""

NETWORK = frozenset({
    "VpcId", "VPCId", "SubnetId", "SubnetIds", "Subnets", "SecurityGroupId", "SecurityGroupIds", "SecurityGroups",
    "GroupId", "VPCSecurityGroups", "VpcSecurityGroupIds",
    "SourceSecurityGroupId", "DestinationSecurityGroupId", "RouteTableId",
    "RouteTableIds", "NatGatewayId", "InternetGatewayId", "TransitGatewayId", "NetworkInterfaceId", "NetworkAclId",
    "VpcEndpointId",
})  # fmt: skip
"""Property names that take a part of a network of the resource's own region."""

OTHER = frozenset({
    "AlarmActions", "OKActions", "InsufficientDataActions", "TargetGroupArn", "TargetGroupARNs", "LoadBalancerArn",
    "ListenerArn", "Layers", "ServiceToken", "DBSubnetGroupName", "DBParameterGroupName", "DBClusterParameterGroupName",
    "OptionGroupName", "SnsTopicArn", "SNSTopicArn", "EventSourceArn", "LogGroupName",
    "RotationLambdaARN", "BackupVaultName", "StateMachineArn", "FileSystemId", "NotificationARNs",
})  # fmt: skip
"""Other property names that take something of the resource's own region."""

OWN_REGION = KEYS | NETWORK | OTHER

FREE_FORM = frozenset({
    "Variables", "Parameters", "Tags", "Definition", "DefinitionSubstitutions", "PolicyDocument", "KeyPolicy",
    "Content",
})  # fmt: skip
"""Mappings whose keys are the author's own: a name in them says nothing about what the service does with the value."""

OWN_REGION_OF = {
    ("AWS::Lambda::Function", "Code.S3Bucket"),
    ("AWS::Lambda::LayerVersion", "Content.S3Bucket"),
    ("AWS::Lambda::Permission", "FunctionName"),
    ("AWS::Lambda::EventSourceMapping", "FunctionName"),
    ("AWS::Lambda::Alias", "FunctionName"),
    ("AWS::Lambda::Version", "FunctionName"),
    ("AWS::ElasticLoadBalancingV2::Listener", "Certificates.CertificateArn"),
    ("AWS::ECS::Service", "Cluster"),
    ("AWS::ECS::Service", "TaskDefinition"),
    ("AWS::ECS::Service", "LoadBalancers.TargetGroupArn"),
    ("AWS::SNS::TopicPolicy", "Topics"),
    ("AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::S3::BucketPolicy", "Bucket"),
    ("AWS::S3::Bucket", "NotificationConfiguration.LambdaConfigurations.Function"),
    ("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations.Queue"),
    ("AWS::S3::Bucket", "NotificationConfiguration.TopicConfigurations.Topic"),
    ("AWS::SecretsManager::SecretTargetAttachment", "SecretId"),
    ("AWS::SecretsManager::SecretTargetAttachment", "TargetId"),
    ("AWS::SecretsManager::RotationSchedule", "SecretId"),
    ("AWS::RDS::DBInstance", "DBClusterIdentifier"),
    ("AWS::RDS::DBProxy", "Auth.SecretArn"),
}
"""Property names that mean their own region only in this type."""


@dataclass(frozen=True)
class In:
    """The region is what property `named` of the same mapping (or of one around it) says; else the stack's own."""

    named: str


@dataclass(frozen=True)
class Only:
    """The region is always `region`, wherever the stack is."""

    region: str


@dataclass(frozen=True)
class OfBucket:
    """The region is the one of the bucket that property `named` of a mapping around it names."""

    named: str


Where = In | Only | OfBucket

ELSEWHERE: Mapping[tuple[str, str], Where] = {
    ("AWS::SecretsManager::Secret", "ReplicaRegions.KmsKeyId"): In("Region"),
    ("AWS::DynamoDB::GlobalTable", "Replicas.SSESpecification.KMSMasterKeyId"): In("Region"),
    ("AWS::RDS::DBInstance", "AutomaticBackupReplicationKmsKeyId"): In("AutomaticBackupReplicationRegion"),
    ("AWS::SNS::Subscription", "TopicArn"): In("Region"),
    ("AWS::Route53::HostedZone", "QueryLoggingConfig.CloudWatchLogsLogGroupArn"): Only("us-east-1"),
    ("AWS::CloudFront::Distribution", "DistributionConfig.ViewerCertificate.AcmCertificateArn"): Only("us-east-1"),
    ("AWS::EC2::TransitGatewayPeeringAttachment", "PeerTransitGatewayId"): In("PeerRegion"),
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.EncryptionConfiguration.ReplicaKmsKeyID"):
        OfBucket("Bucket"),
}  # fmt: skip
"""Properties whose value belongs to a region that the template states next to them. Cross-region by design."""

PEERING: Mapping[tuple[str, str], Where] = {("AWS::EC2::VPCPeeringConnection", "PeerVpcId"): In("PeerRegion")}
ZONES: Mapping[tuple[str, str], Where] = {("AWS::Route53::HostedZone", "VPCs.VPCId"): In("VPCRegion")}

_SEPARATE = {*ELSEWHERE, *PEERING, *ZONES}

NAMED_BY = {
    "DBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    "DBParameterGroupName": "AWS::RDS::DBParameterGroup",
    "DBClusterParameterGroupName": "AWS::RDS::DBClusterParameterGroup",
    "OptionGroupName": "AWS::RDS::OptionGroup",
    "S3Bucket": "AWS::S3::Bucket",
    "FunctionName": "AWS::Lambda::Function",
    "BackupVaultName": "AWS::Backup::BackupVault",
    **dict.fromkeys(KEYS, "AWS::KMS::Alias"),
}
"""Properties that take a bare name, and the type it names: the name must exist in the region, too."""


@dataclass(frozen=True)
class Misplaced:
    """`value` at `path` belongs to `found`, and the property needs something of `wanted`. `said_by` names what says
    so."""

    resource: Resource
    path: str
    found: str
    wanted: str
    said_by: str
    what: str


def misplaced(world: World, table: Mapping[tuple[str, str], Where]) -> Iterator[Misplaced]:
    """Values in the properties of `table` that belong to another region than the template states for them."""
    for (resource_type, path), where in table.items():
        for resource in world.resources(resource_type):
            for found_path, around, value in walk(resource.properties):
                if found_path == path:
                    wanted, said_by = _wanted(world, resource, where, around)
                    yield from _compare(world, resource, path, value, wanted, said_by)


def misplaced_in_own_region(world: World) -> Iterator[Misplaced]:
    """Values of another region in properties that mean the stack's own region."""
    for resource in world.all_resources():
        if resource.type.startswith(("AWS::IAM::", "AWS::CloudFront::")):
            continue
        custom = resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"
        for path, _, value in walk(resource.properties):
            last = path.rsplit(".", 1)[-1]
            if (
                (resource.type, path) in _SEPARATE
                or (custom and path != "ServiceToken")
                or FREE_FORM & set(path.split("."))
            ):
                continue
            if last in OWN_REGION or (resource.type, path) in OWN_REGION_OF:
                yield from _compare(world, resource, path, value, resource.region, "the stack")


def _wanted(world: World, resource: Resource, where: Where, around: tuple[Any, ...]) -> tuple[str | None, str]:
    match where:
        case Only(region):
            return region, "the service"
        case In(named):
            for mapping in around:
                if named in mapping:
                    return pattern(mapping[named]), named
            return resource.region, f"no {named}, so the stack"
        case OfBucket(named):
            for mapping in around:
                if named in mapping:
                    bucket = world.target(mapping[named], "AWS::S3::Bucket")
                    return (bucket.region if bucket else None), "the destination bucket"
    return None, ""


def _compare(
    world: World, resource: Resource, path: str, value: Resolved, wanted: str | None, said_by: str
) -> Iterator[Misplaced]:
    if wanted is None or "*" in wanted:
        return
    for leaf in leaves(value):
        found = region_of(leaf) or _region_of_name(world, path.rsplit(".", 1)[-1], leaf, wanted)
        if found is not None and found != wanted and not _is_multi_region_key_id(world, leaf):
            yield Misplaced(resource, path, found, wanted, said_by, describe(leaf))


def _is_multi_region_key_id(world: World, value: Resolved) -> bool:
    """True for the id (not the ARN) of a multi-Region key: its replicas in other regions have the same.

    Source: AWS KMS Developer Guide, "Multi-Region keys in AWS KMS" (shared properties).
    """
    if not isinstance(value, Attribute) or value.attribute not in ("Ref", "KeyId"):
        return False
    key = world.resource(value) if value.type in ("AWS::KMS::Key", "AWS::KMS::ReplicaKey") else None
    return key is not None and (key.type == "AWS::KMS::ReplicaKey" or is_true(key.value("MultiRegion")))


def _region_of_name(world: World, property_name: str, value: Resolved, wanted: str) -> str | None:
    """The region where a bare name exists, if it exists in others than `wanted` only."""
    resource_type = NAMED_BY.get(property_name)
    name = pattern(value)
    if resource_type is None or not name or arn(value) is not None or "*" in name:
        return None
    regions = {resource.region for resource in world.named(resource_type, name)}
    return min(regions) if regions and wanted not in regions else None


def describe(value: Resolved) -> str:
    """`value` in a person's words: which resource of which stack it is, or its text."""
    if isinstance(value, Attribute):
        return f"{value.logical_id} of stack {value.stack}"
    if isinstance(value, Unknown):
        return value.reason
    return repr(pattern(value))


def walk(
    value: Resolved, path: str = "", around: tuple[Any, ...] = ()
) -> Iterator[tuple[str, tuple[Any, ...], Resolved]]:
    """Every property inside `value`: its dotted path without list positions, the mappings around it (nearest first),
    and its value; both branches of undecided conditions."""
    for leaf in leaves(value):
        if isinstance(leaf, Mapping):
            for key, item in leaf.items():
                here = f"{path}.{key}" if path else str(key)
                yield here, (leaf, *around), item
                yield from walk(item, here, (leaf, *around))
