"""DR38x: a replica, key or group against the resource it is made of."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.members import global_databases
from drgen.preflight.rules.replicas import INSTANCE, major_version, replicas
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, is_true, number, pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
REPLICA_GUIDE = "Amazon RDS User Guide, Creating a read replica in a different AWS Region"


@rule("DR380", "A replica of a database that is not encrypted has no key", source=f"{REPLICA_GUIDE} (encryption)")
def replica_of_plain_source(world: World) -> Found:
    """RDS makes no encrypted replica of a source that is not: "Cannot create a cross region encrypted read replica from
    unencrypted source". The source cannot be encrypted in place, either.

    Fix: encrypt the source from its first day (restore an encrypted copy of a snapshot), or remove KmsKeyId.
    """
    for replica, source in replicas(world):
        plain = source is not None and source.certain and not source.has("StorageEncrypted")
        inherits = source is not None and any(
            source.has(name) for name in ("DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "KmsKeyId")
        )
        if source is not None and plain and not inherits and replica.has("KmsKeyId"):
            message = f"the source {source} is not encrypted"
            yield Fault(replica.place("KmsKeyId"), message, "set StorageEncrypted on the source")


@rule(
    "DR381",
    "A replica has the engine of its source, and no older version",
    source="Amazon RDS User Guide, Working with DB instance read replicas (engine and version)",
)
def replica_engine(world: World) -> Found:
    """RDS refuses a replica of another engine, and one whose version is below that of the source cannot read its log.

    Fix: leave Engine and EngineVersion out of the replica.
    """
    for replica, source in replicas(world):
        if source is None:
            continue
        ours, theirs = replica.text("Engine"), source.text("Engine")
        if ours and theirs and ours != theirs:
            message = f"Engine is {ours}, but the source {source.logical_id} runs {theirs}"
            yield Fault(replica.place("Engine"), message, "remove Engine")
        mine, its = major_version(replica), major_version(source)
        if mine and its and (mine[0] != its[0] or (len(mine) > 1 and len(its) > 1 and mine < its)):
            message = f"the source runs {source.text('EngineVersion')}, the replica {replica.text('EngineVersion')}"
            yield Fault(replica.place("EngineVersion"), message, "remove EngineVersion, or upgrade the replica first")


@rule(
    "DR382",
    "A replica has room for what its source holds",
    source="RDS API, CreateDBInstanceReadReplica, AllocatedStorage (enough for the operation to succeed)",
    severity=Severity.WARNING,
)
def replica_storage(world: World) -> Found:
    """A replica is a copy of all that its source holds. With less storage, its creation fails, or it fills up later and
    stops to follow the source.

    Fix: leave AllocatedStorage out of the replica, or set at least the source's.
    """
    for replica, source in replicas(world):
        ours = number(replica.value("AllocatedStorage"))
        theirs = number(source.value("AllocatedStorage")) if source is not None else None
        if source is not None and ours and theirs and ours < theirs:
            message = f"{ours:g} GiB are less than the {theirs:g} GiB of {source.logical_id}"
            yield Fault(replica.place("AllocatedStorage"), message, "remove AllocatedStorage")


@rule(
    "DR383",
    "A replica key is made of a multi-Region key of another region",
    source="Registry schema AWS::KMS::ReplicaKey, PrimaryKeyArn",
)
def replica_key_of_multi_region_key(world: World) -> Found:
    """KMS replicates only keys that were made with MultiRegion: true, and into other regions only. MultiRegion cannot
    be changed later.

    Fix: set MultiRegion: true on the primary key before anything is encrypted with it.
    """
    for replica in world.resources("AWS::KMS::ReplicaKey"):
        for value in replica.values("PrimaryKeyArn"):
            primary = world.target(value, "AWS::KMS::Key", "AWS::KMS::ReplicaKey")
            place = replica.place("PrimaryKeyArn")
            text = pattern(value) or ""
            if primary is None and arn(value) is not None and "*" not in text and ":key/mrk-" not in text:
                yield Fault(
                    place, f"{text} is no ARN of a multi-Region key", "pass the ARN of a key that begins with mrk-"
                )
            elif primary is None:
                yield NotDecided(place, "the primary key is made by no stack of this deployment")
            elif primary.type == "AWS::KMS::ReplicaKey":
                yield Fault(place, f"{primary.logical_id} is a replica itself", "name the primary key")
            elif not primary.has("MultiRegion") or primary.text("MultiRegion") == "false":
                message = f"{primary} is no multi-Region key"
                yield Fault(place, message, "set MultiRegion: true on the primary key")
            elif primary.region == replica.region:
                message = f"{primary.logical_id} is in {primary.region} itself"
                yield Fault(place, message, "make the replica key in another region")


@rule(
    "DR384",
    "An instance of a cluster has the cluster's engine",
    source="Registry schema AWS::RDS::DBInstance, DBClusterIdentifier",
)
def instance_of_cluster(world: World) -> Found:
    """RDS refuses an instance whose engine is not the one of its cluster; the cluster often stands in another stack.

    Fix: use the cluster's engine.
    """
    for instance in world.resources(INSTANCE):
        for cluster in _clusters(world, instance):
            ours, theirs = instance.text("Engine"), cluster.text("Engine")
            if ours and theirs and ours != theirs:
                message = f"Engine is {ours}, but cluster {cluster.logical_id} runs {theirs}"
                yield Fault(instance.place("Engine"), message, f"set Engine to {theirs}")


def _clusters(world: World, instance: Resource) -> Iterator[Resource]:
    for value in instance.values("DBClusterIdentifier"):
        cluster = world.target(value, "AWS::RDS::DBCluster")
        if cluster is not None:
            yield cluster


@rule(
    "DR385",
    "An option group is of the engine and the version that use it",
    source="Registry schema AWS::RDS::OptionGroup, EngineName and MajorEngineVersion",
)
def option_group_fits(world: World) -> Found:
    """RDS refuses an option group of another engine or major version.

    Fix: make a group for the engine's major version.
    """
    for instance in world.resources(INSTANCE):
        for value in instance.values("OptionGroupName"):
            group = world.target(value, "AWS::RDS::OptionGroup")
            if group is None:
                continue
            engine, version = group.text("EngineName"), group.text("MajorEngineVersion")
            other = engine and instance.text("Engine") and engine != instance.text("Engine")
            running = instance.text("EngineVersion") or ""
            older = bool(version and running and not f"{running}.".startswith(f"{version}."))
            if other or older:
                message = f"the group is for {engine} {version}, the instance runs {instance.text('Engine')} {running}"
                yield Fault(instance.place("OptionGroupName"), message, "use a group of the same major version")


PROXIES = {"POSTGRESQL": ("postgres", "aurora-postgresql"), "MYSQL": ("mysql", "mariadb", "aurora-mysql"),
           "SQLSERVER": ("sqlserver",)}  # fmt: skip


@rule(
    "DR386",
    "A proxy speaks the language of its database",
    source="Registry schema AWS::RDS::DBProxy, EngineFamily",
)
def proxy_engine(world: World) -> Found:
    """RDS refuses a target whose engine is not of the proxy's family.

    Fix: set EngineFamily to the database's engine.
    """
    for group in world.resources("AWS::RDS::DBProxyTargetGroup"):
        proxy = next((p for v in group.values("DBProxyName") if (p := world.target(v, "AWS::RDS::DBProxy"))), None)
        family = PROXIES.get(proxy.text("EngineFamily") or "") if proxy is not None else None
        for path, kind in (("DBInstanceIdentifiers", INSTANCE), ("DBClusterIdentifiers", "AWS::RDS::DBCluster")):
            for value in group.values(path):
                database = world.target(value, kind)
                engine = database.text("Engine") if database is not None else None
                if proxy is not None and family and engine and not engine.startswith(family):
                    message = f"proxy {proxy.logical_id} speaks {proxy.text('EngineFamily')}, the database is {engine}"
                    yield Fault(group.place(path), message, "correct EngineFamily of the proxy")


@rule(
    "DR387",
    "A secret is attached to the kind of database that it names",
    source="Registry schema AWS::SecretsManager::SecretTargetAttachment, TargetType",
)
def attachment_type(world: World) -> Found:
    """Secrets Manager looks for TargetId among the databases of TargetType and does not find it.

    Fix: set TargetType to the type of the resource behind TargetId.
    """
    for attachment in world.resources("AWS::SecretsManager::SecretTargetAttachment"):
        stated = attachment.text("TargetType")
        for value in attachment.values("TargetId"):
            target = world.target(value)
            if stated and target is not None and target.type.startswith("AWS::") and target.type != stated:
                message = f"TargetId is {target.logical_id}, an {target.type}, but TargetType is {stated}"
                yield Fault(attachment.place("TargetType"), message, f"set TargetType to {target.type}")


def _is_fifo(resource: Resource) -> bool:
    return is_true(resource.value("FifoQueue")) or is_true(resource.value("FifoTopic"))


@rule(
    "DR388",
    "Queues and topics that feed one another keep order alike",
    source="Amazon SQS Developer Guide, dead-letter queues; Amazon SNS Developer Guide, FIFO topics",
)
def fifo_agrees(world: World) -> Found:
    """The dead-letter queue of a FIFO queue must be FIFO, that of a standard queue must not be; and only FIFO topics
    deliver to FIFO queues. The service refuses the pair.

    Fix: make both FIFO, or neither.
    """
    queue, topic = "AWS::SQS::Queue", "AWS::SNS::Topic"
    for source in world.resources(queue):
        for value in source.values("RedrivePolicy.deadLetterTargetArn"):
            target = world.target(value, queue)
            if target is not None and _is_fifo(target) != _is_fifo(source):
                message = f"only one of the queue and its dead-letter queue {target.logical_id} is FIFO"
                yield Fault(source.place("RedrivePolicy"), message, "make both FIFO, or neither")
    for subscription in world.resources("AWS::SNS::Subscription"):
        sender = next((t for v in subscription.values("TopicArn") if (t := world.target(v, topic))), None)
        for value in subscription.values("Endpoint"):
            receiver = world.target(value, queue)
            if sender is not None and receiver is not None and _is_fifo(receiver) and not _is_fifo(sender):
                message = f"{receiver.logical_id} is FIFO, and topic {sender.logical_id} is not"
                yield Fault(subscription.place("Endpoint"), message, "make the topic FIFO, too")


@rule(
    "DR389",
    "SourceRegion is the region of the source",
    source="Registry schemas AWS::RDS::DBInstance and AWS::RDS::DBCluster, SourceRegion",
)
def source_region_fits(world: World) -> Found:
    """RDS asks SourceRegion for the source, and does not find it there.

    Fix: set SourceRegion to the region of the stack that makes the source.
    """
    for replica, source in replicas(world):
        yield from _stated_region(replica, source)
    for cluster in world.resources("AWS::RDS::DBCluster"):
        for value in cluster.values("ReplicationSourceIdentifier"):
            yield from _stated_region(cluster, world.target(value, "AWS::RDS::DBCluster"))
    for database in global_databases(world):
        for secondary in database.secondaries:
            yield from _stated_region(secondary, database.primary)


def _stated_region(replica: Resource, source: Resource | None) -> Found:
    stated = replica.text("SourceRegion")
    if source is not None and stated is not None and stated != source.region:
        message = f"SourceRegion is {stated}, but {source} is in {source.region}"
        yield Fault(replica.place("SourceRegion"), message, f"set SourceRegion to {source.region}")
