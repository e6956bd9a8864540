"""DR90x: what detection, DNS and copies take of the objectives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.alarms import ALARM
from drgen.preflight.rules.backups import plan_rules
from drgen.preflight.rules.dns import Record
from drgen.preflight.rules.global_clusters import CLUSTER, is_secondary, members
from drgen.preflight.rules.intent import SWITCHED_OFF
from drgen.preflight.rules.metrics import watched
from drgen.preflight.rules.objectives import (
    LAGS,
    TTL,
    Part,
    alarm_time,
    moves_by_itself,
    moving_records,
    objectives,
    seconds,
    shown,
    summed,
    total,
)
from drgen.preflight.rules.replicas import replicas
from drgen.preflight.rules.stability import in_recovery, promoters
from drgen.preflight.stack import Place
from drgen.preflight.values import known_text, leaves, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
DETECTION = "Whitepaper Disaster Recovery of Workloads on AWS, Detection (RTO = detect + notify + decide + execute)"
ROUTE53 = "Route 53 API Reference, HealthCheckConfig (RequestInterval, FailureThreshold) and ResourceRecordSet (TTL)"


@rule("DR901", "Clients come to the other region within the RTO", source=ROUTE53, severity=Severity.WARNING)
def traffic_fits_rto(world: World) -> Found:
    """Before any promotion, time passes until the health check sees the failure, and until resolvers forget the old
    answer. If that alone is longer than the recovery time objective, the objective is missed whatever people do.

    Fix: shorten the period or the number of data points of the alarm, the interval or threshold of the check, or the
    TTL.
    """
    rto = objectives(world).rto
    for record, parts in moving_records(world):
        if rto is not None and parts and total(parts) > rto:
            message = f"{summed(parts)} = {shown(total(parts))}, and the RTO is {shown(rto)}"
            yield Fault(record.resource.place("TTL"), message, "shorten one of them")


@rule("DR902", "A record that can fail over is forgotten within a minute", source=ROUTE53, severity=Severity.INFO)
def ttl_is_short(world: World) -> Found:
    """Resolvers keep the old answer for the TTL: so long after the switch, clients still go to the dead region. Route
    53 recommends 60 seconds or less for records with health checks.

    Fix: set TTL to 60 or less.
    """
    for record, _ in moving_records(world):
        ttl = number(record.properties.get("TTL"))
        if ttl is not None and ttl > 60:
            severity = Severity.WARNING if ttl >= 300 else None
            yield Fault(record.resource.place("TTL"), f"the TTL is {shown(ttl)}", "set TTL to 60 or less", severity)


@rule("DR903", "A lag alarm fires before the RPO is lost", source=DETECTION, severity=Severity.WARNING)
def lag_alarm_fits_rpo(world: World) -> Found:
    """The copy may be further behind than the recovery point objective, and nobody is told. A failover then loses more
    than was promised.

    Fix: set the alarm's threshold to the RPO or less.
    """
    rpo = objectives(world).rpo
    for metric in watched(world):
        unit = LAGS.get((metric.namespace, metric.name))
        threshold = number(metric.alarm.value("Threshold"))
        rising = (metric.alarm.text("ComparisonOperator") or "").startswith("Greater")
        if rpo is not None and unit and threshold is not None and rising and threshold * unit > rpo:
            # An idle PostgreSQL source lags by up to five minutes without any loss (DR801): there, a heartbeat tells.
            if metric.name == "ReplicaLag" and threshold <= 600:
                continue
            message = f"the alarm allows a lag of {shown(threshold * unit)}, and the RPO is {shown(rpo)}"
            yield Fault(metric.alarm.place("Threshold"), message, "lower the threshold")


@rule(
    "DR904",
    "Copies of backups are made as often as the RPO wants",
    source="AWS Backup Developer Guide, Creating backup copies across AWS Regions",
    severity=Severity.INFO,
)
def backups_fit_rpo(world: World) -> Found:
    """What a region loses between two copies is lost. Behind replication, backups are the last line; where they are the
    only copy, their interval is the recovery point.

    Fix: replicate the data continuously, or make and copy backups more often.
    """
    rpo = objectives(world).rpo
    if _replicated(world):
        return
    for plan, entry in plan_rules(world):
        every = interval(next((known_text(value) for value in leaves(entry.get("ScheduleExpression"))), None) or "")
        if rpo is not None and entry.get("CopyActions") and every is not None and every > rpo:
            message = f"a copy is made every {shown(every)}, and the RPO is {shown(rpo)}"
            yield Fault(plan.place("BackupPlan"), message, "let replication carry the RPO")


def _replicated(world: World) -> bool:
    """True if something other than backups brings data to another region."""
    tables = (table.values("Replicas") for table in world.resources("AWS::DynamoDB::GlobalTable"))
    buckets = (bucket.has("ReplicationConfiguration") for bucket in world.resources("AWS::S3::Bucket"))
    followed = any(True for _ in replicas(world)) or any(is_secondary(each) for each in members(world))
    return followed or any(len(list(found)) > 1 for found in tables) or any(buckets)


def interval(schedule: str) -> float | None:
    """The seconds between two runs of a schedule of AWS Backup; None where it is not that simple."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule)
    if rate:
        return seconds(f"{rate[1]}{rate[2][0]}")
    cron = re.fullmatch(r"cron\(\S+ (\S+) (\S+) \* (\S+) \*\)", schedule)
    if cron is None:
        return None
    hours, days, weekdays = cron.groups()
    daily = days in ("*", "?") and weekdays in ("*", "?")
    if not daily:
        return None
    if hours == "*":
        return 3600.0
    every = re.fullmatch(r"(?:0|\*)/(\d+)", hours)
    return float(every[1]) * 3600 if every else 86_400.0 if hours.isdigit() else None


@rule("DR905", "The known times of a recovery fit the RTO", source=DETECTION, severity=Severity.WARNING)
def known_times_fit_rto(world: World) -> Found:
    """The objective is spent by parts: noticing, deciding, promoting, starting what is switched off, moving traffic.
    The templates state the first and the last; AWS names no bound for the others. Where the known times alone are
    longer than the objective, it is missed whatever people do. `drgen check` shows the sum also where it fits.

    Fix: notice sooner, or move traffic sooner; agree on another objective where neither can be.
    """
    known = budget(world)
    if known is not None and known.left < 0:
        place = world.entry_place(0)
        yield Fault(Place("intent", place.file, 1), known.told(), "shorten one of them, or agree on another RTO")


@dataclass(frozen=True)
class Budget:
    """What is known of the time to recover, in seconds. `rest` names what no template states."""

    rto: float
    parts: Sequence[Part]
    rest: Sequence[str]

    @property
    def left(self) -> float:
        return self.rto - total(self.parts)

    def told(self) -> str:
        """The sum, the objective, and what is left for whom, in one line."""
        known = f"{summed(self.parts)} = {shown(total(self.parts))} of an RTO of {shown(self.rto)}"
        whom = (
            f" for {' and '.join(self.rest)}, which no template states"
            if self.rest
            else ", and nothing else is to be waited for"
        )
        return f"{known}; {shown(max(self.left, 0))} are left{whom}"


def budget(world: World) -> Budget | None:
    """The slowest way by which clients come to the other region; None where no objective or no time is known."""
    rto = objectives(world).rto
    if rto is None:
        return None
    noticing = sorted(_detection(world), key=lambda part: part.seconds)[:1]
    rest = list(unbounded(world))
    ways = [_way(world, record, noticing, moving, rest) for record, moving in moving_records(world)]
    parts = max(ways, key=total, default=noticing)
    return Budget(rto, parts, rest) if parts else None


def _way(world: World, record: Record, noticing: list[Part], moving: list[Part], rest: list[str]) -> list[Part]:
    """What passes until clients of `record` have moved. Where something is promoted or started, they wait for that."""
    if not moves_by_itself(world, record):
        return [*noticing, *moving]
    return [*noticing, *(part for part in moving if part.how == TTL)] if rest and noticing else moving


def unbounded(world: World) -> Iterator[str]:
    """What a failover of this world takes, too, in the order in which it happens: nobody names a bound for it."""
    copies = [replica for replica, _ in replicas(world) if in_recovery(world, replica.stack)]
    followers = [each for each in members(world) if is_secondary(each) and in_recovery(world, each.stack)]
    running = [
        world.target(value, CLUSTER)
        for instance in world.resources("AWS::RDS::DBInstance")
        for value in instance.values("DBClusterIdentifier")
    ]
    headless = any(all(cluster is not found for found in running) for cluster in followers)
    asleep = any(
        off.is_off(found) and in_recovery(world, found.stack)
        for off in SWITCHED_OFF
        for found in world.resources(off.type)
    )
    if copies or followers or asleep:
        yield "the decision"
    if headless:
        yield "the start of an instance"
    if copies or followers:
        yield "the promotion"
    if asleep:
        yield "the start of what is switched off"


COMMIT_LIMIT = "rds.global_db_rpo"


@rule(
    "DR906",
    "What replication commits itself to fits the RPO",
    source="Amazon S3 User Guide, S3 Replication Time Control; Amazon Aurora User Guide, Managing RPOs for Aurora "
    "PostgreSQL-based global databases",
    severity=Severity.INFO,
)
def commitments_fit_rpo(world: World) -> Found:
    """S3 Replication Time Control commits itself to 15 minutes, and Aurora holds commits back once every follower lags
    more than rds.global_db_rpo says. Where that is more than the recovery point objective, nobody promises the
    objective: most copies are faster, and a disaster need not wait for them.

    Fix: lower rds.global_db_rpo. Nothing makes S3 promise less than 15 minutes: let an alarm on ReplicationLatency at
    the RPO tell of a lag, or agree on another objective for the bucket.
    """
    rpo = objectives(world).rpo
    if rpo is None:
        return
    told = _buckets_with_lag_alarm(world, rpo)
    for bucket in world.resources("AWS::S3::Bucket"):
        path = "ReplicationConfiguration.Rules.Destination.ReplicationTime.Time.Minutes"
        limit = max((found * 60 for value in bucket.values(path) if (found := number(value)) is not None), default=0)
        if limit > rpo and id(bucket) not in told:
            message = f"S3 commits itself to {shown(limit)}, and the RPO is {shown(rpo)}"
            yield Fault(bucket.place("ReplicationConfiguration"), message, "watch the lag with an alarm at the RPO")
    for group in world.resources("AWS::RDS::DBClusterParameterGroup"):
        for parameters in group.values("Parameters"):
            asked = number(parameters.get(COMMIT_LIMIT)) if isinstance(parameters, Mapping) else None
            if asked is not None and asked > rpo:
                message = f"commits wait at a lag of {shown(asked)}, and the RPO is {shown(rpo)}"
                yield Fault(group.place("Parameters"), message, "lower it to the RPO", Severity.WARNING)


def _buckets_with_lag_alarm(world: World, rpo: float) -> set[int]:
    """The buckets, by id(), whose copies raise an alarm before they are further behind than `rpo` seconds."""
    return {
        id(bucket)
        for metric in watched(world)
        if (metric.namespace, metric.name) == ("AWS/S3", "ReplicationLatency")
        and ((threshold := number(metric.alarm.value("Threshold"))) is not None and threshold <= rpo)
        and (bucket := world.target((metric.dimensions or {}).get("SourceBucket"), "AWS::S3::Bucket")) is not None
    }


DETECTORS = {
    ("drgen", "PrimaryReachable"),
    ("CloudWatchSynthetics", "SuccessPercent"),
    ("AWS/Route53", "HealthCheckStatus"),
}
"""Metrics that say whether a region answers: drgen's own, canaries, health checks."""


def _detection(world: World) -> Iterator[Part]:
    """The times until an alarm outside the primary region starts a failover, or tells people to."""
    actors = {id(actor) for actor, _, _ in promoters(world)}
    noticed = {id(metric.alarm) for metric in watched(world) if (metric.namespace, metric.name) in DETECTORS}
    for alarm in world.resources(ALARM):
        if alarm.region == world.primary:
            continue
        for value in alarm.values("AlarmActions"):
            target = world.target(value)
            time = alarm_time(alarm)
            starts = id(alarm) in noticed or (target is not None and id(target) in actors)
            if time is not None and starts:
                yield time
