"""A canary comes with its script and its bucket, changes nothing the second time, and goes."""

from __future__ import annotations

import io
import zipfile

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
WORKLOAD = """
name: shop
environment: prod
objectives: {rto: 1h, rpo: 24h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
canary: {url: "https://shop.example.com/health", every: 5m}
protection: false
"""


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(lambda _: WORKLOAD)
    made.succeeds("check", "postgres-dr")
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def test_the_canary_runs_in_the_recovery_region_alone(project: Project) -> None:
    (canary,) = project.client("synthetics", RECOVERY).describe_canaries()["Canaries"]
    assert (canary["Name"], canary["Status"]["State"]) == ("shop-prod-canary", "RUNNING")
    assert canary["Schedule"]["Expression"] == "rate(5 minutes)"
    assert canary["RunConfig"]["TimeoutInSeconds"] == 30
    assert canary["Tags"]["drgen"] == "shop-prod"
    assert project.client("synthetics", PRIMARY).describe_canaries()["Canaries"] == []


def test_its_script_lies_where_synthetics_looks_for_it(project: Project) -> None:
    bucket = f"drgen-artifacts-123456789012-{RECOVERY}"
    s3 = project.client("s3", RECOVERY)
    (found,) = s3.list_objects_v2(Bucket=bucket, Prefix="canary/")["Contents"]
    content = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["python/handler.py"]


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_an_unprotected_workload_takes_its_canary_with_it(project: Project) -> None:
    project.succeeds("destroy", "postgres-dr", "--yes")
    assert project.client("synthetics", RECOVERY).describe_canaries()["Canaries"] == []
