"""What plain boto3 clients see of each fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from drgen.local.server import EmbeddedAws

Clients = Callable[..., Any]


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


def test_latency_outlasts_an_impatient_client(faulty: EmbeddedAws, client: Clients) -> None:
    impatient = client("sqs", read_timeout=0.5)
    impatient.list_queues()
    faulty.faults.latency(1.5)
    with pytest.raises(ReadTimeoutError):
        impatient.list_queues()
