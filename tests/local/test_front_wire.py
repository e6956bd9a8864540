"""Whatever a botocore client writes is read back the same, and whatever is answered is what a botocore client reads."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from botocore import awsrequest, parsers, serialize
from hypothesis import given, settings
from hypothesis import strategies as st

from drgen.local.api import ApiError
from drgen.local.wire import models
from drgen.local.wire.message import Request
from drgen.local.wire.parse import parameters
from drgen.local.wire.serialise import WrongShape, error_response, response

OPERATIONS = [
    ("cloudformation", "CreateChangeSet"),
    ("cloudformation", "DescribeStacks"),
    ("rds", "CreateDBInstance"),
    ("rds", "DescribeDBInstances"),
    ("sqs", "SendMessageBatch"),
    ("sns", "SetSubscriptionAttributes"),
    ("sns", "Publish"),
    ("ec2", "AuthorizeSecurityGroupIngress"),
    ("ec2", "CreateVpcPeeringConnection"),
    ("secretsmanager", "CreateSecret"),
    ("secretsmanager", "DescribeSecret"),
    ("kms", "ReplicateKey"),
    ("route53", "ChangeResourceRecordSets"),
    ("route53", "GetHealthCheckStatus"),
    ("route53", "TestDNSAnswer"),
    ("lambda", "CreateFunction"),
    ("lambda", "ListFunctions"),
    ("s3", "PutBucketReplication"),
    ("s3", "ListObjectsV2"),
    ("s3", "HeadObject"),
]

TEXT = st.text(alphabet="aZ09&<>'./-_", min_size=1, max_size=6)
WHEN = st.integers(min_value=0, max_value=2**31).map(lambda s: dt.datetime.fromtimestamp(s, dt.UTC))


def values(shape: Any, depth: int = 4) -> st.SearchStrategy[Any]:
    """Values of a shape, with no empty collection: XML and forms cannot tell an empty one from an absent one."""
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            return st.lists(values(shape.member, depth - 1), min_size=1, max_size=2)
        case "map":
            return st.dictionaries(values(shape.key), values(shape.value, depth - 1), min_size=1, max_size=2)
        case "integer" | "long":
            return st.integers(min_value=0, max_value=2**31)
        case "float" | "double":
            return st.integers(min_value=0, max_value=1000).map(lambda n: n / 4)
        case "boolean":
            return st.booleans()
        case "timestamp":
            return WHEN
        case "blob":
            return st.binary(min_size=1, max_size=8)
        case _:
            return st.sampled_from(shape.enum) if shape.enum else TEXT


def structures(shape: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    members = {
        name: values(member, depth - 1)
        for name, member in shape.members.items()
        if (depth > 0 or member.type_name not in ("structure", "list", "map"))
        and not getattr(member, "is_streaming", False)
        and member.serialization.get("streaming") is None
    }
    required = {name: members.pop(name) for name in shape.required_members if name in members}
    some = st.fixed_dictionaries(required, optional=members)
    return some.filter(bool) if members or required else st.just({})


def model(service: str, operation: str) -> Any:
    found = models.model(service)
    assert found is not None
    return found.operation_model(operation)


def on_the_wire(params: dict[str, Any], operation: Any) -> Request:
    """What a botocore client sends."""
    service = operation.service_model
    written = serialize.create_serializer(service.protocol, False).serialize_to_request(params, operation)
    awsrequest.prepare_request_dict(written, endpoint_url="http://127.0.0.1:4577")
    sent = awsrequest.create_request_object(written).prepare()
    body = sent.body if isinstance(sent.body, bytes) else (sent.body or "").encode()
    headers = {name.lower(): text(value) for name, value in sent.headers.items()}
    return Request(sent.method, sent.url.removeprefix("http://127.0.0.1:4577"), headers, body)


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
@settings(max_examples=8)
@given(data=st.data())
def test_a_client_s_parameters_arrive_as_they_were_given(service: str, name: str, data: st.DataObject) -> None:
    operation = model(service, name)
    params = data.draw(values(operation.input_shape))
    request = on_the_wire(params, operation)
    assert models.operation_of(service, request) == name
    assert parameters(request, operation) == params


@pytest.mark.parametrize(
    ("service", "name"),
    [(service, name) for service, name in OPERATIONS if model(service, name).output_shape is not None],
)
@settings(max_examples=8)
@given(data=st.data())
def test_an_answer_is_what_the_client_reads(service: str, name: str, data: st.DataObject) -> None:
    operation = model(service, name)
    result = data.draw(values(operation.output_shape))
    answer = response(result, operation)
    read = parsers.create_parser(operation.service_model.protocol).parse(
        {"headers": awsrequest.HeadersDict(dict(answer.headers)), "body": answer.body, "status_code": answer.status},
        operation.output_shape,
    )
    read.pop("ResponseMetadata")
    assert {name: value for name, value in read.items() if value not in ([], {})} == result


@pytest.mark.parametrize(
    ("service", "protocol"),
    [
        ("rds", "query"),
        ("ec2", "ec2"),
        ("secretsmanager", "json"),
        ("lambda", "rest-json"),
        ("route53", "rest-xml"),
        ("s3", "rest-xml"),
        ("cloudwatch", "smithy-rpc-v2-cbor"),
    ],
)
def test_an_error_has_its_code_and_message_in_every_protocol(service: str, protocol: str) -> None:
    answer = error_response("Busy", "A & B are busy.", status=400, protocol=protocol, service=service)
    no_shape: Any = None
    read = parsers.create_parser(protocol).parse(
        {"headers": awsrequest.HeadersDict(dict(answer.headers)), "body": answer.body, "status_code": 400}, no_shape
    )
    assert (read["Error"]["Code"], read["Error"]["Message"]) == ("Busy", "A & B are busy.")


@pytest.mark.parametrize(
    ("service", "method", "target", "headers", "operation"),
    [
        ("s3", "GET", "/", {}, "ListBuckets"),
        ("s3", "GET", "/bucket", {}, "ListObjects"),
        ("s3", "GET", "/bucket?list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("s3", "GET", "/bucket?versioning", {}, "GetBucketVersioning"),
        ("s3", "PUT", "/bucket", {}, "CreateBucket"),
        ("s3", "PUT", "/bucket/a/b%20c", {}, "PutObject"),
        ("s3", "PUT", "/bucket/a", {"x-amz-copy-source": "other/a"}, "CopyObject"),
        ("s3", "PUT", "/bucket/a?partNumber=1&uploadId=x", {}, "UploadPart"),
        ("s3", "GET", "/a", {"host": "bucket.localhost:4577"}, "GetObject"),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", {}, "Invoke"),
        ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", {}, "ListResourceRecordSets"),
        ("cloudwatch", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", {}, "PutMetricData"),
        ("rds", "GET", "/?Action=DescribeDBInstances&Version=2014-10-31", {}, "DescribeDBInstances"),
        ("rds", "GET", "/nothing", {}, ""),
    ],
)
def test_an_operation_is_known_by_what_the_request_shows(
    service: str, method: str, target: str, headers: dict[str, str], operation: str
) -> None:
    assert models.operation_of(service, Request(method, target, headers)) == operation


def test_an_answer_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(WrongShape, match="has no Colour"):
        response({"StackId": "x", "Colour": "red"}, model("cloudformation", "CreateStack"))


def test_a_body_that_is_not_json_is_a_serialization_error() -> None:
    request = Request("POST", "/", {"x-amz-target": "secretsmanager.CreateSecret"}, b"{")
    with pytest.raises(ApiError, match="SerializationException"):
        parameters(request, model("secretsmanager", "CreateSecret"))
