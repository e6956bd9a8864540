"""Canaries. Paragraphs P85 to P87 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

KIND = "AWS::Synthetics::Canary"


def canary(stacks: Any, **more: Any) -> dict[str, Any]:
    return {
        "Name": f"c-{stacks.unique}",
        "Code": {"Handler": "handler.handler", "Script": "def handler(event, context): pass"},
        "ExecutionRoleArn": stacks.role("lambda.amazonaws.com"),
        "ArtifactS3Location": f"s3://{stacks.make('AWS::S3::Bucket', {}).id}",
        "Schedule": {"Expression": "rate(1 minute)"},
        "RuntimeVersion": "syn-python-selenium-12.0",
        "StartCanaryAfterCreation": True,
        **more,
    }


def test_what_a_canary_needs_exists(stacks: Any, fails: Any) -> None:
    given = canary(stacks)
    wrong = {
        "ExecutionRoleArn": stacks.role("backup.amazonaws.com"),
        "ArtifactS3Location": f"s3://nobody-{stacks.unique}",
        "Code": {"Handler": "handler.handler", "S3Bucket": f"nobody-{stacks.unique}", "S3Key": "a.zip"},
    }
    codes = {name: fails(stacks.make, KIND, {**given, name: value}).code for name, value in wrong.items()}
    assert codes == {"ExecutionRoleArn": "InvalidRequest", "ArtifactS3Location": "NotFound", "Code": "NotFound"}
    dotted = fails(stacks.make, KIND, {**given, "ArtifactS3Location": "s3://a.b"})
    assert dotted.message == "Bucket a.b has a dot in its name"


@pytest.mark.parametrize("runtime", ["syn-nodejs-puppeteer-7.0", "syn-python-selenium-5.1", "syn-1.0"])
def test_old_runtimes_take_no_new_canary(stacks: Any, fails: Any, runtime: str) -> None:
    failure = fails(stacks.make, KIND, canary(stacks, RuntimeVersion=runtime))
    assert f"Deprecated runtime version: {runtime}" in failure.message


def test_a_run_ends_before_the_next_one_begins(stacks: Any, fails: Any) -> None:
    assert "timeout" in fails(stacks.make, KIND, canary(stacks, RunConfig={"TimeoutInSeconds": 61})).message
    made = stacks.make(KIND, canary(stacks, RunConfig={"TimeoutInSeconds": 60}))
    assert made.attributes["State"] == "RUNNING"


def test_a_canary_changes_in_place_and_is_stopped_before_it_goes(stacks: Any) -> None:
    given = canary(stacks, RunConfig={"EnvironmentVariables": {"URL": "https://example.com"}})
    made = stacks.make(KIND, given)
    changed = stacks.change(made, {**given, "Schedule": {"Expression": "rate(5 minutes)"}})
    client = stacks.client("synthetics")
    found = client.get_canary(Name=made.id)["Canary"]
    assert (changed.attributes["Id"], found["Schedule"]["Expression"]) == (made.attributes["Id"], "rate(5 minutes)")
    assert "EnvironmentVariables" not in found["RunConfig"]
    with pytest.raises(ClientError, match="stop it first"):
        client.delete_canary(Name=made.id)
    stacks.remove(changed)
    assert client.describe_canaries(Names=[made.id])["Canaries"] == []
