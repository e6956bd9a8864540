"""What an update would do to each resource, and why: the content of a change set. Pure; nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drgen.local.api import ApiError
from drgen.local.cloudformation.differences import Recreation, canonical, changed, is_known, recreation
from drgen.local.cloudformation.document import references
from drgen.local.cloudformation.handlers import deletion_policy, replace_policy
from drgen.local.cloudformation.records import STACK_TYPE, Resource
from drgen.local.cloudformation.scope import View
from drgen.template.resolve import Unknown
from drgen.template.schema import ResourceSchema, schema_for

_ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True)
class Detail:
    """One reason for a change. `attribute` is Properties, Tags, Metadata...; `name` the property."""

    attribute: str
    name: str | None
    recreation: Recreation
    static: bool
    source: str
    cause: str | None = None
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class ResourceChange:
    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str | None = None
    policy_action: str | None = None
    details: tuple[Detail, ...] = ()
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(detail.attribute for detail in self.details))


@dataclass
class Planner:
    """Plans in dependency order, because what happens to a resource decides what its dependants can know.

    `look` is what the view's scope must be built with.
    """

    region: str
    current: Mapping[str, Resource]
    old_values: Mapping[str, str]
    new_values: Mapping[str, str]
    tags: Mapping[str, str]
    outcome: dict[str, str] = field(default_factory=dict)
    """By logical id: "new" (its id will be another one), "perhaps new", "modified" or "same"."""

    def look(self, logical_id: str) -> Resource | Unknown | None:
        if self.outcome.get(logical_id, "new") in ("new", "perhaps new"):
            return Unknown(f"{logical_id} does not exist yet")
        return self.current.get(logical_id)

    def changes(self, view: View) -> list[ResourceChange]:
        """Every change in the template's order, removals last. Raises ApiError, ResolveError."""
        entries = view.resources()
        self._refuse_other_types(entries)
        graph = view.dependencies()
        planned: dict[str, ResourceChange | None] = {}
        while len(planned) < len(graph):
            for logical_id in [name for name, needs in graph.items() if name not in planned and needs <= set(planned)]:
                planned[logical_id] = self._one(logical_id, entries[logical_id], view)
        removed = [
            self._remove(item) for name, item in self.current.items() if name not in entries and item.physical_id
        ]
        return [*(change for name in entries if (change := planned[name]) is not None), *removed]

    def _one(self, logical_id: str, definition: Mapping[str, Any], view: View) -> ResourceChange | None:
        current = self.current.get(logical_id)
        self.outcome[logical_id] = "new"
        after = view.properties(logical_id)
        context = {**{key: definition[key] for key in _ATTRIBUTES if key in definition}, "Properties": after}
        if current is None or not current.physical_id:
            return ResourceChange("Add", logical_id, definition["Type"], after=context)
        schema = schema_for(current.type, self.region)
        details = tuple(self._details(schema, current, definition, after, view))
        replacement = _replacement(details)
        failed = current.attempted is not None or current.status.endswith("_FAILED")
        self.outcome[logical_id] = _outcome(details, replacement)
        if not details and not failed:
            return None
        before = {key: current.definition[key] for key in _ATTRIBUTES if key in current.definition}
        return ResourceChange(
            "Modify",
            logical_id,
            current.type,
            current.physical_id,
            replacement,
            f"ReplaceAnd{_known_policy(replace_policy(definition))}" if replacement != "False" else None,
            details,
            {**before, "Properties": current.properties},
            context,
        )

    def _details(
        self,
        schema: ResourceSchema | None,
        current: Resource,
        definition: Mapping[str, Any],
        after: Mapping[str, Any],
        view: View,
    ) -> Iterator[Detail]:
        old_raw, new_raw = current.definition.get("Properties") or {}, definition.get("Properties") or {}
        differing = set(changed(current.properties, after))
        for name in [*after, *(item for item in current.properties if item not in after)]:
            moving = list(self._moving(view.chosen(new_raw.get(name))))
            if name not in differing and not moving:
                continue
            unsettled = after if name in differing else {**after, name: Unknown("depends on a changing resource")}
            effect = recreation(schema, name, current.properties, unsettled)
            attribute = "Tags" if schema is not None and name == schema.tag_property else "Properties"
            static = name in differing and is_known(after.get(name))
            shared = (current.properties.get(name), after.get(name))
            reasons = self._reasons(old_raw.get(name), new_raw.get(name), view) if static or not moving else []
            for source, cause in reasons:
                yield Detail(attribute, name, effect, static, source, cause, *shared)
            for source, cause in moving:
                yield Detail(attribute, name, effect, False, source, cause, *shared)
        if current.type == STACK_TYPE:
            # Its template may be another one under the same URL: only the nested stack itself can tell.
            yield Detail("Properties", None, "Never", False, "Automatic")
        if schema is not None and schema.tag_property is not None and current.tags != dict(self.tags):
            yield Detail("Tags", None, "Never", True, "DirectModification", None, current.tags, dict(self.tags))
        for key in _ATTRIBUTES:
            if canonical(current.definition.get(key)) != canonical(definition.get(key)):
                yield Detail(key, None, "Never", True, "DirectModification")

    def _reasons(self, old: Any, new: Any, view: View) -> list[tuple[str, str | None]]:
        """Why a property changes whose value is known, or unknown for no reason inside the stack."""
        named = set(_parameters([old, new], view))
        causes = sorted(name for name in named if self.old_values.get(name) != self.new_values.get(name))
        found: list[tuple[str, str | None]] = [("ParameterReference", name) for name in causes]
        if canonical(old) != canonical(new) or not found:
            found.append(("DirectModification", None))
        return found

    def _moving(self, expression: Any) -> Iterator[tuple[str, str | None]]:
        """What `expression` refers to that this update changes."""
        for name, attribute in dict.fromkeys(references(expression)):
            outcome = self.outcome.get(name, "same")
            if attribute is None and outcome in ("new", "perhaps new"):
                yield "ResourceReference", name
            elif attribute is not None and (outcome in ("new", "perhaps new") or self._follows(name, attribute)):
                yield "ResourceAttribute", f"{name}.{attribute}"

    def _follows(self, name: str, attribute: str) -> bool:
        """An attribute of a resource changed in place may change with it, but for its identifier."""
        if self.outcome.get(name) != "modified":
            return False
        schema = schema_for(self.current[name].type, self.region)
        return schema is None or tuple(attribute.split(".")) not in schema.primary_identifier

    def _remove(self, resource: Resource) -> ResourceChange:
        policy = _known_policy(deletion_policy(resource))
        before = {"Properties": resource.properties}
        return ResourceChange(
            "Remove", resource.logical_id, resource.type, resource.physical_id, None, policy, before=before
        )

    def _refuse_other_types(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        other = [
            name
            for name, entry in entries.items()
            if name in self.current and self.current[name].physical_id and self.current[name].type != entry["Type"]
        ]
        if other:
            raise ApiError(
                "ValidationError",
                "Update of resource type is not permitted. The new template modifies resource type "
                f"of the following resources: [{', '.join(other)}]",
            )


def _parameters(expressions: list[Any], view: View) -> Iterator[str]:
    """The parameters that `expressions` depend on, directly or through conditions."""
    parameters = view.document.section("Parameters")
    for name, _ in references(expressions):
        if name in parameters:
            yield name
    for condition in _conditions(expressions):
        inner = view.document.section("Conditions").get(condition)
        if inner is not None:
            yield from _parameters([inner], view)


def _conditions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Condition" and isinstance(item, str):
                yield item
            elif key == "Fn::If" and isinstance(item, list) and item:
                yield str(item[0])
            yield from _conditions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _conditions(item)


def _replacement(details: tuple[Detail, ...]) -> str:
    if any(detail.static and detail.recreation == "Always" for detail in details):
        return "True"
    return "Conditional" if any(detail.recreation != "Never" for detail in details) else "False"


def _outcome(details: tuple[Detail, ...], replacement: str) -> str:
    match replacement:
        case "True":
            return "new"
        case "Conditional":
            return "perhaps new"
    return "modified" if any(detail.attribute == "Properties" for detail in details) else "same"


def _known_policy(policy: str) -> str:
    return "Retain" if policy == "RetainExceptOnCreate" else policy
