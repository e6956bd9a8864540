"""Replication between buckets: the rules on the source, the role that follows them, and what watches them.

Source: Amazon S3 User Guide, "Requirements and considerations for replication", "Setting up permissions for live
replication", "Replicating encrypted objects", "Replicating metadata changes with replica modification sync".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from awacs.aws import Condition, StringEquals, StringLike
from troposphere import And, GetAtt, If, NoValue, Or, Sub, s3
from troposphere import Condition as Holds

from drgen.builders.alarms import alarm
from drgen.builders.buckets import Bucket, bucket_arn, title
from drgen.builders.network import title_of
from drgen.builders.policy import actions, allow, role
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import LateValue, Value

RTC_MINUTES = 15
"""The one time that S3 takes. Source: Amazon S3 API, ReplicationTimeValue."""


@dataclass(frozen=True)
class Target:
    """A bucket that is copied to, once `condition` holds."""

    bucket: Bucket
    arn: LateValue
    key: LateValue
    condition: str


@dataclass(frozen=True)
class Replication:
    """What `configuration` copies. It is none while no target is known."""

    targets: Sequence[Target]
    configuration: If


def replicate(
    stack: StackDraft, names: Names, source: Bucket, targets: Sequence[Bucket], *, time_control: bool, both_ways: bool
) -> Replication:
    """The configuration with which everything in `source` is copied to each of `targets` that exists.

    S3 takes no rule towards a bucket that does not exist. The values are late in every region, so that no stack needs
    another region in order to be made again; and each rule has a condition of its own, so that copies to one region go
    on while another is being added.
    """
    condition = f"{source.title}Replicates"
    late = _targets(stack, source, targets, condition=condition)
    follows = role(
        stack,
        f"{source.title}ReplicationRole",
        name=names.everywhere(f"{source.name}-replication", stack.region),
        service="s3.amazonaws.com",
        statements=list(_statements(stack, names, source, late, condition=condition)),
    )
    follows.Condition = condition
    rules = [
        _when(target, condition, _rule(position, target, time_control=time_control, both_ways=both_ways))
        for position, target in enumerate(late, start=1)
    ]
    configuration = s3.ReplicationConfiguration(Role=GetAtt(follows, "Arn"), Rules=rules)
    return Replication(late, If(condition, configuration, NoValue))


def _targets(stack: StackDraft, source: Bucket, buckets: Sequence[Bucket], *, condition: str) -> list[Target]:
    """The targets with their conditions. `condition` holds when one of them does; a single target has no other."""
    late = []
    for bucket in buckets:
        arn, key = stack.use_late(bucket.arn), stack.use_late(bucket.key)
        own = condition if len(buckets) == 1 else f"{source.title}ReplicatesTo{title_of(bucket.region)}"
        stack.conditions[own] = And(Holds(arn.condition), Holds(key.condition))
        late.append(Target(bucket, arn, key, own))
    if len(late) > 1:
        stack.conditions[condition] = Or(*(Holds(target.condition) for target in late))
    return late


def _when(target: Target, condition: str, part: Any) -> Any:
    """`part` of what exists under `condition`, if it has to wait for the target itself."""
    return part if target.condition == condition else If(target.condition, part, NoValue)


def rule_id(region: str) -> str:
    """The rule towards a region. Metrics carry it as a dimension."""
    return f"to-{region}"


def _rule(position: int, target: Target, *, time_control: bool, both_ways: bool) -> s3.ReplicationConfigurationRules:
    destination = s3.ReplicationConfigurationRulesDestination(
        Bucket=target.arn.ref,
        EncryptionConfiguration=s3.EncryptionConfiguration(ReplicaKmsKeyID=target.key.ref),
        Metrics=s3.Metrics(Status="Enabled"),
    )
    if time_control:
        minutes = s3.ReplicationTimeValue(Minutes=RTC_MINUTES)
        destination.ReplicationTime = s3.ReplicationTime(Status="Enabled", Time=minutes)
        destination.Metrics = s3.Metrics(Status="Enabled", EventThreshold=minutes)
    selection = s3.SourceSelectionCriteria(SseKmsEncryptedObjects=s3.SseKmsEncryptedObjects(Status="Enabled"))
    if both_ways:
        selection.ReplicaModifications = s3.ReplicaModifications(Status="Enabled")
    return s3.ReplicationConfigurationRules(
        Id=rule_id(target.bucket.region),
        Status="Enabled",
        Priority=position,
        Filter=s3.ReplicationRuleFilter(Prefix=""),
        DeleteMarkerReplication=s3.DeleteMarkerReplication(Status="Enabled"),
        SourceSelectionCriteria=selection,
        Destination=destination,
    )


def _statements(
    stack: StackDraft, names: Names, source: Bucket, targets: Sequence[Target], *, condition: str
) -> Iterator[Any]:
    yield allow(
        "ReadReplicationRules",
        actions("s3", "GetReplicationConfiguration", "ListBucket"),
        bucket_arn(names, source.name, stack.region),
    )
    yield allow(
        "ReadVersions",
        actions("s3", "GetObjectVersionAcl", "GetObjectVersionForReplication", "GetObjectVersionTagging"),
        bucket_arn(names, source.name, stack.region, suffix="/*"),
    )
    yield allow(
        "DecryptVersions",
        actions("kms", "Decrypt"),
        stack.use(source.key),
        Condition=_through_s3(names, source.name, stack.region),
    )
    for target in targets:
        region = title_of(target.bucket.region)
        write = allow(
            f"WriteReplicas{region}",
            actions("s3", "ReplicateDelete", "ReplicateObject", "ReplicateTags"),
            Sub(f"${{{target.arn.parameter}}}/*"),
        )
        # With bucket keys S3 reads the destination's own bucket key back before it uses it.
        encrypt = allow(
            f"EncryptReplicas{region}",
            actions("kms", "Decrypt", "Encrypt", "GenerateDataKey"),
            target.key.ref,
            Condition=_through_s3(names, target.bucket.name, target.bucket.region),
        )
        yield _when(target, condition, write)
        yield _when(target, condition, encrypt)


def _through_s3(names: Names, name: str, region: str) -> Condition:
    """Only in S3's hands, and only for this bucket: with bucket keys the context is the bucket, else the object."""
    context = [bucket_arn(names, name, region), bucket_arn(names, name, region, suffix="/*")]
    return Condition(
        [
            StringEquals({"kms:ViaService": f"s3.{region}.amazonaws.com"}),
            StringLike({"kms:EncryptionContext:aws:s3:arn": context}),
        ]
    )


def failure_alarm(stack: StackDraft, names: Names, source: Bucket, target: Target, *, topic: Value) -> None:
    """Tells of objects that stayed behind. S3 counts them in the region of the source.

    Source of metrics and regions: Amazon S3 User Guide, "Using S3 Replication metrics" and "Metrics and dimensions".
    """
    made = alarm(
        stack,
        f"{source.title}FailedTo{title_of(target.bucket.region)}",
        name=names.regional(f"{source.name}-failed-{rule_id(target.bucket.region)}"),
        description=f"Objects of bucket {source.name} were not replicated to {target.bucket.region}",
        namespace="AWS/S3",
        metric="OperationsFailedReplication",
        dimensions=_dimensions(names, source.name, stack.region, target.bucket.region),
        statistic="Sum",
        threshold=0,
        period_s=300,
        periods=1,
        missing="ignore",
        topic=topic,
    )
    made.Condition = target.condition


def lag_alarm(stack: StackDraft, names: Names, name: str, *, source: str, rpo: timedelta, topic: Value) -> None:
    """Tells when this region's bucket is further behind the one in region `source` than the objective allows.

    S3 publishes the lag in the region of the destination: the alarm outlives the source's region.
    """
    seconds = int(rpo.total_seconds())
    alarm(
        stack,
        f"{title(name)}BehindFrom{title_of(source)}",
        name=names.regional(f"{name}-behind-{source}"),
        description=f"Bucket {name} is more than {seconds} s behind {source}",
        namespace="AWS/S3",
        metric="ReplicationLatency",
        dimensions=_dimensions(names, name, source, stack.region),
        statistic="Maximum",
        threshold=seconds,
        periods=5,
        missing="ignore",
        topic=topic,
    )


def _dimensions(names: Names, name: str, source: str, target: str) -> dict[str, Any]:
    return {
        "SourceBucket": Sub(names.bucket(name, source)),
        "DestinationBucket": Sub(names.bucket(name, target)),
        "RuleId": rule_id(target),
    }
