"""Route 53's operations on hosted zones and their networks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import ApiError
from drgen.local.overlays.route53.store import Store, Zone, absolute, new_zone_id
from drgen.local.providers.provider import Environment

IN_SYNC_AFTER = 30.0
"""Virtual seconds until a change is INSYNC; Route 53 says "generally within 60 seconds". Chosen by the emulator."""

Answer = Mapping[str, Any]


def submitted(store: Store, env: Environment) -> dict[str, Any]:
    identity = f"C{new_zone_id()[1:]}"
    store.changes[identity] = env.now()
    return change_info(store, env, identity)


def change_info(store: Store, env: Environment, identity: str) -> dict[str, Any]:
    at = store.changes.get(identity)
    if at is None:
        raise ApiError("NoSuchChange", f"A change with the ID {identity} does not exist.", status=404)
    status = "INSYNC" if env.now() - at >= IN_SYNC_AFTER else "PENDING"
    return {"Id": f"/change/{identity}", "Status": status, "SubmittedAt": datetime.fromtimestamp(at, UTC)}


class Zones:
    def __init__(self, env: Environment, store: Store) -> None:
        self._env = env
        self._store = store

    def create(self, params: Answer) -> Answer:
        store, name, reference = self._store, absolute(params["Name"]), str(params["CallerReference"])
        if any(zone.reference == reference for zone in store.zones.values()):
            raise ApiError(
                "HostedZoneAlreadyExists",
                f"A hosted zone has already been created with the specified caller reference: {reference}",
                status=409,
            )
        config = params.get("HostedZoneConfig") or {}
        vpc = _vpc(params["VPC"]) if params.get("VPC") else None
        if vpc:
            self._check_vpc(vpc)
            self._check_conflict(name, vpc)
        zone = Zone(new_zone_id(), name, reference, str(config.get("Comment", "")), vpc is not None)
        zone.vpcs = [vpc] if vpc else []
        zone.records = _apex(zone)
        store.zones[zone.id] = zone
        described = {"HostedZone": _shape(zone), "VPC": dict(vpc)} if vpc else self._described(zone)
        return {**described, "ChangeInfo": submitted(store, self._env), "Location": _location(zone)}

    def get(self, params: Answer) -> Answer:
        return self._described(self._store.zone(params["Id"]))

    def _described(self, zone: Zone) -> dict[str, Any]:
        if zone.private:
            return {"HostedZone": _shape(zone), "VPCs": [dict(vpc) for vpc in zone.vpcs]}
        return {"HostedZone": _shape(zone), "DelegationSet": {"NameServers": _name_servers(zone)}}

    def delete(self, params: Answer) -> Answer:
        zone = self._store.zone(params["Id"])
        if any(not _is_apex(zone, record) for record in zone.records):
            text = "The specified hosted zone contains non-required resource record sets and so cannot be deleted."
            raise ApiError("HostedZoneNotEmpty", text)
        del self._store.zones[zone.id]
        self._store.tags.pop(f"hostedzone/{zone.id}", None)
        return {"ChangeInfo": submitted(self._store, self._env)}

    def list(self, params: Answer) -> Answer:
        """Pages by zone id."""
        zones = sorted(self._store.zones.values(), key=lambda zone: zone.id)
        limit = int(params.get("MaxItems") or 100)
        after = [zone for zone in zones if zone.id >= str(params.get("Marker") or "")]
        more = {"NextMarker": after[limit].id} if len(after) > limit else {}
        page = [_shape(zone) for zone in after[:limit]]
        return {
            "HostedZones": page,
            "Marker": str(params.get("Marker") or ""),
            "IsTruncated": bool(more),
            "MaxItems": str(limit),
            **more,
        }

    def list_by_name(self, params: Answer) -> Answer:
        """By name with the labels turned round, as DNS orders names."""
        limit, first = int(params.get("MaxItems") or 100), str(params.get("DNSName") or "")
        zones = sorted(self._store.zones.values(), key=lambda zone: (_reversed(zone.name), zone.id))
        after = [z for z in zones if not first or _reversed(z.name) >= _reversed(absolute(first))]
        page = [_shape(zone) for zone in after[:limit]]
        more = {"NextDNSName": after[limit].name, "NextHostedZoneId": after[limit].id} if len(after) > limit else {}
        return {"HostedZones": page, "IsTruncated": bool(more), "MaxItems": str(limit), **more}

    def list_by_vpc(self, params: Answer) -> Answer:
        wanted = {"VPCId": str(params["VPCId"]), "VPCRegion": str(params["VPCRegion"])}
        found = [
            {"HostedZoneId": z.id, "Name": z.name, "Owner": {"OwningAccount": self._env.account}}
            for z in sorted(self._store.zones.values(), key=lambda zone: zone.id)
            if wanted in z.vpcs
        ]
        return {"HostedZoneSummaries": found, "MaxItems": str(params.get("MaxItems") or 100)}

    def count(self, _params: Answer) -> Answer:
        return {"HostedZoneCount": len(self._store.zones)}

    def comment(self, params: Answer) -> Answer:
        zone = self._store.zone(params["Id"])
        zone.comment = str(params.get("Comment") or "")
        return {"HostedZone": _shape(zone)}

    def associate(self, params: Answer) -> Answer:
        zone, vpc = self._store.zone(params["HostedZoneId"]), _vpc(params["VPC"])
        if not zone.private:
            text = "You can't associate a VPC with a public hosted zone."
            raise ApiError("PublicZoneVPCAssociation", text)
        self._check_vpc(vpc)
        self._check_conflict(zone.name, vpc)
        zone.vpcs.append(vpc)
        return {"ChangeInfo": submitted(self._store, self._env)}

    def disassociate(self, params: Answer) -> Answer:
        zone, vpc = self._store.zone(params["HostedZoneId"]), _vpc(params["VPC"])
        if vpc not in zone.vpcs:
            text = f"The VPC {vpc['VPCId']} in region {vpc['VPCRegion']} is not associated with the hosted zone."
            raise ApiError("VPCAssociationNotFound", text, status=404)
        if len(zone.vpcs) == 1:
            text = "The VPC is the last one associated with the private hosted zone and can't be disassociated."
            raise ApiError("LastVPCAssociation", text)
        zone.vpcs.remove(vpc)
        return {"ChangeInfo": submitted(self._store, self._env)}

    def _check_vpc(self, vpc: Mapping[str, str]) -> None:
        """Source: Route 53 API, InvalidVPCId."""
        try:
            self._env.client("ec2", vpc["VPCRegion"]).describe_vpcs(VpcIds=[vpc["VPCId"]])
        except ClientError as error:
            text = f"The VPC: {vpc['VPCId']} in region {vpc['VPCRegion']} that you provided is not authorized to be "
            raise ApiError("InvalidVPCId", f"{text}accessed, or does not exist.") from error
        except BotoCoreError as error:
            text = f"Region {vpc['VPCRegion']} does not answer"
            raise ApiError("PriorRequestNotComplete", text) from error

    def _check_conflict(self, name: str, vpc: Mapping[str, str]) -> None:
        if any(zone.name == name and vpc in zone.vpcs for zone in self._store.zones.values()):
            text = f"The VPC {vpc['VPCId']} in region {vpc['VPCRegion']} has already been associated with the hosted "
            raise ApiError("ConflictingDomainExists", f"{text}zone {name} with the same domain name.")


def _vpc(given: Mapping[str, Any]) -> dict[str, str]:
    return {"VPCRegion": str(given["VPCRegion"]), "VPCId": str(given["VPCId"])}


def _reversed(name: str) -> list[str]:
    return list(reversed(name.rstrip(".").split(".")))


def _location(zone: Zone) -> str:
    return f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}"


def _shape(zone: Zone) -> dict[str, Any]:
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.reference,
        "Config": {"Comment": zone.comment, "PrivateZone": zone.private},
        "ResourceRecordSetCount": len(zone.records),
    }


def _name_servers(zone: Zone) -> list[str]:
    apex = next(record for record in zone.records if record["Type"] == "NS" and record["Name"] == zone.name)
    return [str(item["Value"]).rstrip(".") for item in apex["ResourceRecords"]]


def _apex(zone: Zone) -> list[dict[str, Any]]:
    """The NS and SOA records that every zone is born with. Private zones name Amazon's resolvers."""
    suffixes = (("0", "com"), ("1024", "org"), ("512", "net"), ("1536", "co.uk"))
    hosts = (
        [f"ns-{number}.awsdns-00.{domain}." for number, domain in suffixes]
        if zone.private
        else [f"ns-{(sum(map(ord, zone.id)) + int(n)) % 2048}.awsdns-{n[:2]}.{d}." for n, d in suffixes]
    )
    authority = f"{hosts[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    return [
        {"Name": zone.name, "Type": "NS", "TTL": 172800, "ResourceRecords": [{"Value": host} for host in hosts]},
        {"Name": zone.name, "Type": "SOA", "TTL": 900, "ResourceRecords": [{"Value": authority}]},
    ]


def _is_apex(zone: Zone, record: Mapping[str, Any]) -> bool:
    return record["Name"] == zone.name and record["Type"] in ("NS", "SOA")
