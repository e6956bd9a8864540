"""A stack while it is being composed, and the template it becomes.

This is the one mutable object of the generator. Builders add resources; `use` wires values between stacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troposphere import AWSObject, Equals, If, Not, NoValue, Ref

from drgen.errors import LinkError
from drgen.model.deployment import AfterDeploy, Artifact, FromOutput, ParameterSource
from drgen.model.value import Kind, LateValue, Value

_RESOURCE_KEYS = ("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Properties", "Metadata")

_STATEMENT_KEYS = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


@dataclass(frozen=True)
class Template:
    """One template as plain values, sections in reading order; `comments` are keyed by logical id."""

    body: Mapping[str, Any]
    comments: Mapping[str, str]


@dataclass(eq=False)
class StackDraft:
    """An open stack: `key` is its name everywhere, `side` says in parameter names whose value it is ("Primary")."""

    key: str
    region: str
    stage: str
    layer: str
    side: str
    description: str
    protection: bool = True
    comments: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, ParameterSource] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, AWSObject] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    after: list[AfterDeploy] = field(default_factory=list)
    _used: dict[str, Value] = field(default_factory=dict)

    def add(self, resource: Any, *, why: str = "") -> Any:
        """Adds `resource`; `why` becomes a comment above it. Raises LinkError if the logical id is taken."""
        if resource.title in self.resources:
            raise LinkError(f"{self.key} has two resources called {resource.title}", fix="give one another logical id")
        self.resources[resource.title] = resource
        if why:
            self.comments[resource.title] = why
        return resource

    def keep(self, resource: Any) -> None:
        """Keeps what the resource holds when its stack is deleted; a create that is rolled back leaves nothing.

        Without protection it is deleted with its stack.
        """
        resource.DeletionPolicy = "RetainExceptOnCreate" if self.protection else "Delete"
        resource.UpdateReplacePolicy = "Retain" if self.protection else "Delete"

    def protect(self, resource: Any) -> None:
        """As `keep`, and the stack policy denies that an update replaces or deletes it."""
        self.keep(resource)
        if self.protection:
            self.protected.append(resource.title)

    def value(self, name: str, expression: Any, kind: Kind, description: str) -> Value:
        """A value this stack owns. It becomes an Output when another stack uses it."""
        return Value(self, name, expression, kind, description)

    def output(self, value: Value) -> None:
        """Makes `value` an Output for people, too."""
        if value.owner is not self:
            raise LinkError(f"{self.key} cannot show {value.name}", fix=f"let {value.owner.key} output it")
        self.outputs[value.name] = {"Description": value.description, "Value": value.output}

    def use(self, value: Value, *, parameter: str = "") -> Any:
        """The expression for `value` in this stack: its own, or a parameter bound to the owner's output."""
        if value.owner is self:
            return value.expression
        return Ref(self._bind(value, parameter, late=False))

    def use_late(self, value: Value, *, parameter: str = "") -> LateValue:
        """A value whose stack comes later: empty in the first pass, bound in the second. Shown in the plan."""
        if value.owner is self:
            raise LinkError(f"{value.name} is the stack's own", at=self.key, fix="call use() for it")
        name = self._bind(value, parameter, late=True)
        condition = f"Has{name}"
        self.conditions[condition] = Not(Equals(Ref(name), ""))
        return LateValue(name, condition)

    def _bind(self, value: Value, parameter: str, *, late: bool) -> str:
        local = value.owner.region == self.region
        name = parameter or (value.name if local else f"{value.owner.side}{value.name}")
        taken = self._used.get(name)
        if taken is not None and taken is not value:
            raise LinkError(f"two values want the parameter {name}", at=self.key, fix="name one with parameter=")
        if taken is None and name in self.parameters:
            raise LinkError(f"the stack has a parameter {name} already", at=self.key, fix="name it with parameter=")
        self._used[name] = value
        value.owner.output(value)
        self.parameters[name] = self._parameter(value, local=local, late=late)
        self.sources[name] = FromOutput(value.owner.key, value.name, late)
        return name

    def _parameter(self, value: Value, *, local: bool, late: bool) -> dict[str, Any]:
        kind = value.kind
        parameter: dict[str, Any] = {"Type": kind.local if local and not late else kind.remote}
        text = f"{value.description} (output {value.name} of {value.owner.key})"
        if late:
            text += "; empty until that stack exists"
            parameter["Default"] = ""
        elif kind.pattern and parameter["Type"] == "String":
            parameter["AllowedPattern"] = kind.pattern
        return {**parameter, "Description": text}

    def when_known(self, late: LateValue, expression: Any) -> If:
        """`expression` once the late value is there, and nothing before."""
        return If(late.condition, expression, NoValue)

    def upstream(self) -> tuple[str, ...]:
        """Keys of the stacks that must exist before this one."""
        bound = [s for s in self.sources.values() if isinstance(s, FromOutput) and not s.late]
        return tuple(dict.fromkeys(source.stack for source in bound))

    def template(self) -> Template:
        """The finished template; parameters nothing refers to do not exist."""
        body: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Description": self.description}
        sections = {
            "Parameters": self.parameters,
            "Conditions": {name: _plain(condition) for name, condition in self.conditions.items()},
            "Resources": {title: _resource(self.key, resource) for title, resource in self.resources.items()},
            "Outputs": {name: _plain(output) for name, output in self.outputs.items()},
            "Metadata": self.metadata,
        }
        body.update({name: section for name, section in sections.items() if section})
        return Template(body, dict(self.comments))

    def capabilities(self) -> tuple[str, ...]:
        """What CloudFormation must be allowed to do for this stack."""
        named = any(resource.resource_type == "AWS::IAM::Role" for resource in self.resources.values())
        return ("CAPABILITY_NAMED_IAM",) if named else ()


def _resource(stack: str, resource: AWSObject) -> dict[str, Any]:
    try:
        body = resource.to_dict()
    except (TypeError, ValueError) as error:
        raise LinkError(str(error), at=f"{stack}/{resource.title}", fix="correct the resource's properties") from error
    ordered = {key: _plain(body[key]) for key in _RESOURCE_KEYS if key in body}
    if rest := body.keys() - ordered.keys():
        raise LinkError(
            f"{resource.title} has {', '.join(sorted(rest))}", fix="add the key to the order of drgen.model.stack"
        )
    return ordered


def _plain(value: Any) -> Any:
    """troposphere and awacs objects as plain dictionaries, lists and texts."""
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if hasattr(value, "JSONrepr"):
        return _plain(value.JSONrepr())
    if isinstance(value, Mapping):
        plain = {str(key): _plain(item) for key, item in value.items()}
        return _statement(plain) if "Effect" in plain else plain
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    """A policy statement in the order people read it: who, what, on what, when."""
    return {key: statement[key] for key in sorted(statement, key=_STATEMENT_KEYS.index)}


def in_order(drafts: Sequence[StackDraft]) -> tuple[StackDraft, ...]:
    """The drafts so that each stands behind those it needs, otherwise as given.

    Raises LinkError with the path where stacks need each other, or for one that is not among them.
    """
    by_key = {draft.key: draft for draft in drafts}
    done: dict[str, StackDraft] = {}

    def visit(draft: StackDraft, path: tuple[str, ...]) -> None:
        if draft.key in path:
            cycle = " -> ".join((*path[path.index(draft.key) :], draft.key))
            raise LinkError(f"stacks need each other: {cycle}", fix="make one of these values late with use_late()")
        for key in draft.upstream():
            if key not in by_key:
                raise LinkError(f"{draft.key} uses a value of {key}", fix="list that stack, too")
            if key not in done:
                visit(by_key[key], (*path, draft.key))
        done.setdefault(draft.key, draft)

    for draft in drafts:
        visit(draft, ())
    return tuple(done.values())
