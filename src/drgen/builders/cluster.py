"""What the services of a region share: the ECS cluster, the bucket of access logs, and what the region does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from troposphere import Equals, GetAtt, Ref, Sub, ecs, s3

from drgen.builders.logs import log_group
from drgen.builders.network import Network
from drgen.builders.policy import actions, allow, deny_without_tls, document, service_principal
from drgen.builders.scanners import checkov
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT, Value

ROLE = "ServiceRole"
IS_ACTIVE = "IsActive"
ACCESS_LOGS_POLICY = "AccessLogsPolicy"


@dataclass(frozen=True)
class Around:
    """What a service finds in its region. `clients` are the blocks that may call it, by the name of their region."""

    network: Network
    clients: Sequence[tuple[str, IPv4Network]]
    data_key: Value
    operations_key: Value
    topic: Value
    database_port: int | None


@dataclass(frozen=True)
class Cluster:
    name: str
    resource: Any
    access_logs: Any


def service_role(stack: StackDraft, *, default: str) -> None:
    """The parameter that says how many tasks run: a later deployment keeps its value, and so the capacity.

    A number of tasks in the template would undo a failover. Source: registry schema AWS::ECS::Service, DesiredCount.
    """
    stack.parameters[ROLE] = {
        "Type": "String",
        "AllowedValues": ["active", "standby"],
        "Default": default,
        "Description": "active runs the capacity that serves, standby what waits. Set it when this region takes over",
    }
    stack.conditions[IS_ACTIVE] = Equals(Ref(ROLE), "active")


def activation(stack: StackDraft) -> None:
    """Shows people the command that makes a region that waits the one that serves; call it when the stack is complete.

    It asks nothing of another region: every other parameter keeps its value.
    """
    kept = [name for name in stack.parameters if name != ROLE]
    words = [
        f"aws cloudformation update-stack --region {stack.region} --stack-name {stack.key}",
        f"--use-previous-template --capabilities {' '.join(stack.capabilities())}",
        f"--parameters ParameterKey={ROLE},ParameterValue=active",
        *(f"ParameterKey={name},UsePreviousValue=true" for name in kept),
    ]
    stack.output(stack.value("ActivateCommand", " ".join(words), TEXT, "Runs the capacity that serves in this region"))


def cluster(stack: StackDraft, names: Names, around: Around, *, services: Sequence[str], log_days: int) -> Cluster:
    """The cluster, its metrics' log group before it, and the bucket of the load balancers' access logs."""
    name = names.regional("app")
    insights = log_group(
        stack,
        "ClusterInsights",
        name=names.log_group("aws", "ecs", "containerinsights", name, "performance"),
        key=around.operations_key,
        days=log_days,
        why="Container Insights would make this group itself, without key and for ever.",
    )
    resource = ecs.Cluster(
        "Cluster",
        ClusterName=name,
        ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enabled")],
        DependsOn=insights.title,
    )
    stack.add(resource)
    return Cluster(name, resource, _access_logs(stack, prefixes=services, days=log_days))


def _access_logs(stack: StackDraft, *, prefixes: Sequence[str], days: int) -> Any:
    """The bucket, with a folder for each of `prefixes`. Load balancers wait for its policy.

    The path of a log holds the account, so no other account's load balancer can write here.
    Source: Elastic Load Balancing guide, "Access logs for your Application Load Balancer" (SSE-S3 only).
    """
    bucket = s3.Bucket(
        "AccessLogs",
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
                )
            ]
        ),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        OwnershipControls=s3.OwnershipControls(Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
        LifecycleConfiguration=s3.LifecycleConfiguration(
            Rules=[
                s3.LifecycleRule(
                    Id="expire",
                    Status="Enabled",
                    ExpirationInDays=days,
                    NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=1),
                    AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
                )
            ]
        ),
        Metadata=checkov(CKV_AWS_18="It takes access logs; a log of their delivery would need a bucket of its own."),
    )
    stack.add(
        bucket,
        why="Encrypted with keys of S3: load balancers write to no other bucket. Retained, as it is never empty.",
    )
    # A load balancer writes a test file as soon as it may, and CloudFormation deletes no bucket with anything in it.
    bucket.DeletionPolicy = bucket.UpdateReplacePolicy = "Retain"
    deliver = allow(
        "LoadBalancersDeliverLogs",
        actions("s3", "PutObject"),
        [Sub(f"${{{bucket.title}.Arn}}/{prefix}/AWSLogs/${{AWS::AccountId}}/*") for prefix in prefixes],
        Principal=service_principal("logdelivery.elasticloadbalancing.amazonaws.com"),
    )
    tls = deny_without_tls(actions("s3", "*"), [GetAtt(bucket, "Arn"), Sub(f"${{{bucket.title}.Arn}}/*")])
    stack.add(
        s3.BucketPolicy(ACCESS_LOGS_POLICY, Bucket=Ref(bucket), PolicyDocument=document(deliver, tls)),
        why="The denial names every action: nothing at all passes without TLS.",
    )
    return bucket
