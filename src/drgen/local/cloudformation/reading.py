"""Stacks, resources and exports in the shapes that the Describe and List calls give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.document import parse
from drgen.local.cloudformation.paging import page, without_none
from drgen.local.cloudformation.parameters import shown
from drgen.local.cloudformation.records import Deployment, Resource, Stack
from drgen.local.cloudformation.requests import declared
from drgen.local.cloudformation.store import Store

Answer = Mapping[str, Any]
_PAGE = 100
MAX_STACKS, MAX_OUTPUTS = 2000, 200
"""Source: Understand CloudFormation quotas."""


class StackReading:
    def __init__(self, store: Store) -> None:
        self._store = store

    def table(self) -> Mapping[str, Callable[[Call], Answer]]:
        return {
            "DescribeStacks": self.describe_stacks,
            "ListStacks": self.list_stacks,
            "DescribeStackResources": self.describe_resources,
            "DescribeStackResource": self.describe_resource,
            "ListStackResources": self.list_resources,
            "ListExports": self.list_exports,
            "ListImports": self.list_imports,
            "DescribeAccountLimits": self.limits,
        }

    def describe_stacks(self, call: Call) -> Answer:
        with self._store.lock:
            if call.params.get("StackName"):
                return {"Stacks": [_stack(self._store.get(call.region, str(call.params["StackName"])))]}
            living = [stack for stack in self._store.stacks(call.region) if not stack.gone]
            stacks, token = page(living, call.params.get("NextToken"), _PAGE)
            return without_none({"Stacks": [_stack(stack) for stack in stacks], "NextToken": token})

    def list_stacks(self, call: Call) -> Answer:
        wanted = call.params.get("StackStatusFilter")
        with self._store.lock:
            found = [stack for stack in self._store.stacks(call.region) if not wanted or stack.status in wanted]
            stacks, token = page(found, call.params.get("NextToken"), _PAGE)
            summaries = [
                without_none({**_summary(stack), "TemplateDescription": _description(stack.deployment)})
                for stack in stacks
            ]
            return without_none({"StackSummaries": summaries, "NextToken": token})

    def describe_resources(self, call: Call) -> Answer:
        params = call.params
        with self._store.lock:
            if params.get("PhysicalResourceId"):
                stacks = self._store.stacks(call.region)
                owner = next(
                    (s for s in stacks if params["PhysicalResourceId"] in {r.physical_id for r in s.exists()}), None
                )
                if owner is None:
                    raise ApiError("ValidationError", f"Stack for {params['PhysicalResourceId']} does not exist")
            else:
                owner = self._store.get(call.region, str(params["StackName"]))
            wanted = params.get("LogicalResourceId")
            found = [item for item in owner.resources.values() if wanted in (None, item.logical_id)]
            return {"StackResources": [{**_resource(item, "Timestamp"), **_owner(owner)} for item in found]}

    def describe_resource(self, call: Call) -> Answer:
        with self._store.lock:
            stack = self._store.get(call.region, str(call.params["StackName"]))
            logical_id = str(call.params["LogicalResourceId"])
            if logical_id not in stack.resources:
                raise ApiError("ValidationError", f"Resource {logical_id} does not exist for stack {stack.name}")
            resource = stack.resources[logical_id]
            return {"StackResourceDetail": {**_resource(resource, "LastUpdatedTimestamp"), **_owner(stack)}}

    def list_resources(self, call: Call) -> Answer:
        with self._store.lock:
            stack = self._store.get(call.region, str(call.params["StackName"]))
            found, token = page(list(stack.resources.values()), call.params.get("NextToken"), _PAGE)
            summaries = [_resource(item, "LastUpdatedTimestamp") for item in found]
            return without_none({"StackResourceSummaries": summaries, "NextToken": token})

    def list_exports(self, call: Call) -> Answer:
        found, token = page(list(self._store.exports(call.region)), call.params.get("NextToken"), _PAGE)
        exports = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value} for stack, output in found
        ]
        return without_none({"Exports": exports, "NextToken": token})

    def list_imports(self, call: Call) -> Answer:
        name = str(call.params["ExportName"])
        found = self._store.importers(call.region, name)
        if not found:
            raise ApiError("ValidationError", f"Export '{name}' is not imported by any stack.")
        return {"Imports": found}

    def limits(self, call: Call) -> Answer:
        return {
            "AccountLimits": [
                {"Name": "StackLimit", "Value": MAX_STACKS},
                {"Name": "StackOutputsLimit", "Value": MAX_OUTPUTS},
            ]
        }


def when(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


def parameters_shown(deployment: Deployment) -> list[dict[str, str]]:
    """The parameters as Describe calls show them: NoEcho values masked."""
    declarations = declared(deployment.template)
    result = []
    for item in deployment.parameters:
        declaration = declarations[item.key]
        entry = {"ParameterKey": item.key, "ParameterValue": shown(declaration, item.value)}
        if item.resolved is not None:
            entry["ResolvedValue"] = shown(declaration, item.resolved)
        result.append(entry)
    return result


def tags_shown(deployment: Deployment) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in deployment.tags.items()]


def _stack(stack: Stack) -> dict[str, Any]:
    deployment = stack.deployment
    return without_none(
        {
            **_summary(stack),
            "Description": _description(deployment),
            "ChangeSetId": stack.change_set_id,
            "Parameters": parameters_shown(deployment),
            "Tags": tags_shown(deployment),
            "Capabilities": list(deployment.capabilities),
            "NotificationARNs": list(deployment.notification_arns),
            "RoleARN": deployment.role_arn,
            "Outputs": [
                without_none(
                    {
                        "OutputKey": output.key,
                        "OutputValue": output.value,
                        "Description": output.description,
                        "ExportName": output.export,
                    }
                )
                for output in stack.outputs
            ],
            "DisableRollback": stack.disable_rollback,
            "EnableTerminationProtection": stack.termination_protection,
            "TimeoutInMinutes": stack.timeout_minutes,
            "RollbackConfiguration": {},
        }
    )


def _summary(stack: Stack) -> dict[str, Any]:
    return without_none(
        {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason or None,
            "CreationTime": when(stack.created),
            "LastUpdatedTime": None if stack.updated is None else when(stack.updated),
            "DeletionTime": None if stack.deleted is None else when(stack.deleted),
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
            "LastOperations": [
                {"OperationType": kind, "OperationId": operation} for kind, operation in stack.operations[-1:]
            ],
        }
    )


def _description(deployment: Deployment) -> str | None:
    if not deployment.template:
        return None
    return parse(deployment.template).description


def _resource(resource: Resource, time_name: str) -> dict[str, Any]:
    return without_none(
        {
            "LogicalResourceId": resource.logical_id,
            "PhysicalResourceId": resource.physical_id or None,
            "ResourceType": resource.type,
            "ResourceStatus": resource.status,
            "ResourceStatusReason": resource.reason or None,
            time_name: when(resource.changed),
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
    )


def _owner(stack: Stack) -> dict[str, str]:
    return {"StackName": stack.name, "StackId": stack.id}
