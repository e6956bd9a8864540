"""Files that CloudFormation reads from a bucket of its own region, stored under names made of their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgen.aws.failures import CallFailed, asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def store(client: S3Client, *, region: str, bucket: str, key: str, content: bytes) -> bool:
    """Makes sure that object `key` exists; True if it had to be uploaded. Keys contain the content's hash."""
    try:
        with asking("s3.HeadObject", region):
            client.head_object(Bucket=bucket, Key=key)
        return False
    except CallFailed as error:
        if error.code not in ("404", "NoSuchKey", "NotFound"):
            raise
    with asking("s3.PutObject", region):
        client.put_object(Bucket=bucket, Key=key, Body=content)
    return True


def url(client: S3Client, *, bucket: str, key: str) -> str:
    """The https address of an object, as CloudFormation's TemplateURL wants it."""
    return f"{client.meta.endpoint_url}/{bucket}/{key}"
