"""AWS::Events: buses, their policies and archives."""

from __future__ import annotations

import json
from collections.abc import Mapping

from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of


def _check_key(work: Work) -> None:
    key = str(work.properties.get("KmsKeyIdentifier") or "")
    if key:
        usable_key(work, key)


def _make_bus(work: Work) -> str:
    _check_key(work)
    call(work.api("events"), "create_event_bus", {**work.properties, "Tags": tags_of(work.desired)})
    return str(work.properties["Name"])


def _change_bus(work: Work, name: str) -> None:
    _check_key(work)
    client = work.api("events")
    call(client, "update_event_bus", work.properties, Name=name)
    retag(work, client, {"ResourceARN": work.arn("events", f"event-bus/{name}")})


def _remove_bus(work: Work, name: str) -> None:
    client = work.api("events")
    if client.list_rules(EventBusName=name)["Rules"]:
        raise ResourceFailed(f"Event bus {name} can't be deleted since it has rules.", code="ResourceConflict")
    client.delete_event_bus(Name=name)


def _put_policy(work: Work, identity: str) -> None:
    """Upstream keeps one principal and one action for a statement, and every statement allows."""
    bus, _, name = identity.rpartition("|")
    given = work.properties
    statement = given.get("Statement") or given
    statement = json.loads(statement) if isinstance(statement, str) else statement
    if statement.get("Effect") == "Deny":
        return
    principal = statement.get("Principal", "*")
    principal = principal.get("AWS", "*") if isinstance(principal, Mapping) else principal
    account = str(principal).split(":")[4] if str(principal).startswith("arn:") else str(principal)
    work.api("events").put_permission(EventBusName=bus, StatementId=name, Action="events:PutEvents", Principal=account)


def _policy_identity(work: Work) -> str:
    return f"{work.properties.get('EventBusName', 'default')}|{work.properties['StatementId']}"


def _remove_policy(work: Work, identity: str) -> None:
    bus, _, name = identity.rpartition("|")
    work.api("events").remove_permission(EventBusName=bus, StatementId=name)


def _make_archive(work: Work) -> str:
    _check_key(work)
    name = work.name("ArchiveName", limit=48)
    source = work.properties["SourceArn"]
    call(work.api("events"), "create_archive", work.properties, ArchiveName=name, EventSourceArn=source)
    return name


def _change_archive(work: Work, name: str) -> None:
    _check_key(work)
    call(work.api("events"), "update_archive", work.properties, ArchiveName=name)


BUS_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Events::EventBus": Resource(
        make=_make_bus,
        change=_change_bus,
        read=lambda work, name: {"Arn": work.arn("events", f"event-bus/{name}"), "Name": name},
        remove=_remove_bus,
    ),
    "AWS::Events::EventBusPolicy": Resource(make=_policy_identity, settle=_put_policy, remove=_remove_policy),
    "AWS::Events::Archive": Resource(
        make=_make_archive,
        change=_change_archive,
        read=lambda work, name: {"Arn": work.arn("events", f"archive/{name}"), "ArchiveName": name},
        remove=lambda work, name: work.api("events").delete_archive(ArchiveName=name),
    ),
}
