"""A private name that follows the failover without an edited record.

Both records exist from the start, each behind a health check. A check follows an alarm of the recovery region on a
metric that the failover publishes there. Publishing metrics, evaluating alarms, checking health and answering queries
are all data-plane work; Route 53's control plane in us-east-1 takes no part.

Source: Route 53 Developer Guide, "Configuring failover in a private hosted zone" and "How Amazon Route 53 chooses
records when health checking is configured".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Tags, route53

from drgen.builders.alarms import alarm
from drgen.builders.network import Network
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.timing import SWITCH_S
from drgen.model.value import TEXT, Value
from drgen.recovery.names import PRIMARY_WITHDRAWN, RECOVERY_WRITABLE

NAMESPACE = "drgen"


@dataclass(frozen=True)
class Answer:
    """What a name can be answered with: `host`, while the health check with the id `health` is well.

    `side` begins the logical id of the record. With `zone_id`, the hosted zone of `host`, the record is an alias, which
    also follows the health of what `host` forwards to; it needs no `health`.
    """

    side: str
    region: str
    host: Value
    health: Any
    zone_id: Value | None = None


def zone(stack: StackDraft, *, name: str, networks: Sequence[Network]) -> Any:
    """The id of a private zone that the VPCs of all regions see."""
    vpcs = [route53.HostedZoneVPCs(VPCId=stack.use(network.vpc_id), VPCRegion=network.region) for network in networks]
    hosted = route53.HostedZone("Zone", Name=name, VPCs=vpcs)
    stack.add(hosted, why="Associated with the VPCs of every region: whoever recovers still resolves the name.")
    return Ref(hosted)


def writer_record(stack: StackDraft, zone_id: Any, *, name: str, ttl: int, writer: Value) -> None:
    """A CNAME to the global writer endpoint of an Aurora database.

    Source: Amazon Aurora User Guide, "Connecting to Amazon Aurora Global Database".
    """
    record = route53.RecordSetType(
        "WriterRecord",
        HostedZoneId=zone_id,
        Name=f"{name}.",
        Type="CNAME",
        TTL=str(ttl),
        ResourceRecords=[stack.use(writer)],
    )
    stack.add(
        record,
        why="One record, and no health check: the host behind it is Aurora's own and follows the writer, so that no "
        "switch beside it can point at a cluster that does not write.",
    )
    stack.output(stack.value("DnsName", name, TEXT, "Name of whichever cluster takes writes"))


def switch(stack: StackDraft, names: Names) -> tuple[Any, Any]:
    """The ids of the health checks of the primary's record and of the record of this recovery region."""
    kept, writable = _switch(stack, names)
    return (
        Ref(alarm_health(stack, "PrimaryHealth", kept, name=names.regional("primary"))),
        Ref(alarm_health(stack, "RecoveryHealth", writable, name=names.regional("recovery"))),
    )


def switch_elsewhere(stack: StackDraft, names: Names) -> tuple[Value, Value]:
    """As `switch`, in the stack of a further recovery region: the values are for the stack that has the records."""
    kept, writable = _switch(stack, names)
    ready = alarm_health(stack, "RecoveryHealth", writable, name=names.everywhere("recovery", stack.region))
    about = "Healthy while this region can write"
    return _kept_elsewhere(stack, names, kept), stack.value("WritableCheckId", Ref(ready), TEXT, about)


def withdrawal_elsewhere(stack: StackDraft, names: Names) -> Value:
    """The switch of a further recovery region that takes the primary region out, and nothing else."""
    return _kept_elsewhere(stack, names, withdrawn_alarm(stack, names))


def _kept_elsewhere(stack: StackDraft, names: Names, withdrawn: Any) -> Value:
    kept = alarm_health(stack, "PrimaryKept", withdrawn, name=names.everywhere("primary-kept", stack.region))
    about = "Healthy until this region withdraws the primary"
    return stack.value("PrimaryKeptCheckId", Ref(kept), TEXT, about)


def kept_everywhere(stack: StackDraft, names: Names, kept: Sequence[Any]) -> Any:
    """The id of a health check of the primary's record that any region with a check of `kept` can make unhealthy."""
    why = "Healthy until one of the recovery regions withdraws the primary: each has a switch of its own."
    return Ref(all_healthy(stack, "PrimaryKept", kept, name=names.regional("primary-kept"), why=why))


def all_healthy(stack: StackDraft, title: str, checks: Sequence[Any], *, name: str, why: str) -> Any:
    """A health check that is healthy while every one of `checks`, which are ids, is."""
    config = route53.HealthCheckConfig(Type="CALCULATED", ChildHealthChecks=list(checks), HealthThreshold=len(checks))
    return stack.add(route53.HealthCheck(title, HealthCheckConfig=config, HealthCheckTags=Tags(Name=name)), why=why)


def _switch(stack: StackDraft, names: Names) -> tuple[Any, Any]:
    """The alarms behind the records of the primary and of this recovery region."""
    return withdrawn_alarm(stack, names), _writable_alarm(stack, names)


def writable_check(stack: StackDraft, names: Names) -> Any:
    """The id of a health check that holds a name back from this recovery region until its database can write."""
    alarm = _writable_alarm(stack, names)
    return Ref(alarm_health(stack, "RecoveryWritable", alarm, name=names.regional("recovery-writable")))


def kept_check(stack: StackDraft, names: Names) -> Any:
    """The id of a health check with which this recovery region takes the primary region out."""
    return Ref(alarm_health(stack, "PrimaryHealth", withdrawn_alarm(stack, names), name=names.regional("primary")))


def _writable_alarm(stack: StackDraft, names: Names) -> Any:
    return _switch_alarm(
        stack,
        names,
        "RecoveryNotWritableAlarm",
        name=names.recovery_not_writable,
        description="The recovery region cannot take writes",
        metric=RECOVERY_WRITABLE,
        comparison="LessThanThreshold",
        why="Holds while the database is a replica, so that no answer ever points at a region that cannot write.",
    )


def withdrawn_alarm(stack: StackDraft, names: Names) -> Any:
    """The alarm behind the primary's record: published once, it takes the primary region out of the answers."""
    return _switch_alarm(
        stack,
        names,
        "PrimaryWithdrawnAlarm",
        name=names.primary_withdrawn,
        description="A failover has taken the primary region out of the answers",
        metric=PRIMARY_WITHDRAWN,
        comparison="GreaterThanOrEqualToThreshold",
        why="This is the switch. The failover publishes 1; nobody edits a record. Missing data changes nothing.",
    )


def _switch_alarm(
    stack: StackDraft, names: Names, title: str, *, name: str, description: str, metric: str, comparison: str, why: str
) -> Any:
    return alarm(
        stack,
        title,
        name=name,
        description=description,
        namespace=NAMESPACE,
        metric=metric,
        dimensions={"Workload": names.prefix},
        statistic="Maximum",
        comparison=comparison,
        threshold=1,
        period_s=SWITCH_S,
        periods=1,
        missing="ignore",
        topic=None,
        silent="It moves traffic; the failover that drives it tells people itself.",
        why=why,
    )


def alarm_health(stack: StackDraft, title: str, source: Any, *, name: str) -> Any:
    config = route53.HealthCheckConfig(
        Type="CLOUDWATCH_METRIC",
        AlarmIdentifier=route53.AlarmIdentifier(Name=Ref(source), Region=stack.region),
        InsufficientDataHealthStatus="LastKnownStatus",
    )
    return stack.add(route53.HealthCheck(title, HealthCheckConfig=config, HealthCheckTags=Tags(Name=name)))


def records(
    stack: StackDraft,
    zone_id: Any,
    *,
    name: str,
    policy: str,
    ttl: int,
    answers: Sequence[Answer],
    about: str,
    title: str = "",
) -> None:
    """One name with an answer for each region; the first of `answers` is the primary's.

    `policy` is weighted (100, and 0 for all others), even (100 for all of them) or failover (primary and secondary, so
    of two answers). `title` begins the logical ids.
    """
    for index, answer in enumerate(answers):
        weight, order = (0, "SECONDARY") if index and policy != "even" else (100, "PRIMARY")
        choice: dict[str, Any] = {"Failover": order} if policy == "failover" else {"Weight": weight}
        record = route53.RecordSetType(
            f"{title}{answer.side}Record",
            HostedZoneId=zone_id,
            Name=f"{name}.",
            **({"Type": "CNAME", "TTL": str(ttl)} if answer.zone_id is None else {"Type": "A"}),
            SetIdentifier=answer.region,
            **({} if answer.health is None else {"HealthCheckId": answer.health}),
            **_leads(stack, answer),
            **choice,
        )
        stack.add(record)
    stack.output(stack.value(f"{title}DnsName", name, TEXT, about))


def _leads(stack: StackDraft, answer: Answer) -> dict[str, Any]:
    if answer.zone_id is None:
        return {"ResourceRecords": [stack.use(answer.host)]}
    target = route53.AliasTarget(
        DNSName=stack.use(answer.host), HostedZoneId=stack.use(answer.zone_id), EvaluateTargetHealth=True
    )
    return {"AliasTarget": target}
