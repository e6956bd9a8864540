"""AWS Backup. Paragraphs P70 to P79 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any


def plan(stacks: Any, **rule: Any) -> dict[str, Any]:
    daily = {"RuleName": "daily", "TargetBackupVault": f"v-{stacks.unique}", **rule}
    return {"BackupPlan": {"BackupPlanName": "p", "BackupPlanRule": [daily]}}


def test_a_vault_takes_a_key_of_its_region_and_a_lock_that_can_be_kept(stacks: Any, fails: Any) -> None:
    kind, given = "AWS::Backup::BackupVault", {"BackupVaultName": f"v-{stacks.unique}"}
    far = stacks.key(region="eu-west-1")
    assert fails(stacks.make, kind, {**given, "EncryptionKeyArn": far}).code == "InvalidRequest"
    narrow = {"MinRetentionDays": 10, "MaxRetentionDays": 9}
    assert fails(stacks.make, kind, {**given, "LockConfiguration": narrow}).code == "InvalidRequest"
    hasty = {"MinRetentionDays": 1, "ChangeableForDays": 2}
    failure = fails(stacks.make, kind, {**given, "LockConfiguration": hasty})
    assert failure.message == "Changeable for days must be at least 3"
    made = stacks.make(kind, {**given, "EncryptionKeyArn": stacks.key(), "BackupVaultTags": {"team": "a", "old": "b"}})
    arn = made.attributes["BackupVaultArn"]
    assert arn == f"arn:aws:backup:us-east-1:123456789012:backup-vault:v-{stacks.unique}"
    assert fails(stacks.make, kind, given).code == "AlreadyExists"
    stacks.change(made, {**given, "BackupVaultTags": {"team": "c"}})
    assert stacks.client("backup").list_tags(ResourceArn=arn)["Tags"] == {"team": "c"}


def test_a_plan_changes_in_place_and_holds_to_the_days_of_cold_storage(stacks: Any, fails: Any) -> None:
    kind = "AWS::Backup::BackupPlan"
    short = plan(stacks, Lifecycle={"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 119})
    assert "90 days" in fails(stacks.make, kind, short).message
    made = stacks.make(kind, plan(stacks, Lifecycle={"DeleteAfterDays": 35}))
    copy = {"DestinationBackupVaultArn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:nobody"}
    changed = stacks.change(made, plan(stacks, CopyActions=[copy]))
    assert changed.id == made.id
    assert changed.attributes["VersionId"] != made.attributes["VersionId"]
    (rule,) = stacks.client("backup").get_backup_plan(BackupPlanId=made.id)["BackupPlan"]["Rules"]
    assert (rule["TargetBackupVaultName"], rule["CopyActions"]) == (f"v-{stacks.unique}", [copy])


def test_a_selection_needs_a_role_that_aws_backup_can_assume(stacks: Any, fails: Any, aws: Any) -> None:
    of_plan = stacks.make("AWS::Backup::BackupPlan", plan(stacks)).id
    other = stacks.role("lambda.amazonaws.com")

    def selection(role: str) -> dict[str, Any]:
        return {"BackupPlanId": of_plan, "BackupSelection": {"SelectionName": "s", "IamRoleArn": role}}

    kind = "AWS::Backup::BackupSelection"
    assert fails(stacks.make, kind, selection(other)).message == f"IAM Role {other} cannot be assumed by AWS Backup"
    missing = "arn:aws:iam::123456789012:role/nobody"
    assert fails(stacks.make, kind, selection(missing)).code == "InvalidRequest"
    made = stacks.make(kind, selection(stacks.role("backup.amazonaws.com")))
    listed = stacks.client("backup").list_backup_selections(BackupPlanId=of_plan)["BackupSelectionsList"]
    assert [found["SelectionId"] for found in listed] == [made.id]
