"""A resource type that has no provider: it lives by its registry schema alone (BEHAVIOUR CF2 to CF6)."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from typing import Any

from drgen.local.cloudformation.differences import changed
from drgen.local.cloudformation.store import Store
from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed
from drgen.template.schema import ResourceSchema, schema_for

HANDLER_SECONDS = 2.0
"""Virtual time that each handler of a type without a provider takes."""
_SUFFIX = string.ascii_uppercase + string.digits
_PROTECTION = ("DeletionProtection", "DeletionProtectionEnabled")


class GenericProvider:
    """Handlers for any type with a registry schema."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, env: Environment, desired: Desired) -> Physical:
        env.sleep(HANDLER_SECONDS)
        schema = _schema(desired)
        physical = _physical(env, desired, schema, _identity(env, desired, schema))
        holder = self._store.claim(desired.region, desired.type, physical.id, desired.stack_id)
        if holder is not None:
            raise ResourceFailed(f"{physical.id} already exists in stack {holder}", code="AlreadyExists")
        return physical

    def adopt(self, env: Environment, desired: Desired, physical_id: str) -> Physical:
        """The resource that a stack retained or lost, with that physical id."""
        env.sleep(HANDLER_SECONDS)
        schema = _schema(desired)
        if not self._store.is_claimed(desired.region, desired.type, physical_id):
            message = f"Resource of type '{desired.type}' with identifier '{physical_id}' was not found."
            raise ResourceFailed(message, code="NotFound")
        names = [".".join(path) for path in schema.primary_identifier]
        return _physical(env, desired, schema, dict(zip(names, physical_id.split("|"), strict=True)))

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        env.sleep(HANDLER_SECONDS)
        if not changed(desired.previous, desired.properties):
            return current
        schema = _schema(desired)
        identity = {
            path[-1]: current.attributes[path[-1]]
            for path in schema.primary_identifier
            if path[-1] in current.attributes
        }
        return Physical(current.id, {**current.attributes, **_echoed(schema, desired.properties), **identity})

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        for name in _PROTECTION:
            if str(desired.properties.get(name, "false")).lower() == "true":
                raise ResourceFailed(
                    f"Resource {current.id} cannot be deleted while {name} is on", code="InvalidRequest"
                )
        env.sleep(HANDLER_SECONDS)
        self._store.release(desired.region, desired.type, current.id)


def _schema(desired: Desired) -> ResourceSchema:
    schema = schema_for(desired.type, desired.region)
    if schema is None:
        raise ResourceFailed(f"Resource type {desired.type} does not exist in {desired.region}", code="TypeNotFound")
    return schema


def _identity(env: Environment, desired: Desired, schema: ResourceSchema) -> dict[str, str]:
    """The parts of the primary identifier, by name: from the template where it names them, else made up."""
    single = len(schema.primary_identifier) == 1
    parts: dict[str, str] = {}
    for path in schema.primary_identifier:
        given: Any = desired.properties
        for step in path:
            given = given.get(step) if isinstance(given, dict) else None
        if given is not None:
            parts[".".join(path)] = str(given)
        elif single or path in schema.read_only:
            parts[".".join(path)] = _made_up(env, desired, schema, path)
    return parts


def _physical(env: Environment, desired: Desired, schema: ResourceSchema, identity: Mapping[str, str]) -> Physical:
    physical_id = "|".join(identity.values()) or _name(desired, {})
    attributes: dict[str, Any] = {**_echoed(schema, desired.properties), **identity}
    for attribute, node in schema.attributes():
        if attribute not in attributes and not node.get("properties"):
            attributes[attribute] = _attribute(env, desired, node, attribute, physical_id)
    return Physical(physical_id, attributes)


def _echoed(schema: ResourceSchema, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a read of the resource gives back of what was sent."""
    hidden = {path[0] for path in schema.write_only if len(path) == 1}
    return {name: value for name, value in properties.items() if name not in hidden}


def _made_up(env: Environment, desired: Desired, schema: ResourceSchema, path: tuple[str, ...]) -> str:
    name, node = path[-1], schema.at(path)
    if path not in schema.read_only:
        return _name(desired, node)
    if name.lower().endswith("arn"):
        return _arn(env, desired, _name(desired, {}))
    if name.endswith("Id") or name == "ID":
        return f"{_kind(desired)}-{secrets.token_hex(9)[:17]}"
    return _name(desired, node)


def _attribute(env: Environment, desired: Desired, node: Mapping[str, Any], attribute: str, physical_id: str) -> Any:
    kinds = node.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    match kind:
        case "integer" | "number":
            return node.get("minimum", 0)
        case "boolean":
            return False
        case "array":
            return []
        case "object":
            return {}
    last = attribute.rsplit(".", 1)[-1]
    if last.lower().endswith("arn"):
        return physical_id if physical_id.startswith("arn:") else _arn(env, desired, physical_id)
    if node.get("enum"):
        return str(node["enum"][0])
    return f"{physical_id}-{attribute.replace('.', '-')}".lower()


def _arn(env: Environment, desired: Desired, name: str) -> str:
    service = desired.type.split("::")[1].lower()
    return f"arn:{env.partition}:{service}:{desired.region}:{env.account}:{_kind(desired)}/{name}"


def _kind(desired: Desired) -> str:
    return desired.type.rsplit("::", 1)[-1].lower()


def _name(desired: Desired, node: Mapping[str, Any]) -> str:
    """stack-logical-SUFFIX, cut to the length the schema allows, in lower case where it wants that."""
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(12))
    limit = int(node.get("maxLength", 128))
    name = f"{desired.stack_name}-{desired.logical_id}"[: max(limit - 13, 1)] + f"-{suffix}"
    pattern = str(node.get("pattern", ""))
    wants_lower = bool(pattern) and "A-Z" not in pattern and re.search("a-z", pattern) is not None
    return name.lower() if wants_lower else name
