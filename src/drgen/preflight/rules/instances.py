"""DR35x: properties of databases that RDS refuses, or refuses together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.replicas import INSTANCE
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
CLUSTER = "AWS::RDS::DBCluster"
SCHEMA = "Registry schema AWS::RDS::DBInstance"
STORAGE_GUIDE = "Amazon RDS User Guide, Amazon RDS DB instance storage"

RESERVED_USERS = {
    "postgres": frozenset({
        "admin", "rdsadmin", "rdsrepladmin", "rds_superuser", "rds_replication", "rds_password", "user",
    }),
    "mysql": frozenset({"rdsadmin", "rdsrepladmin"}),
    "mariadb": frozenset({"rdsadmin", "rdsrepladmin"}),
}  # fmt: skip
"""Master user names that RDS keeps for itself, by engine family.

Source: Amazon RDS API Reference, CreateDBInstance, MasterUsername ("Can't be a reserved word for the chosen database
engine"); the API's answer `MasterUsername admin cannot be used as it is a reserved word used by the engine`.
"""

LOGS = {
    "postgres": frozenset({"postgresql", "upgrade", "iam-db-auth-error"}),
    "aurora-postgresql": frozenset({"postgresql", "instance", "iam-db-auth-error"}),
    "mysql": frozenset({"audit", "error", "general", "slowquery", "iam-db-auth-error"}),
    "mariadb": frozenset({"audit", "error", "general", "slowquery"}),
    "aurora-mysql": frozenset({"audit", "error", "general", "slowquery", "instance", "iam-db-auth-error"}),
}
"""Log types that each engine can send to CloudWatch Logs.

Source: registry schemas AWS::RDS::DBInstance and AWS::RDS::DBCluster, EnableCloudwatchLogsExports.
"""


def engine(resource: Resource) -> str:
    return resource.text("Engine") or ""


def family(name: str) -> str:
    """The engine family whose words are reserved: `postgres` of aurora-postgresql."""
    return "postgres" if "postgres" in name else name.removeprefix("aurora-")


@rule(
    "DR350",
    "The master user's name is free",
    source="Amazon RDS API Reference, CreateDBInstance (MasterUsername)",
    alone=True,
)
def master_user_is_free(world: World) -> Found:
    """RDS refuses a name that the engine needs itself: `MasterUsername admin cannot be used as it is a reserved word
    used by the engine`.

    Fix: choose another name, such as dbadmin.
    """
    for database in world.resources(INSTANCE, CLUSTER):
        user = database.text("MasterUsername")
        if user and user.lower() in RESERVED_USERS.get(family(engine(database)), ()):
            message = f"{engine(database)} keeps the name {user} for itself"
            yield Fault(database.place("MasterUsername"), message, "choose another name")


@rule(
    "DR351", "A database sends logs that its engine writes", source=f"{SCHEMA}, EnableCloudwatchLogsExports", alone=True
)
def log_types_exist(world: World) -> Found:
    """RDS refuses a type of log that the engine does not have, for example `error` of PostgreSQL.

    Fix: name the engine's own types; PostgreSQL has postgresql and upgrade.
    """
    for database in world.resources(INSTANCE, CLUSTER):
        known = LOGS.get(engine(database))
        named = [text for value in database.values("EnableCloudwatchLogsExports") if isinstance(text := value, str)]
        wrong = sorted(set(named) - known) if known else []
        if wrong:
            message = f"{engine(database)} has no log {', '.join(wrong)}"
            yield Fault(database.place("EnableCloudwatchLogsExports"), message, "name logs of the engine")


@rule("DR352", "Storage has the IOPS that its type takes", source=STORAGE_GUIDE, alone=True)
def iops_fit_storage(world: World) -> Found:
    """gp3 below 400 GiB (200 GiB for Oracle) has fixed 3,000 IOPS, and RDS refuses Iops and StorageThroughput there.
    io1 and io2 need Iops.

    Fix: remove Iops and StorageThroughput, or use more storage; set Iops for io1 and io2.
    """
    for instance in world.resources(INSTANCE):
        kind, size = instance.text("StorageType"), number(instance.value("AllocatedStorage"))
        name = engine(instance)
        if kind == "gp3" and size is not None and not name.startswith(("oracle", "sqlserver", "aurora")) and size < 400:
            for given in ("Iops", "StorageThroughput"):
                if instance.has(given):
                    yield Fault(instance.place(given), f"gp3 of {size:g} GiB takes no {given}", f"remove {given}")
        replica = instance.has("SourceDBInstanceIdentifier") or instance.has("DBSnapshotIdentifier")
        if kind in ("io1", "io2") and not instance.has("Iops") and not replica:
            yield Fault(instance.place("StorageType"), f"{kind} needs Iops", "set Iops")


@rule("DR353", "Storage may grow beyond what it is", source=f"{SCHEMA}, MaxAllocatedStorage", alone=True)
def storage_may_grow(world: World) -> Found:
    """RDS refuses a limit for autoscaling that is not greater than the allocated storage.

    Fix: set MaxAllocatedStorage higher than AllocatedStorage, or leave it out.
    """
    for instance in world.resources(INSTANCE):
        most, size = number(instance.value("MaxAllocatedStorage")), number(instance.value("AllocatedStorage"))
        if most is not None and size is not None and most <= size:
            message = f"the limit is {most:g} GiB, and {size:g} GiB are allocated"
            yield Fault(instance.place("MaxAllocatedStorage"), message, "set a higher limit")


@rule(
    "DR354", "Enhanced monitoring has a role", source=f"{SCHEMA}, MonitoringInterval and MonitoringRoleArn", alone=True
)
def monitoring_has_role(world: World) -> Found:
    """RDS refuses MonitoringInterval without a role that may write the metrics.

    Fix: set MonitoringRoleArn to a role of monitoring.rds.amazonaws.com, or MonitoringInterval to 0.
    """
    for database in world.resources(INSTANCE, CLUSTER):
        interval = number(database.value("MonitoringInterval"))
        if interval and not database.has("MonitoringRoleArn"):
            message = f"MonitoringInterval is {interval:g}, and there is no MonitoringRoleArn"
            yield Fault(database.place("MonitoringInterval"), message, "set MonitoringRoleArn")


@rule(
    "DR355", "Backups that go to another region exist", source=f"{SCHEMA}, AutomaticBackupReplicationRegion", alone=True
)
def replicated_backups_exist(world: World) -> Found:
    """RDS copies automated backups to another region only where it makes them, and with a key of that region where the
    instance is encrypted. It refuses the instance otherwise.

    Fix: set BackupRetentionPeriod to 1 or more, another region, and AutomaticBackupReplicationKmsKeyId.
    """
    for instance in world.resources(INSTANCE):
        region = instance.text("AutomaticBackupReplicationRegion")
        place = instance.place("AutomaticBackupReplicationRegion")
        if region is None:
            continue
        if number(instance.value("BackupRetentionPeriod")) == 0:
            yield Fault(place, "BackupRetentionPeriod is 0, so there is nothing to copy", "set it to 1 or more")
        if region == instance.region:
            yield Fault(place, f"the instance is in {region} itself", "name another region")
        if is_true(instance.value("StorageEncrypted")) and not instance.has("AutomaticBackupReplicationKmsKeyId"):
            message = f"the instance is encrypted, and there is no key of {region}"
            yield Fault(place, message, "set AutomaticBackupReplicationKmsKeyId")


NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@rule("DR356", "A database's name is one that its engine takes", source=f"{SCHEMA}, DBName", alone=True)
def database_name(world: World) -> Found:
    """RDS refuses a name with a hyphen, or one that does not begin with a letter: `DBName must begin with a letter and
    contain only alphanumeric characters`.

    Fix: use letters, digits and underscores, with a letter first.
    """
    for database in world.resources(INSTANCE, CLUSTER):
        path = "DatabaseName" if database.type == CLUSTER else "DBName"
        name = database.text(path)
        open_source = family(engine(database)) in ("postgres", "mysql", "mariadb")
        if name and open_source and ("{{" not in name) and not NAME.fullmatch(name):
            yield Fault(database.place(path), f"{engine(database)} takes no name {name!r}", "use letters and digits")


@rule("DR357", "RDS or the template has the master password", source=f"{SCHEMA}, ManageMasterUserPassword", alone=True)
def one_master_password(world: World) -> Found:
    """RDS refuses a database whose password it manages and which brings one along.

    Fix: remove MasterUserPassword, or ManageMasterUserPassword.
    """
    for database in world.resources(INSTANCE, CLUSTER):
        if is_true(database.value("ManageMasterUserPassword")) and database.has("MasterUserPassword"):
            message = "MasterUserPassword and ManageMasterUserPassword are both set"
            yield Fault(database.place("MasterUserPassword"), message, "keep one of them")
