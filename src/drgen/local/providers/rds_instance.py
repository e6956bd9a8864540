"""AWS::RDS::DBInstance, as AWS's own handler goes about it.

Source: the public handlers of CloudFormation for RDS (aws-rds-dbinstance: CreateHandler, UpdateHandler, DeleteHandler,
ImmutabilityHelper, ResourceModelHelper, Translator); the registry schema of AWS::RDS::DBInstance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed
from drgen.local.providers.rds_live import (
    as_handler_codes,
    await_absence,
    default_group,
    described,
    final_snapshot,
    if_there,
    log_changes,
    pairs,
    physical,
    refuse_unserved,
    retag,
    stabilize,
)
from drgen.local.providers.work import Work, call, tags_of, worded

_NOT_ON_A_REPLICA = (
    "CharacterSetName",
    "DBName",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUsername",
    "StorageEncrypted",
)
_NOT_AT_BIRTH_OF_A_REPLICA = (
    "AllocatedStorage",
    "CACertificateIdentifier",
    "DBParameterGroupName",
    "MaxAllocatedStorage",
)
_AFTER_CREATE = (
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "CACertificateIdentifier",
    "DBParameterGroupName",
    "EngineVersion",
    "MaxAllocatedStorage",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
)
_NOT_EMULATED = (
    "AssociatedRoles",
    "AutomaticBackupReplicationRegion",
    "DBClusterSnapshotIdentifier",
    "DBSnapshotIdentifier",
    "RestoreTime",
    "SourceDBClusterIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "SourceDbiResourceId",
    "UseLatestRestorableTime",
)
# Properties that ModifyDBInstance knows by another name, or that only tell the handler what to do.
_NOT_MODIFIED = frozenset(
    {
        "DBInstanceIdentifier",
        "DBSubnetGroupName",
        "EnableCloudwatchLogsExports",
        "Engine",
        "Port",
        "Tags",
        "VPCSecurityGroups",
    }
)


class DatabaseInstance:
    def create(self, env: Environment, desired: Desired) -> Physical:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            refuse_unserved(work, "a DB instance", _NOT_EMULATED)
            name = work.name("DBInstanceIdentifier", limit=63, lower=True).lower()
            is_replica = bool(work.properties.get("SourceDBInstanceIdentifier"))
            if is_replica:
                _check_replica(work)
            _start(work, name, is_replica=is_replica)
            try:
                stabilize(work, name)
                if is_replica:
                    _finish_replica(work, name)
                return physical(work, name)
            except (ClientError, BotoCoreError, ResourceFailed):
                _abandon(work, name)
                raise

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            refuse_unserved(work, "a DB instance", _NOT_EMULATED)
            _check_mutable(work)
            if desired.previous.get("SourceDBInstanceIdentifier") and not work.properties.get(
                "SourceDBInstanceIdentifier"
            ):
                _promote(work, current.id)
            changes = _changes(work, current.id)
            if changes:
                _modify(work, current.id, changes)
            if described(work, current.id)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot":
                _reboot(work, current.id)
            retag(work, work.arn("rds", f"db:{current.id}"))
            return physical(work, current.id)

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            shown = if_there(lambda: described(work, current.id))
            if shown is None:
                return
            if shown["DBInstanceStatus"] != "deleting":
                _delete(work, current.id, snapshot=_wants_snapshot(desired, shown))
            await_absence(work, current.id)


def _check_replica(work: Work) -> None:
    """The source must answer in its own region: the handler asks it for the engine there.

    Which properties a replica refuses is in the text of the schema's SourceDBInstanceIdentifier; that the refusal
    comes from the handler, and its wording, is inferred.
    """
    for name in _NOT_ON_A_REPLICA:
        if work.properties.get(name) is not None:
            raise ResourceFailed(f"{name} can't be specified with SourceDBInstanceIdentifier", code="InvalidRequest")
    source = str(work.properties["SourceDBInstanceIdentifier"])
    region = source.split(":")[3] if source.startswith("arn:") else work.region
    work.api("rds", region).describe_db_instances(DBInstanceIdentifier=source.rpartition(":")[2])


def _start(work: Work, name: str, *, is_replica: bool) -> None:
    client, properties = work.api("rds"), work.properties
    more: dict[str, Any] = {"DBInstanceIdentifier": name, "Tags": pairs(tags_of(work.desired))}
    if properties.get("VPCSecurityGroups"):
        more["VpcSecurityGroupIds"] = properties["VPCSecurityGroups"]
    if is_replica:
        born_with = {key: value for key, value in properties.items() if key not in _NOT_AT_BIRTH_OF_A_REPLICA}
        # botocore would sign a second request for the source region, which nobody needs outside GovCloud and China.
        born_with.pop("SourceRegion", None)
        call(client, "create_db_instance_read_replica", born_with, more)
    else:
        call(client, "create_db_instance", properties, more)


def _finish_replica(work: Work, name: str) -> None:
    """What the create call cannot carry is modified afterwards; a parameter group takes a reboot, too."""
    wanted = {key: work.properties[key] for key in _AFTER_CREATE if work.properties.get(key)}
    if not wanted:
        return
    _modify(work, name, wanted)
    if "DBParameterGroupName" in wanted:
        _reboot(work, name)


def _check_mutable(work: Work) -> None:
    """Source: ImmutabilityHelper.isChangeMutable."""
    before, after = work.desired.previous, work.properties
    immutable = (
        work.changed("Engine")
        or (before.get("PerformanceInsightsKMSKeyId") and work.changed("PerformanceInsightsKMSKeyId"))
        or (work.changed("AvailabilityZone") and (after.get("AvailabilityZone") or not _is_true(after.get("MultiAZ"))))
        or (after.get("SourceDBInstanceIdentifier") and work.changed("SourceDBInstanceIdentifier"))
    )
    if immutable:
        raise ResourceFailed("Resource is immutable", code="NotUpdatable")


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _promote(work: Work, name: str) -> None:
    """The handler promotes without looking whether the instance still is a replica."""
    wanted = {key: work.properties.get(key) for key in ("BackupRetentionPeriod", "PreferredBackupWindow")}
    call(work.api("rds"), "promote_read_replica", wanted, DBInstanceIdentifier=name)
    stabilize(work, name, promoted=True)


def _changes(work: Work, name: str) -> dict[str, Any]:
    """What the template says now and did not say before, as ModifyDBInstance names it."""
    changed = {key: value for key, value in work.properties.items() if work.changed(key) and key not in _NOT_MODIFIED}
    members = work.api("rds").meta.service_model.operation_model("ModifyDBInstance").input_shape.members
    known = {member.lower() for member in members} - {"applyimmediately", "allowmajorversionupgrade"}
    changes = {key: value for key, value in changed.items() if key.lower() in known}
    if work.changed("Port") and work.properties.get("Port"):
        changes["DBPortNumber"] = work.properties["Port"]
    if work.changed("VPCSecurityGroups"):
        changes["VpcSecurityGroupIds"] = work.properties.get("VPCSecurityGroups") or default_group(
            work, described(work, name)["DBSubnetGroup"]["VpcId"]
        )
    if work.changed("EnableCloudwatchLogsExports"):
        changes["CloudwatchLogsExportConfiguration"] = log_changes(work)
    return changes


def _modify(work: Work, name: str, changes: Mapping[str, Any]) -> None:
    call(
        work.api("rds"),
        "modify_db_instance",
        changes,
        DBInstanceIdentifier=name,
        ApplyImmediately=work.properties.get("ApplyImmediately", True),
        AllowMajorVersionUpgrade=work.properties.get("AllowMajorVersionUpgrade"),
    )
    stabilize(work, name)


def _reboot(work: Work, name: str) -> None:
    work.api("rds").reboot_db_instance(DBInstanceIdentifier=name)
    stabilize(work, name)


def _wants_snapshot(desired: Desired, live: Mapping[str, Any]) -> bool:
    """The live state decides: a replica and a member of a cluster get no final snapshot, a promoted replica does.

    Source: DeleteHandler.decideSnapshotIdentifier.
    """
    stands_alone = not (live.get("ReadReplicaSourceDBInstanceIdentifier") or live.get("DBClusterIdentifier"))
    return desired.deletion_policy == "Snapshot" and stands_alone


def _delete(work: Work, name: str, *, snapshot: bool) -> None:
    call(
        work.api("rds"),
        "delete_db_instance",
        final_snapshot(work, "FinalDBSnapshotIdentifier", wanted=snapshot),
        DBInstanceIdentifier=name,
        DeleteAutomatedBackups=work.properties.get("DeleteAutomatedBackups"),
    )


def _abandon(work: Work, name: str) -> None:
    """Deletes what a failed create left behind. What made it fail is what the stack must show, not what this meets."""
    client = work.api("rds")
    try:
        if _is_true(work.properties.get("DeletionProtection")):
            client.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
        client.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        await_absence(work, name)
    except (ClientError, BotoCoreError, ResourceFailed):
        return
