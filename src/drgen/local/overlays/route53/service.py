"""Route 53 as the embedded AWS answers it: the control plane, with the data plane (`dns`) beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.dns import Databases, Dns, no_databases
from drgen.local.overlays.route53.checks import Checks
from drgen.local.overlays.route53.records import Records
from drgen.local.overlays.route53.store import Store, absolute
from drgen.local.overlays.route53.zones import Zones
from drgen.local.providers.provider import Environment

_Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Route53:
    """All of Route 53 but query logging, DNSSEC, traffic policies and delegation sets.

    The upstream emulator keeps zones well, but ignores changes of health checks and has no status for them.
    """

    def __init__(self, env: Environment, databases: Databases = no_databases) -> None:
        self._env = env
        self._store = Store()
        self.dns = Dns(env, self._store, databases)
        zones, records = Zones(env, self._store), Records(env, self._store)
        checks = Checks(env, self._store, self.dns)
        self._handlers: Mapping[str, _Handler] = {
            "AssociateVPCWithHostedZone": zones.associate,
            "ChangeResourceRecordSets": records.change,
            "ChangeTagsForResource": checks.change_tags,
            "CreateHealthCheck": checks.create,
            "CreateHostedZone": zones.create,
            "DeleteHealthCheck": checks.delete,
            "DeleteHostedZone": zones.delete,
            "DisassociateVPCFromHostedZone": zones.disassociate,
            "GetChange": records.get_change,
            "GetHealthCheck": checks.get,
            "GetHealthCheckCount": checks.count,
            "GetHealthCheckStatus": checks.status,
            "GetHostedZone": zones.get,
            "GetHostedZoneCount": zones.count,
            "ListHealthChecks": checks.list,
            "ListHostedZones": zones.list,
            "ListHostedZonesByName": zones.list_by_name,
            "ListHostedZonesByVPC": zones.list_by_vpc,
            "ListResourceRecordSets": records.list,
            "ListTagsForResource": checks.list_tags,
            "ListTagsForResources": checks.list_many_tags,
            "TestDNSAnswer": self._test_answer,
            "UpdateHealthCheck": checks.update,
            "UpdateHostedZoneComment": zones.comment,
        }

    def operations(self) -> frozenset[str]:
        return frozenset(self._handlers)

    def handle(self, call: Call) -> Mapping[str, Any]:
        with self._store.lock:
            return self._handlers[call.operation](call.params)

    def _test_answer(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        zone = self._store.zone(params["HostedZoneId"])
        name = absolute(str(params["RecordName"]))
        if not f".{name}".endswith(f".{zone.name}"):
            raise ApiError("InvalidInput", f"The record name {name} is not in the hosted zone {zone.name}")
        found = self.dns.answer(name, str(params["RecordType"]), zone_id=zone.id)
        return {
            "Nameserver": "ns-0.awsdns-00.com",
            "RecordName": name,
            "RecordType": found.type,
            "RecordData": list(found.values),
            "ResponseCode": found.code,
            "Protocol": "UDP",
        }

    def tick(self) -> None:
        """Called about once a second of real time."""
        self.dns.observe()

    def dump(self) -> Any:
        return self._store.dump()

    def restore(self, state: Any) -> None:
        self._store.restore(state)
