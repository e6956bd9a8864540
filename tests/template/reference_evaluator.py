"""What CloudFormation makes of an expression when everything is known, written down as plainly as possible.

It shares nothing with drgen's evaluator but the template: the properties in test_resolver_properties.py hold one
against the other.
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
from typing import Any

NOTHING = object()


class Refused(Exception):
    """CloudFormation would refuse the expression for these values."""


class Reference:
    def __init__(self, body: dict[str, Any], known: dict[str, Any]) -> None:
        self.mappings = body.get("Mappings", {})
        self.conditions = body.get("Conditions", {})
        self.known = known

    def evaluate(self, node: Any) -> Any:
        if isinstance(node, list):
            return [item for item in map(self.evaluate, node) if item is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref":
                return NOTHING if argument == "AWS::NoValue" else self.known[argument]
            if name.startswith("Fn::"):
                return getattr(self, name.removeprefix("Fn::").lower())(argument)
        found = {key: self.evaluate(item) for key, item in node.items()}
        return {key: item for key, item in found.items() if item is not NOTHING}

    def holds(self, node: Any) -> bool:
        name, argument = next(iter(node.items()))
        match name:
            case "Condition":
                return self.holds(self.conditions[argument])
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all([self.holds(item) for item in argument])
            case "Fn::Or":
                return any([self.holds(item) for item in argument])
        left, right = map(self.evaluate, argument)
        return bool(self.spelt(left) == self.spelt(right))

    def spelt(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.spelt(item) for item in value]
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int) else value

    def words(self, value: Any) -> str:
        spelt = self.spelt(value)
        if not isinstance(spelt, str):
            raise Refused(value)
        return spelt

    def listed(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Refused(value)
        return value

    def sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        pieces = text.split("${")
        result = str(pieces[0])
        for piece in pieces[1:]:
            name, rest = piece.split("}", 1)
            if name.startswith("!"):
                result += "${" + name[1:] + "}"
            else:
                value = self.evaluate(variables[name]) if name in variables else self.known[name]
                result += self.words(value)
            result += rest
        return result

    def join(self, argument: Any) -> str:
        delimiter, items = argument
        return str(delimiter.join(self.words(item) for item in self.listed(self.evaluate(items))))

    def select(self, argument: Any) -> Any:
        index, items = (self.evaluate(part) for part in argument)
        try:
            return dict(enumerate(self.listed(items)))[int(self.words(index))]
        except (KeyError, ValueError) as error:
            raise Refused(index) from error

    def split(self, argument: Any) -> list[str]:
        delimiter, text = argument
        found = self.evaluate(text)
        if not isinstance(found, str):
            raise Refused(found)
        return found.split(delimiter)

    def findinmap(self, argument: Any) -> Any:
        name, first, second = (self.evaluate(part) for part in argument[:3])
        try:
            return self.mappings[self.words(name)][self.words(first)][self.words(second)]
        except KeyError as error:
            if len(argument) == 4:
                return self.evaluate(argument[3]["DefaultValue"])
            raise Refused(argument) from error

    def base64(self, argument: Any) -> str:
        return base64.b64encode(self.words(self.evaluate(argument)).encode()).decode()

    def cidr(self, argument: Any) -> list[str]:
        block, count, bits = map(self.evaluate, argument)
        try:
            network = ipaddress.ip_network(block)
            start, size = int(network.network_address), 2 ** int(bits)
            made = [f"{ipaddress.ip_address(start + size * i)}/{32 - int(bits)}" for i in range(int(count))]
        except (ValueError, TypeError) as error:
            raise Refused(argument) from error
        if size * int(count) > network.num_addresses or not 1 <= int(count) <= 256:
            raise Refused(argument)
        return made

    def length(self, argument: Any) -> int:
        return sum(1 for _ in self.listed(self.evaluate(argument)))

    def tojsonstring(self, argument: Any) -> str:
        value = self.evaluate(argument)
        if value is NOTHING:
            raise Refused(value)
        return json.dumps(value, separators=(",", ":"))

    def getazs(self, argument: Any) -> list[str]:
        region = self.words(self.evaluate(argument)) or self.known["AWS::Region"]
        return [region + letter for letter in itertools.islice("abc", 2)]

    def __getattr__(self, name: str) -> Any:
        if name == "if":
            return self.choice
        raise AttributeError(name)

    def choice(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self.evaluate(then if self.holds({"Condition": condition}) else otherwise)
