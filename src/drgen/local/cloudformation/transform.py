"""The transform AWS::LanguageExtensions, run with the parameters of one deployment. No other transform is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.cloudformation.document import Document
from drgen.local.cloudformation.parameters import reference
from drgen.local.cloudformation.records import Deployment
from drgen.local.providers.provider import Environment
from drgen.model.names import partition_of
from drgen.template.extensions import TRANSFORM, processed
from drgen.template.load import load
from drgen.template.resolve import Attribute, Resolved, ResolveError, Resolver


def processed_text(document: Document, asked: Deployment, env: Environment, region: str, stack_name: str) -> str:
    """The template as it is deployed, in JSON; empty if it has no transform.

    Raises ApiError (ValidationError) if the transform fails.
    """
    if TRANSFORM not in document.transforms:
        return ""
    pseudo = {
        "AWS::Region": region,
        "AWS::AccountId": env.account,
        "AWS::Partition": env.partition,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com",
    }
    scope = _Values(document.section("Parameters"), asked.values, pseudo)
    template = load(document.text.encode(), file="template")
    found, gaps = processed(template, Resolver(document.body, scope).value)
    if gaps:
        message = f"Transform {TRANSFORM} failed with: {gaps[0].reason}"
        raise ApiError("ValidationError", message)
    return json.dumps({key: value for key, value in found.body.items() if key != "Transform"})


class _Values:
    """What a transform may refer to: parameters and pseudo parameters."""

    def __init__(self, declared: Mapping[str, Any], values: Mapping[str, str], pseudo: Mapping[str, str]) -> None:
        self._declared = declared
        self._values = values
        self._pseudo = pseudo

    def ref(self, name: str) -> Resolved:
        if name in self._pseudo:
            return self._pseudo[name]
        if name not in self._values:
            raise ResolveError(f"{name} is no parameter")
        return reference(self._declared[name], self._values[name])

    def get_att(self, logical_id: str, attribute: str) -> Resolved:
        raise ResolveError(f"{attribute} of {logical_id} is not known before the resource is made")

    def import_value(self, name: str) -> Resolved:
        raise ResolveError("Fn::ImportValue cannot stand in a collection")

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Resolved:
        raise ResolveError("Fn::GetStackOutput cannot stand in a collection")

    def zones(self, region: str) -> Resolved:
        raise ResolveError("Fn::GetAZs cannot stand in a collection")

    def spelled(self, value: Attribute) -> Resolved:
        return value

    def dynamic_reference(self, text: str) -> Resolved:
        return text
