"""AWS::S3: buckets and their policies. Bucket names are one namespace for the partition."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, error_code, is_missing, tags_of


def _make(work: Work) -> str:
    """The create call answers "already owned by you" in AWS; the embedded one says so for every taken name."""
    client, name = work.api("s3"), work.name("BucketName", limit=63, lower=True)
    _in_its_namespace(work, name)
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if not is_missing(error):
            raise
    else:
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    where = {} if work.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": work.region}}
    locked = {"ObjectLockEnabledForBucket": True} if work.properties.get("ObjectLockEnabled") else {}
    client.create_bucket(Bucket=name, **where, **locked)
    return name


def _in_its_namespace(work: Work, name: str) -> None:
    """Source: Amazon S3 User Guide, "General purpose bucket naming rules"."""
    suffix = f"-{work.env.account}-{work.region}-an"
    regional = work.properties.get("BucketNamespace") == "account-regional"
    if regional and not name.endswith(suffix):
        raise ResourceFailed(f"The bucket name must end with {suffix} in this namespace", code="InvalidRequest")
    if name.endswith("-an") and not regional:
        raise ResourceFailed("Names that end with -an are for account-regional buckets", code="InvalidRequest")


def _versioning(client: Any, bucket: str, wanted: Any) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted["Status"]})


def _encryption(client: Any, bucket: str, wanted: Any) -> None:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in wanted["ServerSideEncryptionConfiguration"]
    ]
    configuration = {"Rules": rules}
    call(client, "put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration=configuration)


def _lifecycle(client: Any, bucket: str, wanted: Any) -> None:
    rules = [_lifecycle_rule(rule) for rule in wanted["Rules"]]
    call(client, "put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation writes the expiry flat where the API nests it."""
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": str(rule.get("Prefix", ""))}}
    if rule.get("Id"):
        made["ID"] = rule["Id"]
    expiry = {
        api: rule[prop]
        for prop, api in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if prop in rule
    }
    if expiry:
        made["Expiration"] = expiry
    if rule.get("Transitions"):
        made["Transitions"] = [_transition(item) for item in rule["Transitions"]]
    old = rule.get("NoncurrentVersionExpiration")
    if old or "NoncurrentVersionExpirationInDays" in rule:
        made["NoncurrentVersionExpiration"] = old or {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort:
        made["AbortIncompleteMultipartUpload"] = abort
    return made


def _transition(item: Mapping[str, Any]) -> dict[str, Any]:
    made = {"StorageClass": item["StorageClass"]}
    for prop, api in (("TransitionInDays", "Days"), ("TransitionDate", "Date")):
        if prop in item:
            made[api] = item[prop]
    return made


def _replication(client: Any, bucket: str, wanted: Any) -> None:
    """The destination must exist now, and both sides must have versioning (S3 guide, replication requirements)."""
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ResourceFailed(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration", code="InvalidRequest"
        )
    for rule in wanted["Rules"]:
        destination = str(rule["Destination"]["Bucket"]).rpartition(":")[2]
        try:
            state = client.get_bucket_versioning(Bucket=destination).get("Status")
        except ClientError as error:
            if not is_missing(error):
                raise
            raise ResourceFailed("Destination bucket must exist.", code="InvalidRequest") from error
        if state != "Enabled":
            raise ResourceFailed("Destination bucket must have versioning enabled.", code="InvalidRequest")
    rules = [{**rule, "ID": rule["Id"]} if "Id" in rule else dict(rule) for rule in wanted["Rules"]]
    configuration = {"Role": wanted["Role"], "Rules": rules}
    call(client, "put_bucket_replication", Bucket=bucket, ReplicationConfiguration=configuration)


def _logging(client: Any, bucket: str, wanted: Any) -> None:
    target = {
        "TargetBucket": wanted.get("DestinationBucketName", bucket),
        "TargetPrefix": wanted.get("LogFilePrefix", ""),
    }
    client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})


def _public(client: Any, bucket: str, wanted: Any) -> None:
    call(client, "put_public_access_block", Bucket=bucket, PublicAccessBlockConfiguration=wanted)


def _ownership(client: Any, bucket: str, wanted: Any) -> None:
    call(client, "put_bucket_ownership_controls", Bucket=bucket, OwnershipControls=wanted)


def _unlogged(client: Any, bucket: str) -> None:
    client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def _suspended(client: Any, bucket: str) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


_Put = Callable[[Any, str, Any], None]
_Drop = Callable[[Any, str], None]


def _delete(method: str) -> _Drop:
    return lambda client, bucket: getattr(client, method)(Bucket=bucket)


# In this order: replication needs versioning, and the other way round when both go.
_SETTINGS: Mapping[str, tuple[_Put, _Drop]] = {
    "VersioningConfiguration": (_versioning, _suspended),
    "BucketEncryption": (_encryption, _delete("delete_bucket_encryption")),
    "PublicAccessBlockConfiguration": (_public, _delete("delete_public_access_block")),
    "OwnershipControls": (_ownership, _delete("delete_bucket_ownership_controls")),
    "LifecycleConfiguration": (_lifecycle, _delete("delete_bucket_lifecycle")),
    "LoggingConfiguration": (_logging, _unlogged),
    "ReplicationConfiguration": (_replication, _delete("delete_bucket_replication")),
}


def _settle(work: Work, bucket: str) -> None:
    client = work.api("s3")
    for prop in reversed(list(_SETTINGS)):
        if prop in work.desired.previous and prop not in work.properties:
            _SETTINGS[prop][1](client, bucket)
    for prop, (put, _) in _SETTINGS.items():
        if prop in work.properties and work.changed(prop):
            put(client, bucket, work.properties[prop])
    tags = [{"Key": key, "Value": value} for key, value in tags_of(work.desired).items()]
    if tags:
        client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def _read(work: Work, bucket: str) -> Mapping[str, Any]:
    """Source of the hosts' form: S3 guide, "Methods for accessing a bucket"."""
    return {
        "Arn": f"arn:{work.env.partition}:s3:::{bucket}",
        "DomainName": f"{bucket}.s3.amazonaws.com",
        "DualStackDomainName": f"{bucket}.s3.dualstack.{work.region}.amazonaws.com",
        "RegionalDomainName": f"{bucket}.s3.{work.region}.amazonaws.com",
        "WebsiteURL": f"http://{bucket}.s3-website-{work.region}.amazonaws.com",
    }


def _remove(work: Work, bucket: str) -> None:
    client = work.api("s3")
    try:
        found = client.list_object_versions(Bucket=bucket, MaxKeys=1)
        if found.get("Versions") or found.get("DeleteMarkers"):
            raise ResourceFailed("The bucket you tried to delete is not empty", code="GeneralServiceException")
        client.delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
            raise


def _put_policy(work: Work, bucket: str) -> None:
    policy = work.properties["PolicyDocument"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    work.api("s3").put_bucket_policy(Bucket=bucket, Policy=text)


BUCKET_PROVIDERS: Mapping[str, Provider] = {
    "AWS::S3::Bucket": Resource(make=_make, settle=_settle, read=_read, remove=_remove),
    "AWS::S3::BucketPolicy": Resource(
        make=lambda work: str(work.properties["Bucket"]),
        settle=_put_policy,
        remove=lambda work, bucket: work.api("s3").delete_bucket_policy(Bucket=bucket),
    ),
}
