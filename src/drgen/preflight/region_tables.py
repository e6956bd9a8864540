"""Tables: which region the value of a property must belong to. requirements.py reads them.

Source of the rows: the property descriptions in the registry schemas bundled with cfn-lint ("in the same Region"), the
service user guides (keys, topics, subnets and groups are regional), and for alarms the observed API error
"Invalid region X specified. Only Y is supported."
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    "RotationLambdaARN", "BackupVaultName", "StateMachineArn", "FileSystemId", "NotificationARNs", "TargetBackupVault",
    "CertificateArn", "RegionalCertificateArn", "WebACLArn", "SecretArn", "EventBusName", "QueueUrl", "StreamArn",
    "KinesisStreamArn", "DomainArn", "RepositoryName", "UserPoolId", "ClusterArn", "AutoScalingGroupName",
    "LaunchTemplateId", "KeyName", "LaunchConfigurationName", "CacheSubnetGroupName", "CacheParameterGroupName",
    "ClusterSubnetGroupName", "ReplicationSubnetGroupIdentifier", "LogGroupArn", "CloudWatchLogsLogGroupArn",
    "CloudWatchLogGroupArn", "LogGroupNames", "RestApiId", "VpcLinkId", "NamespaceId", "FirewallPolicyArn",
    "NotificationTopicArn", "ProviderArns", "AccessPointArn", "DBProxyName", "ServerId",
    "TransitGatewayRouteTableId", "VpnGatewayId", "CustomerGatewayId", "DhcpOptionsId",
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
    ("AWS::Lambda::Function", "DeadLetterConfig.TargetArn"),
    ("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn"),
    ("AWS::SNS::Subscription", "RedrivePolicy.deadLetterTargetArn"),
    ("AWS::Logs::SubscriptionFilter", "DestinationArn"),
    ("AWS::S3::Bucket", "LoggingConfiguration.DestinationBucketName"),
    ("AWS::S3::Bucket", "InventoryConfigurations.Destination.BucketArn"),
    ("AWS::EC2::Instance", "LaunchTemplate.LaunchTemplateId"),
    ("AWS::ECS::Service", "ServiceRegistries.RegistryArn"),
    ("AWS::ECS::TaskDefinition", "Volumes.EFSVolumeConfiguration.FilesystemId"),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "ScalingTargetId"),
    ("AWS::Backup::BackupSelection", "BackupPlanId"),
    ("AWS::Backup::BackupSelection", "BackupSelection.Resources"),
    ("AWS::Backup::RestoreTestingSelection", "ProtectedResourceArns"),
    ("AWS::WAFv2::WebACLAssociation", "ResourceArn"),
    ("AWS::AutoScaling::AutoScalingGroup", "VPCZoneIdentifier"),
    ("AWS::CloudTrail::Trail", "SnsTopicName"),
    ("AWS::Config::DeliveryChannel", "SnsTopicARN"),
    ("AWS::RDS::DBInstance", "DBSnapshotIdentifier"),
    ("AWS::RDS::DBCluster", "SnapshotIdentifier"),
    ("AWS::Events::EventBus", "DeadLetterConfig.Arn"),
    ("AWS::Events::Rule", "Targets.DeadLetterConfig.Arn"),
    ("AWS::Events::Archive", "SourceArn"),
    ("AWS::Pipes::Pipe", "Source"),
    ("AWS::EKS::Nodegroup", "ClusterName"),
    ("AWS::EKS::Nodegroup", "LaunchTemplate.Id"),
    ("AWS::EKS::Addon", "ClusterName"),
    ("AWS::EKS::FargateProfile", "ClusterName"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Targets.Id"),
    ("AWS::Pipes::Pipe", "Target"),
    ("AWS::Scheduler::Schedule", "Target.DeadLetterConfig.Arn"),
    ("AWS::Synthetics::Canary", "ArtifactConfig.S3Encryption.KmsKeyArn"),
    ("AWS::ApiGateway::Authorizer", "AuthorizerUri"),
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
    ("AWS::AppSync::DataSource", "DynamoDBConfig.TableName"): In("AwsRegion"),
    ("AWS::Route53::HostedZone", "QueryLoggingConfig.CloudWatchLogsLogGroupArn"): Only("us-east-1"),
    ("AWS::CloudFront::Distribution", "DistributionConfig.ViewerCertificate.AcmCertificateArn"): Only("us-east-1"),
    ("AWS::CloudFront::Distribution", "DistributionConfig.WebACLId"): Only("us-east-1"),
    ("AWS::Route53::KeySigningKey", "KeyManagementServiceArn"): Only("us-east-1"),
    ("AWS::CloudFront::Distribution",
     "DistributionConfig.DefaultCacheBehavior.LambdaFunctionAssociations.LambdaFunctionARN"): Only("us-east-1"),
    ("AWS::AppSync::DomainName", "CertificateArn"): Only("us-east-1"),
    ("AWS::CloudFront::Distribution", "DistributionConfig.CacheBehaviors.LambdaFunctionAssociations.LambdaFunctionARN"):
        Only("us-east-1"),
    ("AWS::Cognito::UserPoolDomain", "CustomDomainConfig.CertificateArn"): Only("us-east-1"),
    ("AWS::ApiGateway::DomainName", "CertificateArn"): Only("us-east-1"),
    ("AWS::EC2::TransitGatewayPeeringAttachment", "PeerTransitGatewayId"): In("PeerRegion"),
    ("AWS::DynamoDB::GlobalTable", "Replicas.KinesisStreamSpecification.StreamArn"): In("Region"),
    ("AWS::EFS::FileSystem", "ReplicationConfiguration.Destinations.KmsKeyId"): In("Region"),
    ("AWS::EFS::FileSystem", "ReplicationConfiguration.Destinations.FileSystemId"): In("Region"),
    ("AWS::ElastiCache::GlobalReplicationGroup", "Members.ReplicationGroupId"): In("ReplicationGroupRegion"),
    ("AWS::ElastiCache::GlobalReplicationGroup", "RegionalConfigurations.ReplicationGroupId"):
        In("ReplicationGroupRegion"),
    ("AWS::GlobalAccelerator::EndpointGroup", "EndpointConfigurations.EndpointId"): In("EndpointGroupRegion"),
    ("AWS::Synthetics::Canary", "Replicas.VpcConfig.SubnetIds"): In("Location"),
    ("AWS::Synthetics::Canary", "Replicas.VpcConfig.SecurityGroupIds"): In("Location"),
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.EncryptionConfiguration.ReplicaKmsKeyID"):
        OfBucket("Bucket"),
}  # fmt: skip
"""Properties whose value belongs to a region that the template states next to them. Cross-region by design."""

PEERING: Mapping[tuple[str, str], Where] = {("AWS::EC2::VPCPeeringConnection", "PeerVpcId"): In("PeerRegion")}
ZONES: Mapping[tuple[str, str], Where] = {("AWS::Route53::HostedZone", "VPCs.VPCId"): In("VPCRegion")}

SEPARATE = {*ELSEWHERE, *PEERING, *ZONES}

NAMED_BY = {
    "DBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    "DBParameterGroupName": "AWS::RDS::DBParameterGroup",
    "DBClusterParameterGroupName": "AWS::RDS::DBClusterParameterGroup",
    "OptionGroupName": "AWS::RDS::OptionGroup",
    "S3Bucket": "AWS::S3::Bucket",
    "FunctionName": "AWS::Lambda::Function",
    "BackupVaultName": "AWS::Backup::BackupVault",
    "TargetBackupVault": "AWS::Backup::BackupVault",
    "LogGroupName": "AWS::Logs::LogGroup",
    "EventBusName": "AWS::Events::EventBus",
    "SecretId": "AWS::SecretsManager::Secret",
    **dict.fromkeys(KEYS, "AWS::KMS::Alias"),
}
"""Properties that take a bare name, and the type it names: the name must exist in the region, too."""

GLOBAL = ("AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::", "AWS::GlobalAccelerator::", "AWS::Organizations::")
"""Types without a region: their properties take values of any, but for the rows of ELSEWHERE."""

ANYWHERE_TYPES = (
    "Custom::", "AWS::CloudFormation::", "AWS::ARCRegionSwitch::", "AWS::Route53RecoveryReadiness::", "AWS::RAM::",
    "AWS::Route53RecoveryControl::", "AWS::SSM::", "AWS::CloudWatch::Dashboard", "AWS::Events::", "AWS::Scheduler::",
    "AWS::Backup::", "AWS::Budgets::", "AWS::SNS::Subscription", "AWS::KMS::ReplicaKey", "AWS::ECR::", "AWS::DMS::",
    "AWS::DataSync::", "AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::AppSync::", "AWS::StepFunctions::",
    "AWS::FIS::", "AWS::ResilienceHub::", "AWS::SSMIncidents::", "AWS::Grafana::", "AWS::Serverless::",
    "AWS::CloudTrail::", "AWS::Config::", "AWS::KinesisFirehose::", "AWS::Glue::", "AWS::Athena::",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::NetworkManager::", "AWS::Oam::", "AWS::CodePipeline::", "AWS::Lambda::Permission", "AWS::EC2::FlowLog",
)  # fmt: skip
"""Types that may name things of other regions by design, so that only properties of the other tables are judged."""

EVERY_REGION_TYPES = (
    "AWS::ARCRegionSwitch::", "AWS::Route53RecoveryReadiness::", "AWS::Route53RecoveryControl::",
    "AWS::ResilienceHub::", "AWS::NetworkManager::", "AWS::SSMIncidents::", "AWS::RAM::", "AWS::CloudWatch::Dashboard",
    "AWS::SSM::ResourceDataSync", "AWS::CloudTrail::", "AWS::Config::",
)  # fmt: skip
"""Types whose purpose is to name things of several regions: not even a subnet or a key must be of their own.

Keys of trails, delivery channels and data syncs are of the region of their bucket.
"""

ANYWHERE = frozenset({
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"), ("AWS::RDS::DBInstance", "SourceDBClusterIdentifier"),
    ("AWS::RDS::DBInstance", "SourceDBInstanceAutomatedBackupsArn"), ("AWS::RDS::DBInstance", "SourceDbiResourceId"),
    ("AWS::RDS::DBCluster", "ReplicationSourceIdentifier"), ("AWS::RDS::DBCluster", "GlobalClusterIdentifier"),
    ("AWS::RDS::DBCluster", "SourceDBClusterIdentifier"), ("AWS::RDS::GlobalCluster", "SourceDBClusterIdentifier"),
    ("AWS::DocDB::DBCluster", "GlobalClusterIdentifier"), ("AWS::Neptune::DBCluster", "GlobalClusterIdentifier"),
    ("AWS::DocDB::GlobalCluster", "SourceDBClusterIdentifier"),
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket"),
    ("AWS::ElastiCache::ReplicationGroup", "GlobalReplicationGroupId"),
    ("AWS::S3::Bucket", "InventoryConfigurations.Destination.BucketAccountId"),
    ("AWS::EC2::TransitGatewayPeeringAttachment", "PeerTransitGatewayId"),
    ("AWS::DynamoDB::GlobalTable", "GlobalTableSourceArn"),
    ("AWS::SecretsManager::Secret", "ReplicaRegions.Region"),
    ("AWS::Redshift::Cluster", "SnapshotIdentifier"),
})  # fmt: skip
"""Properties that take things of other regions by design."""

SHARED = frozenset({"VpcPeeringConnectionId", "TransitGatewayAttachmentId", "TransitGatewayPeeringAttachmentId"})
"""Property names whose things have the same id in both regions that they connect."""

IDENTIFYING = ("Id", "Ids", "ID", "Arn", "ARN", "Arns", "ARNs", "Name", "Names", "Identifier", "Identifiers")
"""How the names of properties end that name a thing. Services look for it in their own region unless they say
otherwise."""
