"""An embedded CloudFormation without a server: virtual time that passes at once, and handlers that fail on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.service import CloudFormation
from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed

REGION = "eu-west-1"
ACCOUNT = "123456789012"


class Client:
    """Looks like a boto3 client: CloudFormation's calls go to the engine, others to a table of answers."""

    def __init__(self, world: World, service: str, region: str) -> None:
        self._world, self._service, self._region = world, service, region

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = "".join(part.capitalize() for part in method.split("_"))

        def call(**params: Any) -> Any:
            try:
                if self._service == "cloudformation":
                    return self._world.call(operation, region=self._region, **params)
                return self._world.answer(self._service, operation, params)
            except ApiError as error:
                raise ClientError({"Error": {"Code": error.code, "Message": error.message}}, operation) from error

        return call


class Handlers:
    """A provider of a database type: fails once where `fail` says so, blocks where a test holds it."""

    def __init__(self) -> None:
        self.fail: dict[str, str] = {}
        self.fail_always: dict[str, str] = {}
        self.not_updatable: set[str] = set()
        self.hold: dict[str, threading.Event] = {}
        self.log: list[str] = []
        self.seen: list[Desired] = []
        self.live: dict[str, Mapping[str, Any]] = {}
        self._made = 0

    def create(self, env: Environment, desired: Desired) -> Physical:
        self._step("create", desired)
        self._made += 1
        name = desired.properties.get("DBInstanceIdentifier", f"db-{self._made}")
        self.live[name] = desired.properties
        return Physical(name, {"Endpoint.Address": f"{name}.example", "DBInstanceArn": f"arn:{name}:{self._made}"})

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        if desired.logical_id in self.not_updatable:
            raise ResourceFailed("cannot change in place", code="NotUpdatable")
        self._step("update", desired)
        self.live[current.id] = desired.properties
        return current

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        self._step(f"delete/{desired.deletion_policy}" if desired.deletion_policy != "Delete" else "delete", desired)
        del self.live[current.id]

    def _step(self, verb: str, desired: Desired) -> None:
        self.log.append(f"{verb} {desired.logical_id}")
        self.seen.append(desired)
        if held := self.hold.get(f"{verb} {desired.logical_id}"):
            assert held.wait(timeout=20)
        step = f"{verb} {desired.logical_id}"
        if reason := self.fail.pop(step, "") or self.fail_always.get(step):
            raise ResourceFailed(reason, code="InvalidRequest")


class World:
    """Is the Environment of the engine as well."""

    account = ACCOUNT
    partition = "aws"

    def __init__(self) -> None:
        self.virtual = 1_800_000_000.0
        self._lock = threading.Lock()
        self.answers: dict[tuple[str, str, str], Any] = {}
        self.databases = Handlers()
        self.service = CloudFormation(
            self, {"AWS::RDS::DBInstance": self.databases}, lambda region: [f"{region}a", f"{region}b"]
        )

    def client(self, service: str, region: str) -> Any:
        return Client(self, service, region)

    def now(self) -> float:
        with self._lock:
            return self.virtual

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.virtual += seconds
        time.sleep(0.0005)

    def wait(self, done: Callable[[], bool], *, every: float, limit: float) -> bool:
        end = self.now() + limit
        while not done():
            if self.now() >= end:
                return False
            self.sleep(every)
        return True

    def answer(self, service: str, operation: str, params: Mapping[str, Any]) -> Any:
        key = (service, operation, str(next(iter(params.values()))))
        if key not in self.answers:
            raise ApiError("NotFound", f"{key[2]} was not found")
        return self.answers[key]

    def call(self, operation: str, *, region: str = REGION, **params: Any) -> Any:
        return self.service.handle(Call("cloudformation", operation, region, ACCOUNT, params))

    def refused(self, operation: str, **params: Any) -> str:
        """The message with which the call is refused."""
        with pytest.raises(ApiError) as caught:
            self.call(operation, **params)
        return f"{caught.value.code}: {caught.value.message}"

    def stack(self, name: str = "app", region: str = REGION) -> dict[str, Any]:
        found: dict[str, Any] = self.call("DescribeStacks", StackName=name, region=region)["Stacks"][0]
        return found

    def settled(self, name: str = "app", region: str = REGION) -> dict[str, Any]:
        """The stack, once no operation runs on it."""
        for _ in range(20_000):
            found = self.stack(name, region)
            if not found["StackStatus"].endswith("_IN_PROGRESS") or found["StackStatus"] == "REVIEW_IN_PROGRESS":
                return found
            time.sleep(0.0005)
        raise AssertionError(f"{name} stays in {found['StackStatus']}")

    def create(self, template: Any, name: str = "app", region: str = REGION, **params: Any) -> dict[str, Any]:
        answer = self.call("CreateStack", region=region, StackName=name, TemplateBody=body(template), **params)
        return self.settled(answer["StackId"], region)

    def update(self, template: Any, name: str = "app", **params: Any) -> dict[str, Any]:
        answer = self.call("UpdateStack", StackName=name, TemplateBody=body(template), **params)
        return self.settled(answer["StackId"])

    def delete(self, name: str = "app", **params: Any) -> dict[str, Any]:
        stack_id = self.stack(name)["StackId"]
        self.call("DeleteStack", StackName=name, **params)
        return self.settled(stack_id)

    def planned(self, template: Any, name: str = "app", **params: Any) -> dict[str, Any]:
        """The described change set."""
        text = {"TemplateBody": body(template)} if template is not None else {"UsePreviousTemplate": True}
        self.call("CreateChangeSet", StackName=name, ChangeSetName="plan", **text, **params)
        found: dict[str, Any] = self.call(
            "DescribeChangeSet", StackName=name, ChangeSetName="plan", IncludePropertyValues=True
        )
        return found

    def events(self, name: str = "app") -> list[str]:
        """Every event as "logical id STATUS", oldest first."""
        events = self.call("DescribeStackEvents", StackName=name)["StackEvents"][::-1]
        return [f"{event['LogicalResourceId']} {event['ResourceStatus']}" for event in events]

    def reason(self, event: str, name: str = "app") -> str:
        """The reason of the latest event "logical id STATUS"."""
        for item in self.call("DescribeStackEvents", StackName=name)["StackEvents"]:
            if f"{item['LogicalResourceId']} {item['ResourceStatus']}" == event:
                return str(item.get("ResourceStatusReason", ""))
        raise AssertionError(f"no event {event} in {self.events(name)}")

    def physical(self, logical_id: str, name: str = "app") -> str:
        detail = self.call("DescribeStackResource", StackName=name, LogicalResourceId=logical_id)
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def body(template: Any) -> str:
    return template if isinstance(template, str) else json.dumps(template)


def template(resources: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    return {**sections, "Resources": dict(resources)}


def topic(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def database(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceClass": "db.r6g.large", **properties}}
