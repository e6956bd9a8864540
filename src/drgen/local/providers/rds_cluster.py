"""AWS::RDS::DBCluster of Aurora, as AWS's own handler goes about it.

Source: the public handlers of CloudFormation for RDS (aws-rds-dbcluster: CreateHandler, UpdateHandler, DeleteHandler,
ImmutabilityHelper, Translator); the registry schema of AWS::RDS::DBCluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed
from drgen.local.providers.rds_live import (
    as_handler_codes,
    default_group,
    final_snapshot,
    if_there,
    log_changes,
    pairs,
    refuse_unserved,
    retag,
    stays_away,
    wait_for,
)
from drgen.local.providers.work import Work, call, is_missing, tags_of, worded

_NOT_EMULATED = (
    "AssociatedRoles",
    "ReplicationSourceIdentifier",
    "RestoreToTime",
    "RestoreType",
    "ScalingConfiguration",
    "SnapshotIdentifier",
    "SourceDBClusterIdentifier",
    "SourceDbClusterResourceId",
    "UseLatestRestorableTime",
)
# Sent only where the template changed them; ModifyDBCluster gets everything else at every update.
_IF_CHANGED = frozenset(
    {
        "EnableIAMDatabaseAuthentication",
        "EngineVersion",
        "MasterUserPassword",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "VpcSecurityGroupIds",
    }
)
_SENT_OTHERWISE = frozenset({"DBClusterIdentifier", "EngineMode"})


class DatabaseCluster:
    def create(self, env: Environment, desired: Desired) -> Physical:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            refuse_unserved(work, "a DB cluster", _NOT_EMULATED)
            name = work.name("DBClusterIdentifier", limit=63, lower=True).lower()
            # botocore would sign a second request for the source region, which nobody needs outside GovCloud and China.
            given = {key: value for key, value in work.properties.items() if key != "SourceRegion"}
            call(work.api("rds"), "create_db_cluster", _as_sent(given), _named(name), Tags=pairs(tags_of(desired)))
            try:
                _stabilize(work, name)
                return _physical(work, name)
            except (ClientError, BotoCoreError, ResourceFailed):
                _abandon(work, name)
                raise

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            refuse_unserved(work, "a DB cluster", _NOT_EMULATED)
            _check_mutable(work)
            before = desired.previous.get("GlobalClusterIdentifier")
            if before and not work.properties.get("GlobalClusterIdentifier"):
                _leave(work, current.id, str(before))
            _modify(work, current.id)
            retag(work, work.arn("rds", f"cluster:{current.id}"))
            return _physical(work, current.id)

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        work = Work(env, desired)
        with as_handler_codes(), worded(work):
            shown = if_there(lambda: _described(work, current.id))
            if shown is None:
                return
            if shown["Status"] != "deleting":
                _delete(work, current.id, shown)
            stays_away(work, "DBCluster", current.id, lambda: _described(work, current.id))


def _named(name: str) -> dict[str, Any]:
    return {"DBClusterIdentifier": name}


def _as_sent(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties under the API's names, where those differ by more than case."""
    renamed = {"PerformanceInsightsEnabled": "EnablePerformanceInsights"}
    secret = properties.get("MasterUserSecret") or {}
    sent = {renamed.get(key, key): value for key, value in properties.items() if key != "MasterUserSecret"}
    return sent | ({"MasterUserSecretKmsKeyId": secret["KmsKeyId"]} if secret.get("KmsKeyId") else {})


def _described(work: Work, name: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = work.api("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return found[0]


def _stabilize(work: Work, name: str) -> None:
    wait_for(work, "DBCluster", name, lambda: str(_described(work, name)["Status"]))


def _physical(work: Work, name: str) -> Physical:
    live = _described(work, name)
    attributes: dict[str, Any] = {
        "DBClusterArn": live["DBClusterArn"],
        "DBClusterResourceId": live["DbClusterResourceId"],
        "Endpoint.Address": live["Endpoint"],
        "Endpoint.Port": str(live["Port"]),
        "ReadEndpoint.Address": live["ReaderEndpoint"],
        "StorageEncryptionType": live["StorageEncryptionType"],
    }
    if "MasterUserSecret" in live:
        attributes["MasterUserSecret.SecretArn"] = live["MasterUserSecret"]["SecretArn"]
    return Physical(name, attributes)


def _check_mutable(work: Work) -> None:
    """Source: ImmutabilityHelper.isChangeMutable. The schema adds the master user and the zones."""
    joins = work.properties.get("GlobalClusterIdentifier") and work.changed("GlobalClusterIdentifier")
    if joins or any(work.changed(name) for name in ("AvailabilityZones", "Engine", "MasterUsername")):
        raise ResourceFailed("Resource is immutable", code="NotUpdatable")


def _leave(work: Work, name: str, group: str) -> None:
    """Takes the cluster out of its global cluster, which makes it one of its own, and waits for that."""
    client, arn = work.api("rds"), work.arn("rds", f"cluster:{name}")
    if not _is_member(work, group, arn):
        return
    client.remove_from_global_cluster(GlobalClusterIdentifier=group, DbClusterIdentifier=arn)
    if not work.env.wait(lambda: not _is_member(work, group, arn), every=30.0, limit=36 * 3600.0):
        raise ResourceFailed(f"DBCluster {name} failed to stabilize.", code="NotStabilized")
    _stabilize(work, name)


def _is_member(work: Work, group: str, arn: str) -> bool:
    try:
        found = work.api("rds").describe_global_clusters(GlobalClusterIdentifier=group)["GlobalClusters"]
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return any(member["DBClusterArn"] == arn for member in found[0]["GlobalClusterMembers"])


def _modify(work: Work, name: str) -> None:
    """Source: Translator.modifyDbClusterRequest."""
    sent = {
        key: value
        for key, value in work.properties.items()
        if key not in _SENT_OTHERWISE and (key not in _IF_CHANGED or work.changed(key))
    }
    if work.changed("VpcSecurityGroupIds") and not sent.get("VpcSecurityGroupIds"):
        group = work.api("rds").describe_db_subnet_groups(DBSubnetGroupName=_described(work, name)["DBSubnetGroup"])
        sent["VpcSecurityGroupIds"] = default_group(work, group["DBSubnetGroups"][0]["VpcId"])
    more: dict[str, Any] = {"ApplyImmediately": True, **_named(name)}
    if work.changed("EngineVersion"):
        more["AllowMajorVersionUpgrade"] = True
    if work.changed("EnableCloudwatchLogsExports"):
        more["CloudwatchLogsExportConfiguration"] = log_changes(work)
    call(work.api("rds"), "modify_db_cluster", _as_sent(sent), more)
    _stabilize(work, name)


def _delete(work: Work, name: str, live: Mapping[str, Any]) -> None:
    """Protection first, then out of the global cluster, then the cluster. Source: DeleteHandler."""
    if live["DeletionProtection"]:
        raise ResourceFailed(
            f"Cannot delete protected Cluster {name}, please disable deletion protection and try again",
            code="NotUpdatable",
        )
    if work.properties.get("GlobalClusterIdentifier"):
        _leave(work, name, str(work.properties["GlobalClusterIdentifier"]))
    call(
        work.api("rds"),
        "delete_db_cluster",
        final_snapshot(work, "FinalDBSnapshotIdentifier", wanted=work.desired.deletion_policy == "Snapshot"),
        _named(name),
        DeleteAutomatedBackups=work.properties.get("DeleteAutomatedBackups"),
    )


def _abandon(work: Work, name: str) -> None:
    """Deletes what a failed create left behind. What made it fail is what the stack must show, not what this meets."""
    client = work.api("rds")
    try:
        client.modify_db_cluster(DBClusterIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
        if work.properties.get("GlobalClusterIdentifier"):
            _leave(work, name, str(work.properties["GlobalClusterIdentifier"]))
        client.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
        stays_away(work, "DBCluster", name, lambda: _described(work, name))
    except (ClientError, BotoCoreError, ResourceFailed):
        return
