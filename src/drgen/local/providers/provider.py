"""What the CloudFormation engine asks of a resource provider, and what it gives it.

A provider makes one resource type behave as AWS's handler does where that matters for recovery. Types without one are
served by the registry schema alone (`local/cloudformation/`). Providers reach AWS only through public APIs: `client()`
gives a boto3 client for the embedded AWS itself, so that `describe_vpcs` shows what a stack made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class ResourceFailed(Exception):
    """The resource could not be made, changed or deleted; `message` is worded as AWS words it."""

    def __init__(self, message: str, *, code: str = "GeneralServiceException") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Environment(Protocol):
    """What a provider may use. Time is virtual: `sleep` takes seconds of the server's clock."""

    account: str
    partition: str

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of the embedded AWS. Calls to a region that is dark fail as they do for anybody."""

    def now(self) -> float:
        """Seconds since the epoch on the virtual clock."""

    def sleep(self, seconds: float) -> None: ...

    def wait(self, done: Callable[[], bool], *, every: float, limit: float) -> bool:
        """Calls `done` every `every` virtual seconds; False if it did not become true within `limit`."""


@dataclass(frozen=True)
class Desired:
    """The resource as the template wants it. `properties` are resolved; `previous` are those of the last deployment."""

    type: str
    logical_id: str
    stack_name: str
    stack_id: str
    region: str
    properties: Mapping[str, Any]
    previous: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion_policy: str = "Delete"


@dataclass(frozen=True)
class Physical:
    """The resource as it exists: what Ref gives (`id`), what GetAtt gives, by attribute name ("Endpoint.Address")."""

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """Handlers for one type. Each returns when the resource is stable; each may raise ResourceFailed."""

    def create(self, env: Environment, desired: Desired) -> Physical: ...

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical: ...

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        """Deletes it; a resource that is already gone is no error."""
