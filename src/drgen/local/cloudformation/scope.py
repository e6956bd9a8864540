"""What Ref, GetAtt and the others come to for one stack: known values while it is deployed, unknown ones in a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.cloudformation import parameters
from drgen.local.cloudformation.differences import unknowns
from drgen.local.cloudformation.document import Document, depends_on, references
from drgen.local.cloudformation.records import Deployment, Resource, Stack
from drgen.local.cloudformation.store import Store
from drgen.local.providers.provider import Environment
from drgen.template.resolve import Attribute, Resolved, ResolveError, Resolver, Unknown, is_expression
from drgen.template.schema import schema_for

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
Zones = Callable[[str], list[str]]
Look = Callable[[str], Resource | Unknown | None]
"""The resource of that logical id as it exists now; Unknown if a plan cannot say; None if it does not exist."""


class StackScope:
    """Answers for one stack and deployment. Dynamic references are left as text: handlers resolve them last."""

    def __init__(
        self,
        *,
        env: Environment,
        store: Store,
        stack: Stack,
        document: Document,
        deployment: Deployment,
        zones: Zones,
        look: Look,
        planning: bool = False,
    ) -> None:
        self._env = env
        self._store = store
        self._stack = stack
        self._document = document
        self._deployment = deployment
        self._values = deployment.values
        self._zones = zones
        self._look = look
        self.planning = planning
        self.imported: set[str] = set()

    def ref(self, name: str) -> Resolved:
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self._values:
            return parameters.reference(self._document.section("Parameters")[name], self._values[name])
        found = self._found(name)
        return found if isinstance(found, Unknown) else found.physical_id

    def get_att(self, logical_id: str, attribute: str) -> Resolved:
        found = self._found(logical_id)
        if isinstance(found, Unknown):
            return found
        if attribute in found.attributes:
            return found.attributes[attribute]
        head, *rest = attribute.split(".")
        value: Any = found.attributes.get(head, found.properties.get(head))
        for step in rest:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            raise ResolveError(
                f"Template error: resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
            )
        return value

    def spelled(self, value: Attribute) -> Resolved:
        """Attributes are values here, so nobody asks."""
        return value

    def import_value(self, name: str) -> Resolved:
        for _, output in self._store.exports(self._stack.region):
            if output.export == name:
                self.imported.add(name)
                return output.value
        raise ResolveError(f"No export named {name} found.")

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Resolved:
        if self.planning:
            return Unknown("an output of another stack")
        try:
            client = self._env.client("cloudformation", region or self._stack.region)
            stacks = client.describe_stacks(StackName=stack_name)["Stacks"]
        except (ClientError, BotoCoreError) as error:
            raise ResolveError(f"Fn::GetStackOutput: {error}") from error
        for item in stacks[0].get("Outputs", []):
            if item["OutputKey"] == output:
                return item["OutputValue"]
        raise ResolveError(f"Fn::GetStackOutput: output {output} does not exist in stack {stack_name}")

    def zones(self, region: str) -> Resolved:
        return self._zones(region)

    def dynamic_reference(self, text: str) -> Resolved:
        return text

    def _found(self, logical_id: str) -> Resource | Unknown:
        found = self._look(logical_id)
        if found is None:
            raise ResolveError(
                f"Template format error: Unresolved resource dependencies [{logical_id}] "
                "in the Resources block of the template"
            )
        return found

    def _pseudo(self, name: str) -> Resolved:
        region, partition = self._stack.region, self._env.partition
        answers: Mapping[str, Any] = {
            "AWS::Region": region,
            "AWS::AccountId": self._env.account,
            "AWS::Partition": partition,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
            "AWS::StackName": self._stack.name,
            "AWS::StackId": self._stack.id,
            "AWS::NotificationARNs": list(self._deployment.notification_arns),
        }
        if name not in answers:
            raise ResolveError(f"Template format error: Unrecognized pseudo parameter {name}")
        return answers[name]


class View:
    """A template with its parameters in one stack: which resources it has, in which order, with which properties."""

    def __init__(self, document: Document, scope: StackScope) -> None:
        self.document = document
        self.scope = scope
        self.resolver = Resolver(document.body, scope)

    def holds(self, entry: Mapping[str, Any]) -> bool:
        """Whether the condition of a resource or output is true. Raises ResolveError."""
        name = entry.get("Condition")
        return not isinstance(name, str) or self._decided(name)

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The definitions of the resources whose condition is true, in the template's order."""
        return {name: entry for name, entry in self.document.resources.items() if self.holds(entry)}

    def properties(self, logical_id: str) -> dict[str, Any]:
        """The resolved properties of a resource. Raises ResolveError."""
        return dict(self.value(self.document.resources[logical_id].get("Properties") or {}))

    def value(self, expression: Any) -> Any:
        """What `expression` comes to: something plain, but while planning. Raises ResolveError."""
        try:
            value = self.resolver.value(expression)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ResolveError(f"Template error: {error}") from error
        if not self.scope.planning:
            for unknown in unknowns(value):
                raise ResolveError(f"Template error: {unknown}")
        return value

    def chosen(self, value: Any) -> Any:
        """`value` with each Fn::If replaced by the branch that applies: what the value really refers to."""
        if is_expression(value) and "Fn::If" in value and isinstance(value["Fn::If"], list):
            name, then, otherwise = value["Fn::If"]
            return self.chosen(then if self._decided(str(name)) else otherwise)
        if isinstance(value, dict):
            return {key: self.chosen(item) for key, item in value.items()}
        return [self.chosen(item) for item in value] if isinstance(value, list) else value

    def _decided(self, name: str) -> bool:
        decided = self.resolver.condition(name)
        if isinstance(decided, Unknown):
            raise ResolveError(f"Template format error: condition {name} cannot be evaluated: {decided.reason}")
        return decided

    def dependencies(self) -> dict[str, frozenset[str]]:
        """For each resource those that must exist before it. Raises ResolveError where they run in a circle."""
        entries = self.resources()
        graph = {}
        for logical_id, entry in entries.items():
            named = {name for name, _ in references(self.chosen(entry.get("Properties") or {}))}
            graph[logical_id] = frozenset((named | set(depends_on(entry))) & set(entries))
        stuck = dict(graph)
        while free := [name for name, needs in stuck.items() if not needs & set(stuck)]:
            stuck = {name: needs for name, needs in stuck.items() if name not in free}
        if stuck:
            raise ResolveError(f"Circular dependency between resources: [{', '.join(stuck)}]")
        return graph


def merged_tags(type_name: str, region: str, properties: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """`properties` with the stack's tags in them, where the type has tags; the template's own tags win."""
    schema = schema_for(type_name, region)
    if schema is None or schema.tag_property is None or not tags:
        return dict(properties)
    own = properties.get(schema.tag_property)
    node = schema.at((schema.tag_property,))
    if node.get("type") == "object":
        return {**properties, schema.tag_property: {**tags, **(own or {})}}
    item = schema.at((schema.tag_property, "*"))
    if not {"Key", "Value"} <= set(item.get("properties", {})):
        return dict(properties)
    present = {entry.get("Key") for entry in own or [] if isinstance(entry, dict)}
    extra = {"PropagateAtLaunch": True} if "PropagateAtLaunch" in item.get("required", ()) else {}
    added = [{"Key": key, "Value": value, **extra} for key, value in tags.items() if key not in present]
    return {**properties, schema.tag_property: [*(own or []), *added]}
