"""Alarms and event rules of an Aurora cluster, in its own region. Both regions get the same: their roles change.

Source of the metrics: Amazon Aurora User Guide, "Amazon CloudWatch metrics for Amazon Aurora" and "Using switchover or
failover in Amazon Aurora Global Database"; of the event ids: "Amazon RDS event categories and event messages for
Aurora".
"""

from __future__ import annotations

from datetime import timedelta

from drgen.builders.alarms import alarm
from drgen.builders.aurora import Cluster
from drgen.builders.database_watch import CPU_ALARM, told
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

EVENT_IDS = (
    "RDS-EVENT-0069", "RDS-EVENT-0070", "RDS-EVENT-0071", "RDS-EVENT-0072", "RDS-EVENT-0073", "RDS-EVENT-0181",
    "RDS-EVENT-0182", "RDS-EVENT-0183", "RDS-EVENT-0184", "RDS-EVENT-0185", "RDS-EVENT-0186", "RDS-EVENT-0187",
    "RDS-EVENT-0238", "RDS-EVENT-0239", "RDS-EVENT-0240", "RDS-EVENT-0241", "RDS-EVENT-0390", "RDS-EVENT-0391",
    "RDS-EVENT-0397", "RDS-EVENT-0423",
)  # fmt: skip
"""Failover inside the region; switchover and failover between regions, the fence around the old writer, its
resynchronisation, and the move of the global writer endpoint."""


def cluster_alarms(stack: StackDraft, names: Names, cluster: Cluster, *, topic: Value, rpo: timedelta) -> None:
    """CPU of the busiest instance, and how far the cluster is behind while another region writes."""
    dimensions = {"DBClusterIdentifier": cluster.identifier}
    alarm(
        stack,
        CPU_ALARM,
        name=names.everywhere("cpu", stack.region),
        description=f"CPU of an instance of {cluster.identifier} above 80 % for 10 minutes",
        metric="CPUUtilization",
        dimensions=dimensions,
        threshold=80,
        statistic="Maximum",
        periods=10,
        topic=topic,
        why="Over all instances: one that is added later is watched, too, and a cluster without any raises no alarm.",
    )
    lost = "would lose more than the recovery point objective"
    for title, thing, metric, about, why in (
        ("RpoLagAlarm", "rpo-lag", "AuroraGlobalDBRPOLag", lost, _FOLLOWERS_ONLY),
        ("ReplicationLagAlarm", "replication-lag", "AuroraGlobalDBReplicationLag", "is far behind its writer", ""),
    ):
        alarm(
            stack,
            title,
            name=names.everywhere(thing, stack.region),
            description=f"{cluster.identifier} {about}",
            metric=metric,
            dimensions=dimensions,
            threshold=int(rpo.total_seconds()) * 1000,
            statistic="Maximum",
            topic=topic,
            why=why,
        )


_FOLLOWERS_ONLY = (
    "In milliseconds, as the next one. Only a cluster that follows has these metrics: while this one writes there are "
    "none, which is no alarm, and after an exchange of roles the alarms of the other region take their place."
)


def event_rule(stack: StackDraft, names: Names, cluster: Cluster, *, topic: Value) -> None:
    """What RDS says of the cluster goes to the topic."""
    told(stack, names, cluster.identifier, kind="RDS DB Cluster Event", ids=EVENT_IDS, topic=topic)
