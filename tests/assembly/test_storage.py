"""What a storage and a security reviewer look for in the templates of replicated buckets."""

from __future__ import annotations

from typing import Any

import pytest

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload
from drgen.model.deployment import FromOutput, TellOutput
from drgen.model.stack import StackDraft

WORKLOAD = """\
name: papers
environment: prod
objectives: {rto: 1h, rpo: 10m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]
buckets:
  - {name: documents, replicate: both-ways, replication_time_control: true}
  - {name: exports, noncurrent_days: 7}
  - {name: scratch, replicate: none}
"""

PRIMARY, RECOVERY = "primary/storage", "recovery-eu-west-1/storage"


def drafts(text: str = WORKLOAD) -> dict[str, StackDraft]:
    workload = parse_workload(text.encode(), file="workload.yaml")
    return {f"{draft.stage}/{draft.layer}": draft for draft in assemble(workload, {})}


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    return {name: draft.template().body for name, draft in drafts().items()}


def properties(bodies: Any, stack: str, name: str) -> Any:
    return bodies[stack]["Resources"][name]["Properties"]


def of_type(bodies: Any, stack: str, kind: str) -> dict[str, Any]:
    return {name: r for name, r in bodies[stack]["Resources"].items() if r["Type"] == kind}


def test_storage_stands_behind_the_foundation_of_its_region() -> None:
    assert list(drafts()) == [
        "primary/foundation",
        "primary/storage",
        "recovery-eu-west-1/foundation",
        "recovery-eu-west-1/storage",
        "replication/peering",
        "replication/routes",
    ]


def test_every_value_from_the_other_region_is_late() -> None:
    for key, other in ((PRIMARY, "eu-west-1"), (RECOVERY, "us-east-1")):
        sources = drafts()[key].sources.values()
        assert {s.late for s in sources if isinstance(s, FromOutput) and s.stack.endswith(other)} == {True}
        assert {s.late for s in sources if isinstance(s, FromOutput) and not s.stack.endswith(other)} == {False}


def test_every_bucket_is_private_versioned_encrypted_and_kept(bodies: Any) -> None:
    for stack in (PRIMARY, RECOVERY):
        buckets = of_type(bodies, stack, "AWS::S3::Bucket")
        assert list(buckets) == ["LogsBucket", "DocumentsBucket", "ExportsBucket", "ScratchBucket"]
        for resource in buckets.values():
            has = resource["Properties"]
            assert has["VersioningConfiguration"] == {"Status": "Enabled"}
            assert set(has["PublicAccessBlockConfiguration"].values()) == {True}
            assert has["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert sorted(drafts()[stack].protected) == sorted(buckets)


def test_objects_are_encrypted_with_the_key_of_their_region(bodies: Any) -> None:
    for stack in (PRIMARY, RECOVERY):
        (rule,) = properties(bodies, stack, "DocumentsBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "DataKeyArn"}},
            "BucketKeyEnabled": True,
        }


def test_every_bucket_refuses_plain_http(bodies: Any) -> None:
    for stack in (PRIMARY, RECOVERY):
        buckets = of_type(bodies, stack, "AWS::S3::Bucket")
        for name in buckets:
            *_, last = properties(bodies, stack, f"{name}Policy")["PolicyDocument"]["Statement"]
            assert (last["Effect"], last["Principal"], last["Action"]) == ("Deny", "*", ["s3:*"])
            assert last["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
            assert last["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_log_delivery_for_these_buckets_writes_to_the_log_bucket(bodies: Any) -> None:
    deliver, _ = properties(bodies, PRIMARY, "LogsBucketPolicy")["PolicyDocument"]["Statement"]
    assert deliver["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert deliver["Resource"][0] == {"Fn::Sub": "${LogsBucket.Arn}/documents/*"}
    assert deliver["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert len(deliver["Condition"]["ArnLike"]["aws:SourceArn"]) == 3


def test_a_rule_copies_encrypted_objects_and_delete_markers_with_the_key_of_the_destination(bodies: Any) -> None:
    condition, configuration, nothing = properties(bodies, PRIMARY, "DocumentsBucket")["ReplicationConfiguration"][
        "Fn::If"
    ]
    assert (condition, nothing) == ("DocumentsBucketReplicates", {"Ref": "AWS::NoValue"})
    assert configuration["Role"] == {"Fn::GetAtt": ["DocumentsBucketReplicationRole", "Arn"]}
    assert configuration["Rules"] == [
        {
            "Id": "to-eu-west-1",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "SourceSelectionCriteria": {
                "SseKmsEncryptedObjects": {"Status": "Enabled"},
                "ReplicaModifications": {"Status": "Enabled"},
            },
            "Destination": {
                "Bucket": {"Ref": "RecoveryDocumentsBucketArn"},
                "EncryptionConfiguration": {"ReplicaKmsKeyID": {"Ref": "RecoveryDataKeyArn"}},
                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
            },
        }
    ]


def test_each_direction_is_what_the_workload_says(bodies: Any) -> None:
    replicating = {
        stack: [n for n, r in of_type(bodies, stack, "AWS::S3::Bucket").items() if "ReplicationC" in str(r)]
        for stack in (PRIMARY, RECOVERY)
    }
    assert replicating == {PRIMARY: ["DocumentsBucket", "ExportsBucket"], RECOVERY: ["DocumentsBucket"]}


def test_the_role_is_guarded_and_reaches_its_bucket_and_its_copy_only(bodies: Any) -> None:
    role = bodies[PRIMARY]["Resources"]["DocumentsBucketReplicationRole"]
    assert role["Condition"] == "DocumentsBucketReplicates"
    (policy,) = role["Properties"]["Policies"]
    statements = {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}
    here, there = (f"arn:${{AWS::Partition}}:s3:::papers-prod-documents-${{AWS::AccountId}}-{region}-an"
                   for region in ("us-east-1", "eu-west-1"))  # fmt: skip
    assert {sid: (s["Action"], s["Resource"]) for sid, s in statements.items()} == {
        "ReadReplicationRules": (["s3:GetReplicationConfiguration", "s3:ListBucket"], [{"Fn::Sub": here}]),
        "ReadVersions": (
            ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
            [{"Fn::Sub": f"{here}/*"}],
        ),
        "DecryptVersions": (["kms:Decrypt"], [{"Ref": "DataKeyArn"}]),
        "WriteReplicasEuWest1": (
            ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
            [{"Fn::Sub": "${RecoveryDocumentsBucketArn}/*"}],
        ),
        "EncryptReplicasEuWest1": (
            ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            [{"Ref": "RecoveryDataKeyArn"}],
        ),
    }
    assert statements["EncryptReplicasEuWest1"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [{"Fn::Sub": there}, {"Fn::Sub": f"{there}/*"}]},
    }


def test_failures_are_watched_at_the_source_and_lag_at_the_destination(bodies: Any) -> None:
    alarms = {
        stack: {n: r["Properties"]["MetricName"] for n, r in of_type(bodies, stack, "AWS::CloudWatch::Alarm").items()}
        for stack in (PRIMARY, RECOVERY)
    }
    assert alarms == {
        PRIMARY: {
            "DocumentsBucketFailedToEuWest1": "OperationsFailedReplication",
            "DocumentsBucketBehindFromEuWest1": "ReplicationLatency",
            "ExportsBucketFailedToEuWest1": "OperationsFailedReplication",
        },
        RECOVERY: {
            "DocumentsBucketFailedToUsEast1": "OperationsFailedReplication",
            "DocumentsBucketBehindFromUsEast1": "ReplicationLatency",
            "ExportsBucketBehindFromUsEast1": "ReplicationLatency",
        },
    }
    lag = properties(bodies, RECOVERY, "ExportsBucketBehindFromUsEast1")
    assert (lag["Threshold"], lag["TreatMissingData"]) == (600, "ignore")
    assert {d["Name"]: d["Value"] for d in lag["Dimensions"]} == {
        "SourceBucket": {"Fn::Sub": "papers-prod-exports-${AWS::AccountId}-us-east-1-an"},
        "DestinationBucket": {"Fn::Sub": "papers-prod-exports-${AWS::AccountId}-eu-west-1-an"},
        "RuleId": "to-eu-west-1",
    }


def test_old_versions_and_unfinished_uploads_go(bodies: Any) -> None:
    (rule,) = properties(bodies, PRIMARY, "ExportsBucket")["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_the_command_for_older_objects_is_told_for_every_source() -> None:
    told = {key: [s.output for s in drafts()[key].after if isinstance(s, TellOutput)] for key in (PRIMARY, RECOVERY)}
    assert told == {
        PRIMARY: ["DocumentsBucketBatchReplication", "ExportsBucketBatchReplication"],
        RECOVERY: ["DocumentsBucketBatchReplication"],
    }


def test_buckets_that_nobody_replicates_have_no_second_pass() -> None:
    text = WORKLOAD[: WORKLOAD.index("buckets:")] + "buckets: [{name: scratch, replicate: none}]\n"
    for key in (PRIMARY, RECOVERY):
        draft = drafts(text)[key]
        assert [s for s in draft.sources.values() if isinstance(s, FromOutput) and s.late] == []
        assert "Conditions" not in draft.template().body
        assert of_type({key: draft.template().body}, key, "AWS::IAM::Role") == {}


def test_without_protection_the_buckets_go_with_their_stacks() -> None:
    for key in (PRIMARY, RECOVERY):
        draft = drafts(WORKLOAD + "protection: false\n")[key]
        assert draft.protected == []
        policies = {r.get("DeletionPolicy", "Delete") for r in draft.template().body["Resources"].values()}
        assert policies == {"Delete"}
