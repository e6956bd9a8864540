"""Every type that has a provider is made once, on one server, and held to the registry schema. P1 and P2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from drgen.local.providers import PROVIDERS
from drgen.local.providers.provider import Desired, Physical
from drgen.local.server import EmbeddedAws
from drgen.template.schema import schema_for

Made = Mapping[str, Physical]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "*",
            "Resource": "*",
        }
    ],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
SERVICES = ("backup.amazonaws.com", "lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": list(SERVICES)},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALARM = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def ref(made: Made, kind: str) -> str:
    return made[f"AWS::{kind}"].id


def att(made: Made, kind: str, name: str) -> Any:
    return made[f"AWS::{kind}"].attributes[name]


# The smallest properties of each type; later ones may use what earlier ones made.
SAMPLES: Mapping[str, Callable[[Made], dict[str, Any]]] = {
    "AWS::EC2::VPC": lambda m: {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True},
    "AWS::EC2::Subnet": lambda m: {"VpcId": ref(m, "EC2::VPC"), "CidrBlock": "10.0.0.0/24"},
    "AWS::EC2::RouteTable": lambda m: {"VpcId": ref(m, "EC2::VPC")},
    "AWS::EC2::SubnetRouteTableAssociation": lambda m: {
        "SubnetId": ref(m, "EC2::Subnet"),
        "RouteTableId": ref(m, "EC2::RouteTable"),
    },
    "AWS::EC2::InternetGateway": lambda m: {},
    "AWS::EC2::VPCGatewayAttachment": lambda m: {
        "VpcId": ref(m, "EC2::VPC"),
        "InternetGatewayId": ref(m, "EC2::InternetGateway"),
    },
    "AWS::EC2::Route": lambda m: {
        "RouteTableId": ref(m, "EC2::RouteTable"),
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": ref(m, "EC2::InternetGateway"),
    },
    "AWS::EC2::EIP": lambda m: {"Domain": "vpc"},
    "AWS::EC2::NatGateway": lambda m: {
        "SubnetId": ref(m, "EC2::Subnet"),
        "AllocationId": att(m, "EC2::EIP", "AllocationId"),
    },
    "AWS::EC2::SecurityGroup": lambda m: {"VpcId": ref(m, "EC2::VPC"), "GroupDescription": "d"},
    "AWS::EC2::SecurityGroupIngress": lambda m: {
        "GroupId": ref(m, "EC2::SecurityGroup"),
        "IpProtocol": "tcp",
        "FromPort": "5432",
        "ToPort": "5432",
        "CidrIp": "10.1.0.0/16",
    },
    "AWS::EC2::SecurityGroupEgress": lambda m: {
        "GroupId": ref(m, "EC2::SecurityGroup"),
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "CidrIp": "10.1.0.0/16",
    },
    "AWS::EC2::VPCEndpoint": lambda m: {
        "VpcId": ref(m, "EC2::VPC"),
        "ServiceName": "com.amazonaws.eu-west-1.secretsmanager",
        "VpcEndpointType": "Interface",
        "SubnetIds": [ref(m, "EC2::Subnet")],
        "SecurityGroupIds": [ref(m, "EC2::SecurityGroup")],
        "PrivateDnsEnabled": True,
    },
    "AWS::KMS::Key": lambda m: {"KeyPolicy": POLICY},
    "AWS::KMS::Alias": lambda m: {"AliasName": "alias/attributes", "TargetKeyId": ref(m, "KMS::Key")},
    "AWS::SecretsManager::Secret": lambda m: {"SecretString": "x"},
    "AWS::SecretsManager::ResourcePolicy": lambda m: {
        "SecretId": ref(m, "SecretsManager::Secret"),
        "ResourcePolicy": POLICY,
    },
    "AWS::Route53::HostedZone": lambda m: {"Name": "attributes.example"},
    "AWS::Route53::HealthCheck": lambda m: {
        "HealthCheckConfig": {"Type": "HTTP", "FullyQualifiedDomainName": "a.example", "Port": 80}
    },
    "AWS::Route53::RecordSet": lambda m: {
        "HostedZoneName": "attributes.example.",
        "Name": "a.attributes.example",
        "Type": "A",
        "TTL": "60",
        "ResourceRecords": ["192.0.2.1"],
    },
    "AWS::Route53::RecordSetGroup": lambda m: {
        "HostedZoneId": ref(m, "Route53::HostedZone"),
        "RecordSets": [{"Name": "b.attributes.example", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}],
    },
    "AWS::SNS::Topic": lambda m: {"Subscription": [{"Protocol": "email", "Endpoint": "oncall@example.com"}]},
    "AWS::SNS::TopicPolicy": lambda m: {"Topics": [ref(m, "SNS::Topic")], "PolicyDocument": POLICY},
    "AWS::SQS::Queue": lambda m: {"VisibilityTimeout": "60"},
    "AWS::SQS::QueuePolicy": lambda m: {"Queues": [ref(m, "SQS::Queue")], "PolicyDocument": POLICY},
    "AWS::SNS::Subscription": lambda m: {
        "TopicArn": ref(m, "SNS::Topic"),
        "Protocol": "sqs",
        "Endpoint": att(m, "SQS::Queue", "Arn"),
        "RawMessageDelivery": True,
    },
    "AWS::CloudWatch::Alarm": lambda m: {**ALARM, "AlarmActions": [ref(m, "SNS::Topic")]},
    "AWS::CloudWatch::CompositeAlarm": lambda m: {"AlarmRule": f"ALARM({ref(m, 'CloudWatch::Alarm')})"},
    "AWS::CloudWatch::Dashboard": lambda m: {"DashboardBody": '{"widgets": []}'},
    "AWS::Logs::LogGroup": lambda m: {"RetentionInDays": 30},
    "AWS::Logs::MetricFilter": lambda m: {
        "LogGroupName": ref(m, "Logs::LogGroup"),
        "FilterPattern": "ERROR",
        "MetricTransformations": [{"MetricName": "errors", "MetricNamespace": "n", "MetricValue": "1"}],
    },
    "AWS::IAM::Role": lambda m: {"AssumeRolePolicyDocument": TRUST},
    "AWS::IAM::Policy": lambda m: {
        "PolicyName": "p",
        "PolicyDocument": ALLOW,
        "Roles": [ref(m, "IAM::Role")],
    },
    "AWS::IAM::RolePolicy": lambda m: {
        "PolicyName": "q",
        "PolicyDocument": ALLOW,
        "RoleName": ref(m, "IAM::Role"),
    },
    "AWS::IAM::ManagedPolicy": lambda m: {"PolicyDocument": ALLOW, "Roles": [ref(m, "IAM::Role")]},
    "AWS::EC2::FlowLog": lambda m: {
        "ResourceId": ref(m, "EC2::VPC"),
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": ref(m, "Logs::LogGroup"),
        "DeliverLogsPermissionArn": att(m, "IAM::Role", "Arn"),
    },
    "AWS::Lambda::Function": lambda m: {
        "Role": att(m, "IAM::Role", "Arn"),
        "Code": {"ZipFile": "def handler(event, context): return event"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
    },
    "AWS::Lambda::Permission": lambda m: {
        "FunctionName": ref(m, "Lambda::Function"),
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    },
    "AWS::Lambda::EventInvokeConfig": lambda m: {
        "FunctionName": ref(m, "Lambda::Function"),
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": "0",
    },
    "AWS::Lambda::Version": lambda m: {"FunctionName": ref(m, "Lambda::Function")},
    "AWS::Lambda::Alias": lambda m: {
        "FunctionName": ref(m, "Lambda::Function"),
        "FunctionVersion": att(m, "Lambda::Version", "Version"),
        "Name": "live",
    },
    "AWS::Events::Rule": lambda m: {
        "ScheduleExpression": "rate(1 day)",
        "Targets": [{"Id": "function", "Arn": att(m, "Lambda::Function", "Arn")}],
    },
    "AWS::Scheduler::Schedule": lambda m: {
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": att(m, "Lambda::Function", "Arn"), "RoleArn": att(m, "IAM::Role", "Arn")},
    },
    "AWS::StepFunctions::StateMachine": lambda m: {
        "RoleArn": att(m, "IAM::Role", "Arn"),
        "DefinitionString": '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
    },
    "AWS::S3::Bucket": lambda m: {"VersioningConfiguration": {"Status": "Enabled"}},
    "AWS::S3::BucketPolicy": lambda m: {"Bucket": ref(m, "S3::Bucket"), "PolicyDocument": POLICY},
    "AWS::SSM::Parameter": lambda m: {"Type": "String", "Value": "x"},
    "AWS::DynamoDB::Table": lambda m: {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
    "AWS::DynamoDB::GlobalTable": lambda m: {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [{"Region": "eu-west-1"}, {"Region": "us-east-1"}],
    },
    "AWS::Backup::BackupVault": lambda m: {"BackupVaultName": "attributes"},
    "AWS::Backup::BackupPlan": lambda m: {
        "BackupPlan": {
            "BackupPlanName": "attributes",
            "BackupPlanRule": [{"RuleName": "daily", "TargetBackupVault": ref(m, "Backup::BackupVault")}],
        }
    },
    "AWS::Backup::BackupSelection": lambda m: {
        "BackupPlanId": ref(m, "Backup::BackupPlan"),
        "BackupSelection": {"SelectionName": "attributes", "IamRoleArn": att(m, "IAM::Role", "Arn")},
    },
    "AWS::Synthetics::Canary": lambda m: {
        "Name": "attributes",
        "Code": {"Handler": "handler.handler", "Script": "def handler(event, context): pass"},
        "ExecutionRoleArn": att(m, "IAM::Role", "Arn"),
        "ArtifactS3Location": f"s3://{ref(m, 'S3::Bucket')}/results",
        "Schedule": {"Expression": "rate(1 minute)"},
        "RuntimeVersion": "syn-python-selenium-12.0",
        "StartCanaryAfterCreation": True,
    },
    "AWS::Events::EventBus": lambda m: {"Name": "attributes"},
    "AWS::Events::EventBusPolicy": lambda m: {
        "EventBusName": ref(m, "Events::EventBus"),
        "StatementId": "attributes",
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"},
    },
    "AWS::Events::Archive": lambda m: {"SourceArn": att(m, "Events::EventBus", "Arn")},
    "AWS::ECS::Cluster": lambda m: {},
    "AWS::ECS::TaskDefinition": lambda m: {"ContainerDefinitions": [{"Name": "web", "Image": "web"}]},
}

# Attributes of features that the sample does not use and the embedded AWS does not have.
ABSENT = {
    "AWS::EC2::Subnet": {"BlockPublicAccessStates"},
    "AWS::EC2::VPC": {"VpcEncryptionControl"},
    "AWS::EC2::NatGateway": {"AutoProvisionZones", "AutoScalingIps", "RouteTableId"},
    "AWS::Synthetics::Canary": {"Replicas"},
    "AWS::S3::Bucket": {"MetadataConfiguration", "MetadataTableConfiguration"},
}
ELSEWHERE = {"AWS::KMS::ReplicaKey", "AWS::EC2::VPCPeeringConnection"}
"""Types that need two regions; other tests make them."""
BALANCED = ("AWS::ApplicationAutoScaling::", "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::")
"""Types that need a load balancer in two zones; test_providers_services.py makes them."""
APIS = ("AWS::ApiGatewayV2::",)
"""Types that hang on one API; test_providers_apis.py makes them."""


def desired(kind: str, properties: Mapping[str, Any], previous: Mapping[str, Any] | None = None) -> Desired:
    name = kind.rpartition("::")[2]
    return Desired(kind, name, "attributes", "arn:stack", "eu-west-1", properties, previous or {}, {"team": "payments"})


@pytest.fixture(scope="module")
def world(aws: EmbeddedAws) -> Iterator[tuple[dict[str, Desired], dict[str, Physical]]]:
    wanted: dict[str, Desired] = {}
    made: dict[str, Physical] = {}
    for kind, properties in SAMPLES.items():
        wanted[kind] = desired(kind, properties(made))
        made[kind] = PROVIDERS[kind].create(aws.environment, wanted[kind])
    yield wanted, made
    for kind in reversed(list(made)):
        PROVIDERS[kind].delete(aws.environment, wanted[kind], made[kind])


def test_every_provider_has_a_sample_here_or_a_test_elsewhere() -> None:
    others = {kind for kind in PROVIDERS if kind.startswith(("AWS::RDS::", *BALANCED, *APIS))}
    assert set(PROVIDERS) - others - ELSEWHERE == set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_read_only_attribute_has_a_value(world: Any, kind: str) -> None:
    schema = schema_for(kind, "eu-west-1")
    assert schema is not None
    outermost = {path[0] for path in schema.read_only} - ABSENT.get(kind, set())
    given = {name.partition(".")[0] for name in world[1][kind].attributes}
    assert outermost - given == set()


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_update_without_a_change_keeps_the_resource(world: Any, aws: EmbeddedAws, kind: str) -> None:
    wanted, made = world[0][kind], world[1][kind]
    again = desired(kind, wanted.properties, wanted.properties)
    after = PROVIDERS[kind].update(aws.environment, again, made)
    volatile = {"StateMachineRevisionId", "UpdateDate", "VersionId"}
    assert after.id == made.id
    assert {k: v for k, v in after.attributes.items() if k not in volatile} == {
        k: v for k, v in made.attributes.items() if k not in volatile
    }


def test_everything_is_deleted_and_a_second_time_is_no_error(aws: EmbeddedAws) -> None:
    wanted: dict[str, Desired] = {}
    made: dict[str, Physical] = {}
    fixed = {
        "AWS::Backup::BackupVault": {"BackupVaultName": "deleted"},
        "AWS::Events::EventBus": {"Name": "deleted"},
        "AWS::KMS::Alias": {"AliasName": "alias/deleted"},
        "AWS::Synthetics::Canary": {"Name": "deleted"},
    }
    for kind, properties in SAMPLES.items():
        wanted[kind] = desired(kind, {**properties(made), **fixed.get(kind, {})})
        if kind.startswith("AWS::Route53::Record"):
            continue
        made[kind] = PROVIDERS[kind].create(aws.environment, wanted[kind])
    for kind in reversed(list(made)):
        PROVIDERS[kind].delete(aws.environment, wanted[kind], made[kind])
    for kind in reversed(list(made)):
        PROVIDERS[kind].delete(aws.environment, wanted[kind], made[kind])
    client = aws.environment.client("ec2", "eu-west-1")
    assert client.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [made["AWS::EC2::VPC"].id]}])["Vpcs"] == []
