"""Secrets Manager: secrets whose replicas can be added, taken away and made independent.

The upstream emulator cannot take a replica away and has no StopReplicationToReplica, so the service is answered here.
Rotation by functions is not: RotateSecret goes upstream, which knows none of these secrets and says so.
Source: Secrets Manager guide, "Replicate AWS Secrets Manager secrets across Regions"; botocore's operation texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import Call
from drgen.local.overlays.secretsmanager import replicas, values
from drgen.local.overlays.secretsmanager.vault import Vault
from drgen.local.providers.provider import Environment

_HANDLERS: Mapping[str, Callable[[Vault, str, Mapping[str, Any]], Mapping[str, Any]]] = {
    "BatchGetSecretValue": values.get_many,
    "CreateSecret": values.create,
    "DeleteResourcePolicy": replicas.delete_policy,
    "DeleteSecret": values.delete,
    "DescribeSecret": values.describe,
    "GetRandomPassword": values.password,
    "GetResourcePolicy": replicas.get_policy,
    "GetSecretValue": values.get,
    "ListSecretVersionIds": values.versions,
    "ListSecrets": values.list_all,
    "PutResourcePolicy": replicas.put_policy,
    "PutSecretValue": values.put,
    "RemoveRegionsFromReplication": replicas.remove_regions,
    "ReplicateSecretToRegions": replicas.replicate,
    "RestoreSecret": values.undelete,
    "StopReplicationToReplica": replicas.stop,
    "TagResource": values.tag,
    "UntagResource": values.untag,
    "UpdateSecret": values.update,
    "UpdateSecretVersionStage": values.move_stage,
    "ValidateResourcePolicy": replicas.validate_policy,
}


class SecretsManager:
    def __init__(self, env: Environment) -> None:
        self._vault = Vault(env)

    def operations(self) -> frozenset[str]:
        return frozenset(_HANDLERS)

    def handle(self, call: Call) -> Mapping[str, Any]:
        with self._vault.lock:
            return _HANDLERS[call.operation](self._vault, call.region, call.params)

    def dump(self) -> Any:
        return self._vault.dump()

    def restore(self, state: Any) -> None:
        self._vault.restore(state)
