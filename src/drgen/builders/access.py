"""What the role of an application's code may do with tables, buckets, buses and secrets of its own region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import Condition, StringEquals
from troposphere import Sub

from drgen.builders.network import title_of
from drgen.builders.policy import actions, allow
from drgen.model.stack import StackDraft
from drgen.model.value import Value

_READ_ITEMS = ("BatchGetItem", "GetItem", "Query")
_WRITE_ITEMS = ("BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
_USE_TO_READ = ("Decrypt", "DescribeKey")
_USE_TO_WRITE = ("Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")


@dataclass(frozen=True)
class TableUse:
    """A table that the code uses: the ARN of the replica in its region."""

    name: str
    arn: Any
    writes: bool


@dataclass(frozen=True)
class BucketUse:
    """A bucket of the region that the code uses, and the key that encrypts it."""

    name: str
    arn: Value
    key: Value
    writes: bool


def tables(stack: StackDraft, uses: Sequence[TableUse], *, key: Value) -> list[Any]:
    """`key` encrypts the tables.

    Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: usage notes" (customer managed keys).
    """
    if not uses:
        return []
    statements = [
        allow(
            f"{title_of(table.name)}Table",
            actions("dynamodb", *_READ_ITEMS, *(_WRITE_ITEMS if table.writes else ())),
            table.arn,
        )
        for table in uses
    ]
    use = actions("kms", *_USE_TO_READ, *(_USE_TO_WRITE if any(table.writes for table in uses) else ()))
    through = _through(stack, "dynamodb")
    return [*statements, allow("KeyOfTablesThroughDynamoDB", use, stack.use(key), Condition=through)]


def buckets(stack: StackDraft, uses: Sequence[BucketUse]) -> list[Any]:
    """Reading needs the list, too: without it S3 answers 403 for a key that does not exist.

    Source: Amazon S3 API, GetObject, Permissions; Amazon S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3
    Bucket Keys" and "Multipart upload API and permissions".
    """
    if not uses:
        return []
    named = {bucket.name: stack.use(bucket.arn) for bucket in uses}
    statements = [allow("ListBuckets", actions("s3", "ListBucket"), list(named.values()))]
    writing = [named[bucket.name] for bucket in uses if bucket.writes]
    statements.append(allow("ReadObjects", actions("s3", "GetObject"), _objects(list(named.values()))))
    if writing:
        to_write = actions("s3", "AbortMultipartUpload", "DeleteObject", "PutObject")
        statements.append(allow("WriteObjects", to_write, _objects(writing)))
    use = actions("kms", "Decrypt", *(("GenerateDataKey",) if writing else ()))
    (key,) = {id(bucket.key): bucket.key for bucket in uses}.values()
    through = _through(stack, "s3")
    return [*statements, allow("KeyOfBucketsThroughS3", use, stack.use(key), Condition=through)]


def _objects(arns: Sequence[Any]) -> list[Any]:
    return [Sub(f"${{{arn.data['Ref']}}}/*") for arn in arns]


def bus(stack: StackDraft, arn: Value) -> Any:
    """Events to the bus. EventBridge itself uses the bus's key."""
    return allow("SendEvents", actions("events", "PutEvents"), stack.use(arn))


def secrets(stack: StackDraft, names: Sequence[str], *, key: Value) -> list[Any]:
    """Secrets by name, encrypted with `key`."""
    if not names:
        return []
    where = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret"
    # Secrets Manager ends an ARN with a hyphen and six characters of its own.
    arns = [Sub(f"{where}:{name}-??????") for name in names]
    return [
        allow("ReadSecrets", actions("secretsmanager", "GetSecretValue"), arns),
        allow("DecryptSecrets", actions("kms", "Decrypt"), stack.use(key), Condition=_through(stack, "secretsmanager")),
    ]


def _through(stack: StackDraft, service: str) -> Condition:
    return Condition(StringEquals({"kms:ViaService": f"{service}.{stack.region}.amazonaws.com"}))
