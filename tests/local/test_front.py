"""Plain boto3 clients against the embedded AWS: routing, faults, the call record, what survives a restart."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from drgen.errors import UsageError
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


def test_nothing_in_a_dark_region_answers_and_the_others_do(faulty: EmbeddedAws, client: Clients) -> None:
    faulty.faults.dark("us-east-1")
    with pytest.raises(ConnectionClosedError):
        client("sqs", "us-east-1").list_queues()
    with pytest.raises(ConnectionClosedError):
        faulty.environment.client("sqs", "us-east-1").list_queues()
    assert client("sqs", "eu-west-1").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    faulty.faults.light("us-east-1")
    assert client("sqs", "us-east-1").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "operation"),
    [("iam", "list_roles"), ("route53", "list_hosted_zones"), ("cloudfront", "list_functions")],
)
def test_the_control_plane_of_a_global_service_goes_dark_with_us_east_1(
    faulty: EmbeddedAws, client: Clients, service: str, operation: str
) -> None:
    faulty.faults.dark("us-east-1")
    with pytest.raises(ConnectionClosedError):
        getattr(client(service, "eu-west-1"), operation)()


def test_no_bucket_is_made_anywhere_while_us_east_1_is_dark(faulty: EmbeddedAws, client: Clients) -> None:
    s3 = client("s3")
    place: Any = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="before", CreateBucketConfiguration=place)
    faulty.faults.dark("us-east-1")
    with pytest.raises(ConnectionClosedError):
        s3.create_bucket(Bucket="during", CreateBucketConfiguration=place)
    s3.put_object(Bucket="before", Key="objects", Body=b"still work")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("cloudwatch", "describe_alarms", "ThrottlingException"),
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
        ("iam", "list_roles", "Throttling"),
        ("lambda", "list_functions", "ThrottlingException"),
        ("rds", "describe_db_instances", "Throttling"),
        ("s3", "list_buckets", "SlowDown"),
        ("stepfunctions", "list_state_machines", "ThrottlingException"),
    ],
)
def test_a_throttled_service_says_so_in_its_own_words(
    faulty: EmbeddedAws, client: Clients, service: str, operation: str, code: str
) -> None:
    call = getattr(client(service), operation)
    faulty.faults.throttle(service, times=1)
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == code
    assert call()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [("rds", "describe_db_instances", "ExpiredToken"), ("kms", "list_keys", "ExpiredTokenException")],
)
def test_expired_credentials_are_refused_until_the_fault_is_cleared(
    faulty: EmbeddedAws, client: Clients, service: str, operation: str, code: str
) -> None:
    call = getattr(client(service), operation)
    faulty.faults.expire_token()
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == code
    faulty.faults.clear()
    call()


def test_a_lost_answer_belongs_to_a_call_that_was_carried_out(faulty: EmbeddedAws, client: Clients) -> None:
    sns = client("sns")
    mark = faulty.calls.mark()
    faulty.faults.lose_answer("sns", "CreateTopic")
    with pytest.raises(ConnectionClosedError):
        sns.create_topic(Name="made")
    assert {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:made"} in sns.list_topics()["Topics"]
    assert [(c.operation, c.answered) for c in faulty.calls.since(mark)] == [
        ("CreateTopic", False),
        ("ListTopics", True),
    ]


def test_latency_holds_back_every_answer(faulty: EmbeddedAws, client: Clients) -> None:
    faulty.faults.latency(0.3)
    began = time.monotonic()
    client("sqs").list_queues()
    assert time.monotonic() - began >= 0.3


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
    front = Front(
        services={"rds": ledger},
        whole=frozenset({"route53"}),
        upstream=lambda _: Response(202),
        clock=Clock(),
        faults=Faults(),
        calls=Calls(),
        mark="secret",
    )
    scope = f"AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    answer = front.answer(Request("GET", target, {"authorization": scope}))
    assert answer is not None
    assert answer.status == status
    assert [call.region for call in ledger.asked] == asked


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


def test_a_port_in_use_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(UsageError, match=f"port {aws.port} on 127.0.0.1 is in use"):
        EmbeddedAws.start(port=aws.port)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ministack", None)
    with pytest.raises(UsageError, match=r'pip install "drgen\[local\]"'):
        EmbeddedAws.start()


def test_an_upstream_emulator_that_ends_is_an_error_that_says_so(clients_of: Callable[[EmbeddedAws], Clients]) -> None:
    with EmbeddedAws.start() as aws:
        os.kill(aws.upstream_pid, signal.SIGKILL)
        with pytest.raises(ClientError, match=r"the upstream emulator ended with code -9") as refused:
            clients_of(aws)("sqs").list_queues()
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"


def test_what_was_kept_is_there_again(tmp_path: Path, clients_of: Callable[[EmbeddedAws], Clients]) -> None:
    with EmbeddedAws.start(state=tmp_path) as first:
        first.clock.advance(86_400)
        stacks = clients_of(first)("cloudformation")
        stacks.create_stack(
            StackName="kept", TemplateBody='{"Resources": {"Kept": {"Type": "AWS::SNS::Topic", "Properties": {}}}}'
        )
        first.clock.set_speed(600)
        stacks.get_waiter("stack_create_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
        s3 = clients_of(first)("s3")
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="kept", Key="key", Body=b"value")
        left_at = first.clock.now()
        with pytest.raises(UsageError, match="another embedded AWS keeps its state here"):
            EmbeddedAws.start(state=tmp_path)
    with EmbeddedAws.start(state=tmp_path) as second:
        assert second.clock.now() >= left_at
        assert second.stacks() == {"eu-west-1": {"kept": "CREATE_COMPLETE"}}
        assert len(clients_of(second)("sns").list_topics()["Topics"]) == 1
        assert clients_of(second)("s3").get_object(Bucket="kept", Key="key")["Body"].read() == b"value"


def test_the_upstream_emulator_ends_with_a_server_that_is_killed() -> None:
    code = (
        "import time\n"
        "from drgen.local.server import EmbeddedAws\n"
        "aws = EmbeddedAws.start()\n"
        "print(aws.upstream_pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    emulator = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    for _ in range(500):
        if not _running(emulator):
            return
        time.sleep(0.02)
    os.kill(emulator, signal.SIGKILL)
    pytest.fail("the emulator outlived its server")


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
