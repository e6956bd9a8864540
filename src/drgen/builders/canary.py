"""A CloudWatch Synthetics canary: what a client of the workload meets, asked from another region.

Source: Amazon CloudWatch User Guide, "Required roles and permissions for canaries", "Encrypting canary artifacts" and
"Runtime versions using Python and Selenium Webdriver"; registry schema AWS::Synthetics::Canary.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from awacs.aws import Condition, StringEquals
from troposphere import GetAtt, Ref, Sub, synthetics

from drgen.builders.alarms import alarm
from drgen.builders.buckets import results_bucket
from drgen.builders.functions import ARTIFACT_BUCKET
from drgen.builders.policy import actions, allow, role
from drgen.model.deployment import Artifact
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

RUNTIME = "syn-python-selenium-12.0"
TIMEOUT_S = 30
MEMORY_MB = 960


@dataclass(frozen=True)
class Question:
    """What is asked, how often, after how many failures in a row somebody is told, and how long results are kept."""

    url: str
    every: timedelta
    failures: int
    keep_days: int


def canary(stack: StackDraft, names: Names, asked: Question, *, package: Artifact, key: Value, topic: Value) -> None:
    """The canary with its role, the bucket of its results, and the alarm that also takes silence for a failure."""
    results = results_bucket(stack, names, "canary", key=key, keep_days=asked.keep_days)
    name = names.regional("canary")
    identity = role(
        stack,
        "CanaryRole",
        name=names.everywhere("canary", stack.region),
        service="lambda.amazonaws.com",
        statements=_may(stack, name, results, key),
        why="Synthetics names the log group after an id that it makes, so only the canary can make the group: give it "
        "a retention once it exists.",
    )
    stack.artifacts.append(package)
    minutes = int(asked.every.total_seconds()) // 60
    made = synthetics.Canary(
        "Canary",
        Name=name,
        Code=synthetics.Code(Handler="handler.handler", S3Bucket=ARTIFACT_BUCKET, S3Key=package.key),
        ExecutionRoleArn=GetAtt(identity, "Arn"),
        Schedule=synthetics.Schedule(Expression=_rate(minutes)),
        RunConfig=synthetics.RunConfig(
            TimeoutInSeconds=TIMEOUT_S, MemoryInMB=MEMORY_MB, EnvironmentVariables={"URL": asked.url}
        ),
        ArtifactS3Location=Sub(f"s3://${{{results.title}}}"),
        ArtifactConfig=synthetics.ArtifactConfig(
            S3Encryption=synthetics.S3Encryption(EncryptionMode="SSE_KMS", KmsKeyArn=stack.use(key))
        ),
        KmsKeyArn=stack.use(key),
        SuccessRetentionPeriod=asked.keep_days,
        FailureRetentionPeriod=asked.keep_days,
        ProvisionedResourceCleanup="AUTOMATIC",
        StartCanaryAfterCreation=True,
    )
    # troposphere's list of runtimes ends before those that take new canaries.
    made.properties["RuntimeVersion"] = RUNTIME
    stack.add(
        made, why="It runs in the region that takes over: a canary beside what it asks goes dark together with it."
    )
    _watched(stack, names, made, asked, minutes=minutes, topic=topic)


def _rate(minutes: int) -> str:
    return "rate(1 hour)" if minutes == 60 else f"rate({minutes} {'minute' if minutes == 1 else 'minutes'})"


def _may(stack: StackDraft, name: str, results: Any, key: Value) -> list[Any]:
    logs = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/cwsyn-{name}-*"
    only_its_own = Condition(StringEquals({"cloudwatch:namespace": "CloudWatchSynthetics"}))
    return [
        allow("KeepResults", actions("s3", "GetObject", "PutObject"), Sub(f"${{{results.title}.Arn}}/*")),
        allow("FindBucket", actions("s3", "GetBucketLocation"), GetAtt(results, "Arn")),
        allow("ListBucketsTakesNoResource", actions("s3", "ListAllMyBuckets"), "*"),
        allow("EncryptResults", actions("kms", "Decrypt", "GenerateDataKey"), stack.use(key)),
        allow("WriteLogs", actions("logs", "CreateLogGroup", "CreateLogStream", "PutLogEvents"), Sub(logs)),
        allow("PublishMetrics", actions("cloudwatch", "PutMetricData"), "*", Condition=only_its_own),
    ]


def _watched(stack: StackDraft, names: Names, of: Any, asked: Question, *, minutes: int, topic: Value) -> None:
    """Source: Amazon CloudWatch User Guide, "CloudWatch metrics published by canaries"."""
    alarm(
        stack,
        "CanaryAlarm",
        name=names.everywhere("canary", stack.region),
        description=f"{asked.url} failed {asked.failures} times in a row",
        namespace="CloudWatchSynthetics",
        metric="SuccessPercent",
        dimensions={"CanaryName": Ref(of)},
        comparison="LessThanThreshold",
        threshold=100,
        period_s=60 * minutes,
        periods=asked.failures,
        missing="breaching",
        topic=topic,
    )
