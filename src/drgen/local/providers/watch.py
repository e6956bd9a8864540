"""AWS::CloudWatch and AWS::Logs: alarms, dashboards, log groups and metric filters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from drgen.local.providers.keys import key_policy, usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of

_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


def _check_actions(work: Work) -> None:
    """Source: PutMetricAlarm's answer to an action of another region, as public reports of it quote it."""
    for action in (str(arn) for prop in _ACTIONS for arn in work.properties.get(prop) or ()):
        region = action.split(":")[3] if action.count(":") > 3 else ""
        if region and region != work.region:
            raise ResourceFailed(
                f"Invalid region {region} specified. Only {work.region} is supported.", code="InvalidRequest"
            )


def _put_alarm(work: Work, name: str) -> None:
    _check_actions(work)
    call(work.api("cloudwatch"), "put_metric_alarm", work.properties, AlarmName=name, Tags=tags_of(work.desired))


def _make_alarm(work: Work) -> str:
    name = work.name("AlarmName", limit=255)
    if _alarms(work, name):
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    _put_alarm(work, name)
    return name


def _alarms(work: Work, name: str) -> list[dict[str, Any]]:
    found = work.api("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]


def _read_alarm(work: Work, name: str) -> Mapping[str, Any]:
    return {"Arn": work.arn("cloudwatch", f"alarm:{name}")}


def _change_alarm(work: Work, name: str) -> None:
    """PutMetricAlarm ignores the tags of an alarm that exists."""
    _put_alarm(work, name)
    retag(work, work.api("cloudwatch"), {"ResourceARN": work.arn("cloudwatch", f"alarm:{name}")})


def _remove_alarm(work: Work, name: str) -> None:
    work.api("cloudwatch").delete_alarms(AlarmNames=[name])


_CHILD = re.compile(r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*("[^"]+"|'[^']+'|[^)\s]+)\s*\)""")


def _check_children(work: Work) -> None:
    for match in _CHILD.finditer(str(work.properties["AlarmRule"])):
        child = match.group(1).strip("\"'")
        if child.startswith("arn:"):
            region = child.split(":")[3]
            if region != work.region:
                raise ResourceFailed(
                    f"Invalid region {region} specified. Only {work.region} is supported.", code="InvalidRequest"
                )
            child = child.split(":alarm:")[1]
        if not _alarms(work, child):
            raise ResourceFailed(
                f"Could not save the composite alarm as alarms [{child}] in the alarm rule do not exist",
                code="InvalidRequest",
            )


def _put_composite(work: Work, name: str) -> None:
    _check_actions(work)
    _check_children(work)
    call(work.api("cloudwatch"), "put_composite_alarm", work.properties, AlarmName=name, Tags=tags_of(work.desired))


def _make_composite(work: Work) -> str:
    name = work.name("AlarmName", limit=255)
    if _alarms(work, name):
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    _put_composite(work, name)
    return name


def _put_dashboard(work: Work, name: str) -> None:
    """PutDashboard replaces a dashboard of the same name, wherever it came from: the namespace is global."""
    body = work.properties["DashboardBody"]
    text = body if isinstance(body, str) else json.dumps(body)
    answer = work.api("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=text)
    problems = answer.get("DashboardValidationMessages") or []
    if problems:
        raise ResourceFailed(str(problems[0].get("Message", "The dashboard body is invalid")), code="InvalidRequest")


def _make_dashboard(work: Work) -> str:
    return work.name("DashboardName", limit=255)


def _check_log_key(work: Work, group: str) -> None:
    """The key must be of the region and its policy must name the region's logs principal.

    Source: CloudWatch Logs guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
    """
    key = str(work.properties.get("KmsKeyId") or "")
    if not key:
        return
    arn = work.arn("logs", f"log-group:{group}")
    refusal = ResourceFailed(
        f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{arn}'",
        code="InvalidRequest",
    )
    try:
        usable_key(work, key)
    except ResourceFailed as error:
        raise refusal from error
    if not any(_lets_logs_in(statement, work.region) for statement in _statements(key_policy(work, key))):
        raise refusal


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = policy.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _lets_logs_in(statement: Mapping[str, Any], region: str) -> bool:
    named = statement.get("Principal")
    if statement.get("Effect") != "Allow":
        return False
    if named == "*":
        return True
    services = named.get("Service", []) if isinstance(named, Mapping) else []
    return any(
        service in ("logs.amazonaws.com", f"logs.{region}.amazonaws.com")
        for service in ([services] if isinstance(services, str) else services)
    )


def _make_group(work: Work) -> str:
    name = work.name("LogGroupName", limit=512)
    _check_log_key(work, name)
    given: dict[str, Any] = {"logGroupName": name, "Tags": tags_of(work.desired)}
    for prop in ("KmsKeyId", "LogGroupClass", "DeletionProtectionEnabled"):
        if work.properties.get(prop) is not None:
            given[prop] = work.properties[prop]
    call(work.api("logs"), "create_log_group", given)
    return name


def _settle_group(work: Work, name: str) -> None:
    client = work.api("logs")
    days = work.properties.get("RetentionInDays")
    if days is not None:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    elif work.desired.previous.get("RetentionInDays") is not None:
        client.delete_retention_policy(logGroupName=name)


def _change_group(work: Work, name: str) -> None:
    client = work.api("logs")
    key = work.properties.get("KmsKeyId")
    if work.changed("KmsKeyId") and key:
        _check_log_key(work, name)
        client.associate_kms_key(logGroupName=name, kmsKeyId=str(key))
    elif work.changed("KmsKeyId"):
        client.disassociate_kms_key(logGroupName=name)
    retag(work, client, {"resourceArn": work.arn("logs", f"log-group:{name}")})


def _read_group(work: Work, name: str) -> Mapping[str, Any]:
    return {"Arn": work.arn("logs", f"log-group:{name}:*")}


def _put_filter(work: Work, name: str) -> None:
    transformations = [
        {
            **rule,
            **({"dimensions": {d["Key"]: d["Value"] for d in rule["Dimensions"]}} if rule.get("Dimensions") else {}),
        }
        for rule in work.properties["MetricTransformations"]
    ]
    call(
        work.api("logs"),
        "put_metric_filter",
        work.properties,
        FilterName=name,
        MetricTransformations=transformations,
    )


def _make_filter(work: Work) -> str:
    return work.name("FilterName", limit=512)


def _remove_filter(work: Work, name: str) -> None:
    work.api("logs").delete_metric_filter(logGroupName=work.properties["LogGroupName"], filterName=name)


WATCH_PROVIDERS: Mapping[str, Provider] = {
    "AWS::CloudWatch::Alarm": Resource(
        make=_make_alarm,
        change=_change_alarm,
        read=_read_alarm,
        remove=_remove_alarm,
    ),
    "AWS::CloudWatch::CompositeAlarm": Resource(
        make=_make_composite, change=_put_composite, read=_read_alarm, remove=_remove_alarm
    ),
    "AWS::CloudWatch::Dashboard": Resource(
        make=_make_dashboard,
        settle=_put_dashboard,
        remove=lambda work, name: work.api("cloudwatch").delete_dashboards(DashboardNames=[name]),
    ),
    "AWS::Logs::LogGroup": Resource(
        make=_make_group,
        change=_change_group,
        settle=_settle_group,
        read=_read_group,
        remove=lambda work, name: work.api("logs").delete_log_group(logGroupName=name),
    ),
    "AWS::Logs::MetricFilter": Resource(make=_make_filter, settle=_put_filter, remove=_remove_filter),
}
