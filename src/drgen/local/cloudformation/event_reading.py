"""The events of a stack, and its templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.document import (
    Document,
    accepted,
    parse,
    required_capabilities,
)
from drgen.local.cloudformation.paging import page, without_none
from drgen.local.cloudformation.reading import when
from drgen.local.cloudformation.records import STACK_TYPE, Event, Stack
from drgen.local.cloudformation.requests import template_text
from drgen.local.cloudformation.run import Engine
from drgen.template.schema import schema_for

Answer = Mapping[str, Any]
_PAGE = 100


class EventReading:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store

    def table(self) -> Mapping[str, Callable[[Call], Answer]]:
        return {
            "DescribeStackEvents": self.stack_events,
            "DescribeEvents": self.operation_events,
            "GetTemplate": self.template,
            "GetTemplateSummary": self.summary,
            "ValidateTemplate": self.validate,
        }

    def stack_events(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), "Stack [{}] does not exist")
        events, token = page(self._events(stack), call.params.get("NextToken"), _PAGE)
        return without_none({"StackEvents": [_stack_event(stack, event) for event in events], "NextToken": token})

    def operation_events(self, call: Call) -> Answer:
        """Also by OperationId alone; with Filters.FailedEvents only what failed."""
        params = call.params
        if params.get("StackName"):
            stacks = [self._store.get(call.region, str(params["StackName"]), "Stack [{}] does not exist")]
        else:
            stacks = self._store.stacks(call.region)
        operation, failed_only = params.get("OperationId"), (params.get("Filters") or {}).get("FailedEvents")
        kind = "CREATE_CHANGESET" if params.get("ChangeSetName") else None
        found = [
            _operation_event(stack, event)
            for stack in stacks
            for event in self._events(stack)
            if operation in (None, event.operation_id)
            and kind in (None, event.operation_type)
            and (not failed_only or event.status.endswith("FAILED"))
        ]
        events, token = page(found, params.get("NextToken"), _PAGE)
        return without_none({"OperationEvents": events, "NextToken": token})

    def _events(self, stack: Stack) -> list[Event]:
        """Newest first."""
        with self._store.lock:
            return stack.events[::-1]

    def template(self, call: Call) -> Answer:
        params = call.params
        with self._store.lock:
            stack = self._store.get(call.region, str(params.get("StackName", "")), "Stack with id {} does not exist")
            deployment = stack.deployment
            if params.get("ChangeSetName"):
                wanted = params["ChangeSetName"]
                found = [item for item in stack.change_sets.values() if wanted in (item.name, item.id)]
                if not found:
                    raise ApiError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", status=404)
                deployment = found[0].deployment
        text = deployment.template if params.get("TemplateStage") == "Original" else deployment.final
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def summary(self, call: Call) -> Answer:
        params = call.params
        if params.get("StackName"):
            stack = self._store.get(call.region, str(params["StackName"]))
            document = parse(stack.deployment.final)
        else:
            document = parse(template_text(params, self._engine.env, call.region))
        kinds = sorted({item["Type"] for item in document.resources.values() if isinstance(item, dict)})
        return without_none(
            {
                **_described(document),
                "ResourceTypes": kinds,
                "Version": document.body.get("AWSTemplateFormatVersion"),
                "ResourceIdentifierSummaries": [_identifiers(document, kind, call.region) for kind in kinds],
            }
        )

    def validate(self, call: Call) -> Answer:
        text = template_text(call.params, self._engine.env, call.region)
        return without_none(_described(accepted(text, call.region)))


def _described(document: Document) -> dict[str, Any]:
    needed = list(required_capabilities(document))
    entries = [item for item in document.resources.values() if isinstance(item, dict)]
    kinds = sorted({item["Type"] for item in entries if item["Type"].startswith("AWS::IAM::")})
    return {
        "Parameters": [_parameter(key, item) for key, item in document.section("Parameters").items()],
        "Description": document.description,
        "Capabilities": needed or None,
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{', '.join(kinds)}]"
        if needed
        else None,
        "DeclaredTransforms": document.transforms or None,
    }


def _parameter(key: str, declaration: Mapping[str, Any]) -> dict[str, Any]:
    default = declaration.get("Default")
    return without_none(
        {
            "ParameterKey": key,
            "DefaultValue": None if default is None else str(default),
            "ParameterType": str(declaration.get("Type", "String")),
            "NoEcho": str(declaration.get("NoEcho", "false")).lower() == "true",
            "Description": declaration.get("Description"),
            "ParameterConstraints": {"AllowedValues": [str(item) for item in declaration["AllowedValues"]]}
            if "AllowedValues" in declaration
            else None,
        }
    )


def _identifiers(document: Document, kind: str, region: str) -> dict[str, Any]:
    schema = schema_for(kind, region)
    return {
        "ResourceType": kind,
        "LogicalResourceIds": [name for name, item in document.resources.items() if item["Type"] == kind],
        "ResourceIdentifiers": [".".join(path) for path in schema.primary_identifier] if schema else [],
    }


def _stack_event(stack: Stack, event: Event) -> dict[str, Any]:
    return without_none(
        {
            "StackId": stack.id,
            "StackName": stack.name,
            "EventId": event.id,
            "OperationId": event.operation_id,
            "LogicalResourceId": event.logical_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceType": event.type,
            "Timestamp": when(event.time),
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason or None,
            "ResourceProperties": event.properties,
            "ClientRequestToken": event.token,
        }
    )


def _operation_event(stack: Stack, event: Event) -> dict[str, Any]:
    status = "FAILED" if event.status.endswith("FAILED") else "SUCCEEDED"
    if event.status.endswith("_IN_PROGRESS"):
        status = "IN_PROGRESS"
    kind = "STACK_EVENT"
    if event.type != STACK_TYPE:
        kind = "PROVISIONING_ERROR" if status == "FAILED" else "PROGRESS_EVENT"
    shown = {key: value for key, value in _stack_event(stack, event).items() if key != "StackName"}
    return {**shown, "OperationType": event.operation_type, "OperationStatus": status, "EventType": kind}
