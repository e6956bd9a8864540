"""Keys, secrets and their replicas. Paragraphs P20 to P29 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.local.server import EmbeddedAws

SECRET = "AWS::SecretsManager::Secret"
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
    "Action": "kms:Encrypt*",
    "Resource": "*",
}


def test_what_is_fixed_at_a_keys_birth_fails_the_update(stacks: Any, fails: Any) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    key = stacks.make("AWS::KMS::Key", {"KeyPolicy": policy, "EnableKeyRotation": True})
    failure = fails(stacks.change, key, {"KeyPolicy": policy, "EnableKeyRotation": True, "MultiRegion": True})
    assert failure.code == "NotUpdatable"
    assert stacks.client("kms").get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"]
    stacks.change(key, {"KeyPolicy": policy, "EnableKeyRotation": False, "Description": "data"})
    assert not stacks.client("kms").get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"]


def test_a_key_policy_names_only_roles_that_exist(stacks: Any, fails: Any) -> None:
    who = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"}, "Action": "kms:*"}
    assert "invalid principals" in fails(stacks.key, who).message


def test_a_replica_of_a_multi_region_key_has_the_same_id(stacks: Any) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    primary = stacks.make("AWS::KMS::Key", {"KeyPolicy": policy, "MultiRegion": True})
    given = {"KeyPolicy": policy, "PrimaryKeyArn": primary.attributes["Arn"]}
    replica = stacks.make("AWS::KMS::ReplicaKey", given, region="eu-west-1")
    assert replica.attributes == {
        "Arn": f"arn:aws:kms:eu-west-1:123456789012:key/{primary.id}",
        "KeyId": primary.id,
    }


def test_a_log_groups_key_must_let_the_regions_logs_in(stacks: Any, fails: Any) -> None:
    name = f"/t/{stacks.unique}"
    closed, foreign = stacks.key(), stacks.key(LOGS, region="eu-west-1")
    refused = "The specified KMS key does not exist or is not allowed to be used with LogGroup"
    for key in (closed, foreign):
        failure = fails(stacks.make, "AWS::Logs::LogGroup", {"LogGroupName": name, "KmsKeyId": key})
        assert failure.message == f"{refused} 'arn:aws:logs:us-east-1:123456789012:log-group:{name}'"
    given = {"LogGroupName": name, "KmsKeyId": stacks.key(LOGS), "RetentionInDays": "30"}
    assert stacks.make("AWS::Logs::LogGroup", given).attributes["Arn"].endswith(f"log-group:{name}:*")
    assert fails(stacks.make, "AWS::Logs::LogGroup", given).code == "AlreadyExists"


def generated(stacks: Any) -> dict[str, Any]:
    wanted = {
        "SecretStringTemplate": '{"username": "postgres"}',
        "GenerateStringKey": "password",
        "PasswordLength": "40",
        "ExcludeCharacters": "\"@/\\' ",
    }
    return {"Name": f"{stacks.unique}/database", "GenerateSecretString": wanted}


def test_a_generated_password_goes_into_the_template_without_the_excluded_characters(stacks: Any) -> None:
    secret = stacks.make(SECRET, generated(stacks))
    value = json.loads(stacks.client("secretsmanager").get_secret_value(SecretId=secret.id)["SecretString"])
    assert value["username"] == "postgres"
    assert len(value["password"]) == 40
    assert not set(value["password"]) & set("\"@/\\' ")
    assert secret.id.startswith(f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{stacks.unique}/database-")


def test_replicas_come_follow_and_go_with_the_template(stacks: Any, fails: Any) -> None:
    given = generated(stacks)
    here, there = stacks.client("secretsmanager"), stacks.client("secretsmanager", "eu-west-1")
    secret = stacks.make(SECRET, given)
    foreign = {"ReplicaRegions": [{"Region": "eu-west-1", "KmsKeyId": stacks.key()}]}
    assert fails(stacks.change, secret, {**given, **foreign}).code == "InvalidRequest"
    replicas = {"ReplicaRegions": [{"Region": "eu-west-1", "KmsKeyId": stacks.key(region="eu-west-1")}]}
    secret = stacks.change(secret, {**given, **replicas})
    here.put_secret_value(SecretId=secret.id, SecretString="second")
    replica = there.get_secret_value(SecretId=given["Name"])
    assert replica["SecretString"] == "second"
    assert replica["ARN"] == secret.id.replace("us-east-1", "eu-west-1")
    with pytest.raises(ClientError, match="Operation not permitted on a replica secret"):
        there.put_secret_value(SecretId=given["Name"], SecretString="third")
    with pytest.raises(ClientError, match="still has replica regions"):
        here.delete_secret(SecretId=secret.id, ForceDeleteWithoutRecovery=True)
    stacks.change(secret, given)
    with pytest.raises(ClientError, match="can't find the specified secret"):
        there.describe_secret(SecretId=given["Name"])


def test_a_replica_becomes_a_secret_of_its_own_while_its_primary_is_dark(stacks: Any, aws: EmbeddedAws) -> None:
    given = {**generated(stacks), "ReplicaRegions": [{"Region": "eu-west-1"}]}
    secret = stacks.make(SECRET, given)
    there = stacks.client("secretsmanager", "eu-west-1")
    aws.faults.dark("us-east-1")
    stopped = there.stop_replication_to_replica(SecretId=given["Name"])["ARN"]
    there.put_secret_value(SecretId=given["Name"], SecretString="ours")
    aws.faults.clear()
    assert stopped == secret.id.replace("us-east-1", "eu-west-1")
    assert there.get_secret_value(SecretId=stopped, VersionStage="AWSCURRENT")["SecretString"] == "ours"
    assert "ReplicationStatus" not in stacks.client("secretsmanager").describe_secret(SecretId=secret.id)
    there.delete_secret(SecretId=stopped, ForceDeleteWithoutRecovery=True)


def test_a_secret_in_the_way_makes_the_replication_fail(stacks: Any, fails: Any) -> None:
    given = generated(stacks)
    stacks.make(SECRET, {"Name": given["Name"], "SecretString": "mine"}, region="eu-west-1")
    failure = fails(stacks.make, SECRET, {**given, "ReplicaRegions": [{"Region": "eu-west-1"}]})
    assert failure.message.startswith("Replication to eu-west-1 failed: ")
    assert (
        stacks.client("secretsmanager", "eu-west-1").get_secret_value(SecretId=given["Name"])["SecretString"] == "mine"
    )


def test_a_deleted_secret_keeps_its_name_for_the_recovery_window(stacks: Any, aws: EmbeddedAws) -> None:
    client, name = stacks.client("secretsmanager"), f"{stacks.unique}/window"
    client.create_secret(Name=name, SecretString="x")
    client.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    with pytest.raises(ClientError, match="already scheduled for deletion"):
        client.create_secret(Name=name, SecretString="y")
    aws.clock.advance(7 * 86400 + 1)
    client.create_secret(Name=name, SecretString="y")
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
