"""Buckets that replicate both ways, as an operator meets them: deploy, use, deploy again, destroy."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.validate import validate_parameters

from drgen.local.environment import ACCOUNT
from drgen.local.server import EmbeddedAws

from .conftest import Project

pytestmark = pytest.mark.embedded

WORKLOAD = """\
name: papers
environment: test
objectives: {rto: 1h, rpo: 15m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]
network: {endpoints: [s3], peering: false}
buckets:
  - {name: documents, replicate: both-ways, replication_time_control: true}
  - {name: exports, replicate: to-recovery}
  - {name: scratch, replicate: none}
protection: false
"""

REGIONS = ("us-east-1", "eu-west-1")


def name(thing: str, region: str) -> str:
    return f"papers-test-{thing}-{ACCOUNT}-{region}-an"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("papers")
    target = folder / "templates/papers"
    target.mkdir(parents=True)
    (target / "workload.yaml").write_text(WORKLOAD, "utf-8")
    aws = EmbeddedAws.start(speed=1500)
    project = Project(folder, aws)
    project.succeeds("build")
    yield project
    aws.stop()


@pytest.fixture(scope="module")
def first_deployment(project: Project) -> str:
    """What the first deployment told people."""
    run = project.drgen("deploy", "papers", "--yes")
    assert run.returncode == 0, run.stderr
    return run.stderr


@pytest.fixture
def s3(project: Project, first_deployment: str) -> dict[str, Any]:
    return {region: project.client("s3", region) for region in REGIONS}


def test_the_deployment_says_how_to_replicate_what_was_there_before(first_deployment: str) -> None:
    import boto3

    told = [line for line in first_deployment.splitlines() if "until now is not replicated" in line]
    assert len(told) == 3
    line = next(line for line in told if "bucket documents" in line and line.startswith("us-east-1"))
    command = shlex.split(line.partition("run: ")[2])
    assert command[:3] == ["aws", "s3control", "create-job"]
    options = dict(zip(command[3:-1:2], command[4:-1:2], strict=True))
    request = {
        "AccountId": options["--account-id"],
        "ClientRequestToken": "made-by-the-cli",
        "Operation": json.loads(options["--operation"]),
        "ManifestGenerator": json.loads(options["--manifest-generator"]),
        "Report": json.loads(options["--report"]),
        "Priority": int(options["--priority"]),
        "RoleArn": options["--role-arn"],
    }
    model = boto3.Session().client("s3control", region_name="us-east-1").meta.service_model
    validate_parameters(request, model.operation_model("CreateJob").input_shape)
    source = request["ManifestGenerator"]["S3JobManifestGenerator"]["SourceBucket"]
    assert source == f"arn:aws:s3:::{name('documents', 'us-east-1')}"
    assert request["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/papers-test-batch-replication-us-east-1"


@pytest.mark.parametrize(("here", "there"), [REGIONS, REGIONS[::-1]])
def test_what_is_written_in_a_region_is_read_and_deleted_in_the_other(
    s3: dict[str, Any], here: str, there: str
) -> None:
    key = f"from-{here}"
    s3[here].put_object(Bucket=name("documents", here), Key=key, Body=b"paper")
    found = s3[there].get_object(Bucket=name("documents", there), Key=key)
    assert (found["Body"].read(), found["ReplicationStatus"]) == (b"paper", "REPLICA")
    s3[here].delete_object(Bucket=name("documents", here), Key=key)
    listed = s3[there].list_object_versions(Bucket=name("documents", there), Prefix=key)
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]
    assert [version["IsLatest"] for version in listed["Versions"]] == [False]


def test_to_recovery_is_one_way(s3: dict[str, Any]) -> None:
    for region in REGIONS:
        s3[region].put_object(Bucket=name("exports", region), Key=f"from-{region}", Body=b"export")
    kept = {region: s3[region].list_objects_v2(Bucket=name("exports", region))["Contents"] for region in REGIONS}
    assert [item["Key"] for item in kept["us-east-1"]] == ["from-us-east-1"]
    assert [item["Key"] for item in kept["eu-west-1"]] == ["from-eu-west-1", "from-us-east-1"]


def test_a_second_deployment_changes_nothing_and_tells_nothing_again(project: Project, first_deployment: str) -> None:
    run = project.drgen("deploy", "papers", "--yes")
    assert run.returncode == 0, run.stderr
    assert "until now is not replicated" not in run.stderr
    assert re.findall(r"^(done|unchanged) +(\d)", run.stderr, re.M) == [("unchanged", "6")]


def test_the_recovery_region_is_changed_while_the_primary_region_is_dark(project: Project, s3: dict[str, Any]) -> None:
    workload = project.folder / "templates/papers/workload.yaml"
    workload.write_text(WORKLOAD.replace("both-ways,", "both-ways, noncurrent_days: 14,"), "utf-8")
    project.succeeds("build")
    project.aws.faults.dark("us-east-1")
    try:
        project.succeeds("deploy", "papers", "--region", "eu-west-1", "--yes")
    finally:
        project.aws.faults.clear()
    bucket = name("documents", "eu-west-1")
    (rule,) = s3["eu-west-1"].get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 14}
    (rule,) = s3["eu-west-1"].get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{name('documents', 'us-east-1')}"


def test_a_bucket_with_objects_is_not_destroyed_and_an_empty_one_is(project: Project, s3: dict[str, Any]) -> None:
    s3["us-east-1"].put_object(Bucket=name("scratch", "us-east-1"), Key="last", Body=b"kept")
    refused = project.drgen("destroy", "papers", "--yes")
    assert refused.returncode == 1
    assert "The bucket you tried to delete is not empty" in refused.stderr
    assert "delete every version and delete marker in the bucket" in refused.stderr
    for region in REGIONS:
        for thing in ("documents", "exports", "scratch"):
            empty(s3[region], name(thing, region))
    project.succeeds("destroy", "papers", "--yes")
    assert s3["us-east-1"].list_buckets()["Buckets"] == []


def empty(client: Any, bucket: str) -> None:
    """Deletes every version and delete marker, if the bucket is still there."""
    if bucket not in [item["Name"] for item in client.list_buckets()["Buckets"]]:
        return
    listed = client.list_object_versions(Bucket=bucket)
    for item in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
        client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
