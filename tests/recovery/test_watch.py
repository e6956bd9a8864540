"""The watch: what it publishes, and when it starts a run by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from recovery_fakes import CONFIG, FakeClients, Regions

from drgen.recovery.config import Trigger
from drgen.recovery.watch import watch

SILENT = {"observed": False, "reason": "no answer"}
WRITES = {"observed": True, "in_recovery": False}
READS = {"observed": True, "in_recovery": True}


def published(regions: Regions) -> dict[str, float]:
    values: dict[str, float] = watch(CONFIG, FakeClients(regions))["published"]
    return values


@pytest.mark.parametrize(
    ("dark", "primary", "recovery", "reachable"),
    [
        (False, WRITES, READS, 1.0),
        (True, WRITES, READS, 1.0),
        (False, SILENT, READS, 0.0),
        (False, SILENT, SILENT, 1.0),
        (True, SILENT, SILENT, 0.0),
        (False, READS, READS, 0.0),
    ],
)
def test_the_database_counts_before_its_control_plane(
    dark: bool, primary: dict[str, object], recovery: dict[str, object], reachable: float
) -> None:
    regions = Regions(dark=dark)
    regions.probe |= {"primary": primary, "recovery": recovery}
    assert published(regions)["PrimaryReachable"] == reachable


def test_every_round_gives_the_alarms_of_the_records_their_data() -> None:
    regions = Regions()
    assert published(regions) == {"PrimaryReachable": 1.0, "PrimaryWithdrawn": 0.0, "RecoveryWritable": 0.0}
    regions.alarms["orders-prod-primary-withdrawn"] = "ALARM"
    regions.probe["heartbeat_lag_s"] = 1.5
    assert published(regions) == {
        "PrimaryReachable": 1.0, "PrimaryWithdrawn": 1.0, "RecoveryWritable": 0.0, "HeartbeatLag": 1.5,
    }  # fmt: skip


def test_a_replica_promoted_for_a_test_does_not_withdraw_the_primary() -> None:
    regions = Regions()
    regions.replica_db.update(ReadReplicaSourceDBInstanceIdentifier="", StatusInfos=[])
    assert published(regions)["RecoveryWritable"] == 1.0
    assert published(regions)["PrimaryWithdrawn"] == 0.0


def test_one_outage_starts_one_run_and_only_where_the_workload_wants_it() -> None:
    regions = Regions(dark=True)
    regions.alarms["orders-prod-primary-gone"] = "ALARM"
    watch(replace(CONFIG, trigger=Trigger.NOTIFY), FakeClients(regions))
    assert regions.started == []
    for _ in range(3):
        watch(CONFIG, FakeClients(regions))
    assert regions.started == ["gone-1795262160"]


def test_no_run_is_started_beside_another_or_after_the_promotion() -> None:
    regions = Regions(dark=True, running=[{"name": "failover-1"}])
    regions.alarms["orders-prod-primary-gone"] = "ALARM"
    watch(CONFIG, FakeClients(regions))
    regions.running.clear()
    regions.replica_db.update(ReadReplicaSourceDBInstanceIdentifier="", StatusInfos=[])
    watch(CONFIG, FakeClients(regions))
    assert regions.started == []


@pytest.mark.parametrize(("status", "reachable"), [("backing-up", 1.0), ("modifying", 1.0), ("storage-full", 0.0)])
def test_a_primary_that_is_backed_up_or_modified_is_no_outage(status: str, reachable: float) -> None:
    regions = Regions()
    regions.primary_db["DBInstanceStatus"] = status
    regions.probe |= {"primary": SILENT, "recovery": SILENT}
    assert published(regions)["PrimaryReachable"] == reachable


class Refusing:
    """A control plane that answers with an error."""

    def __init__(self, http: int) -> None:
        self.http = http

    def describe_db_instances(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "X"}, "ResponseMetadata": {"HTTPStatusCode": self.http}}, "Describe")  # type: ignore[typeddict-item]  # only what is read


class RefusedByThePrimary(FakeClients):
    def __init__(self, regions: Regions, http: int) -> None:
        super().__init__(regions)
        self.http = http

    def primary(self, service: str) -> Any:
        return Refusing(self.http)


@pytest.mark.parametrize(("http", "reachable"), [(400, 1.0), (403, 1.0), (500, 0.0), (503, 0.0)])
def test_a_refusal_comes_from_a_region_that_works(http: int, reachable: float) -> None:
    regions = Regions()
    regions.probe |= {"primary": SILENT, "recovery": SILENT}
    assert watch(CONFIG, RefusedByThePrimary(regions, http))["published"]["PrimaryReachable"] == reachable


@pytest.mark.parametrize("status", ["available", "backing-up", "rebooting"])
def test_a_promoted_database_keeps_its_record_whatever_its_status(status: str) -> None:
    regions = Regions()
    regions.replica_db.update(ReadReplicaSourceDBInstanceIdentifier="", StatusInfos=[], DBInstanceStatus=status)
    assert published(regions)["RecoveryWritable"] == 1.0


def test_while_a_run_is_under_way_the_watch_never_takes_the_withdrawal_back() -> None:
    regions = Regions(running=[{"name": "failover-1"}])
    assert "PrimaryWithdrawn" not in published(regions)
    regions.alarms["orders-prod-primary-withdrawn"] = "ALARM"
    assert published(regions)["PrimaryWithdrawn"] == 1.0
