"""DR358, DR393 to DR395: events, caches and search domains that their services refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.values import is_false, is_true, is_unknown, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
SUBSCRIPTION = "AWS::RDS::EventSubscription"
CACHE = "AWS::ElastiCache::ReplicationGroup"


@rule(
    "DR358",
    "A subscription to events says of what type its sources are",
    source="Amazon RDS API Reference, CreateEventSubscription (SourceIds)",
    alone=True,
)
def subscription_has_type(world: World) -> Found:
    """RDS looks for the identifiers among the sources of one type, and refuses identifiers without it.

    Fix: set SourceType, for example to db-instance.
    """
    for subscription in world.resources(SUBSCRIPTION):
        if any(True for _ in subscription.values("SourceIds")) and not subscription.has("SourceType"):
            yield Fault(subscription.place("SourceIds"), "SourceIds are set, and no SourceType", "set SourceType")


@rule(
    "DR393",
    "A cache that fails over has a node to fail over to",
    source="Registry schema AWS::ElastiCache::ReplicationGroup, AutomaticFailoverEnabled and MultiAZEnabled",
    alone=True,
)
def cache_can_fail_over(world: World) -> Found:
    """ElastiCache refuses automatic failover for one node, and several zones without automatic failover.

    Fix: set NumCacheClusters to 2 or more (or ReplicasPerNodeGroup to 1), and AutomaticFailoverEnabled to true.
    """
    for cache in world.resources(CACHE):
        if is_true(cache.value("AutomaticFailoverEnabled")) and number(cache.value("NumCacheClusters")) == 1:
            yield Fault(cache.place("NumCacheClusters"), "one node cannot fail over", "set it to 2 or more")
        if is_true(cache.value("MultiAZEnabled")) and (
            not cache.has("AutomaticFailoverEnabled") or is_false(cache.value("AutomaticFailoverEnabled"))
        ):
            message = "several zones need automatic failover"
            yield Fault(cache.place("MultiAZEnabled"), message, "set AutomaticFailoverEnabled: true")


@rule(
    "DR394",
    "The nodes of a global datastore are of a class that can replicate",
    source="Amazon ElastiCache User Guide, Global datastore prerequisites and limitations (M5, R5 and later)",
)
def datastore_nodes(world: World) -> Found:
    """Global datastores take nodes of the families m5 and r5 and later ones. ElastiCache refuses burstable and older
    nodes when the datastore is made.

    Fix: use a class such as cache.r6g.large in all regions.
    """
    for datastore in world.resources("AWS::ElastiCache::GlobalReplicationGroup"):
        for value in datastore.values("Members.ReplicationGroupId"):
            cache = world.target(value, CACHE)
            node = (cache.text("CacheNodeType") or "") if cache is not None else ""
            if cache is not None and re.match(r"cache\.(t\d|[mr][1-4]\.)", node):
                message = f"{node} is of a class that global datastores do not take"
                yield Fault(cache.place("CacheNodeType"), message, "use a class such as cache.r6g.large")


@rule(
    "DR395",
    "A search domain has a subnet for each of its zones",
    source="Amazon OpenSearch Service Developer Guide, Launching your domains within a VPC (subnets)",
    alone=True,
)
def domain_has_subnets(world: World) -> Found:
    """OpenSearch Service wants one subnet for each zone, and exactly one without zone awareness: `You must specify
    exactly two subnets because you've set zone count to two`.

    Fix: name as many subnets as AvailabilityZoneCount says; it is 2 where nothing else is said.
    """
    for domain in world.resources("AWS::OpenSearchService::Domain", "AWS::Elasticsearch::Domain"):
        config = "ClusterConfig" if domain.type.startswith("AWS::Open") else "ElasticsearchClusterConfig"
        subnets = list(domain.values("VPCOptions.SubnetIds"))
        aware = domain.value(f"{config}.ZoneAwarenessEnabled")
        zones = number(domain.value(f"{config}.ZoneAwarenessConfig.AvailabilityZoneCount")) or 2
        wanted = zones if is_true(aware) else 1
        if not subnets or any(map(is_unknown, subnets)) or is_unknown(aware) or len(subnets) == wanted:
            continue
        message = f"there are {len(subnets)} subnets, and the domain has {wanted:g} zones"
        yield Fault(domain.place("VPCOptions.SubnetIds"), message, f"name {wanted:g} subnets")
