"""DR72x: what the account already holds, allows and lacks; decided only where its state is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from drgen.preflight.account import OPT_IN, ROOM, AccountFacts
from drgen.preflight.naming import NAMING, Scope
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Place, Resource
from drgen.preflight.values import known_text
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


def facts(world: World) -> AccountFacts:
    return AccountFacts(world.deployment.account_state)


@rule("DR720", "What a region gets fits the account's quota", source="Service Quotas (codes in the messages)")
def fits_quota(world: World) -> Found:
    """The stack fails at the resource that is one too many, after the others were made, and is rolled back. Quotas are
    per region: what the primary region was given, the recovery region was not.

    Fix: ask Service Quotas for more in that region before the deployment, or remove what is no longer used.
    """
    for key, region, room in facts(world).room():
        resource_type, code = ROOM[key]
        made = [resource for resource in world.resources(resource_type) if resource.region == region]
        if made and room.used + len(made) > room.quota:
            first_too_many = made[max(0, room.quota - room.used)]
            named = f" ({code})" if code else ""
            message = f"{len(made)} are made in {region}, {room.used} of {room.quota} are in use{named}"
            yield Fault(first_too_many.place(), message, f"ask for a higher quota in {region}")


NAMES_A_REGION = (
    ("AWS::SecretsManager::Secret", "ReplicaRegions.Region"),
    ("AWS::DynamoDB::GlobalTable", "Replicas.Region"),
    ("AWS::RDS::DBInstance", "AutomaticBackupReplicationRegion"),
    ("AWS::EC2::VPCPeeringConnection", "PeerRegion"),
)
"""Properties that make AWS act in another region."""


@rule(
    "DR721",
    "Every region of the deployment is switched on in the account",
    source="AWS Account Management Reference Guide, Enable or disable AWS Regions in your account",
)
def regions_are_enabled(world: World) -> Found:
    """Newer regions are off in every account until somebody switches them on, which takes minutes to hours. Each call
    there fails with an invalid token, and nothing is deployed.

    Fix: enable the region for the account, or choose one that is on by default.
    """
    enabled = facts(world).enabled_regions
    wanted: dict[str, Place] = {}
    for stack in world.stacks.values():
        wanted.setdefault(stack.region, world.place(stack, ""))
    for resource_type, path in NAMES_A_REGION:
        for resource in world.resources(resource_type):
            for value in resource.values(path):
                wanted.setdefault(known_text(value) or "", resource.place(path.split(".")[0]))
    for region, place in wanted.items():
        if region in OPT_IN and enabled is None:
            yield NotDecided(place, f"whether {region} is switched on, only the account knows")
        elif region in OPT_IN and enabled is not None and region not in enabled:
            yield Fault(place, f"{region} is not switched on in the account", "enable it, or choose another region")


DELETE_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS")
CONTINUE_FIRST = ("UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED")


@rule(
    "DR722",
    "A stack is in a state that takes the operation",
    source="CloudFormation User Guide, Understand CloudFormation stack creation events (stack status codes)",
)
def status_allows(world: World) -> Found:
    """After a failed first attempt a stack stays as ROLLBACK_COMPLETE: it holds nothing, and takes no update. After a
    failed rollback nothing goes before the rollback is continued.

    Fix: delete the stack first (action: delete), continue its rollback, or wait until its operation has ended.
    """
    deleted: set[tuple[str, str]] = set()
    told: set[tuple[str, str]] = set()
    for index, entry in enumerate(world.deployment.stacks):
        key = (entry.stack_name, entry.region)
        status = facts(world).stack_status(*key)
        if entry.action == "delete":
            deleted.add(key)
            continue
        if not status or key in deleted or key in told:
            continue
        fix = _way_out(status)
        if fix:
            told.add(key)
            yield Fault(world.entry_place(index), f"{entry.stack_name} in {entry.region} is {status}", fix)


def _way_out(status: str) -> str:
    """What must be done before a stack in `status` takes a create or an update; empty if nothing."""
    if status in DELETE_FIRST:
        return "delete the stack first"
    if status in CONTINUE_FIRST:
        return "continue the rollback first"
    if status.endswith("_IN_PROGRESS"):
        return "wait until the operation has ended"
    return ""


LINKED = {
    "AWS::ECS::Service": ("ecs.amazonaws.com", "AWSServiceRoleForECS", ""),
    "AWS::OpenSearchService::Domain": (
        "opensearchservice.amazonaws.com", "AWSServiceRoleForAmazonOpenSearchService", "VPCOptions"),
}  # fmt: skip
"""Types whose creation needs a service-linked role that CloudFormation does not make: the service, its role, and the
property that brings the need (empty: always).

Source: Amazon ECS Developer Guide, "Using service-linked roles for Amazon ECS"; Amazon OpenSearch Service Developer
Guide, "Creating the VPC service-linked role".
"""

ROLE = "AWS::IAM::ServiceLinkedRole"


@rule(
    "DR723",
    "The service-linked roles that are needed exist, and are made once",
    source="IAM User Guide, Create a service-linked role; Amazon ECS Developer Guide, Using service-linked roles",
)
def linked_roles_exist(world: World) -> Found:
    """In a fresh account the role appears when somebody first uses the console. CloudFormation does not make it:
    `Unable to assume the service linked role`. A role that is there cannot be made again.

    Fix: run `aws iam create-service-linked-role`, or make an AWS::IAM::ServiceLinkedRole in an earlier stack.
    """
    there = facts(world).service_linked_roles
    made = {role.text("AWSServiceName"): role for role in world.resources(ROLE)}
    told: set[str] = set()
    for resource_type, (service, name, needs) in LINKED.items():
        for resource in world.resources(resource_type):
            if (needs and not resource.has(needs)) or service in told:
                continue
            told.add(service)
            role = made.get(service)
            if there is None:
                yield NotDecided(resource.place(), f"whether the account has {name}, only the account knows")
            elif service not in there and (role is None or role.stack.position > resource.stack.position):
                yield Fault(resource.place(), f"the account has no {name}", f"make the role of {service} first")
    for known, role in made.items():
        if there is not None and known in there and not role.has("CustomSuffix"):
            yield Fault(role.place(), f"the account has the role of {known} already", "remove this resource")


@rule(
    "DR724",
    "No name of the deployment is taken by something else",
    source="CloudFormation User Guide, Validate stack deployments (name conflicts with existing resources)",
)
def names_are_free(world: World) -> Found:
    """A resource with a name of its own is created under that name. One that somebody made by hand, that an earlier
    stack kept (Retain), or that waits for its deletion makes the stack fail: `already exists`.

    Fix: import the resource into the stack, delete it, or choose another name.
    """
    by_name: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for resource_type in NAMING:
        for resource in world.resources(resource_type):
            name = world.name(resource)
            if name and "*" not in name:
                by_name[resource_type, name].append(resource)
    for taken in facts(world).taken():
        row = NAMING.get(taken.type)
        name = taken.name if row is None or row.case_sensitive else taken.name.lower()
        for resource in by_name.get((taken.type, name), ()):
            everywhere = row is not None and row.scope is Scope.ACCOUNT
            if everywhere or not taken.region or resource.region == taken.region:
                state = f" ({taken.status})" if taken.status else ""
                where = f" in {taken.region}" if taken.region else ""
                message = f"{taken.name} exists already{where}{state}"
                yield Fault(resource.place(row.property if row else ""), message, "choose another name, or import it")
