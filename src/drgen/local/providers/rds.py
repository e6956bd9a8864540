"""AWS::RDS: subnet groups, parameter groups, event subscriptions, and the registry of this service's providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.providers.provider import Provider
from drgen.local.providers.rds_instance import DatabaseInstance
from drgen.local.providers.work import Resource, Work, as_tags, call, tags_of
from drgen.local.rds.groups import STATIC_PARAMETERS

_PARAMETERS_PER_CALL = 20


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _retag(work: Work, arn: str) -> None:
    client = work.api("rds")
    wanted = tags_of(work.desired)
    gone = sorted(set(as_tags(work.desired.previous.get("Tags"))) - set(wanted))
    if gone:
        client.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
    if wanted:
        client.add_tags_to_resource(ResourceName=arn, Tags=_pairs(wanted))


def _make_subnet_group(work: Work) -> str:
    name = work.name("DBSubnetGroupName", limit=255, lower=True).lower()
    more = {"DBSubnetGroupName": name, "Tags": _pairs(tags_of(work.desired))}
    call(work.api("rds"), "create_db_subnet_group", work.properties, more)
    return name


def _change_subnet_group(work: Work, name: str) -> None:
    call(work.api("rds"), "modify_db_subnet_group", work.properties, DBSubnetGroupName=name)
    _retag(work, work.arn("rds", f"subgrp:{name}"))


def _make_parameter_group(work: Work) -> str:
    name = work.name("DBParameterGroupName", limit=255, lower=True).lower()
    call(
        work.api("rds"),
        "create_db_parameter_group",
        DBParameterGroupName=name,
        DBParameterGroupFamily=work.properties["Family"],
        Description=work.properties["Description"],
        Tags=_pairs(tags_of(work.desired)),
    )
    return name


def _settle_parameters(work: Work, name: str) -> None:
    """Sets what the template says and resets what it no longer says, each in the way its kind can be applied."""
    client = work.api("rds")
    wanted = {key: str(value) for key, value in (work.properties.get("Parameters") or {}).items()}
    present = {
        entry["ParameterName"]: entry
        for page in client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name, Source="user")
        for entry in page["Parameters"]
    }
    gone = [
        {"ParameterName": key, "ApplyMethod": entry["ApplyMethod"]}
        for key, entry in present.items()
        if key not in wanted
    ]
    if gone:
        client.reset_db_parameter_group(DBParameterGroupName=name, ResetAllParameters=False, Parameters=gone)
    changed = [key for key, value in wanted.items() if present.get(key, {}).get("ParameterValue") != value]
    for start in range(0, len(changed), _PARAMETERS_PER_CALL):
        _set_parameters(work, name, {key: wanted[key] for key in changed[start : start + _PARAMETERS_PER_CALL]})


def _set_parameters(work: Work, name: str, values: Mapping[str, str]) -> None:
    work.api("rds").modify_db_parameter_group(
        DBParameterGroupName=name,
        Parameters=[
            {
                "ParameterName": key,
                "ParameterValue": value,
                "ApplyMethod": "pending-reboot" if key in STATIC_PARAMETERS else "immediate",
            }
            for key, value in values.items()
        ],
    )


def _make_subscription(work: Work) -> str:
    name = work.name("SubscriptionName", limit=255)
    more = {"SubscriptionName": name, "Tags": _pairs(tags_of(work.desired))}
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
    _retag(work, work.arn("rds", f"es:{name}"))


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
    "AWS::RDS::DBParameterGroup": Resource(
        make=_make_parameter_group,
        settle=_settle_parameters,
        change=lambda work, name: _retag(work, work.arn("rds", f"pg:{name}")),
        read=_arn_of("pg", "DBParameterGroupArn"),
        remove=lambda work, name: work.api("rds").delete_db_parameter_group(DBParameterGroupName=name),
    ),
    "AWS::RDS::EventSubscription": Resource(
        make=_make_subscription,
        change=_change_subscription,
        remove=lambda work, name: work.api("rds").delete_event_subscription(SubscriptionName=name),
    ),
}
