"""Which kind of thing a property takes: resource types, and whether by name or by ARN.

Source: the registry schemas bundled with cfn-lint. The rows of TYPES are the property names to which they give one
`format` (`AWS::EC2::Subnet.Id`, `AWS::IAM::Role.Arn`, ...) wherever the name occurs, and those whose description
names the type. What Ref gives is the primary identifier of the schema; SHORT holds the types where that is no ARN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drgen.preflight.region_tables import FREE_FORM
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

FUNCTION = ("AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::Version")
KEY = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias")
SUBNET = ("AWS::EC2::Subnet",)
VPC = ("AWS::EC2::VPC",)
GROUP = ("AWS::EC2::SecurityGroup",)
ROLE = ("AWS::IAM::Role",)
TOPIC = ("AWS::SNS::Topic",)
BUCKET = ("AWS::S3::Bucket", "AWS::S3::AccessPoint", "AWS::S3Express::DirectoryBucket")

_ROLES = (
    "RoleArn", "RoleARN", "ExecutionRoleArn", "IamRoleArn", "TaskRoleArn", "ServiceAccessRoleArn", "ServiceRoleArn",
    "MonitoringRoleArn", "SecretsManagerAccessRoleArn", "ServiceExecutionRoleArn", "InfrastructureRoleArn",
    "LogRoleArn", "CloudWatchLogsRoleArn", "NodeRoleArn", "IAMRoleARN", "PodExecutionRoleArn", "AccessRoleArn",
    "PeerRoleArn",
)  # fmt: skip
_GROUPS = (
    "SecurityGroupId", "SecurityGroupIds", "VpcSecurityGroupIds", "VPCSecurityGroups", "SourceSecurityGroupId",
    "DestinationSecurityGroupId", "GroupSet",
)  # fmt: skip
_KEYS = (
    "KmsKeyId", "KMSKeyId", "KmsMasterKeyId", "KMSMasterKeyId", "KMSMasterKeyID", "KmsKeyArn", "KMSKeyArn",
    "ReplicaKmsKeyID", "PerformanceInsightsKMSKeyId", "EncryptionKeyArn", "TargetKeyId",
)  # fmt: skip
_FUNCTIONS = ("FunctionArn", "LambdaArn", "LambdaFunctionArn", "LambdaFunctionARN", "RotationLambdaARN")


def _database(kind: str) -> tuple[str, ...]:
    """The type `kind` of the three engines that share the control plane of RDS."""
    return tuple(f"AWS::{service}::{kind}" for service in ("RDS", "DocDB", "Neptune"))


TYPES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_ROLES, ROLE),
    **dict.fromkeys(("VpcId", "VPCId", "PeerVpcId"), VPC),
    **dict.fromkeys(("SubnetId", "SubnetIds", "VpcSubnetIds"), SUBNET),
    **dict.fromkeys(_GROUPS, (*GROUP, *VPC)),
    **dict.fromkeys(("RouteTableId", "RouteTableIds"), ("AWS::EC2::RouteTable",)),
    **dict.fromkeys(_KEYS, KEY),
    **dict.fromkeys(_FUNCTIONS, FUNCTION),
    **dict.fromkeys(("SnsTopicArn", "SNSTopicArn"), TOPIC),
    **dict.fromkeys(("TargetGroupArn", "TargetGroupARNs"), ("AWS::ElasticLoadBalancingV2::TargetGroup",)),
    **dict.fromkeys(("AcmCertificateArn",), ("AWS::CertificateManager::Certificate",)),
    "ListenerArn": ("AWS::ElasticLoadBalancingV2::Listener", "AWS::GlobalAccelerator::Listener"),
    "LoadBalancerArn": ("AWS::ElasticLoadBalancingV2::LoadBalancer",),
    "NatGatewayId": ("AWS::EC2::NatGateway",),
    "InternetGatewayId": ("AWS::EC2::InternetGateway",),
    "VpcPeeringConnectionId": ("AWS::EC2::VPCPeeringConnection",),
    "AllocationId": ("AWS::EC2::EIP",),
    "DBSubnetGroupName": _database("DBSubnetGroup"),
    "DBParameterGroupName": _database("DBParameterGroup"),
    "DBClusterParameterGroupName": _database("DBClusterParameterGroup"),
    "DBClusterIdentifier": _database("DBCluster"),
    "GlobalClusterIdentifier": _database("GlobalCluster"),
    "StateMachineArn": (
        "AWS::StepFunctions::StateMachine", "AWS::StepFunctions::StateMachineAlias",
        "AWS::StepFunctions::StateMachineVersion",
    ),
    "DestinationBackupVaultArn": ("AWS::Backup::BackupVault", "AWS::Backup::LogicallyAirGappedBackupVault"),
    "BackupVaultName": ("AWS::Backup::BackupVault", "AWS::Backup::LogicallyAirGappedBackupVault"),
    "EventBusArn": ("AWS::Events::EventBus",),
    "SecretArn": ("AWS::SecretsManager::Secret",),
    "PrimaryKeyArn": ("AWS::KMS::Key",),
}  # fmt: skip
"""Property names that take one kind of resource wherever they occur."""

TYPES_OF: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AWS::Lambda::Function", "Role"): ROLE,
    ("AWS::ECS::Service", "Cluster"): ("AWS::ECS::Cluster",),
    ("AWS::ECS::Service", "TaskDefinition"): ("AWS::ECS::TaskDefinition",),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Subnets"): SUBNET,
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups"): (*GROUP, *VPC),
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): ("AWS::RDS::DBInstance",),
    ("AWS::RDS::GlobalCluster", "SourceDBClusterIdentifier"): ("AWS::RDS::DBCluster",),
    ("AWS::S3::Bucket", "ReplicationConfiguration.Role"): ROLE,
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket"): BUCKET,
    ("AWS::SNS::TopicPolicy", "Topics"): TOPIC,
    ("AWS::SQS::QueuePolicy", "Queues"): ("AWS::SQS::Queue",),
    ("AWS::Route53::RecordSet", "HostedZoneId"): ("AWS::Route53::HostedZone",),
    ("AWS::Route53::RecordSet", "HealthCheckId"): ("AWS::Route53::HealthCheck",),
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateData.IamInstanceProfile.Name"): ("AWS::IAM::InstanceProfile",),
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateData.IamInstanceProfile.Arn"): ("AWS::IAM::InstanceProfile",),
    ("AWS::EC2::Instance", "IamInstanceProfile"): ("AWS::IAM::InstanceProfile",),
    ("AWS::AutoScaling::LaunchConfiguration", "IamInstanceProfile"): ("AWS::IAM::InstanceProfile",),
    ("AWS::AutoScaling::AutoScalingGroup", "VPCZoneIdentifier"): SUBNET,
    ("AWS::EKS::Cluster", "ResourcesVpcConfig.SubnetIds"): SUBNET,
    ("AWS::EKS::Nodegroup", "NodeRole"): ROLE,
    ("AWS::IAM::InstanceProfile", "Roles"): ROLE,
    ("AWS::IAM::Policy", "Roles"): ROLE,
    ("AWS::IAM::RolePolicy", "RoleName"): ROLE,
}
"""Property names that mean one kind of resource only in this type."""

SHORT = frozenset({
    "AWS::IAM::Role", "AWS::IAM::InstanceProfile", "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey", "AWS::KMS::Alias", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable",
    "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::Logs::LogGroup", "AWS::Events::EventBus",
    "AWS::Backup::BackupVault", "AWS::Kinesis::Stream", "AWS::ECR::Repository", "AWS::SQS::Queue", "AWS::Events::Rule",
    "AWS::CloudWatch::Alarm", "AWS::EFS::FileSystem", "AWS::ECS::Cluster",
})  # fmt: skip
"""Types whose Ref is a name, an id or a URL, and not an ARN."""

BY_ARN = frozenset(
    {
        ("AWS::Lambda::Function", "Role"),
        ("AWS::S3::Bucket", "ReplicationConfiguration.Role"),
        ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket"),
        ("AWS::S3::Bucket", "NotificationConfiguration.LambdaConfigurations.Function"),
        ("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations.Queue"),
        ("AWS::Events::Rule", "Targets.Arn"),
        ("AWS::Scheduler::Schedule", "Target.Arn"),
        ("AWS::EC2::FlowLog", "LogDestination"),
        ("AWS::SNS::TopicPolicy", "Topics"),
        ("AWS::EKS::Nodegroup", "NodeRole"),
    }
)
"""Properties that take an ARN although their name does not say so."""

BY_NAME = frozenset(
    {
        ("AWS::IAM::InstanceProfile", "Roles"),
        ("AWS::IAM::Policy", "Roles"),
        ("AWS::IAM::ManagedPolicy", "Roles"),
        ("AWS::IAM::RolePolicy", "RoleName"),
        ("AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig.AlarmIdentifier.Name"),
        ("AWS::RDS::DBInstance", "DBClusterIdentifier"),
        ("AWS::RDS::EventSubscription", "SourceIds"),
        ("AWS::RDS::DBCluster", "GlobalClusterIdentifier"),
        ("AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule.TargetBackupVault"),
        ("AWS::Logs::MetricFilter", "LogGroupName"),
        ("AWS::Logs::SubscriptionFilter", "LogGroupName"),
        ("AWS::Lambda::Function", "LoggingConfig.LogGroup"),
    }
)
"""Properties that take a name, an id or a URL, and refuse an ARN."""

ANY_FORM = frozenset({"KmsKeyArn", "KMSKeyArn", "KmsArn"})
"""Names that end in ARN where services take a key's id, too."""

ANY_FORM_OF = frozenset(
    {
        ("AWS::ECS::TaskDefinition", "TaskRoleArn"),
        ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"),
    }
)
"""Properties whose name ends in ARN and that take a short name, too.

Source: Amazon ECS API, RegisterTaskDefinition ("the short name or full ARN of the IAM role").
"""

NOT_TYPED = ("AWS::CloudFormation::", "AWS::SSM::Parameter", "AWS::Serverless::", "AWS::ServiceCatalog::", "Custom::")
"""Types whose attributes hold whatever their author put into them."""


@dataclass(frozen=True)
class WrongKind:
    """`value` at `path` is of another kind than the property takes; `wanted` says what it takes."""

    resource: Resource
    path: str
    value: Attribute
    wanted: str


def wrong_kinds(world: World) -> Iterator[WrongKind]:
    """Every attribute of a resource where the service takes another kind of thing, or another form of it."""
    for resource in world.all_resources():
        if resource.type.startswith(("Custom::", "AWS::CloudFormation::")):
            continue
        for path, _, value in resource.parts:
            if FREE_FORM.isdisjoint(path.split(".")):
                for leaf in leaves(value):
                    wanted = _wanted(resource, path, leaf) if isinstance(leaf, Attribute) else ""
                    if wanted:
                        yield WrongKind(resource, path, leaf, wanted)


def _wanted(resource: Resource, path: str, value: Attribute) -> str:
    """What the property takes, if `value` is something else; "" if it fits, or nobody knows."""
    last = path.rsplit(".", 1)[-1]
    types = TYPES_OF.get((resource.type, path)) or TYPES.get(last)
    if value.type.startswith(NOT_TYPED) or not _identifies(value):
        return ""
    if types and value.type not in types:
        return f"an {types[0]}"
    if types and value.type in VPC and GROUP[0] in types:
        return "" if value.attribute == "DefaultSecurityGroup" else f"an {GROUP[0]}"
    is_arn = value.attribute.lower().endswith("arn")
    if value.attribute == "Ref" and value.type in SHORT and _takes_arn(resource, path, value):
        return "an ARN"
    return "a name and no ARN" if is_arn and (resource.type, path) in BY_NAME else _full_form(resource, path, value)


def _full_form(resource: Resource, path: str, value: Attribute) -> str:
    named = value.attribute.endswith("Name") and value.type in ("AWS::SNS::Topic", "AWS::SQS::Queue")
    return "an ARN" if named and (resource.type, path) in BY_ARN else ""


def _takes_arn(resource: Resource, path: str, value: Attribute) -> bool:
    last = path.rsplit(".", 1)[-1]
    if last == "SourceDBInstanceIdentifier":
        # Within one region the identifier is enough.
        return value.region != resource.region
    spelt = last.endswith(("Arn", "ARN", "Arns", "ARNs")) and last not in ANY_FORM
    if (resource.type, path) in ANY_FORM_OF:
        return False
    return spelt or (resource.type, path) in BY_ARN


def _identifies(value: Attribute) -> bool:
    """True if the attribute names its resource: an address or a block says nothing about what it belongs to."""
    return value.attribute == "Ref" or value.attribute.endswith(("Arn", "ARN", "Id", "Name", "SecurityGroup"))
