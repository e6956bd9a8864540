"""Where the endpoints of Aurora lead.

Source: Aurora guide, "Types of Aurora endpoints" and "Connecting to Amazon Aurora Global Database".
"""

from __future__ import annotations

from drgen.local.rds.records import Cluster
from drgen.local.rds.state import World


def targets(world: World, name: str) -> tuple[str, ...] | None:
    """The next names of the chain: global cluster, cluster, instance. None for a name that is no endpoint of RDS.

    An instance leads nowhere further, because no server runs behind it; so does the endpoint of a cluster without a
    writer.
    """
    wanted = name.rstrip(".").lower()
    for group in list(world.global_clusters.values()):
        if group.record["Endpoint"] == wanted:
            resolved = world.cluster_by_arn(str(group.record.get("Resolved", "")))
            return (str(resolved.record["Endpoint"]),) if resolved else ()
    for cluster in world.clusters():
        if cluster.record["Endpoint"] == wanted:
            return _hosts(world, cluster, writes=True)
        if cluster.record["ReaderEndpoint"] == wanted:
            return _hosts(world, cluster, writes=False) or _hosts(world, cluster, writes=True)
    known = (one.record.get("Endpoint", {}).get("Address") for one in world.instances())
    return () if wanted in known else None


def _hosts(world: World, cluster: Cluster, *, writes: bool) -> tuple[str, ...]:
    return tuple(
        str(one.record["Endpoint"]["Address"])
        for one in world.instances_of(cluster)
        if "Endpoint" in one.record and (one.name == cluster.record.get("Writer")) == writes
    )
