"""What updates and deletions do: each stack as it was and as it becomes, step by step.

Steps come from a manifest that lists a stack again, and from an earlier world that this one is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drgen.preflight.stack import Place, Resource, Stack
from drgen.preflight.world import World
from drgen.template.resolve import Resolved, Unknown
from drgen.template.schema import PropertyPath, ResourceSchema, schema_for

Pair = tuple[Resource, Resource]


@dataclass(frozen=True, eq=False)
class Change:
    """One step of one stack: an update, or its deletion where `after` is None.

    `running` are the other stacks that are there while it happens, by key.
    """

    before: Stack
    after: Stack | None
    place: Place
    running: Mapping[str, Stack] = field(repr=False)

    def kept(self) -> Iterator[Pair]:
        """Every resource that is there before and after, under its logical id."""
        for logical_id, old in self.before.resources.items():
            new = self.after.resources.get(logical_id) if self.after is not None else None
            if new is not None:
                yield old, new

    def gone(self) -> Iterator[Resource]:
        """Every resource that the step takes out of the stack."""
        for logical_id, old in self.before.resources.items():
            if self.after is None or logical_id not in self.after.resources:
                yield old

    def made(self) -> Iterator[Resource]:
        """Every resource that the step adds to the stack."""
        for logical_id, new in self.after.resources.items() if self.after is not None else ():
            if logical_id not in self.before.resources:
                yield new

    def place_of(self, old: Resource) -> Place:
        """Where a resource that is gone is missed: its address, and the line of what takes it away."""
        shown = self.after.place(old.logical_id) if self.after is not None else self.place
        return Place(f"{self.before.key}/{old.logical_id}", shown.file, shown.line)


def changes(world: World) -> tuple[Change, ...]:
    """Every update and deletion, in the order of the manifest."""
    return tuple(_changes(world))


def _changes(world: World) -> Iterator[Change]:
    running: dict[str, Stack] = dict(_earlier(world))
    by_entry: dict[int, list[Stack]] = {}
    for step in world.steps:
        by_entry.setdefault(id(step.entry), []).append(step)
    for index, entry in enumerate(world.deployment.stacks):
        place = world.entry_place(index)
        if entry.action == "delete":
            for key in [key for key in running if key == entry.stack or key.startswith(f"{entry.stack}.")]:
                before = running.pop(key)
                yield Change(before, None, place, dict(running))
            continue
        for step in by_entry.get(id(entry), ()):
            last = running.pop(step.key, None)
            if last is not None:
                yield Change(last, step, place, dict(running))
            running[step.key] = step


def _earlier(world: World) -> Iterator[tuple[str, Stack]]:
    """The stacks of the world before, each under the key that its stack has now."""
    if world.before is None:
        return
    names = {
        (stack.entry.stack_name, stack.region): stack.key
        for stack in world.stacks.values()
        if stack.key == stack.entry.stack
    }
    for stack in world.before.stacks.values():
        root, _, rest = stack.key.partition(".")
        key = names.get((stack.entry.stack_name, stack.region), root)
        yield f"{key}.{rest}" if rest else key, stack


def updated(world: World, *types: str) -> Iterator[Pair]:
    """Each resource of these types that an update finds, as it was and as it becomes."""
    for change in changes(world):
        for old, new in change.kept():
            if old.type in types and new.type in types:
                yield old, new


def values(resource: Resource, path: PropertyPath) -> list[Resolved]:
    return list(resource.values(".".join(step for step in path if step != "*")))


def changed(pair: Pair, path: PropertyPath) -> bool:
    """True if what stands at `path` comes to something else than before."""
    old, new = pair
    return values(old, path) != values(new, path)


def replaced_by(pair: Pair) -> tuple[str, ...]:
    """The properties whose change makes CloudFormation replace the resource."""
    old, new = pair
    schema = schema_for(new.type, new.region) if old.type == new.type else None
    if schema is None:
        return ()
    return tuple(".".join(path) for path in sorted(schema.create_only) if changed(pair, path))


def maybe_replaced_by(pair: Pair) -> tuple[str, ...]:
    """The properties whose change replaces the resource for some transitions."""
    schema = schema_for(pair[1].type, pair[1].region) if pair[0].type == pair[1].type else None
    return tuple(".".join(p) for p in sorted(schema.conditional_create_only) if changed(pair, p)) if schema else ()


def own_name(resource: Resource) -> tuple[str, list[Resolved]] | None:
    """The properties that give the resource a name of its own, and their values; None if CloudFormation chooses one.

    It is the primary identifier of the registry schema where the template sets all of it, or a row of NAMED_BY.
    """
    schema = schema_for(resource.type, resource.region)
    identifiers = _identifiers(schema) if schema is not None else ()
    named = [resource.value(name) for name in identifiers]
    if not named or any(value is None or isinstance(value, Unknown) for value in named):
        return None
    return ", ".join(identifiers), named


NAMED_BY = {
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName",),
    "AWS::ECS::Service": ("Cluster", "ServiceName"),
    "AWS::EC2::Subnet": ("VpcId", "CidrBlock"),
    "AWS::EC2::SecurityGroup": ("VpcId", "GroupName"),
    "AWS::Events::Rule": ("Name",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
}
"""Types whose identifier is made by the service, and the properties that must not be the same for two of them.

Source: registry schemas; EC2 API Reference, CreateSubnet (blocks of a VPC do not overlap).
"""


def _identifiers(schema: ResourceSchema) -> tuple[str, ...]:
    if schema.type_name in NAMED_BY:
        return NAMED_BY[schema.type_name]
    paths = [path for path in schema.primary_identifier if path not in schema.read_only]
    complete = len(paths) == len(schema.primary_identifier) and all(len(path) == 1 for path in paths)
    return tuple(path[0] for path in paths) if complete else ()
