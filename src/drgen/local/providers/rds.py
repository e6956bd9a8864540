"""AWS::RDS: subnet groups, event subscriptions, and the registry of this service's providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.providers.provider import Provider
from drgen.local.providers.rds_cluster import DatabaseCluster
from drgen.local.providers.rds_global import GLOBAL_CLUSTER
from drgen.local.providers.rds_instance import DatabaseInstance
from drgen.local.providers.rds_live import pairs, retag
from drgen.local.providers.rds_parameters import CLUSTER_GROUP, INSTANCE_GROUP
from drgen.local.providers.work import Resource, Work, call, tags_of


def _make_subnet_group(work: Work) -> str:
    name = work.name("DBSubnetGroupName", limit=255, lower=True).lower()
    more = {"DBSubnetGroupName": name, "Tags": pairs(tags_of(work.desired))}
    call(work.api("rds"), "create_db_subnet_group", work.properties, more)
    return name


def _change_subnet_group(work: Work, name: str) -> None:
    call(work.api("rds"), "modify_db_subnet_group", work.properties, DBSubnetGroupName=name)
    retag(work, work.arn("rds", f"subgrp:{name}"))


def _make_subscription(work: Work) -> str:
    name = work.name("SubscriptionName", limit=255)
    more = {"SubscriptionName": name, "Tags": pairs(tags_of(work.desired))}
    call(work.api("rds"), "create_event_subscription", work.properties, more)
    return name


def _change_subscription(work: Work, name: str) -> None:
    client = work.api("rds")
    call(client, "modify_event_subscription", work.properties, SubscriptionName=name)
    after, before = (set(side.get("SourceIds") or ()) for side in (work.properties, work.desired.previous))
    for source in sorted(after - before):
        client.add_source_identifier_to_subscription(SubscriptionName=name, SourceIdentifier=source)
    for source in sorted(before - after):
        client.remove_source_identifier_from_subscription(SubscriptionName=name, SourceIdentifier=source)
    retag(work, work.arn("rds", f"es:{name}"))


def _arn_of(kind: str, attribute: str) -> Callable[[Work, str], Mapping[str, Any]]:
    return lambda work, name: {attribute: work.arn("rds", f"{kind}:{name}")}


RDS_PROVIDERS: Mapping[str, Provider] = {
    "AWS::RDS::DBInstance": DatabaseInstance(),
    "AWS::RDS::DBSubnetGroup": Resource(
        make=_make_subnet_group,
        change=_change_subnet_group,
        read=_arn_of("subgrp", "DBSubnetGroupArn"),
        remove=lambda work, name: work.api("rds").delete_db_subnet_group(DBSubnetGroupName=name),
    ),
    "AWS::RDS::DBParameterGroup": INSTANCE_GROUP,
    "AWS::RDS::DBClusterParameterGroup": CLUSTER_GROUP,
    "AWS::RDS::DBCluster": DatabaseCluster(),
    "AWS::RDS::GlobalCluster": GLOBAL_CLUSTER,
    "AWS::RDS::EventSubscription": Resource(
        make=_make_subscription,
        change=_change_subscription,
        remove=lambda work, name: work.api("rds").delete_event_subscription(SubscriptionName=name),
    ),
}
