"""DR43x: what Route 53 refuses of records and health checks, or never finds healthy."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.dns import ALARMS, Record, records
from drgen.preflight.values import number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
ZONE = "AWS::Route53::HostedZone"
RECORD_SET = "Route 53 API Reference, ResourceRecordSet"
POLICIES = (
    "Weight",
    "Failover",
    "Region",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
)
"""Properties that give a record its routing policy. Source: registry schema AWS::Route53::RecordSet."""


def policy(record: Record) -> str:
    """The property that says the record's routing policy; empty for a simple record."""
    return next((name for name in POLICIES if name in record.properties), "")


@rule("DR430", "No CNAME stands at the top of its zone", source=f"{RECORD_SET} (CNAME at the zone apex)", alone=True)
def no_cname_at_top(world: World) -> Found:
    """DNS allows no CNAME next to the SOA and NS records of a zone: `RRSet of type CNAME with DNS name ... is not
    permitted at apex in zone`.

    Fix: use an alias record of type A, or a name below the zone's.
    """
    for record in records(world):
        zone = record.zone
        found = world.resource(zone) if isinstance(zone, Attribute) else None
        name = (
            found.text("Name")
            if found is not None and found.type == ZONE
            else pattern(record.properties.get("HostedZoneName"))
        )
        if record.text("Type") == "CNAME" and name and name.rstrip(".").lower() == record.name[1]:
            message = f"{record.name[1]} is the zone itself"
            yield Fault(record.resource.place("Type"), message, "use an alias record, or another name")


@rule(
    "DR431",
    "Records of one name and type share a routing policy",
    source=f"{RECORD_SET} (routing policies)",
    alone=True,
)
def one_policy(world: World) -> Found:
    """Route 53 refuses a record whose policy is not that of the others: `RRSet with DNS name ... cannot be created
    because a non simple record exists`. A record with a policy has a SetIdentifier, too.

    Fix: give all records of the name the same policy, each with its own SetIdentifier.
    """
    sets: dict[tuple[Resolved, str, str], list[Record]] = defaultdict(list)
    for record in records(world):
        if record.name[0] is None or "*" in record.name[1] or not record.resource.certain:
            continue
        sets[record.name].append(record)
        if policy(record) and "SetIdentifier" not in record.properties:
            message = f"{record.name[1]} has {policy(record)} and no SetIdentifier"
            yield Fault(record.resource.place(policy(record)), message, "add a SetIdentifier")
    for members in sets.values():
        first = members[0]
        for other in members[1:]:
            if policy(other) != policy(first) and other.resource is not first.resource:
                message = (
                    f"{other.name[1]} is {policy(other) or 'a simple record'} here and "
                    f"{policy(first) or 'a simple record'} in stack {first.resource.stack.key}"
                )
                yield Fault(other.resource.place(), message, "use one routing policy for the name")


CHECK = "AWS::Route53::HealthCheck"
CHECK_CONFIG = "Route 53 API Reference, HealthCheckConfig"


@rule(
    "DR432",
    "A calculated health check can become healthy, and unhealthy",
    source=f"{CHECK_CONFIG} (HealthThreshold)",
    severity=Severity.WARNING,
)
def threshold_in_range(world: World) -> Found:
    """With a threshold above the number of children the check is never healthy, with 0 it always is: traffic never
    moves, or never stays.

    Fix: set HealthThreshold between 1 and the number of children.
    """
    for check in world.resources(CHECK):
        threshold = number(check.value("HealthCheckConfig.HealthThreshold"))
        children = list(check.values("HealthCheckConfig.ChildHealthChecks"))
        if check.text("HealthCheckConfig.Type") != "CALCULATED" or threshold is None:
            continue
        if not 1 <= threshold <= len(children):
            message = f"{threshold:g} of {len(children)} children must be healthy"
            yield Fault(check.place("HealthCheckConfig.HealthThreshold"), message, "set a threshold within reach")


@rule("DR433", "Health checkers can reach what they check", source=f"{CHECK_CONFIG} (IPAddress)")
def address_is_public(world: World) -> Found:
    """Health checkers are outside every VPC. Route 53 refuses private addresses.

    Fix: check a public address; for private endpoints use Type: CLOUDWATCH_METRIC with an alarm.
    """
    for check in world.resources(CHECK):
        text = check.text("HealthCheckConfig.IPAddress") or ""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not address.is_global or address.is_multicast:
            message = f"{text} is no public address"
            yield Fault(check.place("HealthCheckConfig.IPAddress"), message, "use a check on an alarm")


@rule(
    "DR434",
    "A health check follows an alarm that Route 53 can follow",
    source="Route 53 API Reference, AlarmIdentifier (standard resolution; no extended statistics)",
)
def alarm_can_be_followed(world: World) -> Found:
    """Route 53 evaluates the alarm's metric itself, and takes only standard resolution and the statistics Average,
    Minimum, Maximum, Sum and SampleCount. It refuses percentiles and alarms of 10 or 30 seconds.

    Fix: use one of these statistics, and a period of 60 seconds or more.
    """
    for check in world.resources(CHECK):
        for value in check.values("HealthCheckConfig.AlarmIdentifier.Name"):
            for alarm in world.targets(value, *ALARMS):
                period = number(alarm.value("Period"))
                if alarm.has("ExtendedStatistic"):
                    message = f"{alarm.logical_id} uses the statistic {alarm.text('ExtendedStatistic')}"
                elif period is not None and period < 60:
                    message = f"{alarm.logical_id} has a period of {period:g} s"
                else:
                    continue
                yield Fault(check.place("HealthCheckConfig.AlarmIdentifier"), message, "use another alarm")
