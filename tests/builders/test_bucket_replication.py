"""Replication between more than two buckets."""

from __future__ import annotations

from troposphere import GetAtt

from drgen.builders.bucket_replication import replicate
from drgen.builders.buckets import Bucket, promised
from drgen.model.deployment import FromOutput
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN


def bucket(region: str, side: str) -> tuple[StackDraft, Bucket]:
    def stack(layer: str) -> StackDraft:
        key = f"papers-{layer}-{region}"
        return StackDraft(key=key, region=region, stage="s", layer=layer, side=side, description="d")

    key = stack("foundation").value("DataKeyArn", GetAtt("DataKey", "Arn"), ARN, "Key")
    here = stack("storage")
    return here, promised(here, "documents", key=key)


def test_a_bucket_with_two_copies_has_a_rule_for_each_and_waits_for_both() -> None:
    here, source = bucket("us-east-1", "Primary")
    copies = [bucket(region, "Recovery")[1] for region in ("eu-west-1", "us-west-2")]
    condition, replication = replicate(here, Names("papers"), source, copies, time_control=False, both_ways=False)
    (_, configuration, _) = replication.to_dict()["Fn::If"]
    rules = [(rule["Id"], rule["Priority"], rule["Destination"]["Bucket"]["Ref"]) for rule in configuration["Rules"]]
    assert rules == [
        ("to-eu-west-1", 1, "RecoveryDocumentsBucketArnEuWest1"),
        ("to-us-west-2", 2, "RecoveryDocumentsBucketArnUsWest2"),
    ]
    assert here.sources["RecoveryDataKeyArnUsWest2"] == FromOutput(
        "papers-foundation-us-west-2", "DataKeyArn", late=True
    )
    assert here.template().body["Conditions"][condition] == {
        "Fn::And": [
            {"Condition": "HasRecoveryDocumentsBucketArnEuWest1"},
            {"Condition": "HasRecoveryDataKeyArnEuWest1"},
            {"Condition": "HasRecoveryDocumentsBucketArnUsWest2"},
            {"Condition": "HasRecoveryDataKeyArnUsWest2"},
        ]
    }
