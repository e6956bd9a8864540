"""AWS Backup: vaults, the daily plan with its copies, and tests that restore a copy.

Source: AWS Backup Developer Guide; registry schemas AWS::Backup::*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import Deny, Principal, Statement
from troposphere import GetAtt, Ref, Sub, backup, ec2, events, rds

from drgen.builders.alarms import alarm
from drgen.builders.network import NO_EGRESS, Network
from drgen.builders.policy import actions, document, role
from drgen.builders.scanners import TARGET_DEAD_LETTERS, accepted, preflight
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

SERVICE = "backup.amazonaws.com"

EVERY_DAY = "cron(0 6 * * ? *)"
"""After RDS's own backup and maintenance windows (builders/database.py), in which it takes no snapshots for others."""

START_WITHIN_MIN = 120
COMPLETE_WITHIN_MIN = 720

MISSING_AFTER_H = 30
"""A day, the window in which a backup may start, and some time for it to finish."""

ARNS = {
    "Aurora": "rds:${AWS::Region}:${AWS::AccountId}:cluster:*",
    "DynamoDB": "dynamodb:${AWS::Region}:${AWS::AccountId}:table/*",
    "RDS": "rds:${AWS::Region}:${AWS::AccountId}:db:*",
}
"""What is backed up, by AWS Backup's resource type. Copies of tables need its advanced features for DynamoDB, a setting
of the account. Source: AWS Backup Developer Guide, "Advanced DynamoDB backup"."""

TEST_SCHEDULES = {"weekly": "cron(0 9 ? * SUN *)", "monthly": "cron(0 9 1 * ? *)"}
TEST_WITHIN_DAYS = 7


@dataclass(frozen=True)
class Lock:
    """The shortest and longest life of what the vault holds; with `grace_days` nobody can take the lock away later."""

    min_days: int
    max_days: int | None
    grace_days: int | None


@dataclass(frozen=True)
class Vault:
    name: str
    arn: Value


def vault(stack: StackDraft, names: Names, *, key: Value, lock: Lock | None) -> Vault:
    """A vault under `key`. Under protection nobody can delete what it holds, nor let it end earlier.

    A backup that reaches its age is deleted all the same. CloudFormation cannot delete a vault that holds backups.
    """
    resource = backup.BackupVault(
        "BackupVault",
        BackupVaultName=names.regional("backup"),
        EncryptionKeyArn=stack.use(key),
    )
    if stack.protection:
        resource.properties["AccessPolicy"] = document(_nobody_deletes())
    if lock is not None:
        resource.LockConfiguration = _lock(lock)
    stack.add(resource, why=_LOCKED if lock is not None and lock.grace_days is not None else "")
    stack.protect(resource)
    arn = stack.value("BackupVaultArn", GetAtt(resource, "BackupVaultArn"), ARN, "Vault of backups")
    return Vault(names.regional("backup"), arn)


_LOCKED = "A compliance lock: once ChangeableForDays are over, nobody can take it away, and nobody can delete a backup."


def _lock(lock: Lock) -> Any:
    made = backup.LockConfigurationType(MinRetentionDays=lock.min_days)
    if lock.max_days is not None:
        made.MaxRetentionDays = lock.max_days
    if lock.grace_days is not None:
        made.ChangeableForDays = lock.grace_days
    return made


def _nobody_deletes() -> Statement:
    """Source: AWS Backup Developer Guide, "Vault access policies", denying access to delete recovery points."""
    return Statement(
        Sid="NobodyDeletesBackups",
        Effect=Deny,
        Principal=Principal("*"),
        Action=actions("backup", "DeleteRecoveryPoint", "UpdateRecoveryPointLifecycle"),
        Resource=["*"],
    )


def plan(
    stack: StackDraft,
    names: Names,
    source: Vault,
    *,
    kinds: Sequence[str],
    copies: Sequence[Vault],
    keep_days: int,
    topic: Value,
) -> None:
    """Daily backups into `source` of everything of `kinds` that carries the workload's tag, and copies into `copies`.

    The other vaults are made later, so copies begin with the second pass of the deployment.
    """
    daily = backup.BackupRuleResourceType(
        RuleName="daily",
        TargetBackupVault=Ref("BackupVault"),
        ScheduleExpression=EVERY_DAY,
        StartWindowMinutes=START_WITHIN_MIN,
        CompletionWindowMinutes=COMPLETE_WITHIN_MIN,
        Lifecycle=backup.LifecycleResourceType(DeleteAfterDays=keep_days),
    )
    if copies:
        daily.CopyActions = [_copy(stack, copy, keep_days) for copy in copies]
    made = backup.BackupPlan(
        "BackupPlan",
        BackupPlan=backup.BackupPlanResourceType(BackupPlanName=names.regional("backup"), BackupPlanRule=[daily]),
    )
    if not copies:
        made.Metadata = preflight(DR215="The workload file asks for no copies: backup.copy_to_recovery.")
    stack.add(
        made,
        why="Snapshots only: with continuous backups AWS Backup would take over the backup settings of the database, "
        "which its own template sets.",
    )
    taker = _role(stack, "BackupRole", name=names.everywhere("backup", stack.region), policy="ForBackup")
    _selection(stack, names, made, taker, kinds)
    failed = {"detail-type": ["Backup Job State Change", "Copy Job State Change"]}
    _told(stack, names, taker, topic, pattern=failed, member="state", about="A backup or a copy that failed")
    _missed(stack, names, source, topic)


def _copy(stack: StackDraft, copy: Vault, keep_days: int) -> Any:
    late = stack.use_late(copy.arn)
    kept = backup.LifecycleResourceType(DeleteAfterDays=keep_days)
    return stack.when_known(late, backup.CopyActionResourceType(DestinationBackupVaultArn=late.ref, Lifecycle=kept))


def _role(stack: StackDraft, title: str, *, name: str, policy: str) -> Any:
    """Source: AWS Managed Policy Reference, AWSBackupServiceRolePolicyForBackup and -ForRestores."""
    return role(
        stack,
        title,
        name=name,
        service=SERVICE,
        managed=[f"service-role/AWSBackupServiceRolePolicy{policy}"],
        why="AWS's own policy: it follows what AWS Backup calls, and its copies under new keys need grants.",
    )


def _selection(stack: StackDraft, names: Names, of_plan: Any, taker: Any, kinds: Sequence[str]) -> None:
    """Data stores with the tag that the deployer puts on every stack. Both must hold, the kind and the tag.

    The tag alone would take whatever AWS Backup learns to back up, the stacks themselves among it.
    Source: AWS Backup API, BackupSelection: Conditions narrow Resources down, ListOfTags adds to them.
    """
    tagged = backup.ConditionParameter(ConditionKey="aws:ResourceTag/drgen", ConditionValue=names.prefix)
    stack.add(
        backup.BackupSelection(
            "BackupSelection",
            BackupPlanId=Ref(of_plan),
            BackupSelection=backup.BackupSelectionResourceType(
                SelectionName="by-tag",
                IamRoleArn=GetAtt(taker, "Arn"),
                Resources=[Sub(f"arn:${{AWS::Partition}}:{ARNS[kind]}") for kind in kinds],
                Conditions=backup.Conditions(StringEquals=[tagged]),
            ),
        )
    )


def _told(stack: StackDraft, names: Names, taker: Any, topic: Value, *, pattern: Any, member: str, about: str) -> None:
    """Jobs of `taker` that ended badly go to the topic. Restore jobs say `status` where the others say `state`.

    Source: AWS Backup Developer Guide, "Monitoring AWS Backup events using Amazon EventBridge".
    """
    detail = {member: ["ABORTED", "EXPIRED", "FAILED"], "iamRoleArn": [GetAtt(taker, "Arn")]}
    stack.add(
        events.Rule(
            "BackupEvents",
            Name=names.regional("backup-events"),
            Description=about,
            EventPattern={"source": ["aws.backup"], **pattern, "detail": detail},
            State="ENABLED",
            Targets=[events.Target(Id="alerts", Arn=stack.use(topic))],
            Metadata=accepted(
                {TARGET_DEAD_LETTERS: "EventBridge tries for a day, and AWS Backup keeps its list of jobs."}
            ),
        )
    )


def _missed(stack: StackDraft, names: Names, source: Vault, topic: Value) -> None:
    """Source: AWS Backup Developer Guide, "AWS Backup metrics with Amazon CloudWatch"."""
    alarm(
        stack,
        "BackupMissingAlarm",
        name=names.everywhere("backup-missing", stack.region),
        description=f"No backup was completed for {MISSING_AFTER_H} hours. Also before the first one",
        namespace="AWS/Backup",
        metric="NumberOfBackupJobsCompleted",
        dimensions={"BackupVaultName": source.name},
        statistic="Sum",
        comparison="LessThanThreshold",
        threshold=1,
        period_s=3600,
        periods=MISSING_AFTER_H,
        missing="breaching",
        topic=topic,
        why="A plan that selects nothing, or never starts, sends no event: only silence tells.",
    )


def restore_test(
    stack: StackDraft,
    names: Names,
    copies: Vault,
    network: Network,
    *,
    kinds: Sequence[str],
    how_often: str,
    topic: Value,
) -> None:
    """The latest copy of each data store is restored on a schedule, where nothing can reach it, and deleted again."""
    selection = backup.RestoreTestingRecoveryPointSelection(
        Algorithm="LATEST_WITHIN_WINDOW",
        IncludeVaults=[stack.use(copies.arn)],
        RecoveryPointTypes=["SNAPSHOT"],
        SelectionWindowDays=TEST_WITHIN_DAYS,
    )
    made = backup.RestoreTestingPlan(
        "RestoreTestingPlan",
        RestoreTestingPlanName=_underscored(copies.name),
        ScheduleExpression=TEST_SCHEDULES[how_often],
        StartWindowHours=1,
        RecoveryPointSelection=selection,
    )
    stack.add(made, why="Names here take no hyphens.")
    restorer = _role(stack, "RestoreRole", name=names.everywhere("restore", stack.region), policy="ForRestores")
    for kind in kinds:
        _tested(stack, names, made, restorer, network, kind=kind)
    pattern = {"detail-type": ["Restore Job State Change"]}
    _told(stack, names, restorer, topic, pattern=pattern, member="status", about="A restore that failed")


def _tested(stack: StackDraft, names: Names, of_plan: Any, restorer: Any, network: Network, *, kind: str) -> None:
    why = "Everything of this kind that has a copy in the vault."
    selection = backup.RestoreTestingSelection(
        f"RestoreTesting{kind}",
        RestoreTestingPlanName=Ref(of_plan),
        RestoreTestingSelectionName=_underscored(names.regional(kind.lower())),
        ProtectedResourceType=kind,
        ProtectedResourceArns=["*"],
        IamRoleArn=GetAtt(restorer, "Arn"),
    )
    if kind in ("Aurora", "RDS"):
        selection.RestoreMetadataOverrides = _out_of_reach(stack, names, network)
        why += " Without these settings a database would appear in the default VPC."
    stack.add(selection, why=why)


def _out_of_reach(stack: StackDraft, names: Names, network: Network) -> dict[str, Any]:
    """Source: AWS Backup Developer Guide, "Restore testing inferred metadata"; the groups are a JSON list in a text."""
    subnets = rds.DBSubnetGroup(
        "RestoreTestSubnets",
        DBSubnetGroupName=names.regional("restore-test"),
        DBSubnetGroupDescription=f"Where copies of {names.prefix} are restored to test them",
        SubnetIds=stack.use(network.subnet_ids),
    )
    group = ec2.SecurityGroup(
        "RestoreTestSecurityGroup",
        GroupName=names.regional("restore-test"),
        GroupDescription="Lets nobody in: around what is restored to test it",
        VpcId=stack.use(network.vpc_id),
        SecurityGroupEgress=[NO_EGRESS],
    )
    stack.add(subnets)
    stack.add(group)
    return {
        "dbSubnetGroupName": Ref(subnets),
        "vpcSecurityGroupIds": Sub('["${RestoreTestSecurityGroup.GroupId}"]'),
    }


def _underscored(name: str) -> str:
    """Source: AWS Backup API, RestoreTestingPlanName: letters, digits and underscores only."""
    return name.replace("-", "_")
