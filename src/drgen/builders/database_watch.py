"""Alarms and event rules of a database instance, in its own region.

Source of the metrics: Amazon RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS" and "Monitoring and tuning the
replication process"; of the event ids: "Amazon RDS event categories and event messages".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from troposphere import events

from drgen.builders.alarms import alarm
from drgen.builders.database import Database
from drgen.builders.scanners import TARGET_DEAD_LETTERS, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

GIB = 1024**3
CPU_ALARM, FREE_STORAGE_ALARM = "CpuAlarm", "FreeStorageAlarm"
"""Logical ids of the alarms that an alarm over them names."""

EVENT_IDS = (
    "RDS-EVENT-0004", "RDS-EVENT-0006", "RDS-EVENT-0013", "RDS-EVENT-0015", "RDS-EVENT-0031", "RDS-EVENT-0034",
    "RDS-EVENT-0045", "RDS-EVENT-0046", "RDS-EVENT-0049", "RDS-EVENT-0050", "RDS-EVENT-0051", "RDS-EVENT-0057",
    "RDS-EVENT-0062", "RDS-EVENT-0202", "RDS-EVENT-0221", "RDS-EVENT-0222",
)  # fmt: skip
"""Shutdown and restart, Multi-AZ failover, failure, storage, and every change of replication."""

IDLE_SAWTOOTH_S = 300
"""An idle source lets ReplicaLag climb this far between two WAL switches.

Source: Amazon RDS User Guide, "Working with read replicas for Amazon RDS for PostgreSQL"."""


def instance_alarms(stack: StackDraft, names: Names, database: Database, *, topic: Value, storage_gib: int) -> None:
    """CPU and free storage: for the primary and for the replica alike."""
    instance = {"DBInstanceIdentifier": database.identifier}
    alarm(
        stack,
        CPU_ALARM,
        name=names.everywhere("cpu", stack.region),
        description=f"CPU of {database.identifier} above 80 % for 10 minutes",
        metric="CPUUtilization",
        dimensions=instance,
        threshold=80,
        periods=10,
        topic=topic,
    )
    alarm(
        stack,
        FREE_STORAGE_ALARM,
        name=names.everywhere("free-storage", stack.region),
        description=f"Less than a tenth of the storage of {database.identifier} is free",
        metric="FreeStorageSpace",
        dimensions=instance,
        threshold=storage_gib * GIB // 10,
        comparison="LessThanThreshold",
        topic=topic,
    )


def source_alarms(stack: StackDraft, names: Names, database: Database, *, topic: Value, storage_gib: int) -> None:
    """WAL that piles up on the source: a dead cross-region replica fills its disk."""
    instance = {"DBInstanceIdentifier": database.identifier}
    alarm(
        stack,
        "ReplicationSlotAlarm",
        name=names.everywhere("replication-slot", stack.region),
        description="The replica has not taken WAL that is worth a tenth of the storage",
        metric="OldestReplicationSlotLag",
        dimensions=instance,
        threshold=storage_gib * GIB // 10,
        statistic="Maximum",
        topic=topic,
    )
    alarm(
        stack,
        "TransactionLogsAlarm",
        name=names.everywhere("transaction-logs", stack.region),
        description="WAL takes a fifth of the storage",
        metric="TransactionLogsDiskUsage",
        dimensions=instance,
        threshold=storage_gib * GIB // 5,
        statistic="Maximum",
        topic=topic,
    )


def replica_alarms(stack: StackDraft, names: Names, database: Database, *, topic: Value, rpo: timedelta) -> None:
    """Lag as RDS sees it. The alarm on the heartbeat is the sharper one; it needs no traffic on the source."""
    alarm(
        stack,
        "ReplicaLagAlarm",
        name=names.everywhere("replica-lag", stack.region),
        description=f"{database.identifier} is far behind its source",
        metric="ReplicaLag",
        dimensions={"DBInstanceIdentifier": database.identifier},
        threshold=max(2 * IDLE_SAWTOOTH_S, int(rpo.total_seconds())),
        statistic="Maximum",
        topic=topic,
        why="An idle source lets this metric climb to 300 s and fall back, so the threshold is twice that at least. "
        "After a promotion the metric ends, which is no alarm.",
    )


def event_rule(stack: StackDraft, names: Names, database: Database, *, topic: Value) -> None:
    """What RDS says of the instance goes to the topic."""
    told(stack, names, database.identifier, kind="RDS DB Instance Event", ids=EVENT_IDS, topic=topic)


def told(stack: StackDraft, names: Names, identifier: str, *, kind: str, ids: Sequence[str], topic: Value) -> None:
    """The events `ids` of the database `identifier` go to the topic, by id: messages change their wording."""
    pattern = {
        "source": ["aws.rds"],
        "detail-type": [kind],
        "detail": {"EventID": list(ids), "SourceIdentifier": [identifier]},
    }
    target = events.Target(Id="alerts", Arn=stack.use(topic))
    stack.add(
        events.Rule(
            "DatabaseEvents",
            Name=names.regional("database-events"),
            Description=f"Events of {identifier} that somebody should hear of",
            EventPattern=pattern,
            State="ENABLED",
            Targets=[target],
            Metadata=accepted(
                {TARGET_DEAD_LETTERS: "EventBridge tries for a day, and RDS keeps its events for 14 days."}
            ),
        )
    )
