"""DR14x: what an update does to resources that are there: replaces, removes, detaches, promotes, or fails at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.model.stateful import STATEFUL
from drgen.preflight.changes import Change, Pair, changed, changes, maybe_replaced_by, own_name, replaced_by
from drgen.preflight.requirements import describe
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.keys import GENERATED
from drgen.preflight.stack import Place, Resource
from drgen.preflight.transitions import FAILING, REFUSED
from drgen.preflight.values import pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved
from drgen.template.schema import schema_for

Found = Iterator[Fault | NotDecided]
KEPT = ("Retain", "RetainExceptOnCreate")
SCHEMAS = "Registry schemas (createOnlyProperties, conditionalCreateOnlyProperties)"

REPLACING: Mapping[tuple[str, str], str] = {
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): "set",
    ("AWS::RDS::DBInstance", "DBSnapshotIdentifier"): "set",
    ("AWS::RDS::DBInstance", "Engine"): "changed",
    ("AWS::RDS::DBCluster", "GlobalClusterIdentifier"): "set",
    ("AWS::RDS::DBCluster", "MasterUsername"): "changed",
    ("AWS::RDS::DBCluster", "Engine"): "changed",
    ("AWS::DynamoDB::Table", "KeySchema"): "changed",
    ("AWS::DynamoDB::GlobalTable", "KeySchema"): "changed",
    ("AWS::DynamoDB::GlobalTable", "LocalSecondaryIndexes"): "changed",
}
"""Conditional create-only properties, and when they replace: `set` where they get a value, `changed` at every change.

Source: registry schemas; the public RDS resource handlers (removing a replica's source promotes it, removing the global
cluster detaches the cluster; both stay in place).
"""


def certain_replacement(pair: Pair) -> tuple[str, ...]:
    """The properties for which CloudFormation is certain to replace the resource."""
    conditional = [name for name in maybe_replaced_by(pair) if _replaces(pair, name)]
    return (*replaced_by(pair), *conditional)


def _replaces(pair: Pair, name: str) -> bool:
    when = REPLACING.get((pair[1].type, name))
    return when == "changed" or (when == "set" and pair[1].has(name))


def policy(resource: Resource, attribute: str) -> str:
    written = resource.body.get(attribute)
    return written if isinstance(written, str) else ""


@rule("DR140", "An update replaces no data store", source=SCHEMAS)
def no_store_replaced(world: World) -> Found:
    """CloudFormation makes a new, empty resource and takes the old one away: without UpdateReplacePolicy with its data,
    with it to where no stack knows it. What the operator wanted was to change a setting.

    Fix: take the change back. To replace it on purpose, make the new store next to the old one, move the data, and
    remove the old one in an update of its own.
    """
    for change in changes(world):
        for pair in change.kept():
            reasons = certain_replacement(pair) if pair[0].type in STATEFUL else ()
            if reasons:
                kept = policy(pair[1], "UpdateReplacePolicy")
                after = f"; the old one is kept by UpdateReplacePolicy {kept}" if kept in (*KEPT, "Snapshot") else ""
                message = f"the update replaces it by an empty one, because of {', '.join(reasons)}{after}"
                severity = Severity.WARNING if kept in KEPT else None
                yield Fault(pair[1].place(reasons[0]), message, f"leave {reasons[0]} as it was", severity)


@rule("DR141", "An update replaces no resource with a name of its own", source="CloudFormation User Guide, Name type")
def no_named_replaced(world: World) -> Found:
    """The new resource is made first, under the same name: `CloudFormation cannot update a stack when a custom-named
    resource requires replacing. Rename ... and update the stack again`. The same goes for subnets and their addresses.

    Fix: change the name in the same update, or leave the other property as it was.
    """
    for change in changes(world):
        for pair in change.kept():
            reasons = replaced_by(pair)
            old, new = own_name(pair[0]), own_name(pair[1])
            if not reasons or old is None or old != new:
                continue
            schema = schema_for(pair[1].type, pair[1].region)
            if schema is None or not schema.deletes_before_create:
                said = " ".join(_shown(value) for value in old[1])
                message = f"{', '.join(reasons)} needs a new one, and {old[0]} stays {said}"
                yield Fault(pair[1].place(reasons[0]), message, f"change {old[0].split(', ')[-1]}, too")


def _shown(value: Resolved) -> str:
    return pattern(value) or describe(value)


DETACHING = {
    ("AWS::RDS::DBInstance", "SourceDBInstanceIdentifier"): "the update promotes the replica for good",
    ("AWS::RDS::DBCluster", "GlobalClusterIdentifier"): "the update takes the cluster out of its global database",
    ("AWS::RDS::DBCluster", "ReplicationSourceIdentifier"): "the update promotes the cluster",
}
"""What removing a property does in place. Source: registry schemas and the public RDS resource handlers."""


@rule("DR142", "An update leaves resources in place", source=SCHEMAS, severity=Severity.INFO)
def replacements_are_told(world: World) -> Found:
    """A replacement gives the resource a new id and takes the old one away: connections break, addresses change, and
    stacks that were given the old id must be updated after it.

    Fix: nothing, if that is wanted; else leave the property as it was.
    """
    for change in changes(world):
        for pair in change.kept():
            reasons = certain_replacement(pair)
            if reasons and pair[0].type not in STATEFUL:
                message = f"the update replaces it, because of {', '.join(reasons)}"
                yield Fault(pair[1].place(reasons[0]), message, "look at what uses it")
                continue
            maybe = [name for name in maybe_replaced_by(pair) if (pair[0].type, name) not in DETACHING]
            if maybe and not reasons and pair[0].type in STATEFUL:
                message = f"{', '.join(maybe)} may replace it: the change set says Conditional"
                yield Fault(pair[1].place(maybe[0]), message, "look at the change set")


def renamed(change: Change) -> dict[str, Resource]:
    """The resources that an update takes out and makes again under another logical id, by the old id."""
    found: dict[str, Resource] = {}
    made = list(change.made())
    for old in change.gone():
        for new in made:
            if _is_same(old, new) and id(new) not in {id(taken) for taken in found.values()}:
                found[old.logical_id] = new
                break
    return found


def _is_same(old: Resource, new: Resource) -> bool:
    """True if two resources of one type have the same name, or, without names, the same properties."""
    if old.type != new.type:
        return False
    name = own_name(old)
    return name == own_name(new) if name is not None else old.body.get("Properties") == new.body.get("Properties")


@rule("DR143", "An update removes no data store", source="CloudFormation reference, DeletionPolicy attribute")
def no_store_removed(world: World) -> Found:
    """A resource that is no longer in the template is deleted at the end of the update, as its DeletionPolicy in the
    template before said. Its data go with it.

    Fix: put the resource back; to let go of it, first deploy DeletionPolicy: Retain, then remove it.
    """
    for change in changes(world):
        if change.after is None:
            continue
        moved = renamed(change)
        for old in change.gone():
            kept = policy(old, "DeletionPolicy")
            if old.type not in STATEFUL or old.logical_id in moved or kept in KEPT:
                continue
            snapshot = kept == "Snapshot" or (not kept and old.type.startswith("AWS::RDS::"))
            left = ", and a snapshot stays" if snapshot else ""
            message = f"the update deletes {old.logical_id} ({old.type}){left}"
            severity = Severity.WARNING if snapshot else None
            yield Fault(change.place_of(old), message, "put it back, or retain it first", severity)


@rule(
    "DR144",
    "A resource keeps its logical id",
    source="CloudFormation User Guide, Update behaviors of stack resources (a new logical id is a new resource)",
)
def logical_id_stays(world: World) -> Found:
    """For CloudFormation a new logical id is a new resource: it is made first, then the old one is deleted. A name of
    its own is taken (`already exists`); without one a data store is replaced by an empty one.

    Fix: give the logical id back, or rename by a stack refactoring.
    """
    for change in changes(world):
        if change.after is None:
            continue
        for old_id, new in renamed(change).items():
            old = change.before.resources[old_id]
            named = own_name(new)
            if named is not None:
                said = " ".join(_shown(value) for value in named[1])
                yield Fault(new.place(), f"{old_id} becomes {new.logical_id}, and {said} is taken", f"call it {old_id}")
            elif old.type in STATEFUL:
                kept = policy(old, "DeletionPolicy") in KEPT
                message = f"{old_id} becomes {new.logical_id}: the update makes an empty one"
                yield Fault(new.place(), message, f"call it {old_id}", Severity.WARNING if kept else None)


TABLES = {"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"}
"""Types that are told by DR338 when one becomes the other."""


@rule("DR145", "An update asks for nothing that the service refuses", source="User guides of KMS, RDS, S3 and DynamoDB")
def change_is_possible(world: World) -> Found:
    """The property can be written, and the service refuses the transition. The stack is rolled back, after other
    resources were already changed.

    Fix: leave the property as it was; make a new resource where the change is really needed.
    """
    for change in changes(world):
        for pair in change.kept():
            if pair[0].type != pair[1].type:
                if not {pair[0].type, pair[1].type} <= TABLES:
                    message = f"the update turns {pair[0].type} into {pair[1].type}"
                    yield Fault(pair[1].place(), message, "give the new resource another logical id")
                continue
            for name in FAILING.get(pair[1].type, ()):
                if changed(pair, (name,)) and (pair[0].has(name) or name == "MultiRegion"):
                    yield Fault(pair[1].place(name), f"{name} cannot change", f"leave {name} as it was")
            for resource_type, name, refused in REFUSED:
                said = refused(pair) if resource_type == pair[1].type else ""
                if said:
                    yield Fault(pair[1].place(name), said, f"leave {name} as it was")


@rule("DR146", "An update promotes or detaches nothing by the way", source=SCHEMAS,
      severity=Severity.WARNING)  # fmt: skip
def nothing_detached(world: World) -> Found:
    """Removing one property makes the copy a database of its own. That cannot be undone: a new copy takes hours, and
    until then there is none. After a promotion by hand the same update fails, because nothing is left to promote.

    Fix: put the property back, unless this is the failover.
    """
    for change in changes(world):
        for pair in change.kept():
            for (resource_type, name), said in DETACHING.items():
                if resource_type == pair[0].type == pair[1].type and pair[0].has(name) and not pair[1].has(name):
                    yield Fault(pair[1].place(name), said, f"put {name} back")


@rule("DR147", "An update does not weaken what protects data", source="CloudFormation reference, DeletionPolicy",
      severity=Severity.WARNING)  # fmt: skip
def protection_stays(world: World) -> Found:
    """With the policy or the protection gone, the next mistake deletes the data. The update itself shows no danger.

    Fix: keep the policy, unless the resource is to be deleted next.
    """
    for change in changes(world):
        for old, new in change.kept():
            if old.type not in STATEFUL or old.type != new.type:
                continue
            lost = [
                f"{attribute} was {was}, and becomes {becomes or 'the default'}"
                for attribute in ("DeletionPolicy", "UpdateReplacePolicy")
                if (was := policy(old, attribute)) in (*KEPT, "Snapshot")
                and (becomes := policy(new, attribute)) in ("", "Delete")
            ]
            if lost and not _deleted_next(world, change):
                yield Fault(new.place(), "; ".join(lost), "keep the policies as they were")


def _deleted_next(world: World, change: Change) -> bool:
    """True if the manifest deletes the stack in the end: then weakening it is the first step."""
    return any(
        entry.action == "delete" and entry.stack == change.before.entry.stack for entry in world.deployment.stacks
    )


@rule(
    "DR148",
    "A generated secret stays as it is",
    source="Registry schema AWS::SecretsManager::Secret, GenerateSecretString (a change makes a new version)",
    severity=Severity.WARNING,
)
def secret_stays(world: World) -> Found:
    """A change of GenerateSecretString generates a new password at once. The database still has the old one: dynamic
    references are read again only when their resource changes, and nobody can log in.

    Fix: leave GenerateSecretString as it was; rotate instead.
    """
    for change in changes(world):
        for pair in change.kept():
            generated = all(found.has(GENERATED) for found in pair)
            if pair[1].type == "AWS::SecretsManager::Secret" and generated and changed(pair, (GENERATED,)):
                yield Fault(pair[1].place(GENERATED), "the update makes a new password", f"leave {GENERATED} as it was")


@rule("DR149", "A stack that is deployed stays in the manifest", source="drgen: comparison of two deployments",
      severity=Severity.WARNING)  # fmt: skip
def stack_stays(world: World) -> Found:
    """drgen deletes nothing that nobody names. A stack that is no longer listed, or that is listed with another name or
    region, stays as it is: it costs money, holds names and addresses, and nobody updates it.

    Fix: list it with `action: delete`, or give it its name and region back.
    """
    now = {(stack.entry.stack_name, stack.region) for stack in world.stacks.values()}
    now |= {(entry.stack_name, entry.region) for entry in world.deployment.stacks}
    for stack in world.before.stacks.values() if world.before is not None else ():
        key = (stack.entry.stack_name, stack.region)
        if key not in now and stack.key == stack.entry.stack:
            place = Place(stack.key, world.entry_place(0).file, 1)
            yield Fault(place, f"{key[0]} in {key[1]} is no longer listed", "list it with action: delete")
