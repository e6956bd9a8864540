"""Replicas across regions: birth, replication, promotion, and the day a region is dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from drgen.local.rds.service import Rds

US, EU = "us-east-1", "eu-west-1"
SOURCE = "arn:aws:rds:us-east-1:123456789012:db:orders"
REPLICATING = [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]


@pytest.fixture
def replicate(primary: Any) -> Callable[..., Any]:
    """Makes the replica `orders-eu` in eu-west-1 with some parameters changed; None takes one away."""

    def replicate(**changes: Any) -> Any:
        params = {
            "DBInstanceIdentifier": "orders-eu",
            "SourceDBInstanceIdentifier": SOURCE,
            "DBSubnetGroupName": "private",
            "VpcSecurityGroupIds": ["sg-database"],
            "KmsKeyId": "data",
            **changes,
        }
        given = {key: value for key, value in params.items() if value is not None}
        return primary.client("rds", EU).create_db_instance_read_replica(**given)["DBInstance"]

    return replicate


def test_a_replica_takes_what_its_source_has_but_not_its_backups(primary: Any, replicate: Callable[..., Any]) -> None:
    made = replicate()
    assert "StatusInfos" not in made
    primary.minutes(26)
    live = primary.database("orders-eu", EU)
    assert live["DBInstanceStatus"] == "available"
    assert live["ReadReplicaSourceDBInstanceIdentifier"] == SOURCE
    assert live["StatusInfos"] == REPLICATING
    assert (live["EngineVersion"], live["MasterUsername"], live["AllocatedStorage"]) == ("16.9", "owner", 100)
    assert live["BackupRetentionPeriod"] == 0
    assert live["KmsKeyId"] == "arn:aws:kms:eu-west-1:123456789012:key/data"
    assert live["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres16"
    assert primary.database("orders", US)["ReadReplicaDBInstanceIdentifiers"] == [live["DBInstanceArn"]]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"KmsKeyId": None}, "InvalidParameterCombination", "cross region unencrypted read replica from encrypted"),
        ({"KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/data"}, "KMSKeyNotAccessibleFault", "us-east-1"),
        ({"SourceDBInstanceIdentifier": SOURCE + "-none"}, "DBInstanceNotFound", "orders-none not found"),
        ({"DBSubnetGroupName": None}, "InvalidSubnet", "No default subnet"),
        ({"DBParameterGroupName": "default.postgres16"}, "InvalidParameterCombination", "cross-region read replica"),
        ({"AllocatedStorage": 50}, "InvalidParameterValue", "can't be smaller"),
    ],
)
def test_rds_refuses_the_replica(replicate: Callable[..., Any], changes: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ClientError) as refusal:
        replicate(**changes)
    assert refusal.value.response["Error"]["Code"] == code
    assert words in refusal.value.response["Error"]["Message"]


def test_the_source_must_have_backups_and_be_available(
    cloud: Any, create: Callable[..., Any], pair_free_replica: Callable[[], Any]
) -> None:
    create(BackupRetentionPeriod=0)
    with pytest.raises(ClientError, match="Automated backups are not enabled for this database instance"):
        pair_free_replica()
    cloud.minutes(15)
    cloud.client("rds", US).modify_db_instance(
        DBInstanceIdentifier="orders", BackupRetentionPeriod=1, ApplyImmediately=True
    )
    cloud.minutes(3)
    assert cloud.database("orders", US)["DBInstanceStatus"] == "backing-up"
    with pytest.raises(ClientError, match="not in available state"):
        pair_free_replica()
    cloud.minutes(2)
    assert pair_free_replica()["DBInstance"]["DBInstanceStatus"] == "creating"


@pytest.fixture
def pair_free_replica(cloud: Any) -> Callable[[], Any]:
    return lambda: cloud.client("rds", EU).create_db_instance_read_replica(
        DBInstanceIdentifier="orders-eu",
        SourceDBInstanceIdentifier=SOURCE,
        DBSubnetGroupName="private",
        KmsKeyId="data",
    )


def test_a_managed_password_on_the_source_blocks_replicas(
    cloud: Any, create: Callable[..., Any], pair_free_replica: Callable[[], Any]
) -> None:
    create(MasterUserPassword=None, ManageMasterUserPassword=True)
    cloud.minutes(15)
    with pytest.raises(ClientError, match="managed in Secrets Manager"):
        pair_free_replica()


def test_a_source_has_at_most_fifteen_replicas(primary: Any, replicate: Callable[..., Any]) -> None:
    for number in range(15):
        replicate(DBInstanceIdentifier=f"replica-{number}")
    with pytest.raises(ClientError) as refusal:
        replicate()
    assert refusal.value.response["Error"]["Code"] == "InstanceQuotaExceeded"


def test_backups_of_a_source_with_replicas_stay_on(pair: Any) -> None:
    with pytest.raises(ClientError, match="can't be disabled"):
        pair.client("rds", US).modify_db_instance(DBInstanceIdentifier="orders", BackupRetentionPeriod=0)


def test_backups_on_a_replica_need_postgresql_14_1(
    cloud: Any, create: Callable[..., Any], pair_free_replica: Callable[[], Any]
) -> None:
    create(EngineVersion="13.23-rds.20260514")
    cloud.minutes(15)
    pair_free_replica()
    cloud.minutes(26)
    with pytest.raises(ClientError, match="DB Backups not supported on a read replica for engine postgres"):
        cloud.client("rds", EU).modify_db_instance(DBInstanceIdentifier="orders-eu", BackupRetentionPeriod=7)


def test_promotion_is_done_when_the_source_is_gone_not_when_it_says_available(pair: Any) -> None:
    before = pair.database("orders-eu", EU)
    seen = []

    def look() -> None:
        live = pair.database("orders-eu", EU)
        seen.append((live["DBInstanceStatus"], "ReadReplicaSourceDBInstanceIdentifier" in live, "StatusInfos" in live))

    pair.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu", BackupRetentionPeriod=7)
    for wait in (0, 0.5, 4, 1, 2):
        pair.minutes(wait)
        look()
    assert seen == [
        ("available", True, True),
        ("modifying", True, True),
        ("rebooting", True, True),
        ("backing-up", False, False),
        ("available", False, False),
    ]
    after = pair.database("orders-eu", EU)
    assert after["Endpoint"] == before["Endpoint"]
    assert after["BackupRetentionPeriod"] == 7
    assert pair.database("orders", US)["ReadReplicaDBInstanceIdentifiers"] == []


def test_promotion_works_once(pair: Any) -> None:
    client = pair.client("rds", EU)
    client.promote_read_replica(DBInstanceIdentifier="orders-eu")
    with pytest.raises(ClientError, match="not in available state"):
        client.promote_read_replica(DBInstanceIdentifier="orders-eu")
    pair.minutes(10)
    with pytest.raises(ClientError) as refusal:
        client.promote_read_replica(DBInstanceIdentifier="orders-eu")
    assert refusal.value.response["Error"] == {
        "Type": "Sender",
        "Code": "InvalidDBInstanceState",
        "Message": "DB Instance is not a read replica.",
    }


def test_a_replica_that_is_backing_up_is_not_promoted(pair: Any) -> None:
    client = pair.client("rds", EU)
    client.modify_db_instance(DBInstanceIdentifier="orders-eu", BackupRetentionPeriod=7, ApplyImmediately=True)
    pair.minutes(2.5)
    assert pair.database("orders-eu", EU)["DBInstanceStatus"] == "backing-up"
    with pytest.raises(ClientError, match="not in available state"):
        client.promote_read_replica(DBInstanceIdentifier="orders-eu")


def test_deleting_the_source_terminates_the_replica_of_another_region(pair: Any) -> None:
    pair.client("rds", US).delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    pair.minutes(6)
    live = pair.database("orders-eu", EU)
    assert live["DBInstanceStatus"] == "available"
    assert [(info["Status"], info["Normal"]) for info in live["StatusInfos"]] == [("terminated", False)]
    pair.rds.publish_metrics()
    assert pair.client("cloudwatch", EU).latest["orders-eu", "ReplicaLag"] == -1
    pair.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
    pair.minutes(8)
    assert "StatusInfos" not in pair.database("orders-eu", EU)


def test_deleting_the_source_promotes_the_replica_of_its_own_region(primary: Any) -> None:
    client = primary.client("rds", US)
    made = client.create_db_instance_read_replica(DBInstanceIdentifier="reader", SourceDBInstanceIdentifier="orders")
    assert made["DBInstance"]["ReadReplicaSourceDBInstanceIdentifier"] == "orders"
    primary.minutes(26)
    assert primary.database("orders", US)["ReadReplicaDBInstanceIdentifiers"] == ["reader"]
    client.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    primary.minutes(6)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in primary.database("reader", US)


def test_a_replica_gets_no_final_snapshot(pair: Any) -> None:
    with pytest.raises(ClientError, match="can not be specified when deleting a replica instance"):
        pair.client("rds", EU).delete_db_instance(DBInstanceIdentifier="orders-eu", FinalDBSnapshotIdentifier="last")


def test_a_renamed_source_keeps_its_replica(pair: Any) -> None:
    pair.client("rds", US).modify_db_instance(
        DBInstanceIdentifier="orders", NewDBInstanceIdentifier="orders-old", ApplyImmediately=True
    )
    pair.minutes(3)
    assert pair.database("orders-old", US)["Endpoint"]["Address"].startswith("orders-old.")
    assert pair.database("orders-eu", EU)["ReadReplicaSourceDBInstanceIdentifier"] == SOURCE + "-old"


def test_no_replica_is_made_from_a_dark_region(primary: Any, replicate: Callable[..., Any]) -> None:
    primary.dark.add(US)
    with pytest.raises(ClientError, match="source region us-east-1 could not be reached"):
        replicate()


def test_while_its_source_is_dark_a_replica_answers_and_falls_behind(pair: Any) -> None:
    pair.rds.tick()
    assert pair.client("cloudwatch", EU).latest["orders-eu", "ReplicaLag"] == 1
    pair.dark.add(US)
    live = pair.database("orders-eu", EU)
    assert (live["DBInstanceStatus"], live["StatusInfos"][0]["Status"]) == ("available", "error")
    pair.minutes(10)
    pair.rds.tick()
    assert pair.client("cloudwatch", EU).latest["orders-eu", "ReplicaLag"] == 601
    pair.dark.clear()
    assert pair.database("orders-eu", EU)["StatusInfos"] == REPLICATING
    messages = [event["Message"] for event in pair.client("rds", EU).describe_events(Duration=60)["Events"]]
    assert messages[-2:] == ["Replication has stopped", "Replication for the Read Replica resumed"]


def test_a_replica_is_promoted_while_its_source_is_dark(pair: Any) -> None:
    pair.dark.add(US)
    pair.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
    pair.minutes(8)
    live = pair.database("orders-eu", EU)
    assert live["DBInstanceStatus"] == "available"
    assert "ReadReplicaSourceDBInstanceIdentifier" not in live


def test_replication_that_was_stopped_for_thirty_days_is_terminated(pair: Any) -> None:
    pair.dark.add(US)
    pair.rds.tick()
    pair.minutes(31 * 24 * 60)
    assert pair.database("orders-eu", EU)["StatusInfos"][0]["Status"] == "terminated"
    pair.dark.clear()
    assert pair.database("orders-eu", EU)["StatusInfos"][0]["Status"] == "terminated"


def test_a_dead_replica_makes_wal_pile_up_on_the_source(pair: Any) -> None:
    pair.rds.publish_metrics()
    latest = pair.client("cloudwatch", US).latest
    assert latest["orders", "OldestReplicationSlotLag"] == 0
    idle = latest["orders", "TransactionLogsDiskUsage"]
    pair.dark.add(EU)
    pair.rds.tick()
    pair.minutes(50)
    pair.rds.tick()
    assert latest["orders", "OldestReplicationSlotLag"] == 10 * 64 * 1024**2
    assert latest["orders", "TransactionLogsDiskUsage"] == idle + 10 * 64 * 1024**2
    assert ("orders", "ReplicaLag") not in latest


def test_a_restored_control_plane_goes_on_where_the_old_one_was(pair: Any) -> None:
    pair.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
    state = json.loads(json.dumps(pair.rds.dump()))
    pair.rds = Rds(pair)
    pair.rds.restore(state)
    assert json.loads(json.dumps(pair.rds.dump())) == state
    pair.minutes(8)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in pair.database("orders-eu", EU)
    assert pair.database("orders", US)["DBInstanceStatus"] == "available"


@settings(max_examples=20)
@given(steps=st.lists(st.integers(min_value=1, max_value=900), min_size=1, max_size=12))
def test_the_future_does_not_depend_on_when_one_looks(new_pair: Callable[[], Any], steps: list[int]) -> None:
    watched, unwatched = new_pair(), new_pair()
    for cloud in (watched, unwatched):
        cloud.client("rds", EU).promote_read_replica(DBInstanceIdentifier="orders-eu")
        cloud.client("rds", US).delete_db_instance(DBInstanceIdentifier="orders", FinalDBSnapshotIdentifier="last")
    for seconds in steps:
        watched.sleep(seconds)
        watched.rds.publish_metrics()
    unwatched.sleep(sum(steps))
    unwatched.rds.publish_metrics()
    # The ids of the databases are random; everything else must agree.
    assert without_ids(watched.rds.dump()) == without_ids(unwatched.rds.dump())


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_ids(item) for key, item in value.items() if key != "DbiResourceId"}
    return [without_ids(item) for item in value] if isinstance(value, list | tuple) else value
