"""A DynamoDB global table: one resource in one stack makes the replicas of all regions.

Source: CloudFormation Template Reference, "AWS::DynamoDB::GlobalTable"; DynamoDB Developer Guide, "Best practices for
global tables" (one reference region defines all replicas).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Sub, Tags, dynamodb

from drgen.builders.network import title_of
from drgen.builders.scanners import checkov
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT, Value

ATTRIBUTE_TYPES = {"string": "S", "number": "N", "binary": "B"}

NO_BACKUPS = "The workload file says that this table's items need no backup: point_in_time_recovery is false."


@dataclass(frozen=True)
class Schema:
    """`key` and `sort_key` are pairs of a name and a key of ATTRIBUTE_TYPES."""

    key: tuple[str, str]
    sort_key: tuple[str, str] | None = None
    time_to_live: str | None = None
    recovery_days: int | None = 35
    """How far back each replica can be restored to; None for not at all."""


@dataclass(frozen=True)
class Table:
    """A table as other components use it. `made` is its name; who uses it comes after the table."""

    name: str
    made: Value

    def arn(self, region: str) -> Sub:
        """The ARN of the replica in `region`, put together: GetAtt knows the one of the table's own stack only."""
        return Sub(f"arn:${{AWS::Partition}}:dynamodb:{region}:${{AWS::AccountId}}:table/{self.name}")


def global_table(
    stack: StackDraft,
    names: Names,
    thing: str,
    schema: Schema,
    *,
    replicas: Mapping[str, Value],
    tags: Mapping[str, str],
) -> Table:
    """A table on demand, with a replica in each region of `replicas`, encrypted with that region's key.

    `replicas` must hold the region of the stack. Tags of the stack do not reach replicas, so `tags` go on each.
    """
    name = names.regional(thing)
    keys = [pair for pair in (schema.key, schema.sort_key) if pair is not None]
    settings: dict[str, Any] = {}
    if schema.time_to_live is not None:
        expiry = dynamodb.TimeToLiveSpecification(AttributeName=schema.time_to_live, Enabled=True)
        settings["TimeToLiveSpecification"] = expiry
    table = dynamodb.GlobalTable(
        f"{title_of(thing)}Table",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            dynamodb.AttributeDefinition(AttributeName=key, AttributeType=ATTRIBUTE_TYPES[kind]) for key, kind in keys
        ],
        KeySchema=_key_schema([key for key, _ in keys]),
        StreamSpecification=dynamodb.StreamSpecification(StreamViewType="NEW_AND_OLD_IMAGES"),
        SSESpecification=dynamodb.GlobalTableSSESpecification(SSEEnabled=True, SSEType="KMS"),
        Replicas=[_replica(stack, region, key, schema, tags) for region, key in replicas.items()],
        **settings,
    )
    if schema.recovery_days is None:
        table.Metadata = checkov(CKV_AWS_165=NO_BACKUPS)
    stack.add(table, why="Add or remove one replica in an update, and nothing else; replication needs the stream.")
    stack.protect(table)
    made = stack.value(f"{title_of(thing)}TableName", Ref(table), TEXT, f"Name of table {thing}, in every region")
    return Table(name, made)


def _key_schema(names: Sequence[str]) -> list[Any]:
    return [
        dynamodb.KeySchema(AttributeName=name, KeyType=kind)
        for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]


def _key(stack: StackDraft, region: str, key: Value) -> Any:
    """The key of `region`; a key of another region is a parameter that says which."""
    return stack.use(key, parameter="" if region == stack.region else f"{title_of(region)}{key.name}")


def _replica(stack: StackDraft, region: str, key: Value, schema: Schema, tags: Mapping[str, str]) -> Any:
    """Everything that no replica takes over from another one."""
    recovery: dict[str, Any] = {"PointInTimeRecoveryEnabled": schema.recovery_days is not None}
    if schema.recovery_days is not None:
        recovery["RecoveryPeriodInDays"] = schema.recovery_days
    return dynamodb.ReplicaSpecification(
        Region=region,
        SSESpecification=dynamodb.ReplicaSSESpecification(KMSMasterKeyId=_key(stack, region, key)),
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(**recovery),
        DeletionProtectionEnabled=stack.protection,
        ContributorInsightsSpecification=dynamodb.ContributorInsightsSpecification(Enabled=False),
        **({"Tags": Tags(dict(tags))} if tags else {}),
    )
