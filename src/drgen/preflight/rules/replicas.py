"""DR30x: RDS instances, their cross-region replicas, and what promotion will need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, is_true, leaves, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
INSTANCE = "AWS::RDS::DBInstance"
REPLICA_GUIDE = "Amazon RDS User Guide, Creating a read replica in a different AWS Region"
SCHEMA = "Registry schema AWS::RDS::DBInstance"

REFUSED = (
    "MasterUsername", "MasterUserPassword", "ManageMasterUserPassword", "StorageEncrypted", "CharacterSetName",
    "DBName", "DBSnapshotIdentifier",
)  # fmt: skip
"""Source: registry schema AWS::RDS::DBInstance, dependentExcluded and text of SourceDBInstanceIdentifier."""


def replicas(world: World) -> Iterator[tuple[Resource, Resource | None]]:
    """Every read replica of the world with its source; None where the source is of no stack here."""
    for resource in world.resources(INSTANCE):
        for source in resource.values("SourceDBInstanceIdentifier"):
            yield resource, world.target(source, INSTANCE)


def source_region(replica: Resource, source: Resource | None) -> str | None:
    """The region of a replica's source, from the source itself, its ARN, or SourceRegion."""
    if source is not None:
        return source.region
    for value in replica.values("SourceDBInstanceIdentifier"):
        found = arn(value)
        if found is not None and "*" not in found.region:
            return found.region
    return replica.text("SourceRegion")


def major_version(resource: Resource) -> tuple[int, ...] | None:
    """The engine version as numbers: (14, 1) of "14.1"; None if it is not known."""
    text = resource.text("EngineVersion") or ""
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else None


@rule("DR301", "A recovery replica stands outside the region of its source", source=REPLICA_GUIDE)
def replica_is_elsewhere(world: World) -> Found:
    """A replica next to its source is lost together with it. The deployment succeeds, and nobody notices before the day
    of the disaster.

    Fix: move the replica to a stack of the recovery region; it takes the source's ARN and SourceRegion.
    """
    found = list(replicas(world))
    for replica, source in found:
        region = source_region(replica, source)
        if region is None or region != replica.region or region != world.primary or not world.recovery:
            continue
        protected = source is not None and (
            source.has("AutomaticBackupReplicationRegion")
            or any(other is source and one.region in world.recovery for one, other in found)
        )
        if not protected:
            message = f"the replica stands in {region} like its source, and no replica stands in a recovery region"
            yield Fault(replica.place("SourceDBInstanceIdentifier"), message, f"make it in {world.recovery[0]}")


@rule("DR302", "The source of a replica keeps automated backups", source=f"{SCHEMA}, SourceDBInstanceIdentifier")
def source_has_backups(world: World) -> Found:
    """RDS makes a replica from a snapshot and refuses a source whose automated backups are off: creation of the replica
    fails after the primary region was deployed.

    Fix: set BackupRetentionPeriod of the source to 1 or more.
    """
    for replica, source in replicas(world):
        if source is not None and number(source.value("BackupRetentionPeriod")) == 0:
            place = source.place("BackupRetentionPeriod")
            message = f"automated backups are off, but {replica} replicates it"
            yield Fault(place, message, "set BackupRetentionPeriod to at least 1")


@rule(
    "DR303", "A cross-region replica of an encrypted source has a key of its own region", source=f"{SCHEMA}, KmsKeyId"
)
def encrypted_replica_has_key(world: World) -> Found:
    """The source's key does not exist in the other region, and RDS does not choose one: creation of the replica fails.

    Fix: make a key in the replica's region and set it as KmsKeyId.
    """
    for replica, source in replicas(world):
        if source is None or source.region == replica.region:
            continue
        if is_true(source.value("StorageEncrypted")) and not replica.has("KmsKeyId"):
            message = f"the source {source} is encrypted, and KmsKeyId is missing"
            yield Fault(replica.place(), message, f"set KmsKeyId to a key of {replica.region}")


@rule("DR304", "A replica sets nothing that it inherits from its source", source=SCHEMA, alone=True)
def replica_sets_no_inherited(world: World) -> Found:
    """CreateDBInstanceReadReplica has no such parameter; CloudFormation refuses the resource.

    Fix: remove the property, or put it under the condition that the instance stands alone.
    """
    for replica, _ in replicas(world):
        if not replica.certain or isinstance(replica.value("SourceDBInstanceIdentifier"), type(None)):
            continue
        for name in REFUSED:
            if name in replica.properties and _always(replica, name) and _always(replica, "SourceDBInstanceIdentifier"):
                yield Fault(replica.place(name), f"a replica cannot set {name}", f"remove {name}")


def _always(resource: Resource, name: str) -> bool:
    """True if the property does not hang on a condition that nobody can decide offline."""
    return len(list(leaves(resource.properties[name]))) == 1 and type(resource.properties[name]).__name__ != "Either"


@rule(
    "DR305",
    "The source of a replica manages its master password in a secret of its own",
    source="Amazon RDS User Guide, Password management with Amazon RDS and AWS Secrets Manager, limitations",
)
def source_password_not_managed(world: World) -> Found:
    """RDS makes no read replica of an instance whose master password it manages itself (all engines but SQL Server).

    Fix: make an AWS::SecretsManager::Secret, replicate it, and use it by dynamic reference.
    """
    for replica, source in replicas(world):
        if source is None or not is_true(source.value("ManageMasterUserPassword")):
            continue
        if not (source.text("Engine") or "").startswith("sqlserver"):
            message = f"RDS manages the password, so {replica} cannot be made"
            yield Fault(source.place("ManageMasterUserPassword"), message, "use a secret of your own")


@rule(
    "DR306",
    "A replica keeps backups only where its engine can",
    source="Amazon RDS User Guide, Working with read replicas for Amazon RDS for PostgreSQL (backups from 14.1)",
)
def replica_backups_supported(world: World) -> Found:
    """RDS for PostgreSQL makes backups of a replica from version 14.1 on; before, the modification after the creation
    fails and the stack with it.

    Fix: remove BackupRetentionPeriod from the replica, or upgrade the source.
    """
    for replica, source in replicas(world):
        engine = source if source is not None else replica
        version = major_version(engine)
        retention = number(replica.value("BackupRetentionPeriod"))
        if not retention or (engine.text("Engine") or "") != "postgres":
            continue
        if (version is not None and len(version) > 1 and version < (14, 1)) or (
            version is not None and version[0] < 14
        ):
            message = f"the source runs PostgreSQL {engine.text('EngineVersion')}, whose replicas have no backups"
            yield Fault(replica.place("BackupRetentionPeriod"), message, "remove BackupRetentionPeriod")


@rule(
    "DR307",
    "A parameter group is of the engine's family",
    source="Amazon RDS User Guide, Working with parameter groups (DBParameterGroupFamily)",
)
def parameter_group_family(world: World) -> Found:
    """RDS refuses a group of another major version; after an upgrade of one template only, creation fails.

    Fix: set Family to the engine and its major version, for example postgres16.
    """
    for instance in world.resources(INSTANCE):
        group = next(
            (found for value in instance.values("DBParameterGroupName")
             if (found := world.target(value, "AWS::RDS::DBParameterGroup"))), None,
        )  # fmt: skip
        owner = next((source for replica, source in replicas(world) if replica is instance and source), instance)
        version, family = major_version(owner), group.text("Family") if group else None
        if family and version and owner.text("Engine") == "postgres" and family != f"postgres{version[0]}":
            if version[0] < 10:
                continue
            message = f"the group's family is {family}, the engine is postgres {owner.text('EngineVersion')}"
            yield Fault(instance.place("DBParameterGroupName"), message, f"use a group of family postgres{version[0]}")


@rule(
    "DR308",
    "A replica names the security groups it runs with",
    source=f"{SCHEMA}, SourceDBInstanceIdentifier",
    severity=Severity.INFO,
)
def replica_names_security_groups(world: World) -> Found:
    """Without VPCSecurityGroups a later update of the stack puts the replica back into the default group of its VPC.

    Fix: set VPCSecurityGroups to a group of the replica's VPC.
    """
    for replica, _ in replicas(world):
        if not replica.has("VPCSecurityGroups"):
            yield Fault(replica.place(), "VPCSecurityGroups is not set", "set VPCSecurityGroups")


@rule(
    "DR309",
    "A replica does not set both Engine and KmsKeyId",
    source="cfn-lint rule E3720 and schema dependentExcluded",
    severity=Severity.INFO,
    alone=True,
)
def replica_has_no_engine(world: World) -> Found:
    """With both set, linters demand StorageEncrypted, which a replica cannot have; RDS reads the engine from the
    source.

    Fix: remove Engine from the replica.
    """
    for replica, _ in replicas(world):
        if replica.has("Engine") and replica.has("KmsKeyId"):
            yield Fault(replica.place("Engine"), "Engine is inherited from the source", "remove Engine")


DATA_STORES = (INSTANCE, "AWS::RDS::DBCluster", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket",
               "AWS::KMS::Key", "AWS::EFS::FileSystem", "AWS::SecretsManager::Secret")  # fmt: skip


@rule(
    "DR310",
    "A data store that survives deletion survives replacement, too",
    source="CloudFormation reference, UpdateReplacePolicy attribute",
    severity=Severity.WARNING,
    alone=True,
)
def replacement_policy(world: World) -> Found:
    """DeletionPolicy does not count when an update replaces the resource: the old one is deleted with its data.

    Fix: set UpdateReplacePolicy to the same value as DeletionPolicy.
    """
    for resource in world.resources(*DATA_STORES):
        kept = resource.body.get("DeletionPolicy")
        replaced = resource.body.get("UpdateReplacePolicy")
        if kept in ("Retain", "RetainExceptOnCreate", "Snapshot") and replaced in (None, "Delete"):
            message = f"DeletionPolicy is {kept}, but UpdateReplacePolicy is {replaced or 'not set (Delete)'}"
            yield Fault(resource.place(), message, "set UpdateReplacePolicy: Retain or Snapshot")


@rule("DR311", "Backup and maintenance windows do not overlap", source=f"{SCHEMA}, PreferredBackupWindow", alone=True)
def windows_do_not_overlap(world: World) -> Found:
    """RDS refuses an instance whose daily backup falls into its weekly maintenance.

    Fix: move one of the two; both are in UTC and at least 30 minutes long.
    """
    for resource in world.resources(INSTANCE, "AWS::RDS::DBCluster"):
        daily = _minutes(resource.text("PreferredBackupWindow"))
        weekly = _minutes(resource.text("PreferredMaintenanceWindow"))
        if daily and weekly and daily & weekly:
            message = "the backup window overlaps the maintenance window"
            yield Fault(resource.place("PreferredMaintenanceWindow"), message, "choose windows that do not touch")


def _minutes(window: str | None) -> set[int]:
    """The minutes of a day that a window covers; windows may cross midnight."""
    times = re.findall(r"(\d\d):(\d\d)", window or "")
    if len(times) != 2:
        return set()
    start, end = (int(hour) * 60 + int(minute) for hour, minute in times)
    return {minute % 1440 for minute in range(start, end if end > start else end + 1440)}


@rule("DR312", "A Multi-AZ instance leaves the zone to RDS", source=f"{SCHEMA}, AvailabilityZone", alone=True)
def multi_az_without_zone(world: World) -> Found:
    """RDS refuses AvailabilityZone on a Multi-AZ instance, because it chooses two zones itself.

    Fix: remove AvailabilityZone.
    """
    for instance in world.resources(INSTANCE):
        if is_true(instance.value("MultiAZ")) and instance.has("AvailabilityZone"):
            yield Fault(instance.place("AvailabilityZone"), "MultiAZ and AvailabilityZone are set", "remove the zone")


@rule(
    "DR313",
    "Deleting the stack does not delete the database that a replica copies",
    source="CloudFormation reference, DeletionPolicy attribute; Amazon RDS User Guide, Deleting a DB instance",
    severity=Severity.INFO,
)
def source_survives_deletion(world: World) -> Found:
    """With DeletionPolicy Delete the data goes with the stack, without a final snapshot, and the replica in the other
    region is not promoted: its replication is terminated.

    Fix: set DeletionPolicy to Snapshot or Retain, or DeletionProtection to true.
    """
    for source in dict.fromkeys(source for _, source in replicas(world) if source is not None):
        protected = is_true(source.value("DeletionProtection")) or source.stack.entry.termination_protection
        if source.body.get("DeletionPolicy") == "Delete" and not protected:
            yield Fault(source.place(), "DeletionPolicy is Delete and nothing protects it", "use Snapshot or Retain")
