"""The bucket of the load balancers' access logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import GetAtt, Ref, Sub, s3

from drgen.builders.policy import actions, allow, deny_without_tls, document, service_principal
from drgen.builders.scanners import ACCESS_LOGS, BUCKET_KEY, BUCKET_REPLICATION, accepted
from drgen.model.stack import StackDraft

ACCESS_LOGS_POLICY = "AccessLogsPolicy"


def access_logs(stack: StackDraft, *, prefixes: Sequence[str], days: int) -> Any:
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
        Metadata=accepted(
            {
                ACCESS_LOGS: "It takes access logs; a log of their delivery would need a bucket of its own.",
                BUCKET_KEY: "Load balancers write only to buckets that S3 encrypts with keys of its own.",
                BUCKET_REPLICATION: "Each region's balancers are logged in that region.",
            }
        ),
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
