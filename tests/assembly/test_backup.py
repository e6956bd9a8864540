"""What an auditor looks for in the backups of a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bodies import properties

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact

SOURCE = (Path(__file__).parents[2] / "templates/postgres-dr/workload.yaml").read_text("utf-8")
PACKAGES = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in ("failover", "probe")}


def bodies(section: str) -> dict[str, Any]:
    workload = parse_workload(f"{SOURCE}\nbackup: {section}\n".encode(), file="workload.yaml")
    drafts = assemble(workload, PACKAGES)
    return {f"{draft.stage}/{draft.layer}": draft.template().body for draft in drafts if draft.layer == "backup"}


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return bodies("{keep_days: 14}")


def test_each_region_has_a_vault_under_a_key_of_its_own(plain: Any) -> None:
    assert list(plain) == ["primary/backup", "recovery-eu-west-1/backup"]
    for body in plain.values():
        vault = body["Resources"]["BackupVault"]
        assert vault["Properties"]["EncryptionKeyArn"] == {"Fn::GetAtt": ["BackupKey", "Arn"]}
        assert (vault["DeletionPolicy"], vault["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        assert "LockConfiguration" not in vault["Properties"]
        (statement,) = vault["Properties"]["AccessPolicy"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Action"] == ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"]


def test_copies_begin_when_the_other_vault_is_known(plain: Any) -> None:
    body = plain["primary/backup"]
    (rule,) = properties(body, "BackupPlan")["BackupPlan"]["BackupPlanRule"]
    condition, then, otherwise = rule["CopyActions"][0]["Fn::If"]
    assert then["DestinationBackupVaultArn"] == {"Ref": "RecoveryBackupVaultArn"}
    assert then["Lifecycle"] == rule["Lifecycle"] == {"DeleteAfterDays": 14}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert body["Parameters"]["RecoveryBackupVaultArn"]["Default"] == ""
    assert body["Conditions"][condition]


def test_the_database_keeps_its_own_point_in_time_backups(plain: Any) -> None:
    (rule,) = properties(plain["primary/backup"], "BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert "EnableContinuousBackup" not in rule


def test_only_instances_of_this_workload_are_selected(plain: Any) -> None:
    selection = properties(plain["primary/backup"], "BackupSelection")["BackupSelection"]
    assert selection["Resources"] == [{"Fn::Sub": "arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:db:*"}]
    tag = {"ConditionKey": "aws:ResourceTag/drgen", "ConditionValue": "postgres-dr-prod"}
    assert selection["Conditions"] == {"StringEquals": [tag]}
    assert "ListOfTags" not in selection


def test_tables_are_backed_up_and_restored_too() -> None:
    found = bodies("{}\ntables: [{name: sessions, key: session_id}]")
    selection = properties(found["primary/backup"], "BackupSelection")["BackupSelection"]
    assert [arn["Fn::Sub"].split(":")[4] for arn in selection["Resources"]] == ["dynamodb", "rds"]
    there = found["recovery-eu-west-1/backup"]
    assert properties(there, "RestoreTestingDynamoDB")["ProtectedResourceType"] == "DynamoDB"
    assert "RestoreMetadataOverrides" not in properties(there, "RestoreTestingDynamoDB")


def test_failures_and_silence_are_told(plain: Any) -> None:
    here, there = plain["primary/backup"], plain["recovery-eu-west-1/backup"]
    detail = properties(here, "BackupEvents")["EventPattern"]["detail"]
    assert detail["iamRoleArn"] == [{"Fn::GetAtt": ["BackupRole", "Arn"]}]
    assert detail["state"] == ["ABORTED", "EXPIRED", "FAILED"]
    assert properties(there, "BackupEvents")["EventPattern"]["detail"]["status"] == ["ABORTED", "EXPIRED", "FAILED"]
    alarm = properties(here, "BackupMissingAlarm")
    assert (alarm["TreatMissingData"], alarm["Period"] * alarm["EvaluationPeriods"]) == ("breaching", 108_000)


def test_what_is_restored_for_a_test_is_out_of_reach(plain: Any) -> None:
    body = plain["recovery-eu-west-1/backup"]
    settings = properties(body, "RestoreTestingRDS")["RestoreMetadataOverrides"]
    assert settings["dbSubnetGroupName"] == {"Ref": "RestoreTestSubnets"}
    assert settings["vpcSecurityGroupIds"] == {"Fn::Sub": '["${RestoreTestSecurityGroup.GroupId}"]'}
    assert "SecurityGroupIngress" not in properties(body, "RestoreTestSecurityGroup")
    assert properties(body, "RestoreTestingPlan")["RestoreTestingPlanName"] == "postgres_dr_prod_backup"


def test_the_recovery_region_needs_nothing_of_the_primary_region(plain: Any) -> None:
    assert list(plain["recovery-eu-west-1/backup"]["Parameters"]) == ["PrivateSubnetIds", "VpcId", "AlertsTopicArn"]


def test_without_copies_there_is_nothing_in_the_recovery_region() -> None:
    found = bodies("{copy_to_recovery: false, restore_test: none}")
    assert list(found) == ["primary/backup"]
    (rule,) = properties(found["primary/backup"], "BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert "CopyActions" not in rule
    metadata = found["primary/backup"]["Resources"]["BackupPlan"]["Metadata"]
    reason = "The workload file asks for no copies: backup.copy_to_recovery."
    assert metadata == {"drgen": {"ignore": [{"id": "DR215", "reason": reason}]}}


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("{lock: governance, lock_max_days: 60}", {"MinRetentionDays": 1, "MaxRetentionDays": 60}),
        ("{lock: compliance, lock_min_days: 30, lock_grace_days: 5}", {"MinRetentionDays": 30, "ChangeableForDays": 5}),
    ],
)
def test_a_lock_is_on_both_vaults(section: str, expected: dict[str, int]) -> None:
    locks = [properties(body, "BackupVault")["LockConfiguration"] for body in bodies(section).values()]
    assert locks == [expected, expected]
