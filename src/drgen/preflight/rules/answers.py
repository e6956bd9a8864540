"""DR435 to DR439: names, checks and certificates that are accepted, and do not do what they are for."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.dns import record_sets, records
from drgen.preflight.rules.records import policy
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, known_text, number
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
ZONE = "AWS::Route53::HostedZone"
CHECK = "AWS::Route53::HealthCheck"
ASKED = "HealthCheckConfig.FullyQualifiedDomainName"


@rule(
    "DR435",
    "A health check asks one region, and not the name that moves",
    source="Route 53 Developer Guide, How Route 53 chooses records when health checking is configured; "
    "Values that you specify when you create or update health checks (domain name)",
    severity=Severity.WARNING,
)
def check_asks_one_region(world: World) -> Found:
    """The check of the primary record asks the name that the records answer for. After the failover the name leads to
    the recovery region, the check finds it healthy, and Route 53 moves the clients back into the region that is down,
    again and again.

    Fix: ask a name that always leads to the record's own region, such as that of its load balancer.
    """
    for record in records(world):
        for value in at(record.properties, "HealthCheckId"):
            check = world.target(value, CHECK) if policy(record) and isinstance(value, Attribute) else None
            asked = (check.text(ASKED) or "").rstrip(".").lower() if check is not None else ""
            if check is not None and asked and asked == record.name[1]:
                message = f"it asks {asked}, which leads to whatever region its records choose"
                yield Fault(check.place(ASKED), message, "ask a name of the record's own region")


@rule(
    "DR436",
    "A certificate is validated in a public zone",
    source="AWS Certificate Manager User Guide, DNS validation (public DNS)",
)
def validated_in_public(world: World) -> Found:
    """Certificate Manager looks for the validation record in public DNS. In a private zone nobody finds it: the
    certificate waits, and the stack fails after hours.

    Fix: name the public zone of the domain in DomainValidationOptions.
    """
    for certificate in world.resources("AWS::CertificateManager::Certificate"):
        path = "DomainValidationOptions.HostedZoneId"
        for value in certificate.values(path):
            zone = world.target(value, ZONE) if isinstance(value, Attribute) else None
            if zone is not None and zone.has("VPCs"):
                message = f"{zone} is a private zone"
                yield Fault(certificate.place(path), message, "use the public zone of the domain")


@rule(
    "DR437",
    "A primary record has a secondary",
    source="Route 53 API, ResourceRecordSet (Failover)",
    severity=Severity.WARNING,
)
def primary_has_secondary(world: World) -> Found:
    """With nowhere to go, Route 53 answers with the primary record although it is unhealthy: there is no failover.

    Fix: add the record of the recovery region with Failover: SECONDARY.
    """
    for members in record_sets(world):
        record = members[0]
        if len(members) == 1 and record.text("Failover") == "PRIMARY" and world.recovery:
            message = f"{record.name[1]} {record.name[2]} has no secondary record"
            yield Fault(record.resource.place("Failover"), message, "add the record of the recovery region")


@rule(
    "DR438",
    "A public zone is made once",
    source="Route 53 Developer Guide, Creating a public hosted zone (name servers of each zone)",
    severity=Severity.WARNING,
)
def public_zone_is_made_once(world: World) -> Found:
    """Route 53 makes a second zone of the name, with name servers of its own. The domain is delegated to one of them:
    the records that the other stack makes are never asked for.

    Fix: make the zone in one stack, and pass its id to the others.
    """
    first: dict[tuple[str, str], Resource] = {}
    for zone in world.resources(ZONE):
        name = (known_text(zone.value("Name")) or "").rstrip(".").lower()
        if not name or zone.has("VPCs") or not zone.certain:
            continue
        other = first.setdefault((zone.stack.entry.account, name), zone)
        if other is not zone:
            message = f"{other} is a zone of the name already"
            yield Fault(zone.place("Name"), message, "make the zone in one stack")


@rule(
    "DR439",
    "Weighted records of a name share a TTL, and one of them has a weight",
    source="Route 53 API, ResourceRecordSet (TTL, Weight)",
    severity=Severity.WARNING,
)
def weights_say_something(world: World) -> Found:
    """If every weight is 0, Route 53 takes all records for equal: half of the clients go to the region that was to
    stand by. The TTL of a set is one, too; with two, clients keep one answer longer than the other.

    Fix: give the record of the primary region a weight above 0, and all records the same TTL.
    """
    for members in record_sets(world):
        weights = [record.text("Weight") for record in members]
        if len(members) < 2 or any(weight is None or "*" in weight for weight in weights):
            continue
        record = members[-1]
        if {number(weight) for weight in weights} == {0.0}:
            message = f"all records of {record.name[1]} have weight 0, so all are used"
            yield Fault(record.resource.place("Weight"), message, "give the primary region's record a weight")
        spans = {text for one in members if (text := one.text("TTL")) is not None and "*" not in text}
        if len(spans) > 1:
            message = f"the records of {record.name[1]} have TTL {' and '.join(sorted(spans))}"
            yield Fault(record.resource.place("TTL"), message, "give all of them the same TTL")
