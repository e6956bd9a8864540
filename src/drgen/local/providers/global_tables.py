"""AWS::DynamoDB::GlobalTable: one resource that makes, changes and removes the replicas of all regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.stores import expire, index_changes
from drgen.local.providers.work import Resource, Work, as_tags, call, is_missing, settles

_PER_REPLICA = {"ContributorInsightsSpecification", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification"}
_FIXED = ("KeySchema", "LocalSecondaryIndexes", "GlobalTableSourceArn")


def _invalid(text: str) -> ResourceFailed:
    return ResourceFailed(f"Invalid request provided: {text}", code="InvalidRequest")


def _replicas(properties: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(replica["Region"]): replica for replica in properties.get("Replicas") or ()}


def _others(work: Work) -> Iterator[str]:
    return (region for region in _replicas(work.properties) if region != work.region)


def _key(replica: Mapping[str, Any]) -> str:
    return str((replica.get("SSESpecification") or {}).get("KMSMasterKeyId") or "")


def _check(work: Work) -> None:
    replicas = _replicas(work.properties)
    if work.region not in replicas:
        raise _invalid("The Replicas section must contain an entry for the current region")
    if len(replicas) > 1 and not work.properties.get("StreamSpecification"):
        raise _invalid("StreamSpecification must be specified for a table with more than one replica")
    keyless = sorted(region for region, replica in replicas.items() if not _key(replica))
    if keyless and len(keyless) < len(replicas):
        raise _invalid(f"A KMS key must be specified for all replicas, and there is none for {', '.join(keyless)}")
    before = _replicas(work.desired.previous)
    for region, replica in replicas.items():
        # A replica that does not change is not looked at: its region may be dark.
        if _key(replica) and _key(replica) != _key(before.get(region, {})):
            usable_key(work, _key(replica), region=region)


def _check_update(work: Work) -> None:
    old, new = _replicas(work.desired.previous), _replicas(work.properties)
    if len(old.keys() ^ new.keys()) > 1:
        raise _invalid("Only one replica can be added or removed in an update")
    if len(old) > 1 and work.changed("StreamSpecification"):
        raise _invalid("StreamSpecification can be changed while the table has one replica only")
    if any(work.changed(name) for name in _FIXED):
        what = f"Resource of type '{work.desired.type}' with identifier '{work.desired.previous.get('TableName')}'"
        raise ResourceFailed(f"{what} is not updatable with parameters provided.", code="NotUpdatable")


def _encryption(work: Work, region: str) -> dict[str, Any]:
    wanted = work.properties.get("SSESpecification")
    if not wanted:
        return {}
    enabled = str(wanted["SSEEnabled"]).lower() == "true"
    kind = {"SSEType": wanted["SSEType"]} if wanted.get("SSEType") else {}
    key = _key(_replicas(work.properties)[region])
    return {"SSESpecification": {"Enabled": enabled, **kind, **({"KMSMasterKeyId": key} if key else {})}}


def _throughput(work: Work) -> dict[str, Any]:
    """The capacity with which scaling begins: global tables scale by themselves between two bounds."""
    if work.properties.get("BillingMode", "PROVISIONED") != "PROVISIONED":
        return {}
    writes = (work.properties.get("WriteProvisionedThroughputSettings") or {}).get("WriteCapacityAutoScalingSettings")
    if not writes:
        raise _invalid("WriteProvisionedThroughputSettings must be specified for a table with provisioned capacity")
    replica = _replicas(work.properties)[work.region]
    reads = replica.get("ReadProvisionedThroughputSettings") or work.properties.get("ReadProvisionedThroughputSettings")
    scaling = (reads or {}).get("ReadCapacityAutoScalingSettings") or {}
    least = (reads or {}).get("ReadCapacityUnits") or scaling.get("MinCapacity") or writes["MinCapacity"]
    return {"ProvisionedThroughput": {"ReadCapacityUnits": least, "WriteCapacityUnits": writes["MinCapacity"]}}


def _make(work: Work) -> str:
    _check(work)
    name = work.name("TableName", limit=255)
    capacity = _throughput(work)
    indexes = [{**index, **capacity} for index in work.properties.get("GlobalSecondaryIndexes") or ()]
    given = {
        **{prop: work.properties[prop] for prop in ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes")
           if prop in work.properties},
        "BillingMode": work.properties.get("BillingMode", "PROVISIONED"),
        **capacity,
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        **_encryption(work, work.region),
        **_stream(work),
    }  # fmt: skip
    call(work.api("dynamodb"), "create_table", given, TableName=name)
    _wait(work, name, work.region)
    try:
        for region in _others(work):
            _add(work, name, region)
    except (BotoCoreError, ClientError, ResourceFailed):
        with suppress(BotoCoreError, ClientError, ResourceFailed):
            _remove(work, name)
        raise
    return name


def _stream(work: Work) -> dict[str, Any]:
    wanted = work.properties.get("StreamSpecification")
    return {"StreamSpecification": {"StreamEnabled": True, **wanted}} if wanted else {}


def _add(work: Work, name: str, region: str) -> None:
    key = _key(_replicas(work.properties)[region])
    create = {"RegionName": region, **({"KMSMasterKeyId": key} if key else {})}
    work.api("dynamodb").update_table(TableName=name, ReplicaUpdates=[{"Create": create}])
    _wait(work, name, region)
    # The upstream emulator gives a new replica the key of the region it was made from.
    encryption = _encryption(work, region)
    if encryption:
        work.api("dynamodb", region).update_table(TableName=name, **encryption)


def _wait(work: Work, name: str, region: str) -> None:
    client = work.api("dynamodb", region)
    if not settles(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"):
        text = f"Resource of type '{work.desired.type}' with identifier '{name}' did not stabilize."
        raise ResourceFailed(text, code="NotStabilized")


def _change(work: Work, name: str) -> None:
    _check_update(work)
    _check(work)
    old, new = _replicas(work.desired.previous), _replicas(work.properties)
    for region in old.keys() - new.keys():
        _refuse_protected(work, name, [region])
        work.api("dynamodb").update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    _change_table(work, name)
    for region in new:
        if region not in old:
            _add(work, name, region)
        elif _key(old[region]) != _key(new[region]) or work.changed("SSESpecification"):
            work.api("dynamodb", region).update_table(TableName=name, **_encryption(work, region))


def _change_table(work: Work, name: str) -> None:
    given: dict[str, Any] = {}
    if work.changed("BillingMode") or work.changed("WriteProvisionedThroughputSettings"):
        given = {"BillingMode": work.properties.get("BillingMode", "PROVISIONED"), **_throughput(work)}
    if work.changed("StreamSpecification"):
        given |= _stream(work) or {"StreamSpecification": {"StreamEnabled": False}}
    indexes = index_changes(work)
    if indexes:
        definitions = work.properties["AttributeDefinitions"]
        given |= {"GlobalSecondaryIndexUpdates": indexes, "AttributeDefinitions": definitions}
    if given:
        call(work.api("dynamodb"), "update_table", given, TableName=name)
        _wait(work, name, work.region)


def _settle(work: Work, name: str) -> None:
    """What no replica takes over from another one, and the expiry, which all share."""
    old = _replicas(work.desired.previous)
    for region, replica in _replicas(work.properties).items():
        _settle_replica(work, name, replica, before=old.get(region, {}))
    expire(work, name)


def _settle_replica(work: Work, name: str, replica: Mapping[str, Any], *, before: Mapping[str, Any]) -> None:
    region = str(replica["Region"])
    client = work.api("dynamodb", region)
    changed = {prop for prop in _PER_REPLICA if replica.get(prop) != before.get(prop)}
    if "DeletionProtectionEnabled" in changed:
        wanted = replica.get("DeletionProtectionEnabled", False)
        call(client, "update_table", TableName=name, DeletionProtectionEnabled=wanted)
    if "PointInTimeRecoverySpecification" in changed:
        wanted = replica.get("PointInTimeRecoverySpecification") or {"PointInTimeRecoveryEnabled": False}
        call(client, "update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=wanted)
    if "ContributorInsightsSpecification" in changed:
        enabled = str((replica.get("ContributorInsightsSpecification") or {}).get("Enabled", False)).lower() == "true"
        action = "ENABLE" if enabled else "DISABLE"
        client.update_contributor_insights(TableName=name, ContributorInsightsAction=action)
    identity = work.arn("dynamodb", f"table/{name}", region=region)
    tags, last = as_tags(replica.get("Tags")), as_tags(before.get("Tags"))
    if gone := sorted(last.keys() - tags.keys()):
        client.untag_resource(ResourceArn=identity, TagKeys=gone)
    if tags != last:
        client.tag_resource(ResourceArn=identity, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def _read(work: Work, name: str) -> Mapping[str, Any]:
    found = work.api("dynamodb").describe_table(TableName=name)["Table"]
    stream = {"StreamArn": found["LatestStreamArn"]} if found.get("LatestStreamArn") else {}
    return {"Arn": found["TableArn"], "TableId": found["TableId"], **stream}


def _refuse_protected(work: Work, name: str, regions: list[str]) -> None:
    for region in regions:
        try:
            found = work.api("dynamodb", region).describe_table(TableName=name)["Table"]
        except ClientError as error:
            if is_missing(error):
                continue
            raise
        if found.get("DeletionProtectionEnabled"):
            text = "Resource cannot be deleted as it is currently protected against deletion. "
            raise ResourceFailed(f"{text}Disable deletion protection first. (in {region})", code="InvalidRequest")


def _remove(work: Work, name: str) -> None:
    """The other replicas first: while they exist, a table that was their source is not deleted for a day."""
    client = work.api("dynamodb")
    found = client.describe_table(TableName=name)["Table"].get("Replicas") or ()
    others = sorted(str(replica["RegionName"]) for replica in found)
    _refuse_protected(work, name, [*others, work.region])
    for region in others:
        client.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    client.delete_table(TableName=name)

    def gone() -> bool:
        try:
            client.describe_table(TableName=name)
        except ClientError as error:
            return is_missing(error)
        return False

    settles(gone)


GLOBAL_TABLE_PROVIDERS: Mapping[str, Provider] = {
    "AWS::DynamoDB::GlobalTable": Resource(make=_make, change=_change, settle=_settle, read=_read, remove=_remove),
}
