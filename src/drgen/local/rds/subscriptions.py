"""Event subscriptions: which topic hears of which events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.api import ApiError
from drgen.local.rds.checks import bad_combination, tags
from drgen.local.rds.context import Context, page
from drgen.local.rds.events import CATEGORIES
from drgen.local.rds.records import Record


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "TagList"}


def create_subscription(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    name = params["SubscriptionName"]
    labels = tags(params.get("Tags"))
    _check_topic(ctx, params["SnsTopicArn"])
    record: Record = {
        "CustomerAwsId": ctx.env.account,
        "CustSubscriptionId": name,
        "SnsTopicArn": params["SnsTopicArn"],
        "Status": "active",
        "SubscriptionCreationTime": f"{datetime.fromtimestamp(ctx.now, UTC):%a %b %d %H:%M:%S UTC %Y}",
        "SourceIdsList": list(params.get("SourceIds") or ()),
        "EventCategoriesList": list(params.get("EventCategories") or ()),
        "Enabled": params.get("Enabled", True),
        "EventSubscriptionArn": ctx.arn("es", name),
        "TagList": labels,
    } | ({"SourceType": params["SourceType"]} if params.get("SourceType") else {})
    _check_selection(ctx, record)
    with ctx.lock:
        if name in ctx.state.subscriptions:
            raise ApiError("SubscriptionAlreadyExist", f"Event Subscription {name} already exists")
        ctx.state.subscriptions[name] = record
    return {"EventSubscription": _public(record)}


def _check_topic(ctx: Context, topic: str) -> None:
    if topic.split(":")[3:4] != [ctx.region]:
        raise ApiError("SNSInvalidTopic", f"The SNS topic {topic} is not a topic of {ctx.region}")
    try:
        ctx.env.client("sns", ctx.region).get_topic_attributes(TopicArn=topic)
    except ClientError as error:
        raise ApiError("SNSTopicArnNotFound", "SNS topic ARN does not exist", status=404) from error


def _check_selection(ctx: Context, record: Mapping[str, Any]) -> None:
    kind = record.get("SourceType")
    if record["SourceIdsList"] and not kind:
        raise bad_combination("SourceType must be specified when SourceIds are specified.")
    known = CATEGORIES.get(kind) if kind else None
    if known is not None and (unknown := sorted(set(record["EventCategoriesList"]) - known)):
        raise ApiError(
            "SubscriptionCategoryNotFound", f"Event category {unknown[0]} does not exist for {kind}", status=404
        )
    held: Mapping[str, Mapping[str, Any]] = {
        "db-cluster": ctx.state.clusters,
        "db-cluster-snapshot": ctx.state.cluster_snapshots,
        "db-instance": ctx.state.instances,
        "db-snapshot": ctx.state.snapshots,
        "db-parameter-group": ctx.state.parameter_groups,
    }
    if kind and kind in held and (missing := [name for name in record["SourceIdsList"] if name not in held[kind]]):
        raise ApiError("SourceNotFound", f"Could not find source: {missing[0]}", status=404)


def modify_subscription(ctx: Context) -> Mapping[str, Any]:
    params = ctx.params
    record = dict(_subscription(ctx))
    if params.get("SnsTopicArn"):
        _check_topic(ctx, params["SnsTopicArn"])
        record["SnsTopicArn"] = params["SnsTopicArn"]
    for key, field in (
        ("SourceType", "SourceType"),
        ("EventCategories", "EventCategoriesList"),
        ("Enabled", "Enabled"),
    ):
        if params.get(key) is not None:
            record[field] = params[key]
    return _replaced(ctx, record)


def add_source(ctx: Context) -> Mapping[str, Any]:
    record = _subscription(ctx)
    sources = [*record["SourceIdsList"], ctx.params["SourceIdentifier"]]
    return _replaced(ctx, {**record, "SourceIdsList": sorted(set(sources))})


def remove_source(ctx: Context) -> Mapping[str, Any]:
    record = _subscription(ctx)
    gone = ctx.params["SourceIdentifier"]
    if gone not in record["SourceIdsList"]:
        raise ApiError("SourceNotFound", f"Could not find source: {gone}", status=404)
    return _replaced(ctx, {**record, "SourceIdsList": [name for name in record["SourceIdsList"] if name != gone]})


def _replaced(ctx: Context, record: Record) -> Mapping[str, Any]:
    _check_selection(ctx, record)
    with ctx.lock:
        ctx.state.subscriptions[record["CustSubscriptionId"]] = record
    return {"EventSubscription": _public(record)}


def _subscription(ctx: Context) -> Record:
    name = ctx.params["SubscriptionName"]
    if name not in ctx.state.subscriptions:
        raise ApiError("SubscriptionNotFound", f"Event Subscription {name} not found.", status=404)
    return ctx.state.subscriptions[name]


def describe_subscriptions(ctx: Context) -> Mapping[str, Any]:
    found: Sequence[Record] = list(ctx.state.subscriptions.values())
    if ctx.params.get("SubscriptionName"):
        found = [_subscription(ctx)]
    entries, marker = page(found, ctx.params, lambda record: str(record["CustSubscriptionId"]))
    return {"EventSubscriptionsList": [_public(entry) for entry in entries], **marker}


def delete_subscription(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        record = _subscription(ctx)
        del ctx.state.subscriptions[record["CustSubscriptionId"]]
    return {"EventSubscription": _public(record)}


OPERATIONS = {
    "CreateEventSubscription": create_subscription,
    "ModifyEventSubscription": modify_subscription,
    "AddSourceIdentifierToSubscription": add_source,
    "RemoveSourceIdentifierFromSubscription": remove_source,
    "DescribeEventSubscriptions": describe_subscriptions,
    "DeleteEventSubscription": delete_subscription,
}
