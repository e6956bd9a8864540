"""Calls the handler of a resource type: a provider if there is one, else the schema alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.cloudformation.dynamic import revealed
from drgen.local.cloudformation.generic import GenericProvider
from drgen.local.cloudformation.nested import NestedStackProvider
from drgen.local.cloudformation.records import STACK_TYPE, Resource, Stack, new_id
from drgen.local.cloudformation.scope import merged_tags
from drgen.local.cloudformation.store import Store
from drgen.local.providers.provider import Desired, Environment, Physical, Provider, ResourceFailed
from drgen.template.schema import schema_for

Done = TypeVar("Done")

NOT_UPDATABLE = "NotUpdatable"
"""The code with which a handler says that a change needs a new resource."""


class Handlers:
    """Create, update and delete for every type. Where AWS would refuse, each raises ResourceFailed and nothing else."""

    def __init__(self, env: Environment, providers: Mapping[str, Provider], store: Store) -> None:
        self._env = env
        self._providers: Mapping[str, Provider] = {STACK_TYPE: NestedStackProvider(), **providers}
        self._store = store
        self._generic = GenericProvider(store)

    def create(self, stack: Stack, resource: Resource) -> Physical:
        self._refuse_custom(resource)
        desired = self._desired(stack, resource, previous={})
        self._validate(desired)
        return _worded(lambda: self._provider(resource).create(self._env, desired))

    def update(self, stack: Stack, resource: Resource, previous: Resource) -> Physical:
        """Changes `previous` into `resource`, which has the same physical id."""
        self._refuse_custom(resource)
        before = self._desired(stack, previous, previous={}).properties
        desired = self._desired(stack, resource, previous=before)
        self._validate(desired)
        current = Physical(previous.physical_id, previous.attributes)
        return _worded(lambda: self._provider(resource).update(self._env, desired, current))

    def adopt(self, stack: Stack, resource: Resource, physical_id: str) -> Physical:
        """Takes an existing resource as it is: for a provider, an update that changes nothing and reads it."""
        before = self._desired(stack, resource, previous={}).properties
        desired = self._desired(stack, resource, previous=before)
        self._validate(desired)
        provider = self._provider(resource)
        if isinstance(provider, GenericProvider):
            return _worded(lambda: provider.adopt(self._env, desired, physical_id))
        return _worded(lambda: provider.update(self._env, desired, Physical(physical_id)))

    def delete(self, stack: Stack, resource: Resource, policy: str) -> None:
        """`policy` is Delete or Snapshot: whoever retains a resource does not ask to delete it."""
        if _is_custom(resource.type):
            return
        properties = merged_tags(resource.type, stack.region, resource.properties, resource.tags)
        desired = _desired(stack, resource, properties, {}, policy)
        current = Physical(resource.physical_id, resource.attributes)
        _worded(lambda: self._provider(resource).delete(self._env, desired, current))

    def _provider(self, resource: Resource) -> Provider:
        return self._providers.get(resource.type, self._generic)

    def _desired(self, stack: Stack, resource: Resource, *, previous: Mapping[str, Any]) -> Desired:
        properties = revealed(resource.properties, self._env, stack.region)
        properties = merged_tags(resource.type, stack.region, properties, resource.tags)
        return _desired(stack, resource, properties, previous, deletion_policy(resource))

    def _validate(self, desired: Desired) -> None:
        schema = schema_for(desired.type, desired.region)
        problems = list(schema.validate(desired.properties)) if schema else []
        if problems:
            made_up = self._made_up()
            problems = [problem for problem in problems if not _holds(desired.properties, problem.path, made_up)]
        if problems:
            listed = "\n".join(map(str, problems))
            raise ResourceFailed(
                f"Properties validation failed for resource {desired.logical_id} with message:\n{listed}",
                code="InvalidRequest",
            )

    def _made_up(self) -> set[str]:
        """The ids and attributes that stand in for those of a real service: they need not have its form."""
        return {
            value
            for resource in self._store.resources()
            if resource.type not in self._providers
            for value in (resource.physical_id, *resource.attributes.values())
            if isinstance(value, str) and value not in resource.properties.values()
        }

    def _refuse_custom(self, resource: Resource) -> None:
        if _is_custom(resource.type):
            raise ResourceFailed(
                "The embedded AWS does not run custom resources; use a resource type instead, or deploy to an account"
            )


def deletion_policy(resource: Resource) -> str:
    """What happens to the resource when it is removed or its stack is deleted.

    Snapshot is the default for RDS clusters and for RDS instances outside a cluster. Source: CloudFormation guide,
    "DeletionPolicy attribute".
    """
    stated = resource.definition.get("DeletionPolicy")
    if isinstance(stated, str):
        return stated
    alone = resource.type == "AWS::RDS::DBInstance" and "DBClusterIdentifier" not in resource.properties
    return "Snapshot" if alone or resource.type == "AWS::RDS::DBCluster" else "Delete"


def replace_policy(definition: Mapping[str, Any]) -> str:
    """What happens to the old resource when an update replaces it. Default Delete, for every type."""
    stated = definition.get("UpdateReplacePolicy")
    return stated if isinstance(stated, str) else "Delete"


def _holds(properties: Any, path: tuple[str | int, ...], parts: set[str]) -> bool:
    """True if the value at `path` is text that contains one of `parts`."""
    value = properties
    for step in path:
        value = value[step]
    return isinstance(value, str) and any(part in value for part in parts)


def _is_custom(type_name: str) -> bool:
    return type_name.startswith("Custom::") or type_name == "AWS::CloudFormation::CustomResource"


def _desired(
    stack: Stack, resource: Resource, properties: Mapping[str, Any], previous: Mapping[str, Any], policy: str
) -> Desired:
    return Desired(
        type=resource.type,
        logical_id=resource.logical_id,
        stack_name=stack.name,
        stack_id=stack.id,
        region=stack.region,
        properties=properties,
        previous=previous,
        tags=resource.tags,
        deletion_policy=policy,
    )


def _worded(handler: Callable[[], Done]) -> Done:
    """What `handler` returns. Every failure comes out as ResourceFailed with the reason CloudFormation would show."""
    try:
        return handler()
    except ResourceFailed as error:
        raise ResourceFailed(_reason(error.message, error.code), code=error.code) from error
    except ClientError as error:
        answer = error.response["Error"]
        code = str(answer.get("Code", "GeneralServiceException"))
        raise ResourceFailed(_reason(str(answer.get("Message", error)), code), code=code) from error
    except BotoCoreError as error:
        raise ResourceFailed(_reason(str(error), "NetworkFailure"), code="NetworkFailure") from error
    except Exception as error:
        message = f"the handler ended with {type(error).__name__}: {error}. This is a bug in drgen."
        raise ResourceFailed(_reason(message, "InternalFailure"), code="InternalFailure") from error


def _reason(message: str, code: str) -> str:
    return f'Resource handler returned message: "{message}" (RequestToken: {new_id()}, HandlerErrorCode: {code})'
