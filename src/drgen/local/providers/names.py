"""AWS::Route53: hosted zones, records and health checks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, as_tags, call, is_missing

_HOME = "us-east-1"


def _vpcs(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(v["VPCId"]), str(v["VPCRegion"])) for v in properties.get("VPCs") or ()]


def _check_vpc(work: Work, vpc: str, region: str) -> None:
    """Source: Route 53 API, InvalidVPCId."""
    try:
        work.api("ec2", region).describe_vpcs(VpcIds=[vpc])
    except ClientError as error:
        if not is_missing(error):
            raise
        text = f"The VPC: {vpc} in region {region} you provided is not valid or not authorized to be accessed."
        raise ResourceFailed(text, code="InvalidRequest") from error


def _make_zone(work: Work) -> str:
    given: dict[str, Any] = {"Name": work.properties["Name"], "CallerReference": str(uuid.uuid4())}
    if work.properties.get("HostedZoneConfig"):
        given["HostedZoneConfig"] = work.properties["HostedZoneConfig"]
    vpcs = _vpcs(work.properties)
    for vpc, region in vpcs:
        _check_vpc(work, vpc, region)
    if vpcs:
        given["VPC"] = {"VPCId": vpcs[0][0], "VPCRegion": vpcs[0][1]}
        given["HostedZoneConfig"] = {**given.get("HostedZoneConfig", {}), "PrivateZone": True}
    zone = call(work.api("route53", _HOME), "create_hosted_zone", given)["HostedZone"]
    return str(zone["Id"]).rpartition("/")[2]


def _settle_zone(work: Work, zone: str) -> None:
    client = work.api("route53", _HOME)
    found = client.get_hosted_zone(Id=zone)
    there = {(v["VPCId"], v["VPCRegion"]) for v in found.get("VPCs", [])}
    wanted = _vpcs(work.properties)
    for vpc, region in wanted:
        if (vpc, region) not in there:
            _check_vpc(work, vpc, region)
            client.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC={"VPCId": vpc, "VPCRegion": region})
    for vpc, region in sorted(there - set(wanted)):
        client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC={"VPCId": vpc, "VPCRegion": region})
    comment = (work.properties.get("HostedZoneConfig") or {}).get("Comment", "")
    if comment != found["HostedZone"].get("Config", {}).get("Comment", ""):
        client.update_hosted_zone_comment(Id=zone, Comment=comment)
    _retag(work, "hostedzone", zone, "HostedZoneTags")


def _retag(work: Work, kind: str, identity: str, prop: str) -> None:
    """Both types take their tags after creation, and no tags of the stack (schema: cloudFormationSystemTags false)."""
    wanted = as_tags(work.properties.get(prop))
    gone = sorted(set(as_tags(work.desired.previous.get(prop))) - set(wanted))
    change: dict[str, Any] = {}
    if wanted:
        change["AddTags"] = wanted
    if gone:
        change["RemoveTagKeys"] = gone
    if change:
        client = work.api("route53", _HOME)
        call(client, "change_tags_for_resource", change, ResourceType=kind, ResourceId=identity)


def _read_zone(work: Work, zone: str) -> Mapping[str, Any]:
    found = work.api("route53", _HOME).get_hosted_zone(Id=zone)
    return {"Id": zone, "NameServers": list(found.get("DelegationSet", {}).get("NameServers", []))}


def _remove_zone(work: Work, zone: str) -> None:
    work.api("route53", _HOME).delete_hosted_zone(Id=zone)


def _absolute(name: str) -> str:
    return name.lower() if name.endswith(".") else f"{name.lower()}."


def _zone_of(work: Work, properties: Mapping[str, Any]) -> str:
    if properties.get("HostedZoneId"):
        return str(properties["HostedZoneId"])
    name = _absolute(str(properties.get("HostedZoneName", "")))
    zones = work.api("route53", _HOME).list_hosted_zones()["HostedZones"]
    found = [str(zone["Id"]).rpartition("/")[2] for zone in zones if zone["Name"] == name]
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise ResourceFailed(f"There is {count} hosted zone named {name}", code="NotFound")
    return found[0]


def _record(given: Mapping[str, Any]) -> dict[str, Any]:
    """The record in the API's shape."""
    record = {key: value for key, value in given.items() if key not in ("HostedZoneId", "HostedZoneName", "Comment")}
    record["Name"] = _absolute(str(given["Name"]))
    if "ResourceRecords" in given:
        record["ResourceRecords"] = [{"Value": str(value)} for value in given["ResourceRecords"]]
    if "AliasTarget" in given:
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **given["AliasTarget"]}
    routed = [key for key in ("Weight", "Failover", "Region", "GeoLocation", "MultiValueAnswer") if key in given]
    if routed and not given.get("SetIdentifier"):
        raise ResourceFailed(
            f"Invalid request: Missing field 'SetIdentifier' in Change with [Action=CREATE, Name={record['Name']}, "
            f"Type={given['Type']}, SetIdentifier=null]",
            code="InvalidRequest",
        )
    return record


def _identity(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return _absolute(str(record["Name"])), str(record["Type"]), str(record.get("SetIdentifier") or "")


def _existing(work: Work, zone: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    pages = work.api("route53", _HOME).get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return {_identity(record): record for page in pages for record in page["ResourceRecordSets"]}


def _submit(work: Work, zone: str, changes: list[dict[str, Any]]) -> None:
    """Sends the batch and returns when the change is in sync, as the handler does."""
    if not changes:
        return
    client = work.api("route53", _HOME)
    answer = call(client, "change_resource_record_sets", HostedZoneId=zone, ChangeBatch={"Changes": changes})
    change = str(answer["ChangeInfo"]["Id"])
    if not work.env.wait(lambda: client.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC", every=5, limit=1800):
        raise ResourceFailed(f"Change {change} is still PENDING", code="NotStabilized")


def _reconcile(work: Work, zone: str, *, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Brings the zone from the records of the last template to those of this one, in one batch."""
    there = _existing(work, zone)
    kept = {_identity(record) for record in new}
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": there[_identity(record)]}
        for record in old
        if _identity(record) not in kept and _identity(record) in there
    ]
    before = {_identity(record) for record in old}
    for record in new:
        action = "UPSERT" if _identity(record) in before else "CREATE"
        changes.append({"Action": action, "ResourceRecordSet": record})
    _check_health_checks(work, new)
    _submit(work, zone, changes)


def _check_health_checks(work: Work, records: list[dict[str, Any]]) -> None:
    for record in records:
        if record.get("HealthCheckId"):
            work.api("route53", _HOME).get_health_check(HealthCheckId=record["HealthCheckId"])


def _one(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_record(properties)] if properties else []


def _many(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_record(record) for record in properties.get("RecordSets") or ()]


def _records(read: Callable[[Mapping[str, Any]], list[dict[str, Any]]], *, ref: str) -> Resource:
    def make(work: Work) -> str:
        zone = _zone_of(work, work.properties)
        _reconcile(work, zone, old=[], new=read(work.properties))
        return str(work.properties["Name"]).rstrip(".") if ref == "Name" else work.name(ref)

    def change(work: Work, _identity: str) -> None:
        zone = _zone_of(work, work.properties)
        _reconcile(work, zone, old=read(work.desired.previous), new=read(work.properties))

    def remove(work: Work, _identity: str) -> None:
        zone = _zone_of(work, work.properties)
        _reconcile(work, zone, old=read(work.properties), new=[])

    return Resource(
        make=make, change=change, remove=remove, read=lambda _, identity: {} if ref == "Name" else {ref: identity}
    )


def _make_check(work: Work) -> str:
    given = {"HealthCheckConfig": work.properties["HealthCheckConfig"], "CallerReference": str(uuid.uuid4())}
    return str(call(work.api("route53", _HOME), "create_health_check", given)["HealthCheck"]["Id"])


def _change_check(work: Work, check: str) -> None:
    call(work.api("route53", _HOME), "update_health_check", work.properties["HealthCheckConfig"], HealthCheckId=check)


NAME_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Route53::HostedZone": Resource(make=_make_zone, settle=_settle_zone, read=_read_zone, remove=_remove_zone),
    "AWS::Route53::RecordSet": _records(_one, ref="Name"),
    "AWS::Route53::RecordSetGroup": _records(_many, ref="Id"),
    "AWS::Route53::HealthCheck": Resource(
        make=_make_check,
        change=_change_check,
        settle=lambda work, check: _retag(work, "healthcheck", check, "HealthCheckTags"),
        read=lambda _, check: {"HealthCheckId": check},
        remove=lambda work, check: work.api("route53", _HOME).delete_health_check(HealthCheckId=check),
    ),
}
