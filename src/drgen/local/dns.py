"""Route 53's data plane: what it would answer for a name now, and what it thinks of a health check.

It reads the zones, records and checks that it was given and asks nobody but CloudWatch in the region of an alarm, and
the APIs that checks name, so it answers while us-east-1 is dark.
Source: Route 53 guide, "How Amazon Route 53 chooses records when health checking is configured", and botocore's
texts for ResourceRecordSet.Weight, .Failover and HealthCheckConfig.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.balancing import region_of, serves
from drgen.local.executing import address, api_at
from drgen.local.overlays.route53.store import HealthCheck, Record, Store, Zone, absolute, bare
from drgen.local.providers.provider import Environment

_LONGEST_CHAIN = 8
_PORTS = {"HTTP": 80, "HTTPS": 443}
DATABASES_TTL_S = 5
"""Source: Aurora guide, "Fast failover with Amazon Aurora PostgreSQL" (DNS zones of Aurora have a TTL of 5 seconds)."""
_CHECK_WITHIN_S = 6
"""Source: Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy": four seconds to
connect, two to answer."""


@dataclass(frozen=True)
class Health:
    healthy: bool
    reason: str


@dataclass(frozen=True)
class Candidate:
    """One record set of the name. `weight` is 0 for records that are not weighted."""

    set_identifier: str
    healthy: bool
    values: tuple[str, ...]
    weight: int = 0
    role: str = ""


@dataclass(frozen=True)
class Answer:
    """`code` is NOERROR, NXDOMAIN, or REFUSED where no zone serves the name there.

    `chosen` is the record set that the values come from. Route 53 draws among weighted sets at random; here the
    heaviest eligible one answers, and `candidates` lists all of them.
    """

    name: str
    type: str
    code: str
    values: tuple[str, ...] = ()
    ttl: int = 0
    zone_id: str = ""
    chosen: str = ""
    candidates: tuple[Candidate, ...] = ()


Databases = Callable[[str], tuple[str, ...] | None]
"""What an endpoint of RDS leads to; None for any other name. Amazon serves these names, and no zone of the account."""


def no_databases(_: str) -> None:
    return None


class Dns:
    def __init__(self, env: Environment, store: Store, databases: Databases = no_databases) -> None:
        self._env = env
        self._store = store
        self._databases = databases

    def answer(self, name: str, type: str = "A", *, region: str = "", zone_id: str | None = None) -> Answer:
        """What a resolver in a network of `region` gets; without a region, what any network of the zone gets."""
        wanted = absolute(name)
        hosts = self._databases(name)
        if hosts is not None:
            return Answer(wanted, type, "NOERROR", values=hosts, ttl=DATABASES_TTL_S)
        with self._store.lock:
            zone = self._zone(wanted, region, zone_id)
            if zone is None:
                return Answer(wanted, type, "REFUSED")
            found = _at(zone, wanted)
            if not found:
                return Answer(wanted, type, "NXDOMAIN", zone_id=zone.id)
            records = [record for record in found if record["Type"] == type]
            records = records or [record for record in found if record["Type"] == "CNAME"]
            if not records:
                return Answer(wanted, type, "NOERROR", zone_id=zone.id)
            return self._chosen(zone, wanted, records)

    def _zone(self, name: str, region: str, zone_id: str | None) -> Zone | None:
        """The zone with the longest name that ends the wanted one; private zones come before public ones."""
        if zone_id:
            return self._store.zones.get(bare(zone_id))
        zones = [
            zone
            for zone in self._store.zones.values()
            if f".{name}".endswith(f".{zone.name}") and (not region or zone.serves(region))
        ]
        return max(zones, key=lambda zone: (len(zone.name), zone.private, zone.id), default=None)

    def _chosen(self, zone: Zone, name: str, records: Sequence[Record]) -> Answer:
        candidates = tuple(self._candidate(zone, record) for record in records)
        index = _pick(records, candidates)
        record = records[index]
        values = candidates[index].values
        if records[index].get("MultiValueAnswer"):
            eligible = [c for c in candidates if c.healthy] or list(candidates)
            values = tuple(value for c in eligible[:8] for value in c.values)
        return Answer(
            name=name,
            type=str(record["Type"]),
            code="NOERROR",
            values=values,
            ttl=int(record.get("TTL") or 60),
            zone_id=zone.id,
            chosen=candidates[index].set_identifier,
            candidates=candidates,
        )

    def _candidate(self, zone: Zone, record: Record, depth: int = 0) -> Candidate:
        alias = record.get("AliasTarget")
        values, target_is_healthy = self._aliased(zone, record, depth) if alias else (_values(record), True)
        check = record.get("HealthCheckId")
        healthy = self.health(str(check)).healthy if check else True
        if alias and alias.get("EvaluateTargetHealth"):
            healthy = healthy and target_is_healthy
        return Candidate(
            set_identifier=str(record.get("SetIdentifier") or ""),
            healthy=healthy,
            values=values,
            weight=int(record.get("Weight") or 0),
            role=str(record.get("Failover") or ""),
        )

    def _aliased(self, zone: Zone, record: Record, depth: int) -> tuple[tuple[str, ...], bool]:
        """The values of an alias within the zone and whether any is healthy; else the target's name.

        A load balancer is healthy while it serves, any other target always.
        """
        target = str(record["AliasTarget"]["DNSName"])
        records = [r for r in _at(zone, target) if r["Type"] == record["Type"]]
        if bare(str(record["AliasTarget"]["HostedZoneId"])) != zone.id or not records or depth >= _LONGEST_CHAIN:
            return (target,), not region_of(target) or serves(self._env, target)[0]
        candidates = [self._candidate(zone, r, depth + 1) for r in records]
        picked = candidates[_pick(records, candidates)]
        return picked.values, any(candidate.healthy for candidate in candidates)

    def health(self, identifier: str, *, depth: int = 0) -> Health:
        """The check's status. A check that was deleted while a record names it counts as healthy."""
        check = self._store.checks.get(identifier)
        if check is None:
            return Health(True, "The health check does not exist")
        if check.config.get("Disabled"):
            found = Health(True, "The health check is disabled")
        else:
            found = self._observed(check, depth)
        if check.config.get("Inverted"):
            return Health(not found.healthy, f"Inverted: {found.reason}")
        return found

    def _observed(self, check: HealthCheck, depth: int) -> Health:
        match check.config["Type"]:
            case "CLOUDWATCH_METRIC":
                return self._of_alarm(check)
            case "CALCULATED":
                return self._calculated(check, depth)
            case kind:
                host = str(check.config.get("FullyQualifiedDomainName", ""))
                api = api_at(host)
                if kind == "HTTPS" and api is not None:
                    return self._of_api(check, api=api[0], region=api[1])
                if kind in _PORTS and region_of(host):
                    return Health(*serves(self._env, host, port=int(check.config.get("Port") or _PORTS[kind])))
                return Health(True, f"{kind} endpoints are not probed by the embedded AWS")

    def _of_api(self, check: HealthCheck, *, api: str, region: str) -> Health:
        """Healthy while the API answers with a status from 200 to 399, as Route 53 judges HTTP and HTTPS."""
        front = self._env.client("apigatewayv2", region).meta.endpoint_url
        url = urlsplit(address(front, region=region, api=api) + str(check.config.get("ResourcePath") or "/"))
        connection = HTTPConnection(str(url.hostname), url.port, timeout=_CHECK_WITHIN_S)
        try:
            connection.request("GET", url.path)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return Health(False, f"{region} does not answer ({type(error).__name__})")
        finally:
            connection.close()
        return Health(200 <= status < 400, f"HTTP status code {status}")

    def _calculated(self, check: HealthCheck, depth: int) -> Health:
        """Healthy when at least HealthThreshold children are; a threshold of 0 always is."""
        children = check.config.get("ChildHealthChecks") or ()
        count = sum(1 for child in children if depth < _LONGEST_CHAIN and self.health(child, depth=depth + 1).healthy)
        return Health(
            count >= int(check.config["HealthThreshold"]), f"{count} of {len(children)} child health checks are healthy"
        )

    def _of_alarm(self, check: HealthCheck) -> Health:
        alarm = check.config["AlarmIdentifier"]
        state = self._alarm_state(str(alarm["Name"]), str(alarm["Region"]))
        where = f"alarm {alarm['Name']} in {alarm['Region']} is {state}"
        if state in ("OK", "ALARM"):
            check.last_known = state == "OK"
            return Health(check.last_known, where)
        match check.config.get("InsufficientDataHealthStatus", "LastKnownStatus"):
            case "Healthy":
                return Health(True, where)
            case "Unhealthy":
                return Health(False, where)
            case _:
                return Health(check.last_known, f"{where}; the last known status counts")

    def _alarm_state(self, name: str, region: str) -> str:
        """An alarm that is missing, or whose region does not answer, has no data (inferred)."""
        try:
            found = self._env.client("cloudwatch", region).describe_alarms(AlarmNames=[name])["MetricAlarms"]
        except (BotoCoreError, ClientError):
            return "INSUFFICIENT_DATA"
        return str(found[0]["StateValue"]) if found else "INSUFFICIENT_DATA"

    def observe(self) -> None:
        """Takes note of every alarm's state, so that the last known status is known when the data stops."""
        with self._store.lock:
            checks = [check for check in self._store.checks.values() if check.config["Type"] == "CLOUDWATCH_METRIC"]
        for check in checks:
            self._of_alarm(check)


def _values(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(item["Value"]) for item in record.get("ResourceRecords") or ())


def _at(zone: Zone, name: str) -> list[Record]:
    """The records of the name, or of the nearest wildcard above it."""
    exact = [record for record in zone.records if record["Name"] == name]
    labels = name.split(".")
    for start in range(1, len(labels)):
        if exact:
            return exact
        wildcard = "\\052." + ".".join(labels[start:])
        exact = [record for record in zone.records if record["Name"] == wildcard]
    return exact


def _pick(records: Sequence[Record], candidates: Sequence[Candidate]) -> int:
    if any(candidate.role for candidate in candidates):
        return _failover(candidates)
    if any(record.get("Weight") is not None for record in records):
        return _weighted(candidates)
    healthy = [index for index, candidate in enumerate(candidates) if candidate.healthy]
    return min(healthy or range(len(candidates)), key=lambda index: candidates[index].set_identifier)


def _failover(candidates: Sequence[Candidate]) -> int:
    """The primary while it is healthy, and again when both are unhealthy."""
    order = sorted(range(len(candidates)), key=lambda index: candidates[index].role != "PRIMARY")
    return next((index for index in order if candidates[index].healthy), order[0])


def _weighted(candidates: Sequence[Candidate]) -> int:
    """First the healthy sets that weigh something, then the healthy ones of weight 0, then all as if healthy."""
    everyone = range(len(candidates))
    healthy = [index for index in everyone if candidates[index].healthy]
    heavy = [index for index in healthy if candidates[index].weight]
    # All weights zero means that all are equal; none healthy means that all count as healthy.
    pool = heavy or healthy or [index for index in everyone if candidates[index].weight] or list(everyone)
    return min(pool, key=lambda index: (-candidates[index].weight, candidates[index].set_identifier))
