"""AWS::Backup: vaults, plans and selections. Restore testing is served by its schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.identity import check_trust
from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, tags_of

_COLD_DAYS = 90
_GRACE_DAYS = 3


def _make_vault(work: Work) -> str:
    _check_lock(work)
    given = {**work.properties, "BackupVaultTags": tags_of(work.desired, "BackupVaultTags")}
    key = work.properties.get("EncryptionKeyArn")
    if key:
        usable_key(work, str(key))
    return str(call(work.api("backup"), "create_backup_vault", given)["BackupVaultName"])


def _check_lock(work: Work) -> None:
    """Source: AWS Backup API, PutBackupVaultLockConfiguration."""
    lock = work.properties.get("LockConfiguration") or {}
    least, most = int(lock.get("MinRetentionDays", 1)), lock.get("MaxRetentionDays")
    if most is not None and int(most) < least:
        raise ResourceFailed("Max retention days must not be less than min retention days", code="InvalidRequest")
    if int(lock.get("ChangeableForDays", _GRACE_DAYS)) < _GRACE_DAYS:
        raise ResourceFailed(f"Changeable for days must be at least {_GRACE_DAYS}", code="InvalidRequest")


def _change_vault(work: Work, name: str) -> None:
    _check_lock(work)
    identity = {"ResourceArn": work.arn("backup", f"backup-vault:{name}")}
    _retag(work, identity, "BackupVaultTags")


def _retag(work: Work, identity: Mapping[str, Any], prop: str) -> None:
    """AWS Backup's UntagResource calls its keys TagKeyList."""
    client, wanted = work.api("backup"), tags_of(work.desired, prop)
    gone = sorted(set(work.desired.previous.get(prop) or ()) - set(wanted))
    if gone:
        call(client, "untag_resource", identity, TagKeyList=gone)
    if wanted:
        call(client, "tag_resource", identity, Tags=wanted)


def _read_vault(work: Work, name: str) -> Mapping[str, Any]:
    found = work.api("backup").describe_backup_vault(BackupVaultName=name)
    return {"BackupVaultArn": found["BackupVaultArn"], "BackupVaultName": name}


def _plan(work: Work) -> dict[str, Any]:
    """The plan in the API's names: CloudFormation calls rules BackupPlanRule, and vaults TargetBackupVault."""
    plan = work.properties["BackupPlan"]
    rules = list(plan["BackupPlanRule"])
    for rule in rules:
        for part in (rule, *(rule.get("CopyActions") or ())):
            _check_lifecycle(part.get("Lifecycle") or {})
    named = [{**rule, "TargetBackupVaultName": rule["TargetBackupVault"]} for rule in rules]
    return {**plan, "Rules": named}


def _check_lifecycle(lifecycle: Mapping[str, Any]) -> None:
    """Source: AWS Backup API, Lifecycle."""
    cold, end = lifecycle.get("MoveToColdStorageAfterDays"), lifecycle.get("DeleteAfterDays")
    if cold is not None and end is not None and float(end) < float(cold) + _COLD_DAYS:
        text = f"Invalid lifecycle. DeleteAfterDays cannot be less than {_COLD_DAYS} days apart from MoveToColdStorage"
        raise ResourceFailed(f"{text}AfterDays", code="InvalidRequest")


def _make_plan(work: Work) -> str:
    tags = tags_of(work.desired, "BackupPlanTags")
    answer = call(work.api("backup"), "create_backup_plan", BackupPlan=_plan(work), BackupPlanTags=tags)
    return str(answer["BackupPlanId"])


def _change_plan(work: Work, plan: str) -> None:
    call(work.api("backup"), "update_backup_plan", BackupPlanId=plan, BackupPlan=_plan(work))
    arn = work.api("backup").get_backup_plan(BackupPlanId=plan)["BackupPlanArn"]
    _retag(work, {"ResourceArn": arn}, "BackupPlanTags")


def _read_plan(work: Work, plan: str) -> Mapping[str, Any]:
    found = work.api("backup").get_backup_plan(BackupPlanId=plan)
    return {name: found[name] for name in ("BackupPlanId", "BackupPlanArn", "VersionId")}


def _make_selection(work: Work) -> str:
    role = str(work.properties["BackupSelection"]["IamRoleArn"])
    check_trust(work, role, "backup.amazonaws.com", f"IAM Role {role} cannot be assumed by AWS Backup")
    answer = call(work.api("backup"), "create_backup_selection", work.properties)
    return str(answer["SelectionId"])


def _remove_selection(work: Work, selection: str) -> None:
    plan = str(work.properties["BackupPlanId"])
    work.api("backup").delete_backup_selection(BackupPlanId=plan, SelectionId=selection)


BACKUP_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Backup::BackupVault": Resource(
        make=_make_vault,
        change=_change_vault,
        read=_read_vault,
        remove=lambda work, name: work.api("backup").delete_backup_vault(BackupVaultName=name),
    ),
    "AWS::Backup::BackupPlan": Resource(
        make=_make_plan,
        change=_change_plan,
        read=_read_plan,
        remove=lambda work, plan: work.api("backup").delete_backup_plan(BackupPlanId=plan),
    ),
    "AWS::Backup::BackupSelection": Resource(
        make=_make_selection,
        read=lambda _, selection: {"Id": selection, "SelectionId": selection},
        remove=_remove_selection,
    ),
}
