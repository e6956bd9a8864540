"""A template as the embedded CloudFormation accepts it, and what can be said of it before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drgen.errors import InputErrors
from drgen.local.api import ApiError
from drgen.template.extensions import TRANSFORM
from drgen.template.load import load
from drgen.template.resolve import is_expression
from drgen.template.schema import schema_for

MAX_BODY_BYTES = 51_200
"""Of TemplateBody; a template behind TemplateURL may have 1 MB. Source: Understand CloudFormation quotas."""
MAX_URL_BYTES = 1_048_576
MAX_RESOURCES = 500

_NAMED_IAM = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_IAM = {*_NAMED_IAM, "AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"}
_SUBSTITUTE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Document:
    """A parsed template; `text` is what GetTemplate returns."""

    text: str
    body: Mapping[str, Any]

    def section(self, name: str) -> Mapping[str, Any]:
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def resources(self) -> Mapping[str, Any]:
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        found = self.body.get("Description")
        return None if found is None else str(found)

    @property
    def transforms(self) -> list[str]:
        found = self.body.get("Transform", [])
        return [str(item) for item in found] if isinstance(found, list) else [str(found)]


EMPTY = Document("", {})


@lru_cache(maxsize=256)
def parse(text: str) -> Document:
    """The template in `text`, not checked any further; shared, so never change it.

    Raises ApiError (ValidationError) where it is no mapping.
    """
    try:
        return Document(text, load(text.encode(), file="template").body)
    except InputErrors as error:
        problem = error.problems[0]
        message = f"Template format error: YAML not well-formed. (line {problem.line}) {problem.problem}"
        raise ApiError("ValidationError", message) from error


def accepted(text: str, region: str) -> Document:
    """The template in `text`, checked as CloudFormation checks it before it starts. Raises ApiError.

    One with the transform AWS::LanguageExtensions can be checked only when it is processed.
    """
    document = parse(text)
    if document.transforms == [TRANSFORM]:
        _check_parameters(document)
        return document
    resources = document.resources
    if not resources:
        raise _wrong("Template format error: At least one Resources member must be defined.")
    if len(resources) > MAX_RESOURCES:
        raise _wrong(
            f"Template format error: Number of resources, {len(resources)}, "
            f"is greater than maximum allowed, {MAX_RESOURCES}"
        )
    for name, resource in resources.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", name):
            raise _wrong(f"Template format error: Resource name {name} is non alphanumeric.")
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise _wrong(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    _check_parameters(document)
    for name, output in document.section("Outputs").items():
        if not isinstance(output, dict) or "Value" not in output:
            raise _wrong(f"Template format error: [/Outputs/{name}] Every Outputs member must contain a Value object")
    unknown = sorted({item["Type"] for item in resources.values() if not _recognized(item["Type"], region)})
    if unknown:
        raise _wrong(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    if document.transforms:
        unknown_transform = next(name for name in document.transforms if name != TRANSFORM)
        raise _wrong(f"No transform named {unknown_transform} found.")
    _check_references(document)
    return document


def _check_parameters(document: Document) -> None:
    for name, declaration in document.section("Parameters").items():
        if not isinstance(declaration, dict) or "Type" not in declaration:
            raise _wrong(
                f"Template format error: [/Parameters/{name}] Every Parameters object must contain a Type member."
            )


def required_capabilities(document: Document) -> tuple[str, ...]:
    """What the caller must acknowledge, and nothing if the template needs no acknowledgement."""
    if document.transforms:
        return ("CAPABILITY_AUTO_EXPAND",)
    kinds = {resource["Type"] for resource in document.resources.values()}
    named = any(
        _NAMED_IAM.get(resource["Type"]) in (resource.get("Properties") or {})
        for resource in document.resources.values()
    )
    if named:
        return ("CAPABILITY_NAMED_IAM",)
    return ("CAPABILITY_IAM",) if kinds & _IAM else ()


def check_capabilities(document: Document, given: Iterable[str]) -> None:
    """Raises ApiError (InsufficientCapabilitiesException) if `given` does not cover the template."""
    given = set(given) | ({"CAPABILITY_IAM"} if "CAPABILITY_NAMED_IAM" in given else set())
    missing = [capability for capability in required_capabilities(document) if capability not in given]
    if missing:
        raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]")


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Each (name, attribute) that `value` refers to; the attribute is None for Ref. Parameters are among the names."""
    if is_expression(value):
        function, argument = next(iter(value.items()))
        if function == "Ref":
            yield str(argument), None
            return
        if function == "Fn::GetAtt" and isinstance(argument, list) and len(argument) == 2:
            yield str(argument[0]), argument[1] if isinstance(argument[1], str) else "*"
            yield from references(argument[1])
            return
        if function == "Fn::Sub":
            yield from _substituted(argument)
            return
    for item in _parts(value):
        yield from references(item)


def _substituted(argument: Any) -> Iterator[tuple[str, str | None]]:
    template, variables = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})
    for name in _SUBSTITUTE.findall(str(template)):
        if name not in variables:
            logical_id, dot, attribute = name.partition(".")
            yield logical_id, attribute if dot else None
    yield from references(list(variables.values()))


def depends_on(resource: Mapping[str, Any]) -> Sequence[str]:
    found = resource.get("DependsOn", [])
    return [found] if isinstance(found, str) else list(found)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _recognized(type_name: str, region: str) -> bool:
    return type_name.startswith("Custom::") or schema_for(type_name, region) is not None


def _check_references(document: Document) -> None:
    parameters = document.section("Parameters")
    for block in ("Resources", "Outputs"):
        section = document.section(block)
        for name, attribute in references([_evaluated(item) for item in section.values()]):
            if name.startswith("AWS::") or name in document.resources:
                continue
            if attribute is not None:
                raise _wrong(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
            if name not in parameters:
                raise _unresolved(name, block)
    for resource in document.resources.values():
        for name in depends_on(resource):
            if name not in document.resources:
                raise _unresolved(name, "Resources")
    for name in _conditions_named(document):
        if name not in document.section("Conditions"):
            raise _wrong(
                f"Template format error: Unresolved condition dependency {name} in the Resources block of the template"
            )


def _evaluated(entry: Any) -> Any:
    """The parts of a resource or output that CloudFormation evaluates."""
    return {key: entry.get(key) for key in ("Properties", "Value", "Export")} if isinstance(entry, dict) else entry


def _conditions_named(document: Document) -> Iterator[str]:
    for block in ("Resources", "Outputs"):
        for entry in document.section(block).values():
            if isinstance(entry, dict) and isinstance(entry.get("Condition"), str):
                yield entry["Condition"]
            yield from _conditions_in(_evaluated(entry))


def _conditions_in(value: Any) -> Iterator[str]:
    if is_expression(value) and "Fn::If" in value and isinstance(value["Fn::If"], list):
        yield str(value["Fn::If"][0])
    for item in _parts(value):
        yield from _conditions_in(item)


def _unresolved(name: str, block: str) -> ApiError:
    return _wrong(
        f"Template format error: Unresolved resource dependencies [{name}] in the {block} block of the template"
    )


def _wrong(message: str) -> ApiError:
    return ApiError("ValidationError", message)
