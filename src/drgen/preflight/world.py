"""All stacks of a deployment, resolved together: what every property comes to, and which resource it names."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

from drgen.model.deployment import Deployment, FromOutput, ParameterSource, StackEntry
from drgen.preflight.naming import NAMING, Scope, bare_name
from drgen.preflight.stack import Place, Resource, Stack
from drgen.preflight.values import arn, known_text, leaves, parts, pattern
from drgen.template.load import Path, Template
from drgen.template.resolve import Attribute, Resolved, Text, Unknown

Joined = TypeVar("Joined")


class World:
    """`templates` are the loaded templates by the path that the manifest gives them.

    `manifest` is the manifest as loaded text, for the lines of findings about it; without it they say line 1.
    `steps` are the stacks as each create or update of the manifest makes them, `stacks` as the last one leaves them.
    A stack that the manifest ends by deleting is judged as it was before. `before` is what is deployed, where this
    world is compared with it.
    """

    def __init__(
        self,
        deployment: Deployment,
        templates: Mapping[str, Template],
        manifest: Template | None = None,
        before: World | None = None,
    ) -> None:
        self.deployment = deployment
        self.before = before
        self._manifest = manifest
        self._children: dict[tuple[str, str], Stack] = {}
        self._joins: dict[Callable[[World], Any], Any] = {}
        self.steps: list[Stack] = []
        self.stacks: Mapping[str, Stack] = {}
        first: dict[str, int] = {}
        roots: list[Stack] = []
        for index, entry in enumerate(deployment.stacks):
            if entry.action == "delete" or entry.template not in templates:
                continue
            position = first.setdefault(entry.stack, index)
            roots.append(self._root(entry, templates, index if entry.action == "update" else position))
        # Which children a stack has may follow from its parameters, so all stacks come before all children.
        self.stacks = {stack.key: stack for stack in roots}
        for root in roots:
            self.steps += [root, *self._nested(root, templates)]
        self.stacks = {stack.key: stack for stack in self.steps}
        self.first = first

    def _root(self, entry: StackEntry, templates: Mapping[str, Template], position: int) -> Stack:
        given = {name: partial(self._sourced, source) for name, source in entry.parameters.items()}
        template = templates[entry.template]
        return Stack(entry, template, key=entry.stack, position=position, given=given, others=self)

    def _nested(self, parent: Stack, templates: Mapping[str, Template]) -> Iterator[Stack]:
        for logical_id, path in parent.entry.nested.items():
            body = parent.template.resources.get(logical_id)
            if body is None or path not in templates:
                continue
            properties = body.get("Properties")
            passed = properties.get("Parameters") if isinstance(properties, dict) else None
            place = partial(parent.place, logical_id, "Parameters")
            given: dict[str, Callable[[], Resolved]] = {
                name: partial(parent.evaluate, value, place)
                for name, value in (passed.items() if isinstance(passed, dict) else ())
            }
            key = f"{parent.key}.{logical_id}"
            child = Stack(parent.entry, templates[path], key=key, position=parent.position, given=given, others=self)
            self._children[parent.key, logical_id] = child
            yield child

    def _sourced(self, source: ParameterSource) -> Resolved:
        match source:
            case str():
                return source
            case FromOutput():
                producer = self.stacks.get(source.stack)
                return producer.output(source.output) if producer else Unknown(f"there is no stack {source.stack}")

    def stated(self, value: Attribute) -> Resolved:
        stack = self.stacks.get(value.stack)
        properties = stack.template.resources[value.logical_id].get("Properties") if stack else None
        if stack is None or not isinstance(properties, dict) or value.attribute not in properties:
            return None
        place = partial(stack.place, value.logical_id, value.attribute)
        return stack.evaluate(properties[value.attribute], place)

    def child(self, stack: Stack, logical_id: str) -> Stack | None:
        return self._children.get((stack.key, logical_id))

    def import_value(self, stack: Stack, name: str) -> Resolved:
        for other in self.stacks.values():
            if other.region == stack.region and name in other.exports:
                return other.output(other.exports[name])
        return Unknown(f"no stack of {stack.region} exports {name}", f"export {name} of {stack.region}")

    def stack_output(self, stack: Stack, stack_name: str, output: str, region: str) -> Resolved:
        producer = self.stack_named(stack_name, region)
        if producer:
            return producer.output(output)
        return Unknown(f"there is no stack {stack_name} in {region}", f"{stack_name}.{output} in {region}")

    def stack_named(self, stack_name: str, region: str) -> Stack | None:
        """The stack that CloudFormation calls `stack_name` in `region`."""
        for stack in self.stacks.values():
            if stack.entry.stack_name == stack_name and stack.region == region and stack.key == stack.entry.stack:
                return stack
        return None

    def ssm_parameter(self, stack: Stack, name: str) -> Resolved:
        for parameter in self.named("AWS::SSM::Parameter", name):
            if parameter.region == stack.region:
                return parameter.properties.get("Value")
        return Unknown(f"SSM parameter {name} is read when the stack is deployed", f"SSM {stack.region} {name}")

    def learn(self, state: Mapping[str, object]) -> None:
        """Adds facts about the account, in the format of `account_state`; they replace what the manifest says."""
        facts = {**self.deployment.account_state, **state}
        self.deployment = replace(self.deployment, account_state=facts)

    def order(self, stack: Stack) -> int:
        """The place of the stack's step in the manifest, from 0."""
        return self._order[id(stack.entry)]

    @cached_property
    def _order(self) -> Mapping[int, int]:
        return {id(entry): index for index, entry in enumerate(self.deployment.stacks)}

    @property
    def primary(self) -> str:
        return self.deployment.intent.primary

    @property
    def recovery(self) -> tuple[str, ...]:
        return self.deployment.intent.recovery

    def place(self, stack: Stack, parameter: str) -> Place:
        """Where the manifest gives `parameter` of `stack`; the stack's entry if it does not."""
        index = self.order(stack)
        path: Path = ("stacks", index, "parameters", parameter)
        address = "/".join(part for part in (stack.key, parameter) if part)
        file = self._manifest.file if self._manifest else str(self.deployment.path)
        return Place(address, file, self._manifest.line(path) if self._manifest else 1)

    def overlap(self, left: Stack, right: Stack) -> bool:
        """True if both stacks are there at some time; false if one is deleted before the other is made."""
        return not (self._ends_before(left, right) or self._ends_before(right, left))

    def _ends_before(self, stack: Stack, other: Stack) -> bool:
        entries = list(enumerate(self.deployment.stacks))
        mine = [(index, entry.action) for index, entry in entries if entry.stack == stack.entry.stack]
        begins = min(index for index, entry in entries if entry.stack == other.entry.stack)
        return mine[-1][1] == "delete" and mine[-1][0] < begins

    def entry_place(self, index: int) -> Place:
        """Where the manifest has its entry `index`: a create, update or delete of a stack."""
        file = self._manifest.file if self._manifest else str(self.deployment.path)
        line = self._manifest.line(("stacks", index)) if self._manifest else 1
        return Place(self.deployment.stacks[index].stack, file, line)

    def resources(self, *types: str) -> Iterator[Resource]:
        """Every resource of these types, in the order of the manifest and of the templates."""
        for wanted in types:
            yield from self._by_type.get(wanted, ())

    def all_resources(self) -> Iterator[Resource]:
        for stack in self.stacks.values():
            yield from stack.resources.values()

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.all_resources():
            found[resource.type].append(resource)
        return found

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], list[Resource]]:
        found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for resource_type in NAMING:
            for resource in self.resources(resource_type):
                name = self.name(resource)
                if name:
                    found[resource_type, name].append(resource)
        return found

    def name(self, resource: Resource) -> str | None:
        """The physical name the template gives `resource`, with `*` for parts not known; None if it gives none."""
        row = NAMING.get(resource.type)
        if row is None:
            return None
        name = self.literal(resource.value(row.property))
        return name if name is None or row.case_sensitive else name.lower()

    def named(self, resource_type: str, name: str) -> list[Resource]:
        """The resources of that type that carry `name`, in any region."""
        row = NAMING[resource_type]
        wanted = name if row.case_sensitive else name.lower()
        exact = self._by_name.get((resource_type, wanted))
        if exact:
            return exact
        return [
            resource
            for known, found in self._by_pattern.get(resource_type, ())
            if fnmatch.fnmatchcase(wanted, known)
            for resource in found
        ]

    @cached_property
    def _by_pattern(self) -> Mapping[str, list[tuple[str, list[Resource]]]]:
        """The resources of each type whose names are known in part."""
        found: dict[str, list[tuple[str, list[Resource]]]] = defaultdict(list)
        for (resource_type, known), resources in self._by_name.items():
            if "*" in known and known.strip("*"):
                found[resource_type].append((known, resources))
        return found

    def once(self, join: Callable[[World], Joined]) -> Joined:
        """What `join` makes of this world, made when it is first asked for: rules share what costs a look at
        everything."""
        if join not in self._joins:
            self._joins[join] = join(self)
        joined: Joined = self._joins[join]
        return joined

    def resource(self, value: Attribute) -> Resource | None:
        stack = self.stacks.get(value.stack)
        return stack.resources.get(value.logical_id) if stack else None

    def target(self, value: Resolved, *types: str) -> Resource | None:
        """The resource of one of `types` that `value` is an attribute, the ARN or the name of.

        A name means a resource of any region; where several carry it, none is meant for certain and the answer is None.
        """
        if isinstance(value, Attribute):
            return self.resource(value) if not types or value.type in types else None
        found = {id(resource): resource for resource in self._targets(value, types or tuple(NAMING))}
        return next(iter(found.values())) if len(found) == 1 else None

    def targets(self, value: Resolved, *types: str) -> list[Resource]:
        """Like `target`, with every candidate."""
        if isinstance(value, Attribute):
            resource = self.target(value, *types)
            return [resource] if resource else []
        return list(self._targets(value, types or tuple(NAMING)))

    def _targets(self, value: Resolved, types: tuple[str, ...]) -> Iterator[Resource]:
        whole = arn(value)
        if whole is None:
            name = pattern(value)
            if name and name.strip("*"):
                for resource_type in types:
                    if resource_type in NAMING:
                        yield from self.named(resource_type, name)
            yield from self._only_part(value, types)
            return
        for resource_type in types:
            row = NAMING.get(resource_type)
            name = bare_name(resource_type, whole.resource)
            if row is None or row.arn is None or row.arn[0] != whole.service or not name or not name.strip("*"):
                continue
            spellings = [name, name[:-7]] if resource_type == "AWS::SecretsManager::Secret" else [name]
            spellings += [name.removeprefix("/")] if resource_type == "AWS::SSM::Parameter" else []
            for resource in (r for spelling in spellings for r in self.named(resource_type, spelling)):
                if row.scope is Scope.ACCOUNT or resource.region == whole.region:
                    yield resource
        yield from self._only_part(value, types)

    def _only_part(self, value: Resolved, types: tuple[str, ...]) -> Iterator[Resource]:
        """The one resource whose attribute stands inside a text, as in `${Bucket.Arn}/*`."""
        if isinstance(value, Text):
            attributes = [part for part in parts(value) if isinstance(part, Attribute)]
            if len(attributes) == 1 and attributes[0].type in types:
                resource = self.resource(attributes[0])
                if resource:
                    yield resource

    def literal(self, value: Resolved) -> str | None:
        """`value` as text with `*` for unknown parts; an attribute that repeats a property is read from there."""
        if isinstance(value, Attribute):
            return self._literal_attribute(value)
        if isinstance(value, Text):
            return "".join((self.literal(part) or "*") if not isinstance(part, str) else part for part in value.parts)
        return pattern(value)

    def _literal_attribute(self, value: Attribute) -> str | None:
        resource = self.resource(value)
        if resource is None:
            return None
        row = NAMING.get(resource.type)
        if row is not None and value.attribute in ("Ref", row.property):
            stated = resource.value(row.property)
            name = None if isinstance(stated, Attribute) else pattern(stated)
            if name is not None and not resource.type.startswith(("AWS::SNS", "AWS::StepFunctions")):
                return name
        if value.attribute in resource.properties:
            return known_text(resource.value(value.attribute))
        return None

    def cidrs(self, vpc: Resource) -> tuple[str, ...]:
        """The known CIDR blocks of a VPC, secondary ones included."""
        blocks: list[Any] = [vpc.value("CidrBlock")]
        for block in self.resources("AWS::EC2::VPCCidrBlock"):
            if self.target(block.value("VpcId"), "AWS::EC2::VPC") is vpc:
                blocks.append(block.value("CidrBlock"))
        known = (self.literal(block) for leaf in blocks for block in leaves(leaf))
        return tuple(block for block in known if block and "*" not in block)
