"""What a reviewer looks for in a canary."""

from __future__ import annotations

from typing import Any

import pytest
from bodies import properties

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.errors import InputErrors
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact

SOURCE = """
name: shop
environment: prod
objectives: {rto: 1h, rpo: 24h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
canary: %s
"""
URL = '"https://shop.example.com/health"'
PACKAGES = {"canary": Artifact("canary", "artifacts/canary.zip", "canary/0.zip")}


@pytest.fixture(scope="module")
def body() -> Any:
    workload = parse_workload((SOURCE % f"{{url: {URL}, every: 5m, failures: 2}}").encode(), file="workload.yaml")
    assert needed(workload) == ("canary",)
    (draft,) = [draft for draft in assemble(workload, PACKAGES) if draft.layer == "canary"]
    assert draft.region == "eu-west-1"
    assert draft.artifacts == [PACKAGES["canary"]]
    return draft.template().body


def test_it_asks_the_url_and_ends_before_it_asks_again(body: Any) -> None:
    canary = properties(body, "Canary")
    assert canary["RunConfig"]["EnvironmentVariables"] == {"URL": "https://shop.example.com/health"}
    assert canary["Schedule"] == {"Expression": "rate(5 minutes)"}
    assert canary["RunConfig"]["TimeoutInSeconds"] == 30
    assert canary["StartCanaryAfterCreation"] is True
    assert canary["RuntimeVersion"] == "syn-python-selenium-12.0"


def test_silence_is_a_failure(body: Any) -> None:
    alarm = properties(body, "CanaryAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("CloudWatchSynthetics", "SuccessPercent")
    assert (alarm["TreatMissingData"], alarm["Period"], alarm["EvaluationPeriods"]) == ("breaching", 300, 2)


def test_results_are_encrypted_private_and_short_lived(body: Any) -> None:
    bucket = properties(body, "CanaryBucket")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 30
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    encryption = properties(body, "Canary")["ArtifactConfig"]["S3Encryption"]
    assert encryption == {"EncryptionMode": "SSE_KMS", "KmsKeyArn": {"Ref": "DataKeyArn"}}


def test_it_may_write_its_own_results_and_no_more(body: Any) -> None:
    (policy,) = properties(body, "CanaryRole")["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert statements["KeepResults"]["Resource"] == [{"Fn::Sub": "${CanaryBucket.Arn}/*"}]
    wide = {sid for sid, each in statements.items() if each["Resource"] == ["*"]}
    assert wide == {"ListBucketsTakesNoResource", "PublishMetrics"}


@pytest.mark.parametrize(
    ("section", "at", "problem"),
    [
        ('{url: "http://a.example.com"}', "canary.url", "does not match"),
        (f"{{url: {URL}, every: 90s}}", "canary.every", "in whole minutes"),
        (f"{{url: {URL}, every: 2h}}", "canary.every", "at least once an hour"),
        (f"{{url: {URL}}}\nbuckets: [{{name: canary}}]", "canary", "bucket of that name"),
    ],
)
def test_what_synthetics_cannot_do_is_refused(section: str, at: str, problem: str) -> None:
    with pytest.raises(InputErrors) as caught:
        parse_workload((SOURCE % section).encode(), file="workload.yaml")
    (found,) = caught.value.problems
    assert found.at == at
    assert problem in found.problem
