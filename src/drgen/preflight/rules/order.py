"""DR12x: dependencies that no parameter shows."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.region_tables import ELSEWHERE
from drgen.preflight.requirements import describe, misplaced
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource, Stack
from drgen.preflight.values import arn
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]

NEEDED = {
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket"): "AWS::S3::Bucket",
    ("AWS::IAM::Role", "AssumeRolePolicyDocument.Statement.Principal.AWS"): "AWS::IAM::Role",
    ("AWS::KMS::Key", "KeyPolicy.Statement.Principal.AWS"): "AWS::IAM::Role",
    ("AWS::S3::BucketPolicy", "PolicyDocument.Statement.Principal.AWS"): "AWS::IAM::Role",
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): "AWS::RDS::DBInstance",
    ("AWS::RDS::DBInstance", "DBSubnetGroupName"): "AWS::RDS::DBSubnetGroup",
    ("AWS::RDS::DBInstance", "DBParameterGroupName"): "AWS::RDS::DBParameterGroup",
    ("AWS::Events::Rule", "Targets.Arn"): "AWS::Events::EventBus",
    ("AWS::Route53::HealthCheck", "HealthCheckConfig.AlarmIdentifier.Name"): "AWS::CloudWatch::Alarm",
    ("AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn"):
        "AWS::Backup::BackupVault",
}  # fmt: skip
"""Properties whose value must exist when the resource is made, and what it is.

Source: registry schemas of the types; Amazon S3 User Guide, "Requirements and considerations for replication"; IAM and
KMS refuse policies whose principals do not exist.
"""


@rule(
    "DR120",
    "What a resource names exists before it",
    source="Amazon S3, IAM, KMS and RDS user guides: names are checked at creation",
)
def named_exists_first(world: World) -> Found:
    """The name is written as text, so no parameter shows the dependency, and the order of the stacks is wrong: the
    service finds nothing under that name ("Destination bucket must exist").

    Fix: deploy the other stack first; where both need each other, add the property in a later update of one of them.
    """
    for stack in world.steps:
        for resource in stack.resources.values():
            for (resource_type, path), kind in NEEDED.items():
                if resource.type == resource_type:
                    for value in resource.values(path):
                        yield from _later(world, stack, resource, path, value, kind)


def _later(world: World, stack: Stack, resource: Resource, path: str, value: Resolved, kind: str) -> Found:
    here = world.deployment.stacks.index(stack.entry)
    targets = world.targets(value, kind)
    made = [step for target in targets if (step := made_at(world, target)) is not None]
    # A late value is empty until the stack that makes it exists: its second pass comes behind that stack.
    if targets and isinstance(value, Attribute) and targets[0].stack.key in stack.entry.upstream(late=True):
        return
    if made and min(made) > here:
        target = targets[0]
        message = f"it names {target.logical_id} of stack {target.stack.key}, which is deployed after {stack.key}"
        yield Fault(resource.place(path), message, f"deploy {target.stack.key} before {stack.key}")


def made_at(world: World, resource: Resource) -> int | None:
    """The step of the manifest that first makes `resource`."""
    steps = [
        world.deployment.stacks.index(step.entry) for step in world.steps
        if step.key == resource.stack.key and resource.logical_id in step.resources
    ]  # fmt: skip
    return min(steps, default=None)


@rule(
    "DR121",
    "A copy goes to a vault that exists",
    source="AWS Backup Developer Guide, Creating backup copies across AWS Regions",
    severity=Severity.WARNING,
)
def vault_exists(world: World) -> Found:
    """The plan is accepted whatever the vault's ARN says; every copy job fails, and the recovery region has no backup.

    Fix: pass the ARN of the vault as a parameter from the stack that makes it.
    """
    vaults = list(world.resources("AWS::Backup::BackupVault"))
    for plan in world.resources("AWS::Backup::BackupPlan"):
        path = "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn"
        for value in plan.values(path):
            whole = arn(value)
            if whole is None or "*" in whole.name or world.targets(value, "AWS::Backup::BackupVault"):
                continue
            if any(vault.region == whole.region for vault in vaults):
                message = f"no stack of {whole.region} makes vault {whole.name}"
                yield Fault(plan.place("BackupPlan"), message, "name the vault that is made there")
            else:
                yield NotDecided(plan.place("BackupPlan"), f"no stack makes a vault in {whole.region}")


@rule(
    "DR122",
    "A property that names its region gets a value of that region",
    source="Registry schemas: Secret.ReplicaRegions, GlobalTable.Replicas, Bucket.ReplicationConfiguration, HostedZone",
)
def value_is_of_named_region(world: World) -> Found:
    """The template says which region the value is for, and the value is of another: a replica's key, for example,
    must be a key of the replica's region. S3 accepts the wrong key and then replicates nothing.

    Fix: pass the value made in the region that the property names.
    """
    for case in misplaced(world, ELSEWHERE):
        message = f"{case.path} must be of {case.wanted} ({case.said_by}), but is {case.what} of {case.found}"
        yield Fault(case.resource.place(case.path), message, f"use one that is made in {case.wanted}")


@rule(
    "DR123",
    "An alias exists in the region that uses it",
    source="AWS KMS Developer Guide, Multi-Region keys (aliases are not shared)",
)
def alias_is_known(world: World) -> Found:
    """Aliases are made per region, also for replicas of one key; a name that no stack makes is only right if
    somebody made it by hand.

    Fix: make the AWS::KMS::Alias in a stack of this region.
    """
    for resource in world.all_resources():
        for name in ("KmsKeyId", "KmsMasterKeyId", "KMSMasterKeyID", "KMSMasterKeyId"):
            for value in resource.values(name):
                if not isinstance(value, str) or not value.startswith("alias/") or value.startswith("alias/aws/"):
                    continue
                here = [a for a in world.named("AWS::KMS::Alias", value) if a.region == resource.region]
                made = [step for alias in here if (step := made_at(world, alias)) is not None]
                if not here:
                    yield NotDecided(resource.place(name), f"{describe(value)} is made by no stack of this region")
                elif min(made, default=0) > resource.stack.position:
                    yield Fault(
                        resource.place(name), f"{value} is made by a later stack", "change the order of the stacks"
                    )
