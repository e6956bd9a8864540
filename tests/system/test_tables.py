"""Global tables are deployed, replicate, stay as they are, and go when nothing protects them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drgen.local.server import EmbeddedAws

from .conftest import Project

pytestmark = pytest.mark.embedded

SOURCE = """\
name: shop
environment: test
objectives: {rto: 15m, rpo: 5m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]
network: {peering: false, endpoints: [dynamodb]}
tables:
  - {name: sessions, key: session_id, time_to_live: expires_at}
protection: true
"""
REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("tables")
    write(folder, SOURCE)
    with EmbeddedAws.start(speed=1500) as aws:
        yield Project(folder, aws)


def write(folder: Path, text: str) -> None:
    target = folder / "templates/shop"
    target.mkdir(parents=True, exist_ok=True)
    (target / "workload.yaml").write_text(text, "utf-8")


NAME = "shop-test-sessions"


def test_what_is_written_in_one_region_is_read_in_the_other(project: Project) -> None:
    for command in (["build"], ["check"], ["deploy", "shop", "--yes"]):
        project.succeeds(*command)
    for here, there in (REGIONS, REGIONS[::-1]):
        project.client("dynamodb", here).put_item(TableName=NAME, Item={"session_id": {"S": here}})
        found = project.client("dynamodb", there).get_item(TableName=NAME, Key={"session_id": {"S": here}})
        assert found["Item"] == {"session_id": {"S": here}}


@pytest.mark.parametrize("region", REGIONS)
def test_each_replica_is_protected_backed_up_and_watched_in_its_region(project: Project, region: str) -> None:
    client = project.client("dynamodb", region)
    table = client.describe_table(TableName=NAME)["Table"]
    assert table["DeletionProtectionEnabled"]
    assert table["SSEDescription"]["KMSMasterKeyArn"].split(":")[3] == region
    backups = client.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    alarms = project.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    assert len([alarm for alarm in alarms if alarm["AlarmName"].startswith(NAME)]) == 4


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert project.drgen("plan", "shop", "--detailed-exitcode").returncode == 0


def test_a_protected_table_is_not_destroyed(project: Project) -> None:
    assert project.drgen("destroy", "shop", "--yes").returncode == 3


def test_without_protection_no_replica_is_left(project: Project) -> None:
    write(project.folder, SOURCE.replace("protection: true", "protection: false"))
    for command in (["build"], ["deploy", "shop", "--yes"], ["destroy", "shop", "--yes"]):
        project.succeeds(*command)
    for region in REGIONS:
        assert project.client("dynamodb", region).list_tables()["TableNames"] == []
        assert project.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
