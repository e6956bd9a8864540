"""A private name that follows the failover without an edited record.

Both records exist from the start, each behind a health check. A check follows an alarm of the recovery region on a
metric that the failover publishes there. Publishing metrics, evaluating alarms, checking health and answering queries
are all data-plane work; Route 53's control plane in us-east-1 takes no part.

Source: Route 53 Developer Guide, "Configuring failover in a private hosted zone" and "How Amazon Route 53 chooses
records when health checking is configured".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import Ref, Tags, route53

from drgen.builders.alarms import alarm
from drgen.builders.database import Database
from drgen.builders.network import Network
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT, Value
from drgen.recovery.config import PRIMARY_WITHDRAWN, RECOVERY_WRITABLE

NAMESPACE = "drgen"


def zone(stack: StackDraft, *, name: str, networks: Sequence[Network]) -> Any:
    """A private zone that the VPCs of all regions see."""
    vpcs = [route53.HostedZoneVPCs(VPCId=stack.use(network.vpc_id), VPCRegion=network.region) for network in networks]
    hosted = route53.HostedZone("Zone", Name=name, VPCs=vpcs)
    return stack.add(hosted, why="Associated with the VPCs of every region: whoever recovers still resolves the name.")


def writer_record(stack: StackDraft, hosted: Any, *, name: str, ttl: int, writer: Value) -> None:
    """A CNAME to the global writer endpoint of an Aurora database.

    Source: Amazon Aurora User Guide, "Connecting to Amazon Aurora Global Database".
    """
    record = route53.RecordSetType(
        "WriterRecord",
        HostedZoneId=Ref(hosted),
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
    """The health checks of the primary and of the recovery record."""
    withdrawn = withdrawn_alarm(stack, names)
    writable = _switch_alarm(
        stack,
        names,
        "RecoveryNotWritableAlarm",
        name=names.recovery_not_writable,
        description="The recovery region cannot take writes",
        metric=RECOVERY_WRITABLE,
        comparison="LessThanThreshold",
        why="Holds while the database is a replica, so that no answer ever points at a region that cannot write.",
    )
    return (
        alarm_health(stack, "PrimaryHealth", withdrawn, name=names.regional("primary")),
        alarm_health(stack, "RecoveryHealth", writable, name=names.regional("recovery")),
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
        periods=1,
        missing="ignore",
        topic=None,
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
    hosted: Any,
    *,
    name: str,
    policy: str,
    ttl: int,
    primary: tuple[Database, Any],
    recovery: tuple[Database, Any],
) -> Value:
    """One CNAME with two answers. `policy` is weighted (100 and 0) or failover (primary and secondary)."""
    for role, (database, health), weight, order in (
        ("Primary", primary, 100, "PRIMARY"),
        ("Recovery", recovery, 0, "SECONDARY"),
    ):
        choice: dict[str, Any] = {"Weight": weight} if policy == "weighted" else {"Failover": order}
        record = route53.RecordSetType(
            f"{role}Record",
            HostedZoneId=Ref(hosted),
            Name=f"{name}.",
            Type="CNAME",
            TTL=str(ttl),
            SetIdentifier=database.region,
            HealthCheckId=Ref(health),
            ResourceRecords=[stack.use(database.endpoint)],
            **choice,
        )
        stack.add(record)
    shown = stack.value("DnsName", name, TEXT, "Name of whichever database takes writes")
    stack.output(shown)
    return shown
