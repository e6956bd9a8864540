"""The events RDS records, and how topics and the event bus hear of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.bus import Event, publish
from drgen.local.providers.provider import Environment
from drgen.local.rds.checks import bad_combination, bad_value
from drgen.local.rds.context import Context, page
from drgen.local.rds.state import RegionState

# The guide writes "global failover"; subscriptions and rules that work in accounts have the hyphen.
_GLOBAL = "global-failover"

# Event id: category, message. Source: "Amazon RDS event categories and event messages" of the RDS guide and of the
# Aurora guide.
EVENTS: Mapping[str, tuple[str, str]] = {
    "0001": ("backup", "Backing up DB instance"),
    "0002": ("backup", "Finished DB instance backup"),
    "0003": ("deletion", "DB instance deleted"),
    "0004": ("availability", "DB instance shutdown"),
    "0005": ("creation", "DB instance created"),
    "0006": ("availability", "DB instance restarted"),
    "0012": ("configuration change", "Applying modification to database instance class"),
    "0013": ("failover", "Multi-AZ instance failover started"),
    "0014": ("configuration change", "Finished applying modification to DB instance class"),
    "0016": ("configuration change", "Reset master credentials"),
    "0017": ("configuration change", "Finished applying modification to allocated storage"),
    "0018": ("configuration change", "Applying modification to allocated storage"),
    "0024": ("configuration change", "Applying modification to convert to a Multi-AZ DB instance"),
    "0025": ("configuration change", "Finished applying modification to convert to a Multi-AZ DB instance"),
    "0028": ("configuration change", "Disabled automated backups"),
    "0029": ("configuration change", "Finished applying modification to convert to a standard (Single-AZ) DB instance"),
    "0030": ("configuration change", "Applying modification to convert to a standard (Single-AZ) DB instance"),
    "0032": ("configuration change", "Enabled automated backups"),
    "0040": ("creation", "Creating manual snapshot"),
    "0041": ("deletion", "Deleted user snapshot"),
    "0042": ("creation", "Manual snapshot created"),
    "0045": ("read replica", "Replication has stopped"),
    "0046": ("read replica", "Replication for the Read Replica resumed"),
    "0049": ("failover", "Multi-AZ instance failover completed"),
    "0057": ("read replica", "Replication streaming has been terminated"),
    "0074": ("backup", "Creating manual cluster snapshot"),
    "0075": ("backup", "Manual cluster snapshot created"),
    "0087": ("notification", "DB instance stopped"),
    "0088": ("notification", "DB instance started"),
    "0168": ("backup", "Creating automated cluster snapshot"),
    "0170": ("creation", "DB cluster created"),
    "0171": ("deletion", "DB cluster deleted"),
    "0173": ("maintenance", "Database cluster engine version has been upgraded"),
    "0176": ("maintenance", "Database cluster engine major version has been upgraded"),
    "0177": ("maintenance", "Database cluster upgrade is in progress"),
    "0181": (_GLOBAL, "Global switchover to DB cluster {name} in Region {region} started."),
    "0182": (_GLOBAL, "Old primary DB cluster {name} in Region {region} successfully shut down."),
    "0184": (_GLOBAL, "New primary DB cluster {name} in Region {region} was successfully promoted."),
    "0185": (_GLOBAL, "Global switchover to DB cluster {name} in Region {region} finished."),
    "0238": (_GLOBAL, "Global failover to DB cluster {name} in Region {region} completed."),
    "0240": (
        _GLOBAL,
        "Started resynchronizing members of DB cluster {name} in Region {region} after global failover.",
    ),
    "0241": (
        _GLOBAL,
        "Finished resynchronizing members of DB cluster {name} in Region {region} after global failover.",
    ),
    "0397": (_GLOBAL, "Aurora finished changing the DNS name that the global writer endpoint resolves to."),
}

# Source: RDS guide, "Amazon RDS event categories and event messages".
CATEGORIES: Mapping[str, frozenset[str]] = {
    "db-instance": frozenset(
        {
            "availability",
            "backup",
            "configuration change",
            "creation",
            "deletion",
            "failover",
            "failure",
            "low storage",
            "maintenance",
            "notification",
            "read replica",
            "recovery",
            "restoration",
            "security",
            "security patching",
        }
    ),
    "db-snapshot": frozenset({"creation", "deletion", "notification", "restoration"}),
    "db-cluster": frozenset(
        {
            "configuration change",
            "creation",
            "deletion",
            "failover",
            "failure",
            _GLOBAL,
            "maintenance",
            "migration",
            "notification",
            "serverless",
        }
    ),
    "db-cluster-snapshot": frozenset({"backup", "notification"}),
    "db-parameter-group": frozenset({"configuration change"}),
    "db-security-group": frozenset({"configuration change", "failure"}),
}

_KEPT_S = 14 * 24 * 3600
_GUIDE = "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html"


def log_event(state: RegionState, source_type: str, arn: str, event: str, at: float) -> None:
    category, message = EVENTS[event]
    record = {
        "SourceIdentifier": arn.rpartition(":")[2],
        "SourceType": source_type,
        "SourceArn": arn,
        "Message": message.format(name=arn.rpartition(":")[2], region=arn.split(":")[3]),
        "EventCategories": [category],
        "Date": at,
        "EventId": f"RDS-EVENT-{event}",
    }
    state.events[:] = [kept for kept in state.events if kept["Date"] > at - _KEPT_S] + [record]
    state.undelivered.append(record)


@dataclass(frozen=True)
class Delivery:
    """One event, and the topics of the region that asked for it."""

    region: str
    event: Mapping[str, Any]
    topics: tuple[str, ...]


def take_deliveries(region: str, state: RegionState) -> list[Delivery]:
    """The events nobody was told of yet; they count as delivered from now on."""
    taken, state.undelivered = state.undelivered, []
    return [
        Delivery(
            region,
            event,
            tuple(entry["SnsTopicArn"] for entry in state.subscriptions.values() if _wants(entry, event)),
        )
        for event in taken
    ]


def _wants(subscription: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return (
        subscription["Enabled"]
        and subscription.get("SourceType") in (None, event["SourceType"])
        and (not subscription["SourceIdsList"] or event["SourceIdentifier"] in subscription["SourceIdsList"])
        and bool(
            not subscription["EventCategoriesList"]
            or set(subscription["EventCategoriesList"]) & set(event["EventCategories"])
        )
    )


def deliver(env: Environment, delivery: Delivery) -> None:
    """Tells the topics and the default event bus; what cannot be delivered is lost, as RDS promises no more.

    Source: RDS guide, "Amazon RDS event notification" (messages) and "Overview of events" (best effort, EventBridge).
    """
    event, region = delivery.event, delivery.region
    when = datetime.fromtimestamp(event["Date"], UTC)
    notice = {
        "Event Source": event["SourceType"],
        "Event Time": f"{when:%Y-%m-%d %H:%M:%S}.000",
        "Identifier Link": f"https://console.aws.amazon.com/rds/home?region={region}#dbinstance:id="
        + event["SourceIdentifier"],
        "Source ID": event["SourceIdentifier"],
        "Source ARN": event["SourceArn"],
        "Event ID": f"{_GUIDE}#{event['EventId']}",
        "Event Message": event["Message"],
    }
    for topic in delivery.topics:
        try:
            env.client("sns", region).publish(
                TopicArn=topic, Subject="RDS Notification Message", Message=json.dumps(notice)
            )
        except (BotoCoreError, ClientError):
            continue
    source_type = event["SourceType"].removeprefix("db-")
    detail = {
        "EventCategories": event["EventCategories"],
        "SourceType": f"DB_{source_type.upper().replace('-', '_')}",
        "SourceArn": event["SourceArn"],
        "SourceIdentifier": event["SourceIdentifier"],
        "EventID": event["EventId"],
        "Message": event["Message"],
        "Date": f"{when:%Y-%m-%dT%H:%M:%S.000Z}",
    }
    kind = f"RDS DB {source_type.replace('-', ' ').title()} Event"
    try:
        publish(env, Event(region, "aws.rds", kind, detail, (event["SourceArn"],)))
    except (BotoCoreError, ClientError):
        return


def describe_events(ctx: Context) -> Mapping[str, Any]:
    """Events of the last hour, or of the asked-for time. Source: botocore, DescribeEventsMessage."""
    params = ctx.params
    if params.get("SourceIdentifier") and not params.get("SourceType"):
        raise bad_combination("SourceType must be specified when SourceIdentifier is specified.")
    end = _seconds(params.get("EndTime"), ctx.now)
    start = _seconds(params.get("StartTime"), end - 60 * int(params.get("Duration") or 60))
    categories = set(params.get("EventCategories") or ())
    found = [
        {**event, "Marker": f"{position:08d}"}
        for position, event in enumerate(sorted(ctx.state.events, key=lambda event: float(event["Date"])))
        if start <= event["Date"] <= end
        and params.get("SourceType") in (None, "", event["SourceType"])
        and params.get("SourceIdentifier") in (None, "", event["SourceIdentifier"])
        and (not categories or categories & set(event["EventCategories"]))
    ]
    entries, marker = page(found, params, lambda event: str(event["Marker"]))
    return {"Events": [_public(event) for event in entries], **marker}


def _public(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("Marker", "EventId")}


def _seconds(value: Any, default: float) -> float:
    if value is None or value == "":
        return default
    when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def describe_categories(ctx: Context) -> Mapping[str, Any]:
    wanted = ctx.params.get("SourceType")
    if wanted and wanted not in CATEGORIES:
        raise bad_value(f"Event categories of {wanted} are not known here")
    return {
        "EventCategoriesMapList": [
            {"SourceType": kind, "EventCategories": sorted(names)}
            for kind, names in CATEGORIES.items()
            if wanted in (None, "", kind)
        ]
    }


OPERATIONS = {
    "DescribeEvents": describe_events,
    "DescribeEventCategories": describe_categories,
}
