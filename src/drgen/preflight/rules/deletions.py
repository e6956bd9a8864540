"""DR13x: deletions: what refuses them, what they break in other stacks, and their order."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.changes import Change, changes, own_name
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.exports import imports
from drgen.preflight.rules.members import global_databases
from drgen.preflight.rules.updates import KEPT, certain_replacement, policy
from drgen.preflight.stack import Place, Resource, Stack
from drgen.preflight.values import is_true, known_text, leaves, parts, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]


def imports_it(stack: Stack, name: str) -> bool:
    """True if something in `stack` imports the export `name`."""
    return any(
        known_text(stack.evaluate(argument, stack.section_place(section, owner))) == name
        for section, owner, argument in imports(stack)
    )


@rule("DR130", "An export stays while another stack imports it", source="CloudFormation reference, Fn::ImportValue")
def export_stays(world: World) -> Found:
    """CloudFormation refuses an update that removes or changes an imported export, and the deletion of its stack:
    `Export ... cannot be deleted as it is in use by ...`. The importer has to let go first.

    Fix: update or delete the importer before; where both must change, export the new value under a second name first.
    """
    for change in changes(world):
        for name, output in change.before.exports.items():
            new = change.after.exports.get(name) if change.after is not None else None
            if new is not None and change.after is not None and not _changes_value(change, change.after, output, new):
                continue
            users = [stack for stack in change.running.values() if stack.region == change.before.region
                     and stack.key != change.before.key and imports_it(stack, name)]  # fmt: skip
            if users:
                done = "changes" if new is not None else "removes"
                message = f"this step {done} export {name}, which {users[0].key} imports"
                shown = change.after.section_place("Outputs", new or output) if change.after else change.place
                place = Place(f"{change.before.key}/{output}", shown.file, shown.line)
                yield Fault(place, message, f"change {users[0].key} first")


def _changes_value(change: Change, after: Stack, output: str, new: str) -> bool:
    was, becomes = change.before.output(output), after.output(new)
    replaced = {old.logical_id for old, kept in change.kept() if certain_replacement((old, kept))}
    moved = any(isinstance(part, Attribute) and part.logical_id in replaced for part in parts(becomes))
    return was != becomes or moved


USED_BY = {
    "AWS::RDS::DBInstance": "its replication is terminated, and it is not promoted",
    "AWS::RDS::DBCluster": "",
    "AWS::RDS::GlobalCluster": "it is still a member, and RDS refuses the deletion",
    "AWS::DocDB::GlobalCluster": "it is still a member, and the deletion is refused",
    "AWS::Neptune::GlobalCluster": "it is still a member, and the deletion is refused",
    "AWS::KMS::Key": "what it encrypted cannot be read any more",
    "AWS::EC2::VPC": "",
    "AWS::EC2::Subnet": "",
    "AWS::EC2::SecurityGroup": "",
    "AWS::EC2::RouteTable": "",
    "AWS::EC2::InternetGateway": "",
    "AWS::EC2::TransitGateway": "",
    "AWS::EC2::VPCPeeringConnection": "",
    "AWS::RDS::DBSubnetGroup": "",
    "AWS::RDS::DBParameterGroup": "",
    "AWS::RDS::DBClusterParameterGroup": "",
    "AWS::RDS::OptionGroup": "",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "",
    "AWS::ECS::Cluster": "",
    "AWS::Route53::HostedZone": "",
    "AWS::Backup::BackupVault": "",
    "AWS::IAM::Role": "it can do nothing any more",
    "AWS::SecretsManager::Secret": "it finds no password any more",
    "AWS::Lambda::LayerVersion": "",
    "AWS::CertificateManager::Certificate": "",
}
"""Types that refuse to be deleted while something uses them, or whose users break for good: what happens, empty for a
refusal.

Source: user guides of the services (delete dependent resources first); Amazon RDS User Guide, "Deleting a DB instance".
"""


@rule(
    "DR131",
    "What is deleted is used by nothing that stays",
    source="CloudFormation User Guide, Delete a stack; Amazon RDS User Guide, Deleting a DB instance",
)
def deleted_is_unused(world: World) -> Found:
    """A deletion is the creation backwards: users first. Otherwise the service refuses (`has dependent objects`,
    members of a global database), or the user breaks: a PostgreSQL replica in another region whose source is deleted is
    left terminated, and not promoted.

    Fix: delete or change the stack that uses it first.
    """
    for change in changes(world):
        lost = {
            id(old): old for old in change.gone() if old.type in USED_BY and policy(old, "DeletionPolicy") not in KEPT
        }
        if not lost:
            continue
        told: set[int] = set()
        for primary, secondary in _left_behind(world, change, lost):
            told.add(id(primary))
            message = (
                f"{secondary.logical_id} of {secondary.stack.key} is a secondary of {primary.logical_id}, and stays"
            )
            yield Fault(change.place_of(primary), message, f"delete {secondary.stack.key} first")
        for stack in change.running.values():
            for user in stack.resources.values():
                for target in _used(world, user):
                    found = _match(lost, target)
                    if found is not None and id(found) not in told:
                        told.add(id(found))
                        what = USED_BY[found.type] or "the deletion is refused"
                        message = f"{user.logical_id} of {stack.key} uses {found.logical_id}: {what}"
                        yield Fault(change.place_of(found), message, f"delete or change {stack.key} first")


def _left_behind(world: World, change: Change, lost: dict[int, Resource]) -> Iterator[tuple[Resource, Resource]]:
    """Primary clusters of global databases that the change deletes, with a secondary that stays."""
    for database in global_databases(world):
        primary = _match(lost, database.primary) if database.primary is not None else None
        stays = [one for one in database.secondaries if one.stack.key in change.running]
        if primary is not None and stays:
            yield primary, stays[0]


def _match(lost: dict[int, Resource], target: Resource) -> Resource | None:
    return next((old for old in lost.values()
                 if (old.stack.key, old.logical_id) == (target.stack.key, target.logical_id)), None)  # fmt: skip


NAMED = ("SourceDBInstanceIdentifier", "GlobalClusterIdentifier", "ReplicationSourceIdentifier", "PrimaryKeyArn")
"""Properties that name what a resource copies, often as text."""


def _used(world: World, user: Resource) -> Iterator[Resource]:
    """The resources of the world whose attributes stand in the properties of `user`, and those it copies."""
    for path, _, value in user.parts:
        for leaf in leaves(value):
            for part in parts(leaf):
                found = world.resource(part) if isinstance(part, Attribute) else None
                if found is not None:
                    yield found
            if path in NAMED and not isinstance(leaf, Attribute) and (copied := world.target(leaf)) is not None:
                yield copied


FLAGS = {
    "AWS::RDS::DBInstance": "DeletionProtection",
    "AWS::RDS::DBCluster": "DeletionProtection",
    "AWS::RDS::GlobalCluster": "DeletionProtection",
    "AWS::DocDB::DBCluster": "DeletionProtection",
    "AWS::DocDB::GlobalCluster": "DeletionProtection",
    "AWS::Neptune::DBCluster": "DeletionProtection",
    "AWS::Neptune::GlobalCluster": "DeletionProtection",
    "AWS::NeptuneGraph::Graph": "DeletionProtection",
    "AWS::DynamoDB::Table": "DeletionProtectionEnabled",
    "AWS::DynamoDB::GlobalTable": "Replicas.DeletionProtectionEnabled",
    "AWS::DSQL::Cluster": "DeletionProtectionEnabled",
    "AWS::Logs::LogGroup": "DeletionProtectionEnabled",
    "AWS::Cognito::UserPool": "DeletionProtection",
    "AWS::EC2::Instance": "DisableApiTermination",
    "AWS::EKS::Cluster": "DeletionProtection",
    "AWS::QLDB::Ledger": "DeletionProtection",
    "AWS::NetworkFirewall::Firewall": "DeleteProtection",
    "AWS::CloudTrail::EventDataStore": "TerminationProtectionEnabled",
    "AWS::OpenSearchServerless::Collection": "DeletionProtection",
    "AWS::Route53::HostedZone": "HostedZoneFeatures.EnableAcceleratedRecovery",
}
"""Properties that refuse a deletion. Source: registry schemas; Amazon Route 53 Developer Guide, "Enabling accelerated
recovery" (a zone with it cannot be deleted)."""


def protected(resource: Resource) -> str | None:
    """The property that refuses the deletion of `resource`; None if nothing does."""
    path = FLAGS.get(resource.type)
    if path and any(is_true(value) or pattern(value) in ("ACTIVE", "ENABLED") for value in resource.values(path)):
        return path
    if resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        for entry in resource.values("LoadBalancerAttributes"):
            on = isinstance(entry, dict) and pattern(entry.get("Key")) == "deletion_protection.enabled"
            if on and is_true(entry.get("Value")):
                return "LoadBalancerAttributes"
    return None


@rule("DR132", "What is deleted is not protected from it", source="Registry schemas (DeletionProtection and its like)")
def nothing_protected_deleted(world: World) -> Found:
    """The service refuses to delete it, and the stack ends as DELETE_FAILED with half of its resources gone. For a
    replacement the new resource is there, and the old one stays, too.

    Fix: switch the protection off by an update of its own, then delete.
    """
    for change in changes(world):
        if (
            change.after is None
            and change.before.entry.termination_protection
            and change.before.key == change.before.entry.stack
        ):
            message = f"stack {change.before.key} has termination protection"
            yield Fault(change.place, message, "switch termination protection off first")
        going = [(old, "DeletionPolicy") for old in change.gone()]
        going += [(old, "UpdateReplacePolicy") for old, new in change.kept() if certain_replacement((old, new))]
        for old, attribute in going:
            flag = protected(old)
            if flag and policy(old, attribute) not in KEPT:
                yield Fault(change.place_of(old), f"{flag} of {old.logical_id} is on", f"switch {flag} off first")


@rule(
    "DR133",
    "A secret is deleted without replicas",
    source="Secrets Manager API Reference, DeleteSecret (primary secrets with replicas)",
    severity=Severity.WARNING,
)
def secret_without_replicas(world: World) -> Found:
    """Secrets Manager refuses to delete a primary secret that has replicas. CloudFormation removes those it knows of;
    one that was promoted or added by hand stays, and the stack ends as DELETE_FAILED.

    Fix: first update the stack without ReplicaRegions, then delete it.
    """
    for change in changes(world):
        for old in change.gone():
            replicated = old.type == "AWS::SecretsManager::Secret" and old.has("ReplicaRegions")
            if replicated and policy(old, "DeletionPolicy") not in KEPT:
                message = f"{old.logical_id} still has replicas"
                yield Fault(change.place_of(old), message, "remove ReplicaRegions by an update first")


@rule(
    "DR134",
    "What a deleted stack keeps does not stand in the way",
    source="CloudFormation reference, DeletionPolicy attribute",
)
def kept_name_is_free(world: World) -> Found:
    """With DeletionPolicy Retain the resource stays when its stack is deleted, and keeps its name. The next stack that
    makes it fails: `already exists`.

    Fix: import the resource into the new stack, or give it another name.
    """
    kept: list[Resource] = []
    for change in changes(world):
        if change.after is None:
            kept += [old for old in change.gone() if policy(old, "DeletionPolicy") in KEPT and own_name(old)]
    places = {id(step.entry): step for step in world.steps}
    for old in kept:
        for step in places.values():
            later = world.order(step) > _deleted_at(world, old)
            for new in step.resources.values() if later and step.region == old.region else ():
                if new.type == old.type and own_name(new) == own_name(old):
                    message = f"{old.logical_id} of the deleted stack {old.stack.key} keeps this name"
                    yield Fault(new.place(), message, "import it, or choose another name")


def _deleted_at(world: World, old: Resource) -> int:
    steps = [index for index, entry in enumerate(world.deployment.stacks)
             if entry.action == "delete" and entry.stack == old.stack.entry.stack]  # fmt: skip
    return min(steps, default=len(world.deployment.stacks))


@rule(
    "DR135",
    "A vault that is deleted holds no backups",
    source="AWS Backup Developer Guide, Deleting a backup vault",
    severity=Severity.WARNING,
)
def deleted_vault_is_empty(world: World) -> Found:
    """A plan has filled the vault, and AWS Backup deletes no vault that contains recovery points: the stack ends as
    DELETE_FAILED.

    Fix: set DeletionPolicy: Retain on the vault, or delete its recovery points before.
    """
    paths = ("TargetBackupVault", "CopyActions.DestinationBackupVaultArn")
    for change in changes(world):
        vaults = [old for old in change.gone() if old.type == "AWS::Backup::BackupVault"]
        plans = [found for stack in (change.before, *change.running.values()) for found in stack.resources.values()
                 if found.type == "AWS::Backup::BackupPlan"]  # fmt: skip
        for vault in vaults:
            filled = any(
                (target := world.target(value, vault.type)) is not None
                and (target.stack.key, target.logical_id) == (vault.stack.key, vault.logical_id)
                for plan in plans for path in paths for value in plan.values(f"BackupPlan.BackupPlanRule.{path}")
            )  # fmt: skip
            if filled and policy(vault, "DeletionPolicy") not in KEPT:
                message = "a plan puts backups into it, and a vault with backups is not deleted"
                yield Fault(change.place_of(vault), message, "set DeletionPolicy: Retain")
