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


def test_a_bucket_with_two_copies_has_a_rule_for_each_that_waits_for_no_other() -> None:
    here, source = bucket("us-east-1", "Primary")
    copies = [bucket("eu-west-1", "Recovery")[1], bucket("us-west-2", "RecoveryUsWest2")[1]]
    made = replicate(here, Names("papers"), source, copies, time_control=False, both_ways=False)
    (any_of_them, configuration, _) = made.configuration.to_dict()["Fn::If"]
    rules = [rule["Fn::If"] for rule in configuration["Rules"]]
    assert [
        (condition, rule["Id"], rule["Priority"], rule["Destination"]["Bucket"]["Ref"]) for condition, rule, _ in rules
    ] == [
        ("DocumentsBucketReplicatesToEuWest1", "to-eu-west-1", 1, "RecoveryDocumentsBucketArn"),
        ("DocumentsBucketReplicatesToUsWest2", "to-us-west-2", 2, "RecoveryUsWest2DocumentsBucketArn"),
    ]
    assert here.sources["RecoveryUsWest2DataKeyArn"] == FromOutput(
        "papers-foundation-us-west-2", "DataKeyArn", late=True
    )
    conditions = here.template().body["Conditions"]
    assert conditions["DocumentsBucketReplicatesToUsWest2"] == {
        "Fn::And": [
            {"Condition": "HasRecoveryUsWest2DocumentsBucketArn"},
            {"Condition": "HasRecoveryUsWest2DataKeyArn"},
        ]
    }
    assert conditions[any_of_them] == {
        "Fn::Or": [
            {"Condition": "DocumentsBucketReplicatesToEuWest1"},
            {"Condition": "DocumentsBucketReplicatesToUsWest2"},
        ]
    }


def test_the_role_may_write_only_to_copies_that_exist() -> None:
    here, source = bucket("us-east-1", "Primary")
    copies = [bucket("eu-west-1", "Recovery")[1], bucket("us-west-2", "RecoveryUsWest2")[1]]
    replicate(here, Names("papers"), source, copies, time_control=False, both_ways=False)
    (policy,) = here.template().body["Resources"]["DocumentsBucketReplicationRole"]["Properties"]["Policies"]
    waiting = [part["Fn::If"][:2] for part in policy["PolicyDocument"]["Statement"] if "Fn::If" in part]
    assert [(condition, statement["Sid"]) for condition, statement in waiting] == [
        ("DocumentsBucketReplicatesToEuWest1", "WriteReplicasEuWest1"),
        ("DocumentsBucketReplicatesToEuWest1", "EncryptReplicasEuWest1"),
        ("DocumentsBucketReplicatesToUsWest2", "WriteReplicasUsWest2"),
        ("DocumentsBucketReplicatesToUsWest2", "EncryptReplicasUsWest2"),
    ]
