"""AWS::SSM::Parameter and AWS::DynamoDB::Table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, error_code, retag, settles, tags_of


def _make_parameter(work: Work) -> str:
    name = work.name("Name", limit=1011)
    kind = str(work.properties["Type"])
    if kind not in ("String", "StringList"):
        raise ResourceFailed(f"{kind} is not a valid enum value", code="InvalidRequest")
    call(work.api("ssm"), "put_parameter", work.properties, Name=name, Tags=tags_of(work.desired))
    return name


def _change_parameter(work: Work, name: str) -> None:
    given = {key: value for key, value in work.properties.items() if key != "Tags"}
    call(work.api("ssm"), "put_parameter", given, Name=name, Overwrite=True)
    retag(
        work,
        work.api("ssm"),
        {"ResourceType": "Parameter", "ResourceId": name},
        add="add_tags_to_resource",
        remove="remove_tags_from_resource",
    )


def _read_parameter(work: Work, name: str) -> Mapping[str, Any]:
    return {
        "Arn": work.arn("ssm", f"parameter/{name.lstrip('/')}"),
        "Type": work.properties["Type"],
        "Value": work.properties["Value"],
    }


def _encryption(work: Work) -> dict[str, Any]:
    """The API calls the switch Enabled where CloudFormation says SSEEnabled."""
    wanted = work.properties.get("SSESpecification")
    if not wanted:
        return {}
    if wanted.get("KMSMasterKeyId"):
        usable_key(work, str(wanted["KMSMasterKeyId"]))
    rest = {key: value for key, value in wanted.items() if key != "SSEEnabled"}
    return {"SSESpecification": {"Enabled": wanted["SSEEnabled"], **rest}}


def _stream(work: Work) -> dict[str, Any]:
    wanted = work.properties.get("StreamSpecification")
    return {"StreamSpecification": {"StreamEnabled": True, **wanted}} if wanted else {}


def _make_table(work: Work) -> str:
    name = work.name("TableName", limit=255)
    given = {**work.properties, **_encryption(work), **_stream(work), "Tags": tags_of(work.desired)}
    given.setdefault("BillingMode", "PROVISIONED")
    call(work.api("dynamodb"), "create_table", given, TableName=name)
    _wait_table(work, name)
    return name


def _table(work: Work, name: str) -> dict[str, Any]:
    return dict(work.api("dynamodb").describe_table(TableName=name)["Table"])


def _wait_table(work: Work, name: str) -> None:
    if not settles(lambda: _table(work, name)["TableStatus"] == "ACTIVE"):
        text = f"Resource of type '{work.desired.type}' with identifier '{name}' did not stabilize."
        raise ResourceFailed(text, code="NotStabilized")


def _change_table(work: Work, name: str) -> None:
    client = work.api("dynamodb")
    changed = ("BillingMode", "ProvisionedThroughput", "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput")
    given = {prop: work.properties[prop] for prop in changed if work.changed(prop) and prop in work.properties}
    if work.changed("SSESpecification"):
        given |= _encryption(work)
    if work.changed("StreamSpecification"):
        given |= _stream(work) or {"StreamSpecification": {"StreamEnabled": False}}
    indexes = index_changes(work)
    if indexes:
        given |= {
            "GlobalSecondaryIndexUpdates": indexes,
            "AttributeDefinitions": work.properties["AttributeDefinitions"],
        }
    if given:
        call(client, "update_table", given, TableName=name)
        _wait_table(work, name)
    retag(work, client, {"ResourceArn": work.arn("dynamodb", f"table/{name}")})


def index_changes(work: Work) -> list[dict[str, Any]]:
    """One index may come or go in an update of a table (DynamoDB's limit on UpdateTable)."""
    new, old = (
        {str(index["IndexName"]): index for index in side.get("GlobalSecondaryIndexes") or ()}
        for side in (work.properties, work.desired.previous)
    )
    changes: list[dict[str, Any]] = [{"Delete": {"IndexName": name}} for name in sorted(set(old) - set(new))]
    changes += [{"Create": new[name]} for name in sorted(set(new) - set(old))]
    if len(changes) > 1:
        raise ResourceFailed(
            "Cannot perform more than one GSI creation or deletion in a single update", code="InvalidRequest"
        )
    return changes


def _settle_table(work: Work, name: str) -> None:
    client = work.api("dynamodb")
    recovery = work.properties.get("PointInTimeRecoverySpecification")
    if recovery and work.changed("PointInTimeRecoverySpecification"):
        call(client, "update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=recovery)
    expire(work, name)


def expire(work: Work, name: str) -> None:
    """Lets items expire as the template says; the attribute that says when is changed only while nothing expires."""
    if not work.changed("TimeToLiveSpecification"):
        return
    client = work.api("dynamodb")
    now = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    current = now.get("AttributeName") if now["TimeToLiveStatus"] == "ENABLED" else None
    wanted = work.properties.get("TimeToLiveSpecification") or {"Enabled": False}
    attribute = wanted.get("AttributeName") or current
    if current and attribute != current:
        text = f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        raise ResourceFailed(text, code="InvalidRequest")
    if attribute:
        call(
            client,
            "update_time_to_live",
            TableName=name,
            TimeToLiveSpecification={**wanted, "AttributeName": attribute},
        )


def _read_table(work: Work, name: str) -> Mapping[str, Any]:
    found = _table(work, name)
    stream = {"StreamArn": found["LatestStreamArn"]} if found.get("LatestStreamArn") else {}
    return {"Arn": found["TableArn"], **stream}


def _remove_table(work: Work, name: str) -> None:
    client = work.api("dynamodb")
    client.delete_table(TableName=name)

    def gone() -> bool:
        try:
            client.describe_table(TableName=name)
        except ClientError as error:
            return error_code(error) == "ResourceNotFoundException"
        return False

    settles(gone)


STORE_PROVIDERS: Mapping[str, Provider] = {
    "AWS::SSM::Parameter": Resource(
        make=_make_parameter,
        change=_change_parameter,
        read=_read_parameter,
        remove=lambda work, name: work.api("ssm").delete_parameter(Name=name),
    ),
    "AWS::DynamoDB::Table": Resource(
        make=_make_table,
        change=_change_table,
        settle=_settle_table,
        read=_read_table,
        remove=_remove_table,
    ),
}
