"""DR37x: what the clusters of a global database must have in common, and what only one of them may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_false, is_true, known_text
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
GUIDE = "Amazon Aurora User Guide, Using Amazon Aurora Global Database"
ENGINES = ("RDS", "DocDB", "Neptune")
"""The services whose global clusters have the same shape. Source: registry schemas."""


@dataclass
class GlobalDatabase:
    """The clusters that carry one global identifier; `whole` is the global cluster, if a stack here makes it."""

    whole: Resource | None
    members: list[Resource] = field(default_factory=list)

    @property
    def primary(self) -> Resource | None:
        """The member that makes the data: the one with a master user, else the source of the global cluster."""
        for member in self.members:
            if member.has("MasterUsername") or member.has("SnapshotIdentifier"):
                return member
        return None

    @property
    def secondaries(self) -> list[Resource]:
        first = self.primary
        return [member for member in self.members if first is not None and member.region != first.region]


def global_databases(world: World) -> Iterator[GlobalDatabase]:
    """Every global database with the clusters that are its members."""
    for service in ENGINES:
        found: dict[object, GlobalDatabase] = {}
        for whole in world.resources(f"AWS::{service}::GlobalCluster"):
            found[id(whole)] = GlobalDatabase(whole)
        for cluster in world.resources(f"AWS::{service}::DBCluster"):
            for value in cluster.values("GlobalClusterIdentifier"):
                target = world.target(value, f"AWS::{service}::GlobalCluster")
                key = id(target) if target is not None else known_text(value)
                if key is not None:
                    found.setdefault(key, GlobalDatabase(target)).members.append(cluster)
        for database in found.values():
            source = database.whole.value("SourceDBClusterIdentifier") if database.whole else None
            made_of = world.target(source, f"AWS::{service}::DBCluster") if source is not None else None
            if made_of is not None and made_of not in database.members:
                database.members.insert(0, made_of)
            yield database


def _all(database: GlobalDatabase) -> list[Resource]:
    return [*([database.whole] if database.whole else []), *database.members]


@rule(
    "DR370",
    "All clusters of a global database have one engine and one version",
    source=f"{GUIDE}: switchover and failover need the same major, minor and patch version",
)
def versions_agree(world: World) -> Found:
    """A cluster of another version cannot join. Where it can, because an upgrade reached only one side, a switchover
    and a managed failover are refused on the day they are needed.

    Fix: pin the same full version on the global cluster and on every member.
    """
    for database in global_databases(world):
        for name in ("Engine", "EngineVersion"):
            stated = [(member, text) for member in _all(database) if (text := member.text(name))]
            for member, text in stated[1:]:
                first, expected = stated[0]
                if not _compatible(text, expected):
                    message = f"{name} is {text}, but {first} has {expected}"
                    yield Fault(member.place(name), message, f"set {name} to {expected}")


def _compatible(left: str, right: str) -> bool:
    """True if the texts are equal, or one is the other cut after a dot: a version may be given as its beginning."""
    short, long = sorted((left, right), key=len)
    return short == long or long.startswith(f"{short}.")


@rule(
    "DR371",
    "All clusters of a global database are encrypted, or none is",
    source=f"{GUIDE}; registry schema AWS::RDS::GlobalCluster, StorageEncrypted",
)
def encryption_agrees(world: World) -> Found:
    """StorageEncrypted is false where a template leaves it out. RDS refuses the cluster that differs, after the primary
    region was deployed.

    Fix: set StorageEncrypted: true on the global cluster and on every member.
    """
    for database in global_databases(world):
        everybody = _all(database)
        if any(_encrypted(member) is None for member in everybody):
            continue
        encrypted = [member for member in everybody if _encrypted(member)]
        for member in everybody:
            inherits = member is database.whole and member.has("SourceDBClusterIdentifier")
            if encrypted and not _encrypted(member) and not inherits:
                other = encrypted[0]
                message = f"it is not encrypted, but {other} is"
                yield Fault(member.place("StorageEncrypted"), message, "set StorageEncrypted: true")


def _encrypted(member: Resource) -> bool | None:
    """Whether the member is encrypted; None if nobody knows."""
    value = member.value("StorageEncrypted")
    if value is None or is_false(value):
        return member.has("KmsKeyId") and not is_false(value)
    return True if is_true(value) else None


@rule(
    "DR372",
    "A secondary cluster of an encrypted global database names its key",
    source=f"{GUIDE}: a cross-Region cluster does not take the default key",
)
def secondary_has_key(world: World) -> Found:
    """ "For encrypted cross-region replica, kmsKeyId should be explicitly specified": the key of the primary region
    does not exist there, and RDS does not choose one.

    Fix: make a key in the secondary's region and set it as KmsKeyId.
    """
    for database in global_databases(world):
        for member in database.secondaries:
            if _encrypted(member) and not member.has("KmsKeyId"):
                message = "the global database is encrypted, and KmsKeyId is missing"
                yield Fault(member.place("KmsKeyId"), message, f"set KmsKeyId to a key of {member.region}")


MEMORY = ("db.r", "db.x", "db.serverless")


@rule(
    "DR373",
    "The instances of a global database are of a class made for memory",
    source=f"{GUIDE}, configuration requirements (memory-optimized classes, no db.t)",
)
def class_fits(world: World) -> Found:
    """The instance's template does not show that its cluster belongs to a global database. RDS refuses the burstable
    class that was chosen to save money in the recovery region.

    Fix: use a class such as db.r6g.large, or db.serverless.
    """
    members = {id(member) for database in global_databases(world) for member in database.members}
    for instance in world.resources("AWS::RDS::DBInstance"):
        chosen = instance.text("DBInstanceClass")
        for value in instance.values("DBClusterIdentifier"):
            cluster = world.target(value, "AWS::RDS::DBCluster")
            if cluster is not None and id(cluster) in members and chosen and not chosen.startswith(MEMORY):
                message = f"{chosen} is not offered in a global database, as {cluster.logical_id} is part of one"
                yield Fault(instance.place("DBInstanceClass"), message, "use a class of db.r or db.x")


INHERITED = ("MasterUsername", "MasterUserPassword", "ManageMasterUserPassword", "DatabaseName", "SnapshotIdentifier")


@rule(
    "DR374",
    "A secondary cluster brings no data and no master user",
    source=f"{GUIDE}, Adding an AWS Region; registry schema AWS::RDS::DBCluster",
)
def secondary_inherits(world: World) -> Found:
    """The secondary has the users and the data of the primary. With its own it would be a second primary, and RDS
    refuses it: "Cannot specify user name for cross region replication cluster".

    Fix: remove the properties from the cluster of the recovery region, for example by a condition.
    """
    for database in global_databases(world):
        for member in database.secondaries:
            for name in INHERITED:
                if member.has(name):
                    yield Fault(member.place(name), f"a secondary cluster cannot set {name}", f"remove {name}")


@rule("DR376", "A global database has one cluster in a region", source=f"{GUIDE}, configuration requirements")
def one_cluster_in_a_region(world: World) -> Found:
    """RDS refuses a second member in a region.

    Fix: make the secondary in the recovery region, or add instances to the cluster that is there.
    """
    for database in global_databases(world):
        first: dict[str, Resource] = {}
        for member in database.members:
            other = first.setdefault(member.region, member)
            if other is not member and member.certain and other.certain:
                message = f"{other} is its member in {member.region} already"
                yield Fault(member.place("GlobalClusterIdentifier"), message, "use another region")


@rule(
    "DR377",
    "The primary cluster of a global database is made before its secondaries",
    source=f"{GUIDE}, Creating an Amazon Aurora global database",
)
def primary_comes_first(world: World) -> Found:
    """The global identifier is often text, so no parameter shows the order. The first cluster becomes the primary: a
    secondary that is made first has no master user, and is refused.

    Fix: deploy the stack of the primary cluster first.
    """
    for database in global_databases(world):
        first = database.primary
        for member in database.secondaries:
            if first is not None and member.stack.position < first.stack.position:
                message = f"the primary {first.logical_id} is made by {first.stack.key}, which is deployed later"
                yield Fault(member.place("GlobalClusterIdentifier"), message, f"deploy {first.stack.key} first")


@rule(
    "DR378",
    "A cluster's parameter group is of the engine's family",
    source="Amazon Aurora User Guide, Parameter groups (DBParameterGroupFamily)",
)
def cluster_group_family(world: World) -> Found:
    """RDS refuses a group of another engine or major version. The group often stands in another stack than the
    cluster, and an upgrade changes one of the two.

    Fix: set Family to the engine and its major version, for example aurora-postgresql16.
    """
    for cluster in world.resources("AWS::RDS::DBCluster"):
        engine, version = cluster.text("Engine") or "", cluster.text("EngineVersion") or ""
        # Families of Aurora MySQL are named by the version of MySQL, not by the engine's.
        wanted = f"{engine}{version.split('.', 1)[0]}" if engine == "aurora-postgresql" and version else engine
        for value in cluster.values("DBClusterParameterGroupName"):
            group = world.target(value, "AWS::RDS::DBClusterParameterGroup")
            family = group.text("Family") if group is not None else None
            fits = family is None or (family == wanted if wanted != engine else family.startswith(engine))
            if engine.startswith("aurora-") and not fits:
                message = f"the group's family is {family}, the engine is {engine} {version}".rstrip()
                yield Fault(cluster.place("DBClusterParameterGroupName"), message, f"use a group of family {wanted}")
