"""What resources are called: the property that names one, how long it may be, and where it must be unique.

Source of every row: the registry schemas bundled with cfn-lint (name property, primary identifier, maxLength) and the
botocore models of the service; scopes from the user guides (IAM: names are unique in the account; Amazon S3: bucket
names are unique in the partition; CloudWatch: "All dashboards are global").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where two resources of one type must not have the same name."""

    REGION = "region"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Naming:
    """How one resource type is named. `arn` is service and resource part of its ARN, with `*` for the name."""

    property: str
    longest: int
    scope: Scope = Scope.REGION
    arn: tuple[str, str] | None = None
    case_sensitive: bool = True


NAMING = {
    "AWS::Backup::BackupVault": Naming("BackupVaultName", 50, arn=("backup", "backup-vault:*")),
    "AWS::CloudWatch::Alarm": Naming("AlarmName", 255, arn=("cloudwatch", "alarm:*")),
    "AWS::CloudWatch::CompositeAlarm": Naming("AlarmName", 255, arn=("cloudwatch", "alarm:*")),
    "AWS::CloudWatch::Dashboard": Naming("DashboardName", 255, Scope.ACCOUNT),
    "AWS::DynamoDB::GlobalTable": Naming("TableName", 255, arn=("dynamodb", "table/*")),
    "AWS::DynamoDB::Table": Naming("TableName", 255, arn=("dynamodb", "table/*")),
    "AWS::EC2::KeyPair": Naming("KeyName", 255),
    "AWS::ECR::Repository": Naming("RepositoryName", 256, arn=("ecr", "repository/*")),
    "AWS::ECS::Cluster": Naming("ClusterName", 255, arn=("ecs", "cluster/*")),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Naming("Name", 32),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Naming("Name", 32),
    "AWS::EKS::Cluster": Naming("Name", 100, arn=("eks", "cluster/*")),
    "AWS::Events::EventBus": Naming("Name", 256, arn=("events", "event-bus/*")),
    "AWS::IAM::InstanceProfile": Naming("InstanceProfileName", 128, Scope.ACCOUNT, ("iam", "instance-profile/*")),
    "AWS::IAM::ManagedPolicy": Naming("ManagedPolicyName", 128, Scope.ACCOUNT, ("iam", "policy/*")),
    "AWS::IAM::Role": Naming("RoleName", 64, Scope.ACCOUNT, ("iam", "role/*")),
    "AWS::IAM::User": Naming("UserName", 64, Scope.ACCOUNT, ("iam", "user/*")),
    "AWS::KMS::Alias": Naming("AliasName", 256, arn=("kms", "*")),
    "AWS::Lambda::Function": Naming("FunctionName", 64, arn=("lambda", "function:*")),
    "AWS::Logs::LogGroup": Naming("LogGroupName", 512, arn=("logs", "log-group:*")),
    "AWS::RDS::DBCluster": Naming("DBClusterIdentifier", 63, arn=("rds", "cluster:*"), case_sensitive=False),
    "AWS::RDS::DBClusterParameterGroup": Naming("DBClusterParameterGroupName", 255, case_sensitive=False),
    "AWS::RDS::DBInstance": Naming("DBInstanceIdentifier", 63, arn=("rds", "db:*"), case_sensitive=False),
    "AWS::RDS::DBParameterGroup": Naming("DBParameterGroupName", 255, arn=("rds", "pg:*"), case_sensitive=False),
    "AWS::RDS::DBSubnetGroup": Naming("DBSubnetGroupName", 255, arn=("rds", "subgrp:*"), case_sensitive=False),
    "AWS::RDS::EventSubscription": Naming("SubscriptionName", 255, arn=("rds", "es:*")),
    "AWS::RDS::GlobalCluster": Naming("GlobalClusterIdentifier", 63, Scope.ACCOUNT, ("rds", "global-cluster:*")),
    "AWS::RDS::OptionGroup": Naming("OptionGroupName", 255, arn=("rds", "og:*"), case_sensitive=False),
    "AWS::S3::Bucket": Naming("BucketName", 63, Scope.ACCOUNT, ("s3", "*")),
    "AWS::Scheduler::ScheduleGroup": Naming("Name", 64),
    "AWS::SNS::Topic": Naming("TopicName", 256, arn=("sns", "*")),
    "AWS::SQS::Queue": Naming("QueueName", 80, arn=("sqs", "*")),
    "AWS::SSM::Parameter": Naming("Name", 1011, arn=("ssm", "parameter*")),
    "AWS::SecretsManager::Secret": Naming("Name", 512, arn=("secretsmanager", "secret:*")),
    "AWS::StepFunctions::StateMachine": Naming("StateMachineName", 80, arn=("states", "stateMachine:*")),
    "AWS::Synthetics::Canary": Naming("Name", 255, arn=("synthetics", "canary:*")),
    "AWS::ARCRegionSwitch::Plan": Naming("Name", 32, Scope.ACCOUNT),
}
"""The types whose names rules look at. Not here: names that are unique only inside another resource."""

LENGTH_ONLY = {
    "AWS::Events::Rule": Naming("Name", 64),
    "AWS::Scheduler::Schedule": Naming("Name", 64),
    "AWS::ECS::Service": Naming("ServiceName", 255),
    "AWS::ECS::TaskDefinition": Naming("Family", 255),
    "AWS::EC2::SecurityGroup": Naming("GroupName", 255),
    "AWS::RDS::DBProxy": Naming("DBProxyName", 63),
}
"""Types whose names have a limit, and are unique in something smaller than a region (a bus, a group, a cluster, a
VPC)."""


def naming(resource_type: str) -> Naming | None:
    return NAMING.get(resource_type) or LENGTH_ONLY.get(resource_type)


def bare_name(resource_type: str, arn_resource: str) -> str | None:
    """The name in the resource part of an ARN of that type; None if the part belongs to another type.

    Secrets Manager adds a hyphen and six characters to the name; both readings are tried by the caller.
    """
    row = NAMING.get(resource_type)
    if row is None or row.arn is None:
        return None
    before, _, after = row.arn[1].partition("*")
    if not arn_resource.startswith(before) or not arn_resource.endswith(after):
        return None
    name = arn_resource[len(before) : len(arn_resource) - len(after) or None]
    if resource_type.startswith("AWS::IAM::"):
        return name.rsplit("/", 1)[-1]
    if resource_type == "AWS::Logs::LogGroup":
        return name.removesuffix(":*")
    if resource_type == "AWS::S3::Bucket":
        return name.split("/", 1)[0]
    return name or None
