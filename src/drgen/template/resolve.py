"""What a template's expressions come to, as far as it can be known.

One evaluator serves two readers. The preflight world knows names and origins but no physical ids: its results hold
`Attribute` (that attribute of that resource of that stack), `Text` (text with such parts), `Either` (both branches of a
condition nobody can decide offline) and `Unknown`. The embedded CloudFormation knows everything: its results are plain.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from drgen.template.values import (
    NO_VALUE,
    Attribute,
    Either,
    Resolved,
    ResolveError,
    Text,
    Unknown,
    equal,
    known,
    plain_text,
    split,
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
        self._conditions = _mapping(body.get("Conditions"))
        self._scope = scope
        self._decided: dict[str, bool | Unknown] = {}

    def value(self, expression: Any) -> Resolved:
        """What `expression` comes to. Keys and items that come to AWS::NoValue are left out.

        Raises ResolveError.
        """
        if is_expression(expression):
            function, argument = next(iter(expression.items()))
            return self._call(function, argument)
        if isinstance(expression, dict):
            values = {key: self.value(item) for key, item in expression.items()}
            return {key: item for key, item in values.items() if item is not NO_VALUE}
        if isinstance(expression, list):
            return [item for item in map(self.value, expression) if item is not NO_VALUE]
        if isinstance(expression, str) and "{{resolve:" in expression:
            return self._scope.dynamic_reference(expression)
        return expression

    def condition(self, name: str) -> bool | Unknown:
        """Whether the named condition holds. Raises ResolveError if it does not exist or needs itself."""
        if name not in self._decided:
            if name not in self._conditions:
                raise ResolveError(f"condition {name} is not defined")
            self._decided[name] = Unknown(f"condition {name} needs itself")
            self._decided[name] = self._truth(self._conditions[name])
        decided: bool | Unknown = self._decided[name]
        return decided

    def _truth(self, expression: Any) -> bool | Unknown:
        if isinstance(expression, str) and expression in self._conditions:
            return self.condition(expression)
        if not isinstance(expression, dict) or len(expression) != 1:
            raise ResolveError(f"{expression!r} is not a condition")
        function, argument = next(iter(expression.items()))
        match function:
            case "Condition":
                return self.condition(str(argument))
            case "Fn::Equals":
                left, right = (self.value(item) for item in _items(function, argument, 2, 2))
                return equal(left, right)
            case "Fn::Not":
                truth = self._truth(_items(function, argument, 1, 1)[0])
                return truth if isinstance(truth, Unknown) else not truth
            case "Fn::And" | "Fn::Or":
                return self._junction(function, _items(function, argument, 2, 10))
        raise ResolveError(f"{function} cannot stand in a condition")

    def _junction(self, function: str, arguments: Sequence[Any]) -> bool | Unknown:
        deciding = function == "Fn::Or"
        truths = [self._truth(argument) for argument in arguments]
        if any(truth is deciding for truth in truths):
            return deciding
        unknown = next((truth for truth in truths if isinstance(truth, Unknown)), None)
        return unknown if unknown is not None else not deciding

    def _call(self, function: str, argument: Any) -> Resolved:
        match function:
            case "Ref":
                return NO_VALUE if argument == "AWS::NoValue" else self._scope.ref(str(argument))
            case "Fn::GetAtt":
                return self._get_att(argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::Join":
                return self._join(argument)
            case "Fn::If":
                return self._if(argument)
            case "Fn::Select":
                return self._select(argument)
            case "Fn::Split":
                return self._split(argument)
            case "Fn::FindInMap":
                return self._find_in_map(argument)
            case "Fn::GetAZs":
                region = self.value(argument) or self._scope.ref("AWS::Region")
                return self._scope.zones(region) if isinstance(region, str) else Unknown("the region is not known")
            case "Fn::Base64":
                text = self.value(argument)
                return base64.b64encode(text.encode()).decode() if isinstance(text, str) else Unknown("encoded text")
            case "Fn::Cidr":
                return self._cidr(argument)
            case "Fn::ImportValue":
                name = self.value(argument)
                is_text = isinstance(name, str)
                return self._scope.import_value(name) if is_text else Unknown("the export's name is not known")
            case "Fn::GetStackOutput":
                return self._stack_output(argument)
            case "Fn::ToJsonString":
                value = self.value(argument)
                return json.dumps(value, separators=(",", ":")) if known(value) else Unknown("JSON of unknown values")
            case "Fn::Length":
                value = self.value(argument)
                return len(value) if isinstance(value, list) else Unknown("the list is not known")
        raise ResolveError(f"{function} is not a function of CloudFormation that drgen knows")

    def _split(self, argument: Any) -> Resolved:
        delimiter, text = _items("Fn::Split", argument, 2, 2)
        if not isinstance(delimiter, str) or not delimiter:
            raise ResolveError("Fn::Split takes a delimiter that is written as text")
        return split(self.value(text), delimiter)

    def _get_att(self, argument: Any) -> Resolved:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        logical_id, attribute = _items("Fn::GetAtt", argument, 2, 2)
        attribute = self.value(attribute)
        if not isinstance(attribute, str):
            return Unknown("the attribute's name is not known")
        return self._scope.get_att(str(logical_id), attribute)

    def _sub(self, argument: Any) -> Resolved:
        template, variables = argument, {}
        if isinstance(argument, list):
            template, variables = _items("Fn::Sub", argument, 2, 2)
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
                parts.append(self._scope.ref(name))
        parts.append(template[end:])
        return self._text(parts)

    def _join(self, argument: Any) -> Resolved:
        delimiter, items = _items("Fn::Join", argument, 2, 2)
        values = self.value(items)
        if not isinstance(values, list):
            return values if isinstance(values, Either) else Unknown("the list to join is not known")
        parts: list[Resolved] = []
        for index, value in enumerate(values):
            parts.extend([delimiter, value] if index else [value])
        return self._text(parts)

    def _text(self, parts: Sequence[Resolved]) -> Resolved:
        flat: list[str | Unknown | Attribute] = []
        for part in parts:
            pieces: Sequence[Any] = part.parts if isinstance(part, Text) else (part,)
            for piece in pieces:
                if isinstance(piece, Either):
                    piece = Unknown(f"depends on condition {piece.condition}")
                elif isinstance(piece, list | dict):
                    raise ResolveError("a list or mapping cannot stand in text")
                elif not isinstance(piece, Unknown | Attribute):
                    piece = plain_text(piece)
                if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                    flat[-1] += piece
                elif piece != "":
                    flat.append(piece)
        if all(isinstance(piece, str) for piece in flat):
            text = "".join(str(piece) for piece in flat)
            return self._scope.dynamic_reference(text) if "{{resolve:" in text else text
        return flat[0] if len(flat) == 1 else Text(tuple(flat))

    def _if(self, argument: Any) -> Resolved:
        name, then, otherwise = _items("Fn::If", argument, 3, 3)
        truth = self.condition(str(name))
        if isinstance(truth, Unknown):
            return Either(str(name), self.value(then), self.value(otherwise))
        return self.value(then if truth else otherwise)

    def _select(self, argument: Any) -> Resolved:
        index, items = _items("Fn::Select", argument, 2, 2)
        index, items = self.value(index), self.value(items)
        if not isinstance(items, list) or not isinstance(index, int | str):
            return Unknown("the list or the index to select by is not known")
        position = int(index) if str(index).isdecimal() else -1
        if not 0 <= position < len(items):
            raise ResolveError(f"Fn::Select asks for item {index} of a list of {len(items)}")
        return items[position]

    def _find_in_map(self, argument: Any) -> Resolved:
        name, *keys = _items("Fn::FindInMap", argument, 3, 4)
        default = keys[2].get("DefaultValue", NO_VALUE) if len(keys) == 3 and isinstance(keys[2], dict) else None
        name = self.value(name)
        if not isinstance(name, str):
            return Unknown("the name of the mapping is not known")
        found: Any = self._mappings.get(name)
        for key in (self.value(key) for key in keys[:2]):
            if not isinstance(key, str | int):
                return Unknown("a key of Fn::FindInMap is not known")
            found = found.get(str(key)) if isinstance(found, dict) else None
        if found is None and default is not None:
            return self.value(default)
        if found is None:
            raise ResolveError(f"mapping {name} has no entry for {keys[:2]}")
        return found

    def _cidr(self, argument: Any) -> Resolved:
        block, count, *bits = (self.value(item) for item in _items("Fn::Cidr", argument, 2, 3))
        if not isinstance(block, str) or not known(count) or not all(map(known, bits)):
            return Unknown("the block of Fn::Cidr is not known")
        try:
            network = ipaddress.ip_network(block)
            width = int(bits[0]) if bits else 8
            subnets = network.subnets(new_prefix=network.max_prefixlen - width)
            return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]
        except (ValueError, TypeError) as error:
            raise ResolveError(f"Fn::Cidr: {error}") from error

    def _stack_output(self, argument: Any) -> Resolved:
        if not isinstance(argument, dict):
            raise ResolveError("Fn::GetStackOutput takes a mapping with StackName and OutputName")
        fields = {key: self.value(item) for key, item in argument.items()}
        name, output = fields.get("StackName"), fields.get("OutputName")
        if not isinstance(name, str) or not isinstance(output, str):
            return Unknown("the stack or output of Fn::GetStackOutput is not known")
        region = fields.get("Region")
        return self._scope.stack_output(name, output, region if isinstance(region, str) else None)


def _items(function: str, argument: Any, least: int, most: int) -> list[Any]:
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise ResolveError(f"{function} takes a list of {count} items")
    return argument


def _mapping(section: Any) -> Mapping[str, Any]:
    return section if isinstance(section, dict) else {}
