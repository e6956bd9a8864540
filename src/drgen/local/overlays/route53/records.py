"""Route 53's operations on resource record sets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.overlays.route53.store import Record, Store, Zone, absolute, key
from drgen.local.overlays.route53.zones import change_info, submitted
from drgen.local.providers.provider import Environment

_POLICIES = (
    "Weight",
    "Failover",
    "Region",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
)


class Records:
    def __init__(self, env: Environment, store: Store) -> None:
        self._env = env
        self._store = store

    def change(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """All changes of the batch, or none."""
        zone = self._store.zone(params["HostedZoneId"])
        records = list(zone.records)
        for change in params["ChangeBatch"]["Changes"]:
            record = _kept(change["ResourceRecordSet"])
            action = str(change["Action"])
            if action != "DELETE":
                self._check(zone, record)
            records = _applied(action, record, records)
        zone.records = records
        return {"ChangeInfo": submitted(self._store, self._env)}

    def get_change(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ChangeInfo": change_info(self._store, self._env, str(params["Id"]).rpartition("/")[2])}

    def _check(self, zone: Zone, record: Record) -> None:
        if not f".{record['Name']}".endswith(f".{zone.name}"):
            raise _refused(f"RRSet with DNS name {record['Name']} is not permitted in zone {zone.name}")
        policies = _policies(record)
        if policies and not record.get("SetIdentifier"):
            raise _refused(f"{record['Name']} type {record['Type']}: {policies[0]} needs SetIdentifier")
        if record.get("SetIdentifier") and not policies:
            raise _refused(f"{record['Name']} type {record['Type']}: SetIdentifier needs a routing policy")
        if ("AliasTarget" in record) == ("ResourceRecords" in record):
            raise _refused(f"{record['Name']} type {record['Type']} must have either AliasTarget or ResourceRecords")
        if record.get("HealthCheckId") and record["HealthCheckId"] not in self._store.checks:
            raise _refused(f"The specified health check {record['HealthCheckId']} does not exist.")

    def list(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """In DNS order of the names, then by type and set identifier; pages from the Start parameters on."""
        zone = self._store.zone(params["HostedZoneId"])
        limit = int(params.get("MaxItems") or 300)
        start = (
            _order(absolute(str(params["StartRecordName"]))) if params.get("StartRecordName") else (),
            str(params.get("StartRecordType") or ""),
            str(params.get("StartRecordIdentifier") or ""),
        )
        ordered = sorted(zone.records, key=lambda record: (_order(record["Name"]), *key(record)[1:]))
        after = [record for record in ordered if (_order(record["Name"]), *key(record)[1:]) >= start]
        answer: dict[str, Any] = {
            "ResourceRecordSets": copy.deepcopy(after[:limit]),
            "IsTruncated": len(after) > limit,
            "MaxItems": str(limit),
        }
        if len(after) > limit:
            name, kind, identifier = key(after[limit])
            answer |= {"NextRecordName": name, "NextRecordType": kind}
            if identifier:
                answer["NextRecordIdentifier"] = identifier
        return answer


def _order(name: str) -> tuple[str, ...]:
    return tuple(reversed(name.rstrip(".").split(".")))


def _policies(record: Mapping[str, Any]) -> list[str]:
    return [policy for policy in _POLICIES if record.get(policy) is not None]


def _kept(given: Mapping[str, Any]) -> Record:
    """The record set as Route 53 keeps it."""
    record = {name: value for name, value in copy.deepcopy(dict(given)).items() if value is not None}
    record["Name"] = absolute(str(record["Name"]))
    if "AliasTarget" in record:
        record["AliasTarget"]["DNSName"] = absolute(str(record["AliasTarget"]["DNSName"]))
    return record


def _refused(text: str) -> ApiError:
    return ApiError("InvalidChangeBatch", f"[{text}]")


def _applied(action: str, record: Record, records: list[Record]) -> list[Record]:
    name, kind, identifier = key(record)
    there = next((old for old in records if key(old) == key(record)), None)
    what = f"resource record set [name='{name}', type='{kind}'" + (
        f", set identifier='{identifier}']" if identifier else "]"
    )
    if action == "DELETE":
        if there is None:
            raise _refused(f"Tried to delete {what} but it was not found")
        if _comparable(there) != _comparable(record):
            raise _refused(f"Tried to delete {what} but the values provided do not match the current values")
        return [old for old in records if old is not there]
    if action == "CREATE" and there is not None:
        raise _refused(f"Tried to create {what} but it already exists")
    others = [old for old in records if old is not there]
    _check_neighbours(record, others)
    return [*others, record]


def _comparable(record: Mapping[str, Any]) -> dict[str, Any]:
    """A deletion must repeat every value of the record; the order of its values does not count."""
    values = sorted(str(item["Value"]) for item in record.get("ResourceRecords") or ())
    return {**record, "SetIdentifier": record.get("SetIdentifier") or "", "ResourceRecords": values}


def _check_neighbours(record: Record, others: list[Record]) -> None:
    """One name and type has one routing policy, and a name with a CNAME has nothing else."""
    for other in others:
        if other["Name"] != record["Name"]:
            continue
        if (other["Type"] == "CNAME") != (record["Type"] == "CNAME"):
            text = f"RRSet of type {record['Type']} with DNS name {record['Name']} is not permitted as it conflicts"
            raise _refused(f"{text} with other records with the same DNS name")
        if other["Type"] != record["Type"]:
            continue
        if _policies(other) != _policies(record):
            text = f"RRSet with DNS name {record['Name']}, type {record['Type']} cannot be created as other RRSets"
            raise _refused(f"{text} with the same name and type have another routing policy")
        if record.get("Weight") is not None and record.get("TTL") != other.get("TTL"):
            # Source: Route 53 guide, "Values specific for weighted records": one TTL for all of a group.
            raise _refused(f"All records of {record['Name']} type {record['Type']} must have the same TTL")
