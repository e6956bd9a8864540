"""AWS::Synthetics::Canary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.functions import NOT_ASSUMED
from drgen.local.providers.identity import check_trust
from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of

_DAYS = {
    "FailureRetentionPeriod": "FailureRetentionPeriodInDays",
    "SuccessRetentionPeriod": "SuccessRetentionPeriodInDays",
}
"""CloudFormation's names of what the API calls differently."""


def _given(work: Work) -> dict[str, Any]:
    check_trust(work, str(work.properties["ExecutionRoleArn"]), "lambda.amazonaws.com", NOT_ASSUMED)
    _check_places(work)
    if key := work.properties.get("KmsKeyArn"):
        usable_key(work, str(key))
    return {**work.properties, **{api: work.properties[own] for own, api in _DAYS.items() if own in work.properties}}


def _check_places(work: Work) -> None:
    """The script is there, and so is the bucket of the results, which has no dots in its name."""
    bucket = str(work.properties["ArtifactS3Location"]).partition("://")[2].partition("/")[0]
    if "." in bucket:
        raise ResourceFailed(f"Bucket {bucket} has a dot in its name", code="InvalidRequest")
    client, code = work.api("s3"), work.properties["Code"]
    client.head_bucket(Bucket=bucket)
    if "S3Bucket" in code:
        client.head_object(Bucket=code["S3Bucket"], Key=code["S3Key"])


def _make(work: Work) -> str:
    client = work.api("synthetics")
    name = str(call(client, "create_canary", _given(work), Tags=tags_of(work.desired))["Canary"]["Name"])
    if str(work.properties.get("StartCanaryAfterCreation", "false")).lower() == "true":
        client.start_canary(Name=name)
    return name


def _change(work: Work, name: str) -> None:
    client = work.api("synthetics")
    call(client, "update_canary", _given(work), Name=name)
    retag(work, client, {"ResourceArn": work.arn("synthetics", f"canary:{name}")})


def _read(work: Work, name: str) -> Mapping[str, Any]:
    found = work.api("synthetics").get_canary(Name=name)["Canary"]
    function = work.arn("lambda", f"layer:cwsyn-{name}-{found['Id']}:1")
    return {"Id": found["Id"], "State": found["Status"]["State"], "Code.SourceLocationArn": function}


def _remove(work: Work, name: str) -> None:
    client = work.api("synthetics")
    client.stop_canary(Name=name)
    client.delete_canary(Name=name)


CANARY_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Synthetics::Canary": Resource(make=_make, change=_change, read=_read, remove=_remove),
}
