"""One stack of the world: its template, resolved with its own region and the parameters that the manifest gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol

from drgen.model.deployment import StackEntry
from drgen.preflight.expressions import references
from drgen.preflight.given import BeforeResources, pseudo, typed
from drgen.preflight.values import Inside, at, known_text, walk
from drgen.template.extensions import TRANSFORM, Gap, processed, transforms
from drgen.template.load import Template
from drgen.template.resolve import Attribute, Resolved, ResolveError, Resolver, Unknown
from drgen.template.values import known


@dataclass(frozen=True)
class Place:
    """Where something stands: `stack/LogicalId/Property` and the line of a file."""

    address: str
    file: str
    line: int


class Others(Protocol):
    """What a stack asks about the stacks around it."""

    def import_value(self, stack: Stack, name: str) -> Resolved: ...

    def stack_output(self, stack: Stack, stack_name: str, output: str, region: str) -> Resolved: ...

    def ssm_parameter(self, stack: Stack, name: str) -> Resolved: ...

    def child(self, stack: Stack, logical_id: str) -> Stack | None: ...

    def stated(self, value: Attribute) -> Resolved:
        """The property that has the attribute's name, None if the template does not set it."""


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource; `certain` is false where its condition cannot be decided offline."""

    stack: Stack
    logical_id: str
    type: str
    body: Mapping[str, Any] = field(repr=False)
    certain: bool

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.logical_id} of stack {self.stack.key}"

    @cached_property
    def properties(self) -> Mapping[str, Resolved]:
        return self.stack.resolved_properties(self.logical_id, self.body)

    @cached_property
    def parts(self) -> Sequence[Inside]:
        """Every property, the nested ones, too, as values.walk gives them. Several rules read all of them."""
        return walk(self.properties)

    @property
    def region(self) -> str:
        return self.stack.region

    def values(self, path: str) -> Sequence[Resolved]:
        """Every value at the dotted property `path`: items of lists and both branches of undecided conditions."""
        return at(self.properties, path)

    def value(self, path: str) -> Resolved:
        """The one value at `path`; None if the property is absent, Unknown if there are several."""
        found = self.values(path)
        if len(found) > 1:
            return Unknown("depends on a condition")
        return found[0] if found else None

    def text(self, path: str) -> str | None:
        """The text at `path`, if it is there once and fully known."""
        return known_text(self.value(path))

    def has(self, path: str) -> bool:
        """True if the property is set in any branch, known or not."""
        return bool(self.values(path))

    def place(self, path: str = "") -> Place:
        return self.stack.place(self.logical_id, path)

    def attribute(self, name: str) -> Attribute:
        return Attribute(self.stack.key, self.region, self.logical_id, self.type, name)

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Logical ids of the same template that must exist before this resource, as its body says."""
        named = self.body.get("DependsOn")
        depends = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        return frozenset({*map(str, depends), *references(self.body)} & set(self.stack.template.resources))


class Stack:
    """A stack as it is after its last deployment; `position` is where the manifest first deploys it.

    `written` is the template as its author wrote it, `template` as CloudFormation deploys it: loops are unrolled.
    """

    def __init__(
        self,
        entry: StackEntry,
        template: Template,
        *,
        key: str,
        position: int,
        given: Mapping[str, Callable[[], Resolved]],
        others: Others,
    ) -> None:
        self.entry = entry
        self.written = template
        self.key = key
        self.position = position
        self.region = entry.region
        self.given = given
        self.problems: list[tuple[Place, str]] = []
        self._others = others
        self._values: dict[str, Resolved] = {}
        self._outputs: dict[str, Resolved] = {}

    @cached_property
    def template(self) -> Template:
        return self._processed[0]

    @cached_property
    def _processed(self) -> tuple[Template, tuple[Gap, ...]]:
        found, gaps = processed(self.written, Resolver(self.written.body, BeforeResources(self)).value)
        for gap in gaps:
            address = "/".join([self.key, *(str(step) for step in gap.path[1:] if not isinstance(step, int))])
            self.problems.append((Place(address, self.written.file, self.written.line(gap.path)), gap.reason))
        return found, gaps

    @property
    def unrolled(self) -> bool:
        """True if `template` differs from what is written, and lacks nothing."""
        return self.template is not self.written and not self._processed[1]

    def unlisted(self, section: str) -> str | None:
        """Why `section` may hold more than the template shows; None if it shows everything."""
        for name in transforms(self.written.body):
            if name != TRANSFORM:
                return f"macro {name} may add to it"
        return next((gap.reason for gap in self._processed[1] if gap.path[0] == section and len(gap.path) == 2), None)

    @cached_property
    def _resolver(self) -> Resolver:
        return Resolver(self.template.body, self)

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The resources that exist, or may: those whose condition is not known to be false.

        One whose properties a macro writes is not among them, because nobody can judge it.
        """
        found = {}
        for logical_id, body in self.template.resources.items():
            if written_by_macro(body):
                self.problems.append((self.place(logical_id), "a macro writes its properties"))
                continue
            holds: bool | Unknown = True
            if isinstance(body.get("Condition"), str):
                holds = self._decide(body["Condition"], self.place(logical_id))
            if holds is not False:
                found[logical_id] = Resource(self, logical_id, body["Type"], body, holds is True)
        return found

    def place(self, logical_id: str, path: str = "") -> Place:
        """Where a property of a resource stands; the nearest enclosing line if it is written by an expression."""
        keys = tuple(path.split(".")) if path else ()
        address = "/".join(part for part in (self.key, logical_id, path) if part)
        inside = ("Properties", *keys) if keys else ()
        return Place(address, self.template.file, self.template.line(("Resources", logical_id, *inside)))

    def section_place(self, section: str, name: str, *path: str) -> Place:
        """Where a parameter, output, condition or the section as a whole stands."""
        address = "/".join(part for part in (self.key, name, *path) if part)
        return Place(address, self.template.file, self.template.line((section, name, *path)))

    def resolved_properties(self, logical_id: str, body: Mapping[str, Any]) -> Mapping[str, Resolved]:
        properties = body.get("Properties")
        if not isinstance(properties, dict) or any(key.startswith("Fn::") for key in properties):
            return {}
        return {name: self.evaluate(value, partial(self.place, logical_id, name)) for name, value in properties.items()}

    def evaluate(self, expression: Any, place: Place | Callable[[], Place]) -> Resolved:
        """What `expression` comes to here; Unknown, with a note in `problems`, where it cannot be evaluated."""
        try:
            return self._resolver.value(expression)
        except (ResolveError, ValueError, RecursionError) as error:
            return self._not_evaluated(error, place() if callable(place) else place)

    def taken(self, node: Any) -> Any:
        """A raw node without the branches of Fn::If that CloudFormation does not look at here."""
        match node:
            case {"Fn::If": [str(name), then, otherwise]} if len(node) == 1:
                holds = self._decide(name, self.place(""))
                if isinstance(holds, Unknown):
                    return [self.taken(then), self.taken(otherwise)]
                return self.taken(then if holds else otherwise)
            case dict():
                return {key: self.taken(value) for key, value in node.items()}
            case list():
                return [self.taken(item) for item in node]
        return node

    def _decide(self, condition: str, place: Place) -> bool | Unknown:
        try:
            return self._resolver.condition(condition)
        except (ResolveError, ValueError, RecursionError) as error:
            return self._not_evaluated(error, place)

    def _not_evaluated(self, error: Exception, place: Place) -> Unknown:
        self.problems.append((place, str(error)))
        return Unknown(str(error))

    def output(self, name: str) -> Resolved:
        """The value of an output; Unknown if there is none of that name, or its condition is false."""
        if name not in self._outputs:
            declared = self.template.section("Outputs").get(name)
            self._outputs[name] = Unknown(f"output {name} of {self.key} needs itself")
            if not isinstance(declared, dict) or "Value" not in declared:
                self._outputs[name] = Unknown(f"stack {self.key} has no output {name}")
            else:
                value = self.evaluate(declared["Value"], partial(self.section_place, "Outputs", name))
                self._outputs[name] = value
        return self._outputs[name]

    def leaves_out(self, output: str) -> bool:
        """True if the output is declared, and its condition is known not to hold."""
        declared = self.template.section("Outputs").get(output)
        condition = declared.get("Condition") if isinstance(declared, dict) else None
        return isinstance(condition, str) and self._decide(condition, self.section_place("Outputs", output)) is False

    @cached_property
    def exports(self) -> Mapping[str, str]:
        """Names of the exports that are fully known, with the output behind each."""
        found = {}
        for output, declared in self.template.section("Outputs").items():
            export = declared.get("Export") if isinstance(declared, dict) else None
            if isinstance(export, dict) and "Name" in export:
                name = known_text(
                    self.evaluate(export["Name"], partial(self.section_place, "Outputs", output, "Export"))
                )
                if name is not None:
                    found[name] = output
        return found

    def parameter(self, name: str) -> Resolved:
        if name not in self._values:
            self._values[name] = Unknown(f"parameter {name} of {self.key} needs itself")
            declared = self.written.section("Parameters").get(name)
            self._values[name] = typed(declared, self._raw(name), partial(self._others.ssm_parameter, self))
        return self._values[name]

    def _raw(self, name: str) -> Resolved:
        if name in self.given:
            return self.given[name]()
        declared = self.written.section("Parameters").get(name)
        if isinstance(declared, dict) and "Default" in declared:
            return declared["Default"]
        return Unknown(f"parameter {name} of {self.key} has no value", f"{self.key}/{name}")

    def ref(self, name: str) -> Resolved:
        if name.startswith("AWS::"):
            return pseudo(self.entry, name, nested=self.key if self.key != self.entry.stack else "")
        if name in self.written.section("Parameters"):
            return self.parameter(name)
        if name in self.template.resources:
            return self._attribute(name, "Ref")
        return self._missing(f"there is no parameter or resource {name}")

    def _missing(self, problem: str) -> Unknown:
        reason = self.unlisted("Resources")
        if reason is None:
            raise ResolveError(problem)
        return Unknown(f"{problem} yet: {reason}")

    def get_att(self, logical_id: str, attribute: str) -> Resolved:
        if logical_id not in self.template.resources:
            return self._missing(f"there is no resource {logical_id}")
        child = self._others.child(self, logical_id)
        if child is not None and attribute.startswith("Outputs."):
            return child.output(attribute.removeprefix("Outputs."))
        return self._attribute(logical_id, attribute)

    def _attribute(self, logical_id: str, attribute: str) -> Attribute:
        return Attribute(self.key, self.region, logical_id, self.template.resources[logical_id]["Type"], attribute)

    def spelled(self, value: Attribute) -> Resolved:
        stated = self._others.stated(value)
        return stated if stated is not None and known(stated) else value

    def import_value(self, name: str) -> Resolved:
        return self._others.import_value(self, name)

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Resolved:
        return self._others.stack_output(self, stack_name, output, region or self.region)

    def zones(self, region: str) -> Resolved:
        return Unknown(f"which zones of {region} an account has is not written in templates", f"zones of {region}")

    def dynamic_reference(self, text: str) -> Resolved:
        """The text itself: rules read what it refers to, CloudFormation alone reads the value."""
        return text


def written_by_macro(body: Mapping[str, Any]) -> bool:
    """True if a macro writes properties of the resource, so that the template does not show all of them."""
    properties = body.get("Properties")
    return "Fn::Transform" in body or (isinstance(properties, dict) and "Fn::Transform" in properties)
