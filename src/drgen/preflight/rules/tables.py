"""DR33x: DynamoDB global tables: the replicas of one resource, and how it may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drgen.preflight.changes import updated
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_false, is_unknown, known_text, leaves, pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
TABLE = "AWS::DynamoDB::GlobalTable"
REFERENCE = "CloudFormation Template Reference, AWS::DynamoDB::GlobalTable"
GUIDE = "Amazon DynamoDB Developer Guide, Best practices for global tables"


def replicas(table: Resource) -> list[Mapping[str, Any]]:
    """The entries of Replicas, of both branches of undecided conditions."""
    return [leaf for leaf in table.values("Replicas") if isinstance(leaf, Mapping)]


def regions(table: Resource) -> set[str] | None:
    """The regions of the replicas; None if one of them is not known."""
    if any(not isinstance(leaf, Mapping) for leaf in table.values("Replicas")):
        return None
    named = [known_text(value) for replica in replicas(table) for value in leaves(replica.get("Region"))]
    return None if None in named else {name for name in named if name is not None}


@rule("DR330", "A global table has a replica in the region of its stack", source=f"{REFERENCE}, Replicas", alone=True)
def own_region(world: World) -> Found:
    """CloudFormation makes the table in the stack's region first and the other replicas from it: `The Replicas section
    must contain an entry for the current region`.

    Fix: add the stack's region to Replicas, or deploy the stack to a region that is there.
    """
    for table in world.resources(TABLE):
        named = regions(table)
        if named is None:
            yield NotDecided(table.place("Replicas"), "the region of a replica is not known")
        elif table.region not in named:
            message = f"the stack is in {table.region}, the replicas are in {', '.join(sorted(named)) or 'no region'}"
            yield Fault(table.place("Replicas"), message, f"add {table.region} to Replicas")


@rule(
    "DR331",
    "All replicas of a global table have a key of their own, or none has",
    source=f"{REFERENCE}, Replicas",
    alone=True,
)
def key_of_each_replica(world: World) -> Found:
    """With customer keys DynamoDB wants one for every replica, each of the replica's region.

    Fix: give every replica an SSESpecification with a key of its region.
    """
    for table in world.resources(TABLE):
        keyed: set[str] = set()
        bare: set[str] = set()
        for replica in replicas(table):
            names = [pattern(value) or "?" for value in leaves(replica.get("Region"))]
            has_key = any(True for _ in at(replica, "SSESpecification.KMSMasterKeyId"))
            (keyed if has_key else bare).update(names)
        if keyed and bare - keyed:
            there = ", ".join(sorted(bare - keyed))
            message = f"the replica in {there} has no key, and the one in {', '.join(sorted(keyed))} has"
            yield Fault(table.place("Replicas"), message, f"give it a key of {there}")


@rule(
    "DR332",
    "A global table defines the attributes of its keys and no others",
    source="Amazon DynamoDB API Reference, CreateTable (AttributeDefinitions)",
    alone=True,
)
def attributes_match(world: World) -> Found:
    """DynamoDB knows attributes only where keys and indexes use them, and refuses the table: `Number of attributes in
    KeySchema does not exactly match number of attributes defined in AttributeDefinitions`.

    Fix: define exactly the attributes that KeySchema and the indexes name.
    """
    paths = ("KeySchema", "GlobalSecondaryIndexes.KeySchema", "LocalSecondaryIndexes.KeySchema")
    tops = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    for table in world.resources(TABLE):
        place = table.place("AttributeDefinitions")
        defined = {known_text(value) for value in table.values("AttributeDefinitions.AttributeName")}
        used = {known_text(value) for path in paths for value in table.values(f"{path}.AttributeName")}
        if (
            None in defined | used
            or table.has("VectorIndexes")
            or any(is_unknown(table.properties.get(p)) for p in tops)
        ):
            yield NotDecided(place, "a part of the keys or indexes is not known")
            continue
        if idle := sorted(str(name) for name in defined - used):
            yield Fault(place, f"no key uses {', '.join(idle)}", f"remove {', '.join(idle)}")
        if missing := sorted(str(name) for name in used - defined):
            yield Fault(place, f"{', '.join(missing)} is a key and not defined", f"define {', '.join(missing)}")


@rule("DR333", "An update adds or removes one replica of a global table", source=f"{REFERENCE}, Replicas")
def one_replica_per_update(world: World) -> Found:
    """CloudFormation takes any number of replicas when it makes the table, and one more or less in each update after
    that. An exchange of two regions is two changes.

    Fix: deploy the changes one after the other.
    """
    for old, table in updated(world, TABLE):
        was, becomes = regions(old), regions(table)
        changed = sorted(was ^ becomes) if was is not None and becomes is not None else []
        if len(changed) > 1:
            message = f"this update changes the replicas in {', '.join(changed)} at once"
            yield Fault(table.place("Replicas"), message, "change one of them, deploy, then the next")


@rule("DR334", "A global table is defined in one stack", source=f"{GUIDE}, Using AWS CloudFormation")
def defined_once(world: World) -> Found:
    """The first stack makes the replicas of all regions. The second finds a table of that name in its own region and
    fails; and two stacks that both got hold of one undo each other's changes.

    Fix: define the table in one region, and name it by its ARN in the others.
    """
    owners: dict[tuple[str, str, str], Resource] = {}
    for table in world.resources(TABLE):
        name, named = world.name(table), regions(table)
        if name is None or "*" in name or named is None or not table.certain:
            continue
        account = table.stack.entry.account
        taken = [other for region in sorted(named) if (other := owners.get((account, region, name)))]
        others = [other for other in taken if other.region != table.region]
        if others:
            owner = f"{others[0].logical_id} of stack {others[0].stack.key}"
            message = f"{name} in {table.region} is a replica that {owner} makes"
            yield Fault(table.place("TableName"), message, "remove this table, and use the replica by its ARN")
        for region in named:
            owners.setdefault((account, region, name), table)


@rule(
    "DR335", "A global table with several replicas has a stream", source=f"{REFERENCE}, StreamSpecification", alone=True
)
def replication_stream(world: World) -> Found:
    """Replicas follow each other through the table's stream. CloudFormation refuses more than one replica without it,
    and lets it change only while there is one replica. Strong consistency needs none.

    Fix: set StreamSpecification with StreamViewType NEW_AND_OLD_IMAGES.
    """
    for table in world.resources(TABLE):
        strong = any(pattern(value) != "EVENTUAL" for value in table.values("MultiRegionConsistency"))
        named = regions(table)
        if named is None or len(named) < 2 or strong or not table.certain:
            continue
        views = [pattern(value) for value in table.values("StreamSpecification.StreamViewType")]
        if not table.has("StreamSpecification") or any(v not in (None, "NEW_AND_OLD_IMAGES") for v in views):
            said = f"StreamViewType is {views[0]}" if views else "there is no StreamSpecification"
            yield Fault(table.place("StreamSpecification"), said, "set StreamViewType: NEW_AND_OLD_IMAGES")


@rule(
    "DR336",
    "A global table with provisioned capacity says how its writes scale",
    source=f"{REFERENCE}, BillingMode",
    alone=True,
)
def provisioned_writes(world: World) -> Found:
    """BillingMode is PROVISIONED where the template does not say otherwise, and CloudFormation then refuses a global
    table whose write capacity does not scale by itself.

    Fix: set BillingMode to PAY_PER_REQUEST, or WriteProvisionedThroughputSettings with its bounds.
    """
    for table in world.resources(TABLE):
        modes = [pattern(value) for value in table.values("BillingMode")]
        scales = table.has("WriteProvisionedThroughputSettings")
        if not scales and all(mode == "PROVISIONED" for mode in modes):
            said = "BillingMode is PROVISIONED" if modes else "BillingMode is not set, which means PROVISIONED"
            message = f"{said}, and WriteProvisionedThroughputSettings is missing"
            yield Fault(table.place("BillingMode"), message, "set BillingMode: PAY_PER_REQUEST")


@rule("DR341", "A global table is paid by request or by capacity", source=f"{REFERENCE}, BillingMode", alone=True)
def one_billing_mode(world: World) -> Found:
    """DynamoDB refuses settings of capacity for a table that is paid by request.

    Fix: remove the settings of throughput, or set BillingMode to PROVISIONED.
    """
    settings = ("WriteProvisionedThroughputSettings", "Replicas.ReadProvisionedThroughputSettings")
    for table in world.resources(TABLE):
        if table.text("BillingMode") == "PAY_PER_REQUEST":
            for path in settings:
                if table.has(path):
                    message = f"the table is paid by request, and {path} is set"
                    yield Fault(table.place(path.split(".")[0]), message, "remove it")


@rule(
    "DR337",
    "An update makes or deletes one index of a table",
    source=f"{REFERENCE}, GlobalSecondaryIndexes",
)
def one_index_per_update(world: World) -> Found:
    """DynamoDB fills an index from the table, and CloudFormation refuses a second one in the same update: `Cannot
    perform more than one GSI creation or deletion in a single update`.

    Fix: deploy the changes one after the other.
    """
    for old, table in updated(world, TABLE, "AWS::DynamoDB::Table"):
        if old.type != table.type or _index_names(old) is None or _index_names(table) is None:
            continue
        changed = sorted((_index_names(old) or set()) ^ (_index_names(table) or set()))
        if len(changed) > 1:
            message = f"this update makes or deletes the indexes {', '.join(changed)} at once"
            yield Fault(table.place("GlobalSecondaryIndexes"), message, "change one, deploy, then the next")


@rule("DR338", "A table keeps its resource type", source=REFERENCE)
def type_stays(world: World) -> Found:
    """CloudFormation cannot turn an AWS::DynamoDB::Table into a global table or back: it replaces the resource, which
    may delete the table with its items.

    Fix: keep the type; set DeletionPolicy to Retain, take the table out of the stack and import it as a global table.
    """
    for old, table in updated(world, TABLE, "AWS::DynamoDB::Table"):
        if old.type != table.type:
            message = f"the update turns {old.type} into {table.type}"
            fix = "give the table DeletionPolicy: Retain, remove it from the stack, then import it under the new type"
            yield Fault(table.place(), message, fix)


@rule(
    "DR340",
    "An update does not exchange the attribute that says when items expire",
    source="Amazon DynamoDB API Reference, UpdateTimeToLive",
)
def expiry_stays(world: World) -> Found:
    """DynamoDB takes one attribute at a time: `TimeToLive is active on a different AttributeName`. It takes one change
    in an hour, too.

    Fix: remove TimeToLiveSpecification, deploy, and set the other attribute an hour later.
    """
    for old, table in updated(world, TABLE, "AWS::DynamoDB::Table"):
        was, becomes = _expires_by(old), _expires_by(table)
        if old.type == table.type and was is not None and becomes is not None and was != becomes:
            message = f"items expire by {was}, and the update makes it {becomes}"
            fix = "remove TimeToLiveSpecification, deploy, then set it again"
            yield Fault(table.place("TimeToLiveSpecification"), message, fix)


SETS_OF_REGIONS = (
    frozenset({"us-east-1", "us-east-2", "us-west-2"}),
    frozenset({"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"}),
    frozenset({"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"}),
)
CONSISTENCY = "Amazon DynamoDB Developer Guide, How DynamoDB global tables work (multi-Region strong consistency)"


@rule("DR339", "A strongly consistent global table spans three regions of one set", source=CONSISTENCY, alone=True)
def strong_consistency(world: World) -> Found:
    """Strong consistency needs three regions, of which one may hold a witness, all in the United States, in Europe or
    in Asia Pacific, and it has neither local indexes nor items that expire. DynamoDB refuses any other table.

    Fix: use three regions of one set, or leave MultiRegionConsistency out.
    """
    for table in world.resources(TABLE):
        if [pattern(value) for value in table.values("MultiRegionConsistency")] != ["STRONG"]:
            continue
        place = table.place("MultiRegionConsistency")
        named = regions(table)
        witnesses = {known_text(value) for value in table.values("GlobalTableWitnesses.Region")}
        if named is None or None in witnesses:
            yield NotDecided(place, "the region of a replica is not known")
            continue
        spanned = named | {name for name in witnesses if name is not None}
        if len(spanned) != 3 or len(named) < 2 or not any(spanned <= whole for whole in SETS_OF_REGIONS):
            message = f"the table spans {', '.join(sorted(spanned))}"
            yield Fault(place, message, "use three regions of one set, or two and a witness")
        for name, said in (
            ("LocalSecondaryIndexes", "local indexes"),
            ("TimeToLiveSpecification", "items that expire"),
        ):
            if table.has(name):
                yield Fault(table.place(name), f"a strongly consistent table has no {said}", f"remove {name}")


def _index_names(table: Resource) -> set[str] | None:
    """The names of the global indexes; None if one of them is not known."""
    indexes = list(table.values("GlobalSecondaryIndexes"))
    if any(not isinstance(index, Mapping) for index in indexes):
        return None
    names = [known_text(value) for index in indexes for value in leaves(index.get("IndexName"))]
    return None if None in names else {name for name in names if name is not None}


def _expires_by(table: Resource) -> str | None:
    """The attribute that says when items expire; None where none does, or it is not known."""
    off = any(is_false(value) for value in table.values("TimeToLiveSpecification.Enabled"))
    return None if off else table.text("TimeToLiveSpecification.AttributeName")
