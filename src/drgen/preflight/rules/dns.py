"""DR42x: zones, records and health checks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.literals import APPLICATION_ZONES, EDGE_ZONE
from drgen.preflight.networks import VPC, vpc_of
from drgen.preflight.region_tables import ZONES
from drgen.preflight.requirements import misplaced
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Place, Resource
from drgen.preflight.values import at, is_true, leaves, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
BALANCER_NAME = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.elb\.amazonaws\.com\.?$")
ROUTING = "Route 53 Developer Guide, How Amazon Route 53 chooses records when health checking is configured"


@dataclass(frozen=True)
class Record:
    """One DNS record, of a RecordSet or of a RecordSetGroup; `properties` are its own."""

    resource: Resource
    zone: Resolved
    properties: Mapping[str, Resolved]

    def text(self, path: str) -> str | None:
        return next((pattern(value) for value in at(self.properties, path)), None)

    @property
    def name(self) -> tuple[Resolved, str, str]:
        name = (self.text("Name") or "").rstrip(".").lower()
        return self.zone, name, self.text("Type") or ""


def records(world: World) -> Iterator[Record]:
    for record in world.resources("AWS::Route53::RecordSet"):
        yield Record(record, _zone(record.properties), record.properties)
    for group in world.resources("AWS::Route53::RecordSetGroup"):
        for properties in group.values("RecordSets"):
            if isinstance(properties, Mapping):
                yield Record(group, _zone(group.properties), properties)


def _zone(properties: Mapping[str, Resolved]) -> Resolved:
    for key in ("HostedZoneId", "HostedZoneName"):
        for value in leaves(properties.get(key)):
            return value if isinstance(value, Attribute) else pattern(value)
    return None


def record_sets(world: World) -> Iterator[list[Record]]:
    """Records that answer for the same name and type, where there is more than one or a routing policy."""
    found: dict[tuple[Resolved, str, str], list[Record]] = defaultdict(list)
    for record in records(world):
        if record.name[0] is not None and "*" not in record.name[1]:
            found[record.name].append(record)
    yield from found.values()


@rule("DR420", "VPCRegion is the region of the VPC", source="Registry schema AWS::Route53::HostedZone, HostedZoneVPC")
def zone_vpc_region(world: World) -> Found:
    """Route 53 looks for the VPC in VPCRegion; the zone is not made, or not associated.

    Fix: set VPCRegion to the region of the stack that makes the VPC.
    """
    for case in misplaced(world, ZONES):
        message = f"the VPC is {case.what} in {case.found}, but VPCRegion says {case.wanted}"
        yield Fault(case.resource.place("VPCs"), message, f"set VPCRegion to {case.found}")


def private_zones(world: World) -> Iterator[tuple[Resource, list[Resource], bool]]:
    """Private zones, the VPCs of the world they are associated with, and whether others may be, too."""
    for zone in world.resources("AWS::Route53::HostedZone"):
        values = list(zone.values("VPCs.VPCId"))
        if values:
            known = [vpc for value in values if (vpc := vpc_of(world, value))]
            yield zone, known, len(known) < len(values)


@rule(
    "DR421",
    "A private zone is known in the recovery VPC, too",
    source="Route 53 Developer Guide, Working with private hosted zones",
    severity=Severity.WARNING,
)
def zone_reaches_recovery(world: World) -> Found:
    """Clients in a VPC that is not associated cannot resolve the names: after the failover they find no database.
    And the association is a change of the control plane, which may be gone with the primary region.

    Fix: add the recovery region's VPC to VPCs of the zone before the day of the failover.
    """
    zones = list(private_zones(world))
    used = {id(world.target(record.zone, "AWS::Route53::HostedZone")) for record in records(world)}
    for zone, vpcs, others in zones:
        if others or id(zone) not in used or not any(vpc.region == world.primary for vpc in vpcs):
            continue
        name = zone.text("Name")
        if _is_regional(world, zone):
            continue
        for region in world.recovery:
            reached = [
                vpc for other, found, unknown in zones
                if other.text("Name") == name for vpc in found if vpc.region == region or unknown
            ]  # fmt: skip
            if not reached and any(vpc.region == region for vpc in world.resources(VPC)):
                message = f"zone {name} is associated with no VPC of {region}"
                yield Fault(zone.place("VPCs"), message, f"add the VPC of {region} with VPCRegion: {region}")


def _is_regional(world: World, zone: Resource) -> bool:
    """True if each region has such a zone of its own: the name says the region, or a stack per region makes it."""
    twins = [
        other
        for other in world.resources(zone.type)
        if (other.logical_id, other.stack.entry.template) == (zone.logical_id, zone.stack.entry.template)
    ]
    return world.primary in (zone.text("Name") or "") or any(twin.region in world.recovery for twin in twins)


@rule(
    "DR422",
    "A VPC has one private zone of a name",
    source="Route 53 API, AssociateVPCWithHostedZone (ConflictingDomainExists)",
)
def zones_do_not_conflict(world: World) -> Found:
    """Route 53 refuses a second private zone of the same name for a VPC.

    Fix: make the zone in one stack and associate it with the VPCs of all regions.
    """
    first: dict[tuple[str, int], Resource] = {}
    for zone, vpcs, _ in private_zones(world):
        name = (zone.text("Name") or "").rstrip(".").lower()
        for vpc in vpcs:
            other = first.setdefault((name, id(vpc)), zone)
            if name and other is not zone:
                message = f"{vpc.logical_id} already has zone {name}, from {other}"
                yield Fault(zone.place("VPCs"), message, "keep one of the two zones")


@rule("DR423", "A record that can fail over has a health check", source=ROUTING, severity=Severity.WARNING)
def record_has_health(world: World) -> Found:
    """Route 53 takes a record without a health check as healthy for ever: it never moves traffic away from it.
    Weights of 100 and 0 alone are no failover.

    Fix: set HealthCheckId (alias records: EvaluateTargetHealth: true) on the primary record, and on every weighted one.
    """
    for members in record_sets(world):
        weights = [number(record.text("Weight")) for record in members if record.text("Weight") is not None]
        standby = 0.0 in weights and any(weight for weight in weights)
        for record in members:
            switched = record.text("Failover") == "PRIMARY" or (standby and record.text("Weight") is not None)
            healthy = record.text("HealthCheckId") or any(True for _ in at(record.properties, "HealthCheckId"))
            if switched and not healthy and not is_true(record.text("AliasTarget.EvaluateTargetHealth")):
                message = f"record {record.name[1]} ({record.text('SetIdentifier')}) is always taken as healthy"
                yield Fault(record.resource.place(), message, "give it a health check")


@rule(
    "DR424", "The alarm behind a health check is where the check looks for it", source="Route 53 API, AlarmIdentifier"
)
def health_check_alarm_exists(world: World) -> Found:
    """A check on an alarm that does not exist is refused, or never learns that anything is wrong.

    Fix: set AlarmIdentifier.Region to the region of the stack that makes the alarm.
    """
    for check in world.resources("AWS::Route53::HealthCheck"):
        region = check.text("HealthCheckConfig.AlarmIdentifier.Region")
        for value in check.values("HealthCheckConfig.AlarmIdentifier.Name"):
            place = check.place("HealthCheckConfig.AlarmIdentifier")
            alarms = world.targets(value, *ALARMS)
            regions = sorted({alarm.region for alarm in alarms})
            if not alarms or region is None:
                yield NotDecided(place, "the alarm is made by no stack of this deployment")
            elif region not in regions:
                message = f"the alarm is made in {', '.join(regions)}, but the check looks for it in {region}"
                yield Fault(place, message, f"set Region to {regions[0]}")


@rule(
    "DR425",
    "A health check speaks the protocol of its port",
    source="Route 53 API, HealthCheckConfig (Type, Port)",
    severity=Severity.WARNING,
    alone=True,
)
def health_check_port(world: World) -> Found:
    """An HTTPS check opens TLS on the port it is given; a plain listener never answers that, so the check stays
    unhealthy.

    Fix: HTTP checks port 80, HTTPS checks port 443.
    """
    usual_port_of_the_other = {"HTTPS": 80, "HTTPS_STR_MATCH": 80, "HTTP": 443, "HTTP_STR_MATCH": 443}
    for check in world.resources("AWS::Route53::HealthCheck"):
        kind = check.text("HealthCheckConfig.Type") or ""
        port = number(check.value("HealthCheckConfig.Port"))
        if port is not None and port == usual_port_of_the_other.get(kind):
            yield Fault(
                check.place("HealthCheckConfig"), f"{kind} is checked on the other protocol's port", "correct Port"
            )


@rule("DR426", "Records of one name differ in role, identifier and region", source="Route 53 API, ResourceRecordSet")
def failover_pair(world: World) -> Found:
    """Route 53 refuses a second record of the same role, the same SetIdentifier or, in routing by latency, the same
    region, and mixed routing policies.

    Fix: give each region's record its own role, SetIdentifier and region.
    """
    for members in record_sets(world):
        first: dict[tuple[str, str], Record] = {}
        for record in members:
            for key in ("Failover", "SetIdentifier", "Region"):
                value = record.text(key)
                other = first.setdefault((key, value), record) if value and "*" not in value else record
                if other is not record and other.resource is not record.resource:
                    message = f"{key} {value} of {record.name[1]} is already used by stack {other.resource.stack.key}"
                    yield Fault(record.resource.place(key), message, f"choose another {key}")
                    break


@rule("DR427", "A record lies in its zone", source="Route 53 API, ChangeResourceRecordSets (InvalidChangeBatch)")
def record_is_in_zone(world: World) -> Found:
    """The zone stands in another stack, and the name comes from a parameter of this one. Route 53 refuses the record:
    "RRSet with DNS name ... is not permitted in zone ...".

    Fix: end the record's name with the zone's, or pass the zone that it belongs to.
    """
    for record in records(world):
        zone = world.target(record.zone, "AWS::Route53::HostedZone") if isinstance(record.zone, Attribute) else None
        top = (zone.text("Name") or "").rstrip(".").lower() if zone is not None else ""
        name = record.name[1]
        if zone is not None and top and name and "*" not in name[1:] and name != top and not name.endswith(f".{top}"):
            message = f"{name} is not in zone {top} of stack {zone.stack.key}"
            yield Fault(record.resource.place("Name"), message, f"use a name that ends with .{top}")


@rule(
    "DR428",
    "An alias names the zone of what it leads to",
    source="Route 53 API, AliasTarget, HostedZoneId (the zone of the load balancer's region)",
)
def alias_zone_fits(world: World) -> Found:
    """Every region has a zone of its own for its load balancers. With the name of one region and the zone of another,
    Route 53 refuses the record: "that target was not found".

    Fix: take DNSName and HostedZoneId from the same load balancer.
    """
    for record in records(world):
        for alias in at(record.properties, "AliasTarget"):
            name, zone = (
                (alias.get(key) for key in ("DNSName", "HostedZoneId")) if isinstance(alias, Mapping) else (0, 0)
            )
            place = record.resource.place("AliasTarget")
            if isinstance(zone, str):
                yield from _alias_zone(place, name, zone)
            if not isinstance(name, Attribute) or not isinstance(zone, Attribute):
                continue
            if zone.type == "AWS::Route53::HostedZone" and name.type != "AWS::Route53::HostedZone":
                message = f"HostedZoneId is the zone of the record, {zone.logical_id}, and not of {name.logical_id}"
                yield Fault(place, message, f"use the canonical zone of {name.logical_id}")
            elif zone.type != name.type or zone.region != name.region:
                message = (
                    f"DNSName is of {name.logical_id} ({name.region}), the zone of {zone.logical_id} ({zone.region})"
                )
                yield Fault(place, message, f"use the canonical zone of {name.logical_id}")


def _alias_zone(place: Place, name: Resolved, zone: str) -> Found:
    """The fault of a zone that is written out, and is known to be another than that of what the alias leads to."""
    if isinstance(name, Attribute):
        kind, region = name.type, name.region
    else:
        found = BALANCER_NAME.search(pattern(name) or "")
        kind, region = (BALANCER, found.group(1)) if found else ("", "")
    owner = next((known for known, listed in APPLICATION_ZONES.items() if listed == zone), None)
    if kind == BALANCER and (zone == EDGE_ZONE or owner not in (None, region)):
        belongs = "CloudFront" if zone == EDGE_ZONE else f"load balancers of {owner}"
        message = f"{zone} is the zone of {belongs}, and the load balancer is in {region}"
        yield Fault(place, message, "use the load balancer's CanonicalHostedZoneID")
    elif kind == "AWS::CloudFront::Distribution" and owner is not None:
        message = f"{zone} is the zone of load balancers of {owner}, and the name is a distribution's"
        yield Fault(place, message, f"use {EDGE_ZONE}")
