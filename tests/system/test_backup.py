"""A workload with backups comes, changes nothing the second time, and goes."""

from __future__ import annotations

import pytest

from .conftest import Project, Start

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "eu-west-1"
BACKUP = "\nbackup: {keep_days: 14, lock: governance, lock_max_days: 60, restore_test: weekly}\n"


@pytest.fixture(scope="module")
def project(start: Start) -> Project:
    made = start(lambda text: text.replace("protection: true", "protection: false") + BACKUP)
    made.succeeds("check", "postgres-dr")
    made.succeeds("deploy", "postgres-dr", "--yes")
    return made


def test_the_second_pass_lets_the_plan_copy_into_the_vault_of_the_recovery_region(project: Project) -> None:
    there = project.client("backup", RECOVERY).describe_backup_vault(BackupVaultName="postgres-dr-prod-backup")
    here = project.client("backup", PRIMARY)
    (plan,) = here.list_backup_plans()["BackupPlansList"]
    (rule,) = here.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"]
    assert rule["TargetBackupVaultName"] == "postgres-dr-prod-backup"
    assert rule["CopyActions"] == [
        {"DestinationBackupVaultArn": there["BackupVaultArn"], "Lifecycle": {"DeleteAfterDays": 14}}
    ]
    assert there["EncryptionKeyArn"].split(":")[3] == RECOVERY


def test_a_second_deployment_changes_nothing(project: Project) -> None:
    assert project.drgen("plan", "postgres-dr", "--detailed-exitcode").returncode == 0


def test_an_unprotected_workload_takes_its_vaults_with_it(project: Project) -> None:
    project.succeeds("destroy", "postgres-dr", "--yes")
    for region in (PRIMARY, RECOVERY):
        backup = project.client("backup", region)
        assert backup.list_backup_vaults()["BackupVaultList"] == []
        assert backup.list_backup_plans()["BackupPlansList"] == []
