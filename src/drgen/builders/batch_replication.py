"""Replication of what a bucket held before its rule: S3 Batch Operations, started by a person.

There is no CloudFormation resource for a job; the stack makes its role, and an output with the command.
Source: Amazon S3 User Guide, "Replicating existing objects with Batch Replication" and "Configuring an IAM role for S3
Batch Replication"; botocore s3control CreateJob.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from troposphere import Sub

from drgen.builders.bucket_replication import Target
from drgen.builders.buckets import Bucket, bucket_arn
from drgen.builders.network import title_of
from drgen.builders.policy import actions, allow, role
from drgen.model.deployment import TellOutput
from drgen.model.names import Names
from drgen.model.stack import StackDraft

ROLE = "BatchReplicationRole"


def batch_role(stack: StackDraft, names: Names, sources: Sequence[Bucket]) -> None:
    """The role that such jobs take: it can start replication in `sources`, and nothing else."""
    role(
        stack,
        ROLE,
        name=names.everywhere("batch-replication", stack.region),
        service="batchoperations.s3.amazonaws.com",
        statements=[
            allow(
                "StartReplication",
                actions("s3", "InitiateReplication"),
                [bucket_arn(names, source.name, stack.region, suffix="/*") for source in sources],
            ),
            allow(
                "FindObjects",
                actions("s3", "GetReplicationConfiguration", "PutInventoryConfiguration"),
                [bucket_arn(names, source.name, stack.region) for source in sources],
            ),
        ],
        why="For jobs that people start: replication of what the buckets held before their rules.",
    )


def tell_command(stack: StackDraft, names: Names, source: Bucket, target: Target, *, further: bool) -> None:
    """An output with the command that starts the job, told when a deployment has switched replication on.

    What was copied to another region before counts as completed, although a `further` target has nothing of it.
    Source: Amazon S3 User Guide, "Getting replication status information", multiple destination buckets.
    """
    region, statuses = target.bucket.region, ["NONE", "FAILED", *(["COMPLETED"] if further else [])]
    output = f"{source.title}BatchReplication{f'To{title_of(region)}' if further else ''}"
    rule, where = (f"its rule towards {region}", f" to {region}") if further else ("its rule", "")
    stack.outputs[output] = {
        "Description": f"Starts the replication of what bucket {source.name} held before {rule}",
        "Condition": target.condition,
        "Value": Sub(_command(names, source.name, stack.region, statuses)),
    }
    held = f"what it held in {stack.region} until now is not replicated{where}"
    stack.after.append(TellOutput(f"bucket {source.name}: {held}. To replicate that, run:", output))


def _command(names: Names, name: str, region: str, statuses: Sequence[str]) -> str:
    generator: dict[str, Any] = {
        "ExpectedBucketOwner": "${AWS::AccountId}",
        "SourceBucket": f"arn:${{AWS::Partition}}:s3:::{names.bucket(name, region)}",
        "EnableManifestOutput": False,
        "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": list(statuses)},
    }
    options = {
        "region": region,
        "account-id": "${AWS::AccountId}",
        "operation": _quoted({"S3ReplicateObject": {}}),
        "manifest-generator": _quoted({"S3JobManifestGenerator": generator}),
        "report": _quoted({"Enabled": False}),
        "priority": "1",
        "role-arn": f"${{{ROLE}.Arn}}",
    }
    given = " ".join(f"--{name} {value}" for name, value in options.items())
    return f"aws s3control create-job {given} --no-confirmation-required"


def _quoted(value: Any) -> str:
    return f"'{json.dumps(value, separators=(',', ':'))}'"
