"""Plain boto3 clients against the embedded AWS: routing, functions and the call record."""

from __future__ import annotations

import http.client
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from drgen.local.api import ApiError, Call
from drgen.local.calls import Calls
from drgen.local.clock import Clock
from drgen.local.environment import ACCOUNT
from drgen.local.faults import Faults
from drgen.local.front import Front
from drgen.local.server import EmbeddedAws
from drgen.local.wire.message import Request, Response

Clients = Callable[..., Any]

ROLE = "arn:aws:iam::123456789012:role/any"


def function(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    return packed.getvalue()


def test_services_that_are_not_ours_are_answered_upstream(client: Clients) -> None:
    assert client("sts").get_caller_identity()["Account"] == ACCOUNT

    s3 = client("s3")
    s3.create_bucket(Bucket="front-documents", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="front-documents", Key="a/b c.txt", Body=b"hello")
    assert s3.get_object(Bucket="front-documents", Key="a/b c.txt")["Body"].read() == b"hello"
    assert s3.head_object(Bucket="front-documents", Key="a/b c.txt")["ContentLength"] == 5

    queue = client("sqs").create_queue(QueueName="front-mail")["QueueUrl"]
    topic = client("sns").create_topic(Name="front-alerts")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:front-mail")
    client("sns").publish(TopicArn=topic, Message="the primary is gone")
    mail = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"][0]["Body"]
    assert json.loads(mail)["Message"] == "the primary is gone"

    tables = client("dynamodb")
    tables.create_table(
        TableName="front-sessions",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    tables.put_item(TableName="front-sessions", Item={"id": {"S": "1"}})
    assert tables.scan(TableName="front-sessions")["Count"] == 1


TEMPLATE = """
Parameters:
  Audience: {Type: String, AllowedValues: [oncall, everybody]}
Conditions:
  Loud: !Equals [!Ref Audience, everybody]
Resources:
  Network:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 10.9.0.0/16, EnableDnsSupport: true}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Network, CidrBlock: 10.9.1.0/24, AvailabilityZone: !Select [1, !GetAZs ""]}
  Alerts:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "front-${Audience}"}
  Horn:
    Type: AWS::SQS::Queue
    Condition: Loud
Outputs:
  Topic: {Value: !Ref Alerts}
"""


def test_a_template_of_anybody_s_is_deployed_by_plain_boto3(client: Clients) -> None:
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName="front-plain",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "Audience", "ParameterValue": "oncall"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="front-plain", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="front-plain")["Stacks"]
    topic = "arn:aws:sns:eu-west-1:123456789012:front-oncall"
    assert stack["Outputs"] == [{"OutputKey": "Topic", "OutputValue": topic}]
    assert client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic
    subnets = client("ec2").describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.9.1.0/24"]}])["Subnets"]
    assert [subnet["AvailabilityZone"] for subnet in subnets] == ["eu-west-1b"]
    resources = cloudformation.list_stack_resources(StackName="front-plain")["StackResourceSummaries"]
    assert {resource["LogicalResourceId"] for resource in resources} == {"Network", "Subnet", "Alerts"}


def test_a_presigned_url_needs_no_other_signature(aws: EmbeddedAws, client: Clients) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="front-signed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="front-signed", Key="key", Body=b"signed for")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "front-signed", "Key": "key"})
    connection = http.client.HTTPConnection("127.0.0.1", aws.port)
    connection.request("GET", url.removeprefix(aws.endpoint))
    assert connection.getresponse().read() == b"signed for"
    connection.close()
    assert ("s3", "GetObject", "eu-west-1") in {(c.service, c.operation, c.region) for c in aws.calls.since()}


def test_every_url_that_is_handed_out_leads_to_the_front(aws: EmbeddedAws, client: Clients) -> None:
    assert client("sqs").create_queue(QueueName="front-url")["QueueUrl"].startswith(f"{aws.endpoint}/")


def test_a_call_made_inside_a_function_comes_to_the_front(faulty: EmbeddedAws, client: Clients) -> None:
    code = function(
        "import boto3\n"
        "from botocore.config import Config\n"
        "ONCE = Config(retries={'total_max_attempts': 1})\n"
        "def handler(event, context):\n"
        "    boto3.client('sns', 'us-east-1', config=ONCE).list_topics()\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n"
    )
    client("lambda").create_function(
        FunctionName="caller", Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code}
    )
    mark = faulty.calls.mark()
    assert json.load(client("lambda").invoke(FunctionName="caller")["Payload"]) == ACCOUNT
    inside = [(c.service, c.operation, c.region) for c in faulty.calls.since(mark) if c.source == "lambda"]
    assert inside == [("sns", "ListTopics", "us-east-1"), ("sts", "GetCallerIdentity", "eu-west-1")]

    faulty.faults.dark("us-east-1")
    failed = client("lambda").invoke(FunctionName="caller")
    assert "Connection was closed before we received a valid response" in json.load(failed["Payload"])["errorMessage"]


def test_a_state_machine_waits_on_the_virtual_clock(client: Clients) -> None:
    machines = client("stepfunctions")
    definition = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 600, "End": True}}}
    machine = machines.create_state_machine(name="rest", definition=json.dumps(definition), roleArn=ROLE)
    execution = machines.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    for _ in range(300):
        if machines.describe_execution(executionArn=execution)["status"] == "SUCCEEDED":
            return
        time.sleep(0.05)
    pytest.fail("ten minutes did not pass in fifteen seconds")


def test_the_record_leaves_out_what_the_embedded_aws_asks_itself(aws: EmbeddedAws, client: Clients) -> None:
    client("sqs").list_queues()
    mark = aws.calls.mark()
    aws.environment.client("sqs", "eu-west-1").list_queues()
    client("sqs", "us-east-1").list_queues()
    after = aws.calls.since(mark)
    assert [(c.service, c.operation, c.region, c.source, c.status) for c in after] == [
        ("sqs", "ListQueues", "us-east-1", "client", 200)
    ]
    aws.calls.clear()
    assert aws.calls.since(mark) == ()


class Ledger:
    """A service with one operation of its own."""

    def __init__(self) -> None:
        self.asked: list[Call] = []

    def operations(self) -> frozenset[str]:
        return frozenset({"DescribeDBInstances"})

    def handle(self, call: Call) -> Mapping[str, Any]:
        self.asked.append(call)
        if call.params.get("DBInstanceIdentifier") == "gone":
            raise ApiError("DBInstanceNotFound", "DBInstance gone not found.")
        return {"DBInstances": []}

    def dump(self) -> Any:
        return None

    def restore(self, state: Any) -> None:
        raise AssertionError("nothing was kept")


def front_with(ledger: Ledger) -> Front:
    """A front at the beginning of 1970 whose RDS is the ledger."""
    return Front(
        services={"rds": ledger},
        whole=frozenset({"route53"}),
        upstream=lambda _: Response(202),
        clock=Clock(speed=0, start=0.0),
        faults=Faults(),
        calls=Calls(),
        mark="secret",
    )


def signed_get(service: str, target: str) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    return Request("GET", target, {"authorization": scope})


@pytest.mark.parametrize(
    ("service", "target", "status", "asked"),
    [
        ("rds", "/?Action=DescribeDBInstances&DBInstanceIdentifier=db", 200, ["eu-west-1"]),
        ("rds", "/?Action=DescribeDBInstances&DBInstanceIdentifier=gone", 404, ["eu-west-1"]),
        ("rds", "/?Action=DescribeDBClusters", 202, []),
        ("route53", "/2013-04-01/trafficpolicies", 400, []),
    ],
    ids=["ours", "ours, an error", "upstream's", "nobody's"],
)
def test_each_operation_is_answered_by_whoever_it_belongs_to(
    service: str, target: str, status: int, asked: list[str]
) -> None:
    ledger = Ledger()
    answer = front_with(ledger).answer(signed_get(service, target))
    assert answer is not None
    assert answer.status == status
    assert [call.region for call in ledger.asked] == asked


def test_an_answer_of_ours_is_dated_by_the_virtual_clock() -> None:
    answer = front_with(Ledger()).answer(signed_get("rds", "/?Action=DescribeDBInstances"))
    assert answer is not None
    assert dict(answer.headers)["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "rebound.example.com"}, {"Host": "127.0.0.1:4577", "Origin": "https://example.com"}],
    ids=["another name for loopback", "a page elsewhere"],
)
def test_a_web_page_cannot_call_it(aws: EmbeddedAws, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port)
    connection.request("GET", "/_drgen/health", headers=headers)
    assert connection.getresponse().status == 403
    connection.close()
