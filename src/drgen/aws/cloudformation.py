"""CloudFormation in one region: typed calls, all pages, drgen's errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from drgen.aws.changesets import ChangeSet, change
from drgen.aws.failures import CallFailed, asking
from drgen.model.live import LiveResource, LiveStack, StackEvent
from drgen.model.plan import Change, Keep, Known, ParameterValue

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType


@dataclass(frozen=True)
class ChangeSetRequest:
    """`body` or `url` holds the template. A Keep value is sent as CloudFormation's previous value if `has_previous`
    names the parameter, and left to the template's default otherwise."""

    stack_name: str
    name: str
    creates: bool
    body: str = ""
    url: str = ""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    has_previous: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    nested: bool = False


class CloudFormation:
    def __init__(self, region: str, client: CloudFormationClient) -> None:
        self.region = region
        self._client = client

    def _asking(self, operation: str) -> Any:
        return asking(f"cloudformation.{operation}", self.region)

    def stack(self, name_or_id: str) -> LiveStack | None:
        """The stack; None if there is none. A deleted stack is still found by its id, for 90 days."""
        try:
            with self._asking("DescribeStacks"):
                answer = self._client.describe_stacks(StackName=name_or_id)
        except CallFailed as error:
            if error.code == "ValidationError" and "does not exist" in error.message:
                return None
            raise
        return _live_stack(answer, self.region) if answer["Stacks"] else None

    def events(self, stack_id: str, *, after: str = "") -> tuple[StackEvent, ...]:
        """The stack's events, oldest first; only those newer than event `after` if it is given."""
        found: list[StackEvent] = []
        with self._asking("DescribeStackEvents"):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                for event in page["StackEvents"]:
                    if event["EventId"] == after:
                        return tuple(reversed(found))
                    found.append(_event(event))
        return tuple(reversed(found))

    def resources(self, stack_id: str) -> tuple[LiveResource, ...]:
        with self._asking("ListStackResources"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return tuple(_resource(item) for page in pages for item in page["StackResourceSummaries"])

    def create_change_set(self, request: ChangeSetRequest) -> str:
        """Asks for a change set and returns its ARN. It is ready, empty or failed some time later."""
        arguments: dict[str, Any] = {"TemplateURL": request.url} if request.url else {"TemplateBody": request.body}
        if request.tags:
            # An empty list would take away the tags of a stack whose manifest says nothing about them.
            arguments["Tags"] = [{"Key": key, "Value": value} for key, value in request.tags.items()]
        if request.nested:
            arguments["IncludeNestedStacks"] = True
        with self._asking("CreateChangeSet"):
            answer = self._client.create_change_set(
                StackName=request.stack_name,
                ChangeSetName=request.name,
                ChangeSetType="CREATE" if request.creates else "UPDATE",
                Parameters=_parameters(request),
                Capabilities=cast("list[CapabilityType]", list(request.capabilities)),
                **arguments,
            )
        return answer["Id"]

    def change_set(self, name_or_arn: str, *, stack_id: str = "") -> ChangeSet | None:
        """The change set with the changes of all its pages and nested sets; None if it does not exist."""
        arguments: dict[str, Any] = {"StackName": stack_id} if stack_id else {}
        try:
            with self._asking("DescribeChangeSet"):
                answer = self._client.describe_change_set(ChangeSetName=name_or_arn, **arguments)
                listed = list(answer.get("Changes", []))
                token = answer.get("NextToken")
                while token:
                    page = self._client.describe_change_set(ChangeSetName=answer["ChangeSetId"], NextToken=token)
                    listed += page.get("Changes", [])
                    token = page.get("NextToken")
        except CallFailed as error:
            if error.code in ("ChangeSetNotFound", "ChangeSetNotFoundException"):
                return None
            raise
        return ChangeSet(
            arn=answer["ChangeSetId"],
            name=answer["ChangeSetName"],
            stack_id=answer["StackId"],
            status=answer["Status"],
            reason=answer.get("StatusReason", ""),
            execution_status=answer.get("ExecutionStatus", ""),
            changes=self._with_nested(item["ResourceChange"] for item in listed if item.get("ResourceChange")),
        )

    def _with_nested(self, listed: Iterable[Any]) -> tuple[Change, ...]:
        found: list[Change] = []
        for item in listed:
            outer = change(item)
            found.append(outer)
            nested = self.change_set(item["ChangeSetId"]) if item.get("ChangeSetId") else None
            for inner in nested.changes if nested else ():
                found.append(replace(inner, logical_id=f"{outer.logical_id}/{inner.logical_id}"))
        return tuple(found)

    def delete_change_set(self, arn: str) -> None:
        with self._asking("DeleteChangeSet"):
            self._client.delete_change_set(ChangeSetName=arn)

    def execute(self, arn: str, *, token: str) -> None:
        with self._asking("ExecuteChangeSet"):
            self._client.execute_change_set(ChangeSetName=arn, ClientRequestToken=token)

    def delete_stack(self, stack_id: str, *, token: str) -> None:
        with self._asking("DeleteStack"):
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=token)

    def template(self, stack_name: str) -> str:
        """The template as it was last deployed, as text."""
        with self._asking("GetTemplate"):
            body: Any = self._client.get_template(StackName=stack_name, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def policy(self, stack_id: str) -> str:
        """The stack policy as JSON text; empty if none was ever set."""
        with self._asking("GetStackPolicy"):
            return self._client.get_stack_policy(StackName=stack_id).get("StackPolicyBody", "")

    def set_policy(self, stack_id: str, body: str) -> None:
        with self._asking("SetStackPolicy"):
            self._client.set_stack_policy(StackName=stack_id, StackPolicyBody=body)

    def set_termination_protection(self, stack_name: str, *, enabled: bool) -> None:
        with self._asking("UpdateTerminationProtection"):
            self._client.update_termination_protection(StackName=stack_name, EnableTerminationProtection=enabled)


def _parameters(request: ChangeSetRequest) -> Any:
    sent: list[dict[str, Any]] = []
    for name, value in request.parameters.items():
        if isinstance(value, Known):
            sent.append({"ParameterKey": name, "ParameterValue": value.value})
        elif isinstance(value, Keep) and name in request.has_previous:
            sent.append({"ParameterKey": name, "UsePreviousValue": True})
    return sent


def _live_stack(answer: Any, region: str) -> LiveStack:
    stack = answer["Stacks"][0]
    dated = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    return LiveStack(
        name=stack["StackName"],
        stack_id=stack["StackId"],
        region=region,
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        created=stack["CreationTime"],
        as_of=parsedate_to_datetime(dated) if dated else stack.get("LastUpdatedTime", stack["CreationTime"]),
        updated=stack.get("LastUpdatedTime"),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", [])},
        outputs={o["OutputKey"]: o.get("OutputValue", "") for o in stack.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in stack.get("Tags", [])},
        termination_protection=bool(stack.get("EnableTerminationProtection", False)),
    )


def _event(event: Any) -> StackEvent:
    return StackEvent(
        event_id=event["EventId"],
        stack_id=event["StackId"],
        stack_name=event["StackName"],
        logical_id=event.get("LogicalResourceId", ""),
        physical_id=event.get("PhysicalResourceId", ""),
        type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        at=event["Timestamp"],
        reason=event.get("ResourceStatusReason", ""),
        token=event.get("ClientRequestToken", ""),
    )


def _resource(item: Any) -> LiveResource:
    return LiveResource(
        logical_id=item["LogicalResourceId"],
        physical_id=item.get("PhysicalResourceId", ""),
        type=item["ResourceType"],
        status=item["ResourceStatus"],
        reason=item.get("ResourceStatusReason", ""),
    )
