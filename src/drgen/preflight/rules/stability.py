"""DR20x: what must still work while the primary region is gone."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.expressions import arguments
from drgen.preflight.naming import bare_name
from drgen.preflight.policies import Permissions, permissions, role_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.replicas import replicas
from drgen.preflight.stack import Place, Resource, Stack
from drgen.preflight.values import arn, dynamic_references, known_text, leaves, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
PROMOTIONS = (
    "rds:PromoteReadReplica", "rds:PromoteReadReplicaDBCluster", "rds:FailoverGlobalCluster",
    "rds:SwitchoverGlobalCluster", "rds:RemoveFromGlobalCluster", "rds:SwitchoverReadReplica",
)  # fmt: skip
"""Actions that make a recovery database writable. Source: botocore model of rds."""

ACTORS = {"AWS::Lambda::Function": "Role", "AWS::StepFunctions::StateMachine": "RoleArn",
          "AWS::SSM::Document": "Content.assumeRole", "AWS::ARCRegionSwitch::Plan": "ExecutionRole"}  # fmt: skip


def promoters(world: World) -> Iterator[tuple[Resource, Resource, Permissions]]:
    """Functions and machines whose role may promote a database, with the role and all it may do."""
    for resource_type, path in ACTORS.items():
        for actor in world.resources(resource_type):
            role = role_of(world, actor, path)
            allowed = permissions(world, role) if role else None
            if role and allowed and any(_names(allowed, action) for action in PROMOTIONS):
                yield actor, role, allowed


def _names(allowed: Permissions, action: str) -> bool:
    """True if a statement allows `action` on purpose: an administrator's `*` does not make a failover function."""
    return any(s.allows(action) and any(a.lower().startswith("rds:") for a in s.actions) for s in allowed.statements)


def in_recovery(world: World, stack: Stack) -> bool:
    return stack.region in world.recovery and stack.region != world.primary


@rule(
    "DR201",
    "A recovery stack asks no other region for values",
    source="CloudFormation reference, Fn::GetStackOutput (resolved whenever the stack is created or updated)",
    severity=Severity.WARNING,
)
def recovery_reads_only_itself(world: World) -> Found:
    """CloudFormation resolves the value again at each update. While the primary region is dark, that fails, and the
    recovery stack cannot be changed on the one day it must be.

    Fix: pass the value as a parameter (`from:` in the manifest); CloudFormation keeps the previous value.
    """
    for stack in world.stacks.values():
        if not in_recovery(world, stack):
            continue
        asks = stack.template.uses("Fn::GetStackOutput")
        for logical_id, resource in stack.resources.items():
            for argument in arguments(stack.taken(resource.body), "Fn::GetStackOutput") if asks else ():
                place = stack.place(logical_id)
                region = argument.get("Region") if isinstance(argument, dict) else None
                known = known_text(stack.evaluate(region, place)) if region is not None else stack.region
                if known is None:
                    yield NotDecided(place, "the region of Fn::GetStackOutput is not known")
                elif known != stack.region:
                    yield Fault(place, f"Fn::GetStackOutput asks {known} at each update", "make it a parameter")
            if resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource":
                yield from _reader(world, resource)


def _reader(world: World, resource: Resource) -> Found:
    for name in resource.properties:
        asks = name != "ServiceToken" and "region" in name.lower() and resource.text(name) == world.primary
        if asks:
            message = f"custom resource {resource.logical_id} works in {world.primary} at each update"
            yield Fault(resource.place(name), message, "pass what it reads as a parameter")


@rule(
    "DR202",
    "A stored parameter or secret is read in the region that has it",
    source="CloudFormation User Guide, Get values stored in other services using dynamic references",
)
def stored_value_is_local(world: World) -> Found:
    """Parameter Store and Secrets Manager are regional; CloudFormation reads them in the stack's region, finds nothing,
    and refuses the stack.

    Fix: write the parameter in this region, too, or replicate the secret and name the replica.
    """
    for stack in world.stacks.values():
        for name, declared in stack.template.section("Parameters").items():
            kind = str(declared.get("Type", "")) if isinstance(declared, dict) else ""
            if kind.startswith("AWS::SSM::Parameter::Value"):
                source = stack.given[name]() if name in stack.given else declared.get("Default")
                place = stack.section_place("Parameters", name)
                yield from _stored(world, stack, "ssm", source, place)
        for resource in stack.resources.values():
            for property_name, value in resource.properties.items():
                for reference in dynamic_references(value):
                    yield from _stored(world, stack, reference.service, reference.name, resource.place(property_name))


def _stored(world: World, stack: Stack, service: str, name: Resolved, place: Place) -> Found:
    kind = "AWS::SecretsManager::Secret" if service == "secretsmanager" else "AWS::SSM::Parameter"
    regions = {stack_region for found in world.targets(name, kind) for stack_region in held_in(found)}
    stated = region_of(name) if arn(name) else None
    if stated and stated != stack.region:
        regions = {stated}
    if regions and stack.region not in regions:
        message = f"{pattern(name) or kind} exists in {', '.join(sorted(regions))}, not in {stack.region}"
        yield Fault(place, message, f"make it in {stack.region}, too")
    elif not regions and service != "secretsmanager" and not (pattern(name) or "").startswith("/aws/service/"):
        yield NotDecided(place, f"SSM parameter {pattern(name)} is made by no stack of this deployment")


def held_in(resource: Resource) -> set[str]:
    """The regions where a secret or parameter exists: its own, and those of its replicas."""
    replicated = {text for leaf in resource.values("ReplicaRegions.Region") if (text := pattern(leaf))}
    return {resource.region, *replicated}


@rule(
    "DR203",
    "The failover runs outside the region it must survive",
    source="drgen: static stability",
    severity=Severity.WARNING,
)
def failover_survives(world: World) -> Found:
    """A function that promotes the recovery database is lost together with the primary region, exactly when it is
    needed.

    Fix: move the function or state machine, its role's stack, alarms and schedule to the recovery region.
    """
    for actor, _, _ in promoters(world):
        if world.recovery and actor.region == world.primary:
            message = (
                f"{actor.logical_id} may promote the recovery database, but runs in the primary region {actor.region}"
            )
            yield Fault(actor.place(), message, f"make it in {world.recovery[0]}")


@rule(
    "DR204",
    "An automatic failover has somebody who can promote the database",
    source="drgen: intent of a deployment",
    severity=Severity.WARNING,
)
def somebody_promotes(world: World) -> Found:
    """The manifest promises an automatic failover, but no role outside the primary region may promote the replica.

    Fix: add a failover function or state machine in the recovery region with rds:PromoteReadReplica.
    """
    if world.deployment.intent.other.get("failover") != "automatic":
        return
    able = [actor for actor, _, _ in promoters(world) if actor.region != world.primary]
    for replica, _ in replicas(world):
        if in_recovery(world, replica.stack) and not able:
            yield Fault(
                replica.place(), "nothing outside the primary region may promote this replica", "add a failover"
            )


NAMED_IN_POLICIES = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::Lambda::Function", "AWS::SNS::Topic",
                     "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine")  # fmt: skip


@rule(
    "DR205",
    "A permission names the resource where it is",
    source="IAM User Guide, Identify AWS resources with ARNs",
    severity=Severity.WARNING,
)
def permission_names_region(world: World) -> Found:
    """The role is allowed the action on a resource that does not exist; on the real one, in the other region, the
    call is denied. Nobody notices before the failover.

    Fix: write the region of the resource into the ARN.
    """
    for role in world.resources("AWS::IAM::Role"):
        for statement in permissions(world, role).statements:
            for value in statement.resources:
                whole = arn(value)
                if whole is None or "*" in whole.region or not whole.region:
                    continue
                yield from _elsewhere(world, role, whole.region, whole.resource, value)


def _elsewhere(world: World, role: Resource, region: str, resource_part: str, value: Resolved) -> Found:
    if world.targets(value, *NAMED_IN_POLICIES):
        return
    for kind in NAMED_IN_POLICIES:
        name = bare_name(kind, resource_part)
        service = kind.split("::")[1].lower().replace("stepfunctions", "states")
        whole = arn(value)
        if not name or "*" in name or whole is None or whole.service != service:
            continue
        regions = sorted({found.region for found in world.named(kind, name)})
        if regions and region not in regions:
            message = f"{name} is in {', '.join(regions)}, but the policy says {region}"
            yield Fault(role.place("Policies"), message, f"name {regions[0]} in the ARN")


@rule(
    "DR206", "A probe runs outside the region it watches", source="drgen: static stability", severity=Severity.WARNING
)
def probe_survives(world: World) -> Found:
    """A canary in the primary region stops with it: no data instead of an alarm.

    Fix: run the canary in the recovery region, or a second one there.
    """
    canaries = list(world.resources("AWS::Synthetics::Canary"))
    if world.recovery and canaries and all(canary.region == world.primary for canary in canaries):
        for canary in canaries:
            elsewhere = [leaf for leaf in canary.values("Replicas.Location") if pattern(leaf) != world.primary]
            if not elsewhere:
                message = f"every canary runs in the primary region {canary.region}"
                yield Fault(canary.place(), message, f"make one in {world.recovery[0]}")


@rule(
    "DR207",
    "A workload reads the secrets of its own region",
    source="AWS Secrets Manager User Guide, Replicate AWS Secrets Manager secrets across Regions",
    severity=Severity.WARNING,
)
def secrets_are_local(world: World) -> Found:
    """Tasks of this region cannot start while the region that holds the secret is gone.

    Fix: replicate the secret and build the replica's ARN with the stack's own region.
    """
    for task in world.resources("AWS::ECS::TaskDefinition"):
        for path in (
            "ContainerDefinitions.Secrets.ValueFrom",
            "ContainerDefinitions.RepositoryCredentials.CredentialsParameter",
        ):
            for value in task.values(path):
                region = next((found for leaf in leaves(value) if (found := region_of(leaf))), None)
                if region is not None and region != task.region:
                    yield Fault(
                        task.place("ContainerDefinitions"), f"the secret is read in {region}", "use the replica"
                    )
