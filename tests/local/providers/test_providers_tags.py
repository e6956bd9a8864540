"""Tags come and go with the template, in the words of each service. P5 of BEHAVIOUR.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Read = Callable[[Any, str], Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def listed(service: str, method: str, identity: str, key: str = "Tags") -> Read:
    def read(stacks: Any, resource: str) -> Any:
        return getattr(stacks.client(service), method)(**{identity: resource})[key]

    return read


def of_group(stacks: Any, name: str) -> Any:
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{name}"
    return stacks.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]


def of_alarm(stacks: Any, name: str) -> Any:
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    return stacks.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"]


def of_rule(stacks: Any, name: str) -> Any:
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{name}"
    return stacks.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"]


def of_table(stacks: Any, name: str) -> Any:
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{name}"
    return stacks.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]


def of_parameter(stacks: Any, name: str) -> Any:
    found = stacks.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    return found["TagList"]


def of_zone(stacks: Any, zone: str) -> Any:
    found = stacks.client("route53").list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)
    return found["ResourceTagSet"]["Tags"]


def of_network(stacks: Any, vpc: str) -> Any:
    return stacks.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]


ALARM = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CASES: Mapping[str, tuple[dict[str, Any], Read]] = {
    "AWS::CloudWatch::Alarm": (ALARM, of_alarm),
    "AWS::DynamoDB::Table": (TABLE, of_table),
    "AWS::EC2::VPC": ({"CidrBlock": "10.0.0.0/16"}, of_network),
    "AWS::Events::Rule": ({"ScheduleExpression": "rate(1 day)"}, of_rule),
    "AWS::IAM::Role": ({"AssumeRolePolicyDocument": TRUST}, listed("iam", "list_role_tags", "RoleName")),
    "AWS::KMS::Key": (
        {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}},
        listed("kms", "list_resource_tags", "KeyId"),
    ),
    "AWS::Logs::LogGroup": ({}, of_group),
    "AWS::Route53::HostedZone": ({"Name": "tags.example"}, of_zone),
    "AWS::S3::Bucket": ({}, listed("s3", "get_bucket_tagging", "Bucket", "TagSet")),
    "AWS::SNS::Topic": ({}, listed("sns", "list_tags_for_resource", "ResourceArn")),
    "AWS::SQS::Queue": ({}, listed("sqs", "list_queue_tags", "QueueUrl")),
    "AWS::SSM::Parameter": ({"Type": "String", "Value": "x"}, of_parameter),
    "AWS::SecretsManager::Secret": ({"SecretString": "x"}, listed("secretsmanager", "describe_secret", "SecretId")),
}


def as_map(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return tags
    return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in tags}


@pytest.mark.parametrize("kind", CASES)
def test_tags_are_those_of_the_template_and_no_others(stacks: Any, kind: str) -> None:
    properties, read = CASES[kind]
    prop = "HostedZoneTags" if kind == "AWS::Route53::HostedZone" else "Tags"
    tags: Any = {"team": "payments", "tier": "1"}
    changed: Any = {"team": "orders"}
    if kind != "AWS::SSM::Parameter":
        tags, changed = ([{"Key": k, "Value": v} for k, v in side.items()] for side in (tags, changed))
    made = stacks.make(kind, {**properties, prop: tags})
    assert as_map(read(stacks, made.id)) == {"team": "payments", "tier": "1"}
    stacks.change(made, {**properties, prop: changed})
    assert as_map(read(stacks, made.id)) == {"team": "orders"}
