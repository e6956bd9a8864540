"""The registry of semantic providers: the types of which the embedded AWS knows more than the schema."""

from __future__ import annotations

from collections.abc import Mapping

from drgen.local.providers.apis import API_PROVIDERS
from drgen.local.providers.backup import BACKUP_PROVIDERS
from drgen.local.providers.balancers import BALANCER_PROVIDERS
from drgen.local.providers.buckets import BUCKET_PROVIDERS
from drgen.local.providers.buses import BUS_PROVIDERS
from drgen.local.providers.canaries import CANARY_PROVIDERS
from drgen.local.providers.connections import CONNECTION_PROVIDERS
from drgen.local.providers.containers import CONTAINER_PROVIDERS
from drgen.local.providers.flows import FLOW_PROVIDERS
from drgen.local.providers.functions import FUNCTION_PROVIDERS
from drgen.local.providers.gateways import GATEWAY_PROVIDERS
from drgen.local.providers.global_tables import GLOBAL_TABLE_PROVIDERS
from drgen.local.providers.identity import IDENTITY_PROVIDERS
from drgen.local.providers.keys import KEY_PROVIDERS
from drgen.local.providers.messages import MESSAGE_PROVIDERS
from drgen.local.providers.names import NAME_PROVIDERS
from drgen.local.providers.network import NETWORK_PROVIDERS
from drgen.local.providers.provider import Provider
from drgen.local.providers.rds import RDS_PROVIDERS
from drgen.local.providers.scaling import SCALING_PROVIDERS
from drgen.local.providers.secret import SECRET_PROVIDERS
from drgen.local.providers.security_groups import SECURITY_GROUP_PROVIDERS
from drgen.local.providers.stores import STORE_PROVIDERS
from drgen.local.providers.watch import WATCH_PROVIDERS

PROVIDERS: Mapping[str, Provider] = {
    **API_PROVIDERS,
    **BACKUP_PROVIDERS,
    **BALANCER_PROVIDERS,
    **BUCKET_PROVIDERS,
    **BUS_PROVIDERS,
    **CANARY_PROVIDERS,
    **CONNECTION_PROVIDERS,
    **CONTAINER_PROVIDERS,
    **FLOW_PROVIDERS,
    **FUNCTION_PROVIDERS,
    **GATEWAY_PROVIDERS,
    **GLOBAL_TABLE_PROVIDERS,
    **IDENTITY_PROVIDERS,
    **KEY_PROVIDERS,
    **MESSAGE_PROVIDERS,
    **NAME_PROVIDERS,
    **NETWORK_PROVIDERS,
    **RDS_PROVIDERS,
    **SCALING_PROVIDERS,
    **SECRET_PROVIDERS,
    **SECURITY_GROUP_PROVIDERS,
    **STORE_PROVIDERS,
    **WATCH_PROVIDERS,
}
