"""What a template's expressions come to, as far as it can be known.

One evaluator serves two readers. The preflight world knows names and origins but no physical ids: its results hold
`Attribute` (that attribute of that resource of that stack), `Text` (text with such parts), `Either` (both branches of a
condition nobody can decide offline) and `Unknown`. The embedded CloudFormation knows everything: its results are plain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from drgen.template import functions
from drgen.template.branches import by_branch, either
from drgen.template.conditions import Conditions
from drgen.template.functions import items, split
from drgen.template.values import (
    NO_VALUE,
    Attribute,
    Either,
    Resolved,
    ResolveError,
    Text,
    Unknown,
    WrongValue,
    about,
    plain_text,
)

__all__ = [
    "NO_VALUE",
    "Attribute",
    "Either",
    "ResolveError",
    "Resolved",
    "Resolver",
    "Scope",
    "Text",
    "Unknown",
    "is_expression",
    "split",
]


class Scope(Protocol):
    """What the evaluator asks its reader. Each method may answer Unknown, or raise ResolveError for a wrong name."""

    def ref(self, name: str) -> Resolved:
        """A parameter, a resource or a pseudo parameter other than AWS::NoValue."""

    def get_att(self, logical_id: str, attribute: str) -> Resolved: ...

    def spelled(self, value: Attribute) -> Resolved:
        """The value of an attribute that repeats a property of the template, for functions that work on text; else
        the attribute as it is."""

    def import_value(self, name: str) -> Resolved: ...

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Resolved: ...

    def zones(self, region: str) -> Resolved: ...

    def dynamic_reference(self, text: str) -> Resolved:
        """`text` holds at least one `{{resolve:...}}`; the answer is the text to use for it."""


_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


def is_expression(value: Any) -> bool:
    """True if `value` is a one-key mapping that CloudFormation evaluates."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    key = next(iter(value))
    return isinstance(key, str) and (key == "Ref" or key.startswith("Fn::"))


class Resolver:
    """Evaluates expressions of one template in one scope. Conditions are evaluated once and kept."""

    def __init__(self, body: Mapping[str, Any], scope: Scope) -> None:
        self._mappings = _mapping(body.get("Mappings"))
        self._conditions = Conditions(_mapping(body.get("Conditions")), self._compared)
        self._scope = scope

    def value(self, expression: Any) -> Resolved:
        """What `expression` comes to. Keys and items that come to AWS::NoValue are left out.

        Raises ResolveError.
        """
        if isinstance(expression, str):
            return self._scope.dynamic_reference(expression) if "{{resolve:" in expression else expression
        if isinstance(expression, dict):
            if is_expression(expression):
                function, argument = next(iter(expression.items()))
                return self._call(function, argument)
            values = {key: self.value(item) for key, item in expression.items()}
            return {key: item for key, item in values.items() if item is not NO_VALUE}
        if isinstance(expression, list):
            return [item for item in map(self.value, expression) if item is not NO_VALUE]
        return expression

    def condition(self, name: str) -> bool | Unknown:
        """Whether the named condition holds. Raises ResolveError if it does not exist."""
        return self._conditions.holds(name)

    def _call(self, function: str, argument: Any) -> Resolved:
        match function:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._get_att(argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::Join":
                delimiter, joined = items(function, argument, 2, 2)
                return self._text(by_branch(functions.join, delimiter, self.value(joined)))
            case "Fn::If":
                return self._if(argument)
            case "Fn::Select":
                index, listed = items(function, argument, 2, 2)
                return by_branch(functions.select, self.value(index), self.value(listed))
            case "Fn::Split":
                return self._split(argument)
            case "Fn::FindInMap":
                return self._find_in_map(argument)
            case "Fn::GetAZs":
                return by_branch(self._zones, self._spelled(self.value(argument)))
            case "Fn::Base64":
                return by_branch(functions.base64, self._spelled(self.value(argument)))
            case "Fn::Cidr":
                block, count, *bits = map(self.value, items(function, argument, 2, 3))
                return by_branch(functions.cidr, self._spelled(block), count, bits[0] if bits else 8)
            case "Fn::ImportValue":
                return by_branch(self._import, self.value(argument))
            case "Fn::GetStackOutput":
                return self._stack_output(argument)
            case "Fn::ToJsonString":
                return by_branch(functions.json_text, self.value(argument))
            case "Fn::Length":
                return by_branch(functions.length, self.value(argument))
            case "Fn::Transform":
                name = argument.get("Name") if isinstance(argument, dict) else argument
                return Unknown(f"macro {name} writes this when the stack is deployed")
        raise ResolveError(f"{function} is not a function of CloudFormation that drgen knows")

    def _compared(self, expression: Any) -> Resolved:
        return self._spelled(self.value(expression))

    def _spelled(self, value: Resolved) -> Resolved:
        return self._scope.spelled(value) if isinstance(value, Attribute) else value

    def _ref(self, argument: Any) -> Resolved:
        if isinstance(argument, str):
            return NO_VALUE if argument == "AWS::NoValue" else self._scope.ref(argument)
        return by_branch(self._named, self.value(argument))

    def _named(self, name: Resolved) -> Resolved:
        return self._ref(name) if isinstance(name, str) else about("the name that Ref takes is not known", name)

    def _split(self, argument: Any) -> Resolved:
        delimiter, text = items("Fn::Split", argument, 2, 2)
        if not isinstance(delimiter, str) or not delimiter:
            raise ResolveError("Fn::Split takes a delimiter that is written as text")
        return by_branch(lambda found: split(found, delimiter), self._spelled(self.value(text)))

    def _get_att(self, argument: Any) -> Resolved:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        logical_id, attribute = map(self.value, items("Fn::GetAtt", argument, 2, 2))
        return by_branch(self._attribute, logical_id, attribute)

    def _attribute(self, logical_id: Resolved, attribute: Resolved) -> Resolved:
        if isinstance(logical_id, str) and isinstance(attribute, str):
            return self._scope.get_att(logical_id, attribute)
        return about("the attribute's name is not known", logical_id, attribute)

    def _sub(self, argument: Any) -> Resolved:
        template, variables = argument, {}
        if isinstance(argument, list):
            template, variables = items("Fn::Sub", argument, 2, 2)
        if not isinstance(template, str) or not isinstance(variables, dict):
            raise ResolveError("Fn::Sub takes a text, or a list of a text and a mapping")
        parts: list[Resolved] = []
        end = 0
        for match in _VARIABLE.finditer(template):
            parts.append(template[end : match.start()])
            end = match.end()
            literal, name = match.group(1), match.group(2).strip()
            if literal:
                parts.append("${" + name + "}")
            elif name in variables:
                parts.append(self.value(variables[name]))
            elif "." in name:
                parts.append(self._scope.get_att(*name.split(".", 1)))
            else:
                parts.append(self._ref(name))
        parts.append(template[end:])
        return self._text(by_branch(lambda *found: functions.text(found), *parts))

    def _text(self, made: Resolved) -> Resolved:
        """Text that was put together may be a dynamic reference only now."""
        return self._scope.dynamic_reference(made) if isinstance(made, str) and "{{resolve:" in made else made

    def _if(self, argument: Any) -> Resolved:
        name, then, otherwise = items("Fn::If", argument, 3, 3)
        truth = self.condition(str(name))
        if isinstance(truth, Unknown):
            return either(str(name), self._branch(then), self._branch(otherwise))
        return self.value(then if truth else otherwise)

    def _branch(self, expression: Any) -> Resolved:
        try:
            return self.value(expression)
        except WrongValue as error:
            return Unknown(str(error))

    def _find_in_map(self, argument: Any) -> Resolved:
        name, first, second, *rest = items("Fn::FindInMap", argument, 3, 4)
        default = rest[0] if rest else None
        if rest and (not isinstance(default, dict) or "DefaultValue" not in default):
            raise ResolveError("the fourth item of Fn::FindInMap is a mapping with DefaultValue")

        def found(*keys: Resolved) -> Resolved:
            entry = functions.find_in_map(self._mappings, *keys)
            if entry is None and default is not None:
                return self.value(default["DefaultValue"])
            if entry is None:
                raise WrongValue(f"mapping {keys[0]} has no entry for {list(keys[1:])}")
            return entry

        return by_branch(found, self.value(name), self.value(first), self.value(second))

    def _zones(self, region: Resolved) -> Resolved:
        region = self._scope.ref("AWS::Region") if region == "" else plain_text(region)
        return self._scope.zones(region) if isinstance(region, str) else about("the region is not known", region)

    def _import(self, name: Resolved) -> Resolved:
        return (
            self._scope.import_value(name) if isinstance(name, str) else about("the export's name is not known", name)
        )

    def _stack_output(self, argument: Any) -> Resolved:
        if not isinstance(argument, dict):
            raise ResolveError("Fn::GetStackOutput takes a mapping with StackName and OutputName")
        fields = {key: self.value(item) for key, item in argument.items()}

        def found(name: Resolved, output: Resolved, region: Resolved) -> Resolved:
            if isinstance(name, str) and isinstance(output, str) and isinstance(region, str | None):
                return self._scope.stack_output(name, output, region)
            return about("what Fn::GetStackOutput asks for is not known", name, output, region)

        return by_branch(found, *(fields.get(key) for key in ("StackName", "OutputName", "Region")))


def _mapping(section: Any) -> Mapping[str, Any]:
    return section if isinstance(section, dict) else {}
