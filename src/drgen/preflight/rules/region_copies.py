"""DR21x: copies of the primary region's data, and whether they would be left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.policies import permissions
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.global_clusters import is_secondary
from drgen.preflight.rules.intent import STATIC
from drgen.preflight.stack import Resource
from drgen.preflight.values import pattern, region_of
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule(
    "DR212",
    "A replication role replicates something",
    source="Amazon S3 User Guide, Setting up permissions for live replication",
    severity=Severity.WARNING,
)
def replication_is_set_up(world: World) -> Found:
    """The role is there, the buckets are there, and no bucket has a rule: nothing is copied. The deployment succeeds,
    and the recovery region's bucket is empty on the day it is needed.

    Fix: add ReplicationConfiguration with this role to the source bucket.
    """
    used = {id(role) for bucket in world.resources("AWS::S3::Bucket")
            for value in bucket.values("ReplicationConfiguration.Role")
            if (role := world.target(value, "AWS::IAM::Role"))}  # fmt: skip
    uniform = {(role.stack.entry.template, role.logical_id) for role in world.resources("AWS::IAM::Role")
               if id(role) in used}  # fmt: skip
    for role in world.resources("AWS::IAM::Role"):
        if (role.stack.entry.template, role.logical_id) in uniform:
            continue
        trusted = {pattern(v) for v in role.values("AssumeRolePolicyDocument.Statement.Principal.Service")}
        if "s3.amazonaws.com" not in trusted:
            continue
        named = [action.lower() for statement in permissions(world, role).statements for action in statement.actions]
        if "s3:replicateobject" in named:
            message = f"{role.logical_id} may replicate objects, and no bucket has a rule with it"
            yield Fault(role.place(), message, "add ReplicationConfiguration to the source bucket")


COPIES = (
    ("AWS::S3::Bucket", "ReplicationConfiguration.Rules.Destination.Bucket", "AWS::S3::Bucket"),
    ("AWS::Backup::BackupPlan", "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn",
     "AWS::Backup::BackupVault"),
)  # fmt: skip
"""Properties that say where a copy goes, and the type of what they name."""

COPY_REGIONS = (
    ("AWS::EFS::FileSystem", "ReplicationConfiguration.Destinations.Region"),
    ("AWS::ECR::ReplicationConfiguration", "ReplicationConfiguration.Rules.Destinations.Region"),
    ("AWS::RDS::DBInstance", "AutomaticBackupReplicationRegion"),
    ("AWS::DynamoDB::GlobalTable", "Replicas.Region"),
    ("AWS::SecretsManager::Secret", "ReplicaRegions.Region"),
)
"""Properties that name the region of a copy."""


TOLD_BY_OTHERS = {"AWS::SecretsManager::Secret", "AWS::RDS::DBInstance"}
"""Types whose services refuse a copy in the own region: DR604 and DR355 say so."""


def copy_regions(world: World, resource: Resource) -> set[str] | None:
    """The regions where copies of `resource` are kept; empty if it has none, None if one of them is not known."""
    found: set[str | None] = set()
    for resource_type, path, kind in COPIES:
        if resource.type == resource_type:
            for value in resource.values(path):
                target = world.target(value, kind)
                found.add(target.region if target else region_of(value))
    for resource_type, path in COPY_REGIONS:
        if resource.type == resource_type:
            found.update(pattern(value) for value in resource.values(path))
    return None if None in found else {region for region in found if region is not None}


@rule("DR213", "A copy of the primary region's data stands outside that region", source=STATIC,
      severity=Severity.WARNING)  # fmt: skip
def copy_is_elsewhere(world: World) -> Found:
    """A copy next to the original is lost together with it. The configuration looks like disaster recovery, and is
    none.

    Fix: send the copy to the recovery region.
    """
    types = {row[0] for row in (*COPIES, *COPY_REGIONS)} - TOLD_BY_OTHERS
    for resource_type in sorted(types):
        for resource in world.resources(resource_type):
            regions = copy_regions(world, resource) if world.recovery and resource.region == world.primary else None
            if regions == {world.primary}:
                message = f"every copy of {resource.logical_id} stands in {world.primary}"
                yield Fault(resource.place(), message, f"send one to {world.recovery[0]}")


PROTECTED: Mapping[str, tuple[str, ...]] = {
    "bucket": ("AWS::S3::Bucket",),
    "database": ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"),
    "table": ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"),
    "secret": ("AWS::SecretsManager::Secret",),
    "file": ("AWS::EFS::FileSystem",),
}
"""What `intent.protect` may name, in the singular, and the types that are meant."""


@rule("DR214", "What the manifest wants protected has a copy in the recovery region", source="drgen: intent.protect",
      severity=Severity.WARNING)  # fmt: skip
def protected_has_copy(world: World) -> Found:
    """The manifest says that this kind of data survives the loss of the primary region. Nothing of the deployment
    copies this one: it is gone with the region.

    Fix: add replication, a replica, or a backup plan that copies to the recovery region.
    """
    wanted = world.deployment.intent.other.get("protect")
    names = [str(name).rstrip("s") for name in wanted] if isinstance(wanted, list) else []
    logs = {id(found) for bucket in world.resources("AWS::S3::Bucket")
            for value in bucket.values("LoggingConfiguration.DestinationBucketName")
            if (found := world.target(value, "AWS::S3::Bucket"))}  # fmt: skip
    if any(_leaves_region(world, plan) for plan in world.resources("AWS::Backup::BackupPlan")):
        return
    for name in names:
        for resource in world.resources(*PROTECTED.get(name, ())):
            original = resource.region == world.primary and not _belongs_to_other(resource)
            if world.recovery and original and id(resource) not in logs and not _is_copied(world, resource):
                message = f"nothing copies {resource.logical_id} to {world.recovery[0]}"
                yield Fault(resource.place(), message, "add replication to the recovery region")


def _leaves_region(world: World, plan: Resource) -> bool:
    regions = copy_regions(world, plan)
    return regions is None or bool(regions - {plan.region})


def _belongs_to_other(resource: Resource) -> bool:
    """True for replicas, and for instances whose data is their cluster's."""
    return any(resource.has(path) for path in ("SourceDBInstanceIdentifier", "DBClusterIdentifier")
               if resource.type == "AWS::RDS::DBInstance")  # fmt: skip


def _is_copied(world: World, resource: Resource) -> bool:
    regions = copy_regions(world, resource)
    if regions is None or regions - {resource.region}:
        return True
    return any(copy.region != resource.region for copy in _replicas_of(world, resource))


def _replicas_of(world: World, resource: Resource) -> Iterator[Resource]:
    if resource.type == "AWS::RDS::DBInstance":
        for replica in world.resources(resource.type):
            if any(world.target(v, resource.type) is resource for v in replica.values("SourceDBInstanceIdentifier")):
                yield replica
    if resource.type == "AWS::RDS::DBCluster":
        for other in world.resources(resource.type):
            if is_secondary(other) or any(
                world.target(v, resource.type) is resource for v in other.values("ReplicationSourceIdentifier")
            ):
                yield other


@rule(
    "DR215",
    "A backup plan of the primary region copies to the recovery region",
    source="AWS Backup Developer Guide, Creating backup copies across AWS Regions",
    severity=Severity.WARNING,
)
def plan_copies(world: World) -> Found:
    """Backups stay in the region where they are made. If that region is gone, they are out of reach, too.

    Fix: add CopyActions with a vault of the recovery region to the plan's rules.
    """
    plans = [plan for plan in world.resources("AWS::Backup::BackupPlan") if plan.region == world.primary]
    if not world.recovery or any(plan.has("BackupPlan.BackupPlanRule.CopyActions") for plan in plans):
        return
    for plan in plans:
        yield Fault(plan.place("BackupPlan"), "no rule of the plan copies to another region", "add CopyActions")
