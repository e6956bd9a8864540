"""S3 buckets: encrypted with a key of the region, versioned, private, logged, TLS only.

Names come from `Names.bucket`, so that roles, policies and metrics can hold them as text: a role that asked the bucket
for its ARN would wait for the bucket, which waits for the role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import ArnLike, Condition, StringEquals
from troposphere import AccountId, GetAtt, Ref, Sub, s3

from drgen.builders.network import title_of
from drgen.builders.policy import actions, allow, deny_without_tls, document, service_principal
from drgen.builders.scanners import ACCESS_LOGS, BUCKET_KEY, BUCKET_REPLICATION, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

LOG_BUCKET = "logs"
UPLOAD_DAYS = 7
"""How long the parts of an upload that nobody finished are kept."""


@dataclass(frozen=True)
class Bucket:
    """A bucket that `bucket` makes: `name` is what the workload calls it, `key` encrypts it."""

    name: str
    region: str
    arn: Value
    key: Value

    @property
    def title(self) -> str:
        return title(self.name)


def title(name: str) -> str:
    """The logical id of a bucket, with which those of its other resources begin."""
    return f"{title_of(name)}Bucket"


def bucket_arn(names: Names, name: str, region: str, *, suffix: str = "") -> Sub:
    """The ARN as text. `suffix` "/*" makes it that of the objects."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::{names.bucket(name, region)}{suffix}")


def promised(stack: StackDraft, name: str, *, key: Value) -> Bucket:
    """The bucket before it is made, so that buckets can name each other."""
    arn = stack.value(f"{title(name)}Arn", GetAtt(title(name), "Arn"), ARN, f"Bucket {name}")
    return Bucket(name, stack.region, arn, key)


def bucket(
    stack: StackDraft, names: Names, wanted: Bucket, *, noncurrent_days: int, replication: Any | None = None
) -> None:
    """The bucket and its policy. `log_bucket` must be there: it takes the log of every request."""
    lifecycle = [
        s3.LifecycleRule(
            Id="old-versions",
            Status="Enabled",
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=noncurrent_days),
            ExpiredObjectDeleteMarker=True,
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=UPLOAD_DAYS),
        )
    ]
    encryption = s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=stack.use(wanted.key))
    resource = _private(stack, names, wanted.name, _encrypted(encryption, BucketKeyEnabled=True), lifecycle)
    resource.LoggingConfiguration = s3.LoggingConfiguration(
        DestinationBucketName=Ref(title(LOG_BUCKET)), LogFilePrefix=_log_prefix(wanted.name)
    )
    # S3 refuses a log destination that does not let it write, and only the policy lets it.
    resource.DependsOn = [f"{title(LOG_BUCKET)}Policy"]
    if replication is None:
        resource.Metadata = accepted(
            {BUCKET_REPLICATION: "The workload file asks for none from here: buckets.replicate."}
        )
    else:
        resource.properties["ReplicationConfiguration"] = replication
    stack.add(resource)
    stack.protect(resource)
    _policy(stack, resource)


def log_bucket(stack: StackDraft, names: Names, days: Sequence[tuple[str, int]]) -> None:
    """The bucket for the access logs of the stack's other buckets. `days` says how long those of each bucket are kept.

    Source: Amazon S3 User Guide, "Enabling Amazon S3 server access logging" (SSE-S3 only, policy for the service).
    """
    lifecycle = [
        s3.LifecycleRule(
            Id=name,
            Status="Enabled",
            Prefix=_log_prefix(name),
            ExpirationInDays=kept,
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=1),
        )
        for name, kept in days
    ]
    encryption = _encrypted(s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"))
    resource = _private(stack, names, LOG_BUCKET, encryption, lifecycle)
    resource.Metadata = accepted(
        {
            ACCESS_LOGS: "This bucket takes the access logs of the others; its own would feed themselves for ever.",
            BUCKET_KEY: "S3 delivers access logs only to buckets that it encrypts with keys of its own.",
            BUCKET_REPLICATION: "Each region's requests are logged in that region.",
        }
    )
    stack.add(resource)
    stack.protect(resource)
    here = [bucket_arn(names, name, stack.region) for name, _ in days]
    only_ours = Condition([StringEquals({"aws:SourceAccount": AccountId}), ArnLike({"aws:SourceArn": here})])
    deliver = allow(
        "S3DeliversAccessLogs",
        actions("s3", "PutObject"),
        [Sub(f"${{{resource.title}.Arn}}/{_log_prefix(name)}*") for name, _ in days],
        Principal=service_principal("logging.s3.amazonaws.com"),
        Condition=only_ours,
    )
    _policy(stack, resource, deliver)


def results_bucket(stack: StackDraft, names: Names, name: str, *, key: Value, keep_days: int) -> Any:
    """A bucket for what a service writes and people look at once: it is deleted after `keep_days`."""
    lifecycle = [
        s3.LifecycleRule(
            Id="results",
            Status="Enabled",
            ExpirationInDays=keep_days,
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=1),
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=UPLOAD_DAYS),
        )
    ]
    encryption = s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=stack.use(key))
    resource = _private(stack, names, name, _encrypted(encryption, BucketKeyEnabled=True), lifecycle)
    about = "It holds what one role writes about a public URL, for some days."
    resource.Metadata = accepted({ACCESS_LOGS: about, BUCKET_REPLICATION: about})
    stack.add(resource)
    stack.keep(resource)
    _policy(stack, resource)
    return resource


def _log_prefix(name: str) -> str:
    return f"{name}/"


def _private(stack: StackDraft, names: Names, name: str, encryption: Any, lifecycle: Sequence[Any]) -> Any:
    return s3.Bucket(
        title(name),
        BucketName=Sub(names.bucket(name, stack.region)),
        BucketNamespace="account-regional",
        BucketEncryption=encryption,
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        OwnershipControls=s3.OwnershipControls(Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
        LifecycleConfiguration=s3.LifecycleConfiguration(Rules=list(lifecycle)),
    )


def _encrypted(default: Any, **more: Any) -> Any:
    rule = s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=default, **more)
    return s3.BucketEncryption(ServerSideEncryptionConfiguration=[rule])


def _policy(stack: StackDraft, resource: Any, *statements: Any) -> None:
    """Source: AWS Security Hub control S3.5, which asks for every action."""
    whole = [GetAtt(resource, "Arn"), Sub(f"${{{resource.title}.Arn}}/*")]
    stack.add(
        s3.BucketPolicy(
            f"{resource.title}Policy",
            Bucket=Ref(resource),
            PolicyDocument=document(*statements, deny_without_tls(actions("s3", "*"), whole)),
        )
    )
