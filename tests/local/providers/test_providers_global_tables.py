"""Global tables: replicas, their keys, and which changes are refused. Paragraphs P80 to P83 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.local.server import EmbeddedAws

GLOBAL = "AWS::DynamoDB::GlobalTable"


def table(stacks: Any, *regions: str, **more: Any) -> dict[str, Any]:
    return {
        "TableName": f"sessions-{stacks.unique}",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [{"Region": region} for region in regions],
        **more,
    }


def encrypted(stacks: Any, **keys: str) -> dict[str, Any]:
    replicas = [
        {"Region": region.replace("_", "-"), "SSESpecification": {"KMSMasterKeyId": key}}
        for region, key in keys.items()
    ]
    return table(stacks, SSESpecification={"SSEEnabled": True, "SSEType": "KMS"}, Replicas=replicas)


def described(stacks: Any, name: str, region: str) -> dict[str, Any]:
    found: dict[str, Any] = stacks.client("dynamodb", region).describe_table(TableName=name)["Table"]
    return found


def exists(stacks: Any, name: str, region: str) -> bool:
    try:
        described(stacks, name, region)
    except ClientError:
        return False
    return True


def test_what_is_written_in_one_region_is_read_in_the_other(stacks: Any) -> None:
    made = stacks.make(GLOBAL, table(stacks, "us-east-1", "eu-west-1"))
    assert made.attributes["Arn"] == f"arn:aws:dynamodb:us-east-1:123456789012:table/{made.id}"
    assert set(made.attributes) == {"Arn", "StreamArn", "TableId"}
    for here, there in (("us-east-1", "eu-west-1"), ("eu-west-1", "us-east-1")):
        stacks.client("dynamodb", here).put_item(TableName=made.id, Item={"id": {"S": here}})
        assert "Item" in stacks.client("dynamodb", there).get_item(TableName=made.id, Key={"id": {"S": here}})


def test_every_replica_is_encrypted_with_the_key_of_its_region(stacks: Any) -> None:
    keys = {region: stacks.key(region=region) for region in ("us-east-1", "eu-west-1")}
    made = stacks.make(GLOBAL, encrypted(stacks, us_east_1=keys["us-east-1"], eu_west_1=keys["eu-west-1"]))
    used = {region: described(stacks, made.id, region)["SSEDescription"]["KMSMasterKeyArn"] for region in keys}
    assert used == keys


def test_a_key_of_another_region_or_none_fails_the_table(stacks: Any, fails: Any) -> None:
    key = stacks.key(region="us-east-1")
    failure = fails(stacks.make, GLOBAL, encrypted(stacks, us_east_1=key, eu_west_1=key))
    assert failure.message == "Invalid arn us-east-1"
    given = encrypted(stacks, us_east_1=key)
    given["Replicas"].append({"Region": "eu-west-1"})
    assert "there is none for eu-west-1" in fails(stacks.make, GLOBAL, given).message
    assert not exists(stacks, given["TableName"], "us-east-1")


def test_the_stacks_own_region_is_among_the_replicas(stacks: Any, fails: Any) -> None:
    wanted = "Invalid request provided: The Replicas section must contain an entry for the current region"
    assert fails(stacks.make, GLOBAL, table(stacks, "eu-west-1", "us-west-2")).message == wanted
    made = stacks.make(GLOBAL, table(stacks, "us-east-1", "eu-west-1"))
    assert fails(stacks.change, made, table(stacks, "eu-west-1")).message == wanted


def test_several_replicas_need_a_stream_that_stays_as_it_is(stacks: Any, fails: Any) -> None:
    without = table(stacks, "us-east-1", "eu-west-1")
    del without["StreamSpecification"]
    assert "StreamSpecification must be specified" in fails(stacks.make, GLOBAL, without).message
    made = stacks.make(GLOBAL, table(stacks, "us-east-1", "eu-west-1"))
    other = table(stacks, "us-east-1", "eu-west-1", StreamSpecification={"StreamViewType": "KEYS_ONLY"})
    assert "while the table has one replica only" in fails(stacks.change, made, other).message


def test_an_update_adds_or_removes_one_replica(stacks: Any, fails: Any) -> None:
    made = stacks.make(GLOBAL, table(stacks, "us-east-1"))
    stacks.client("dynamodb").put_item(TableName=made.id, Item={"id": {"S": "early"}})
    failure = fails(stacks.change, made, table(stacks, "us-east-1", "eu-west-1", "us-west-2"))
    assert failure.message == "Invalid request provided: Only one replica can be added or removed in an update"
    assert not exists(stacks, made.id, "eu-west-1")
    made = stacks.change(made, table(stacks, "us-east-1", "eu-west-1"))
    made = stacks.change(made, table(stacks, "us-east-1", "eu-west-1", "us-west-2"))
    assert "Item" in stacks.client("dynamodb", "us-west-2").get_item(TableName=made.id, Key={"id": {"S": "early"}})
    made = stacks.change(made, table(stacks, "us-east-1", "us-west-2"))
    assert not exists(stacks, made.id, "eu-west-1")
    # An exchange is two changes.
    failure = fails(stacks.change, made, table(stacks, "us-east-1", "eu-west-1"))
    assert "Only one replica" in failure.message


def test_the_settings_of_each_replica_are_its_own(stacks: Any) -> None:
    on = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "true"}}
    tags = {"Tags": [{"Key": "team", "Value": "orders"}]}
    replicas = [{"Region": "us-east-1"}, {"Region": "eu-west-1", **on, **tags}]
    made = stacks.make(GLOBAL, table(stacks, Replicas=replicas))

    def settings(region: str) -> tuple[str, list[Any]]:
        client = stacks.client("dynamodb", region)
        backups = client.describe_continuous_backups(TableName=made.id)["ContinuousBackupsDescription"]
        arn = f"arn:aws:dynamodb:{region}:123456789012:table/{made.id}"
        status = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        return status, client.list_tags_of_resource(ResourceArn=arn)["Tags"]

    assert settings("us-east-1") == ("DISABLED", [])
    assert settings("eu-west-1") == ("ENABLED", [{"Key": "team", "Value": "orders"}])
    made = stacks.change(made, table(stacks, "us-east-1", "eu-west-1"))
    assert settings("eu-west-1") == ("DISABLED", [])


def test_one_protected_replica_keeps_all_of_them(stacks: Any, fails: Any) -> None:
    protected = [{"Region": "us-east-1"}, {"Region": "eu-west-1", "DeletionProtectionEnabled": True}]
    made = stacks.make(GLOBAL, table(stacks, Replicas=protected))
    for attempt in (lambda: stacks.remove(made), lambda: stacks.change(made, table(stacks, "us-east-1"))):
        assert "currently protected against deletion" in fails(attempt).message
        assert exists(stacks, made.id, "us-east-1")
        assert exists(stacks, made.id, "eu-west-1")
    made = stacks.change(made, table(stacks, "us-east-1", "eu-west-1"))
    stacks.remove(made)
    assert not exists(stacks, made.id, "us-east-1")
    assert not exists(stacks, made.id, "eu-west-1")


def test_a_dark_region_stops_only_changes_of_its_own_replica(stacks: Any, aws: EmbeddedAws, fails: Any) -> None:
    made = stacks.make(GLOBAL, table(stacks, "eu-west-1", "us-east-1"), region="eu-west-1")
    aws.faults.dark("us-east-1")
    expiry = {"TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True}}
    made = stacks.change(made, table(stacks, "eu-west-1", "us-east-1", **expiry))
    found = stacks.client("dynamodb", "eu-west-1").describe_time_to_live(TableName=made.id)["TimeToLiveDescription"]
    assert (found["AttributeName"], found["TimeToLiveStatus"]) == ("until", "ENABLED")
    assert fails(stacks.change, made, table(stacks, "eu-west-1", **expiry)).code == "NetworkFailure"
    aws.faults.clear()
    assert exists(stacks, made.id, "us-east-1")


def test_provisioned_capacity_begins_at_its_lower_bound(stacks: Any, fails: Any) -> None:
    bounds = {"MinCapacity": 4, "MaxCapacity": 40, "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70}}
    writes = {"WriteProvisionedThroughputSettings": {"WriteCapacityAutoScalingSettings": bounds}}
    given = table(stacks, "us-east-1", BillingMode="PROVISIONED", **writes)
    made = stacks.make(GLOBAL, given)
    assert described(stacks, made.id, "us-east-1")["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    made = stacks.change(made, table(stacks, "us-east-1"))
    assert described(stacks, made.id, "us-east-1")["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    bare = {**table(stacks, "us-east-1", BillingMode="PROVISIONED"), "TableName": f"bare-{stacks.unique}"}
    assert "WriteProvisionedThroughputSettings" in fails(stacks.make, GLOBAL, bare).message


@pytest.mark.parametrize("attribute", ["KeySchema", "LocalSecondaryIndexes"])
def test_what_is_fixed_at_birth_asks_for_another_table(stacks: Any, fails: Any, attribute: str) -> None:
    made = stacks.make(GLOBAL, table(stacks, "us-east-1"))
    assert fails(stacks.change, made, table(stacks, "us-east-1", **{attribute: []})).code == "NotUpdatable"


@pytest.mark.parametrize("kind", [GLOBAL, "AWS::DynamoDB::Table"])
def test_the_attribute_of_expiry_is_exchanged_in_two_updates(stacks: Any, fails: Any, kind: str) -> None:
    def given(attribute: str | None) -> dict[str, Any]:
        expiry = {"TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": True}} if attribute else {}
        whole = table(stacks, "us-east-1", **expiry)
        return whole if kind == GLOBAL else {key: value for key, value in whole.items() if key != "Replicas"}

    def expiry(name: str) -> tuple[str, str]:
        now = stacks.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        return now["TimeToLiveStatus"], now["AttributeName"]

    made = stacks.make(kind, given("old"))
    refused = "TimeToLive is active on a different AttributeName: current AttributeName is old"
    assert fails(stacks.change, made, given("new")).message == refused
    made = stacks.change(made, given(None))
    assert expiry(made.id) == ("DISABLED", "old")
    made = stacks.change(made, given("new"))
    assert expiry(made.id) == ("ENABLED", "new")
