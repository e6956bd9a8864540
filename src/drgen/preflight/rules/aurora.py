"""DR363 to DR365: what the instances of an Aurora cluster, and copies of it, need of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.members import global_databases
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_unknown, known_text, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
CLUSTER = "AWS::RDS::DBCluster"
SCALING = "ServerlessV2ScalingConfiguration"


@rule(
    "DR363",
    "A cluster with serverless instances says how they scale",
    source="Amazon Aurora User Guide, Creating a DB cluster that uses Aurora Serverless v2",
)
def serverless_can_scale(world: World) -> Found:
    """The capacity is a setting of the cluster, which is often made by another stack. RDS refuses the instance: `Set
    the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB instance`.

    Fix: set ServerlessV2ScalingConfiguration on the cluster.
    """
    for instance in world.resources("AWS::RDS::DBInstance"):
        if instance.text("DBInstanceClass") != "db.serverless":
            continue
        for value in instance.values("DBClusterIdentifier"):
            cluster = world.target(value, CLUSTER)
            if cluster is not None and not cluster.has(SCALING):
                message = f"cluster {cluster} has no {SCALING}"
                yield Fault(instance.place("DBInstanceClass"), message, f"set {SCALING} on the cluster")


@rule(
    "DR364",
    "A cluster that another region copies writes a binary log",
    source="Amazon Aurora User Guide, Replicating Amazon Aurora MySQL DB clusters across AWS Regions",
)
def copied_cluster_has_log(world: World) -> Found:
    """Aurora MySQL replicates to a cluster of another region by its binary log, which is off where nothing says
    otherwise. RDS refuses the copy. Aurora PostgreSQL has no such replication.

    Fix: set binlog_format in the source's cluster parameter group, or use an Aurora global database.
    """
    for replica in world.resources(CLUSTER):
        for value in replica.values("ReplicationSourceIdentifier"):
            source = world.target(value, CLUSTER)
            if source is None or source.region == replica.region:
                continue
            place = replica.place("ReplicationSourceIdentifier")
            if source.text("Engine") == "aurora-postgresql":
                yield Fault(place, "Aurora PostgreSQL has no such replication", "use an Aurora global database")
            elif source.text("Engine") == "aurora-mysql" and _logs_nothing(world, source):
                message = f"{source} writes no binary log"
                yield Fault(place, message, "set binlog_format in the parameter group of the source")


def _logs_nothing(world: World, source: Resource) -> bool:
    """True if the cluster's parameters are known, and leave the binary log off."""
    group = world.target(source.value("DBClusterParameterGroupName"), "AWS::RDS::DBClusterParameterGroup")
    if group is None:
        return not source.has("DBClusterParameterGroupName")
    stated = known_text(group.value("Parameters.binlog_format"))
    return (
        stated in (None, "OFF")
        and not is_unknown(group.properties.get("Parameters"))
        and (stated is not None or not group.has("Parameters.binlog_format"))
    )


@rule(
    "DR365",
    "The standby cluster can grow to what the primary one uses",
    source="Amazon Aurora User Guide, Using Aurora Serverless v2 (capacity range)",
    severity=Severity.WARNING,
)
def standby_can_grow(world: World) -> Found:
    """The secondary cluster may start small. After the failover it gets the whole load, and MaxCapacity holds it back:
    the region that was to take over is as good as down.

    Fix: give the secondary cluster the MaxCapacity of the primary one.
    """
    for database in global_databases(world):
        primary = database.primary
        most = number(primary.value(f"{SCALING}.MaxCapacity")) if primary is not None else None
        for secondary in database.secondaries:
            own = number(secondary.value(f"{SCALING}.MaxCapacity"))
            if most is not None and own is not None and own < most:
                message = f"MaxCapacity is {own:g}, and {most:g} in the primary region"
                yield Fault(secondary.place(f"{SCALING}.MaxCapacity"), message, f"set MaxCapacity to {most:g}")
