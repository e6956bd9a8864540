"""DR80x: alarms that can fire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.requirements import describe
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, at, leaves, number, parts, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"

DIMENSIONS = {
    "DBInstanceIdentifier": "AWS::RDS::DBInstance",
    "DBClusterIdentifier": "AWS::RDS::DBCluster",
    "FunctionName": "AWS::Lambda::Function",
    "ClusterName": "AWS::ECS::Cluster",
    "TopicName": "AWS::SNS::Topic",
    "QueueName": "AWS::SQS::Queue",
    "StateMachineArn": "AWS::StepFunctions::StateMachine",
    "BucketName": "AWS::S3::Bucket",
    "CanaryName": "AWS::Synthetics::Canary",
}
"""Dimensions whose value names one resource. Source: CloudWatch User Guide, AWS services that publish metrics."""


REPLICATION = {
    "OperationsFailedReplication": "SourceBucket",
    "ReplicationLatency": "DestinationBucket",
    "BytesPendingReplication": "DestinationBucket",
    "OperationsPendingReplication": "DestinationBucket",
}
"""Metrics of S3 and the dimension with the bucket in whose region they are. Source: Amazon S3 User Guide, Using S3
Replication metrics."""


@dataclass(frozen=True)
class Dimension:
    """One dimension of a metric that an alarm watches."""

    namespace: str
    name: str
    value: Resolved


def dimensions(alarm: Resource) -> Iterator[Dimension]:
    """The dimensions of every metric of `alarm` that an AWS service publishes; custom metrics are anywhere."""
    metrics = [alarm.properties, *alarm.values("Metrics.MetricStat.Metric")]
    for metric in metrics:
        namespace = next((pattern(value) for value in at(metric, "Namespace")), None) or ""
        for dimension in at(metric, "Dimensions"):
            if isinstance(dimension, Mapping) and namespace.startswith("AWS/"):
                for value in leaves(dimension.get("Value")):
                    yield Dimension(namespace, pattern(dimension.get("Name")) or "", value)


@rule(
    "DR801",
    "A lag alarm does not fire on an idle source",
    severity=Severity.WARNING,
    source="Amazon RDS User Guide, Working with read replicas for Amazon RDS for PostgreSQL (lag of an idle source)",
    alone=True,
)
def lag_threshold(world: World) -> Found:
    """Without writes on the source, ReplicaLag of PostgreSQL rises to five minutes between two WAL switches. An
    alarm at 300 seconds or less then comes and goes by itself, and people learn to ignore it.

    Fix: write a heartbeat row and alarm on its age, or set the threshold above 300 seconds.
    """
    for alarm in world.resources(ALARM):
        threshold = number(alarm.value("Threshold"))
        if (alarm.text("Namespace"), alarm.text("MetricName")) != ("AWS/RDS", "ReplicaLag") or threshold is None:
            continue
        if threshold <= 300 and (alarm.text("ComparisonOperator") or "").startswith("GreaterThan"):
            severity = Severity.INFO if threshold == 300 else None
            message = f"a threshold of {threshold:g} s is reached by a healthy replica of an idle source"
            yield Fault(alarm.place("Threshold"), message, "use more than 300 s, or a heartbeat", severity)


@rule(
    "DR802",
    "An alarm stands in the region of what it watches",
    severity=Severity.WARNING,
    source="CloudWatch User Guide, Cross-account cross-Region CloudWatch console (alarms)",
)
def alarm_region(world: World) -> Found:
    """Metrics are published in the region of the resource, and an alarm sees its own region only: it never leaves
    INSUFFICIENT_DATA.

    Fix: move the alarm to a stack of the resource's region. Metrics of Route 53 health checks are in us-east-1.
    """
    for alarm in world.resources(ALARM):
        for dimension in dimensions(alarm):
            name, value = dimension.name, dimension.value
            kind = DIMENSIONS.get(name)
            if dimension.namespace == "AWS/S3" and name == REPLICATION.get(alarm.text("MetricName") or ""):
                kind = "AWS::S3::Bucket"
            region = region_of(value) if isinstance(value, Attribute) or arn(value) else None
            if kind is not None and region is None:
                regions = {found.region for found in world.targets(value, kind)}
                region = min(regions) if regions and alarm.region not in regions else None
            if name == "HealthCheckId" and dimension.namespace == "AWS/Route53":
                region = "us-east-1"
            if region is not None and region != alarm.region and (kind or name == "HealthCheckId"):
                message = f"{describe(value)} publishes its metrics in {region}, the alarm is in {alarm.region}"
                yield Fault(alarm.place("Dimensions"), message, f"make the alarm in {region}")


@rule(
    "DR803",
    "A dimension holds the name that the service publishes",
    severity=Severity.WARNING,
    source="CloudWatch User Guide, AWS services that publish CloudWatch metrics",
)
def dimension_is_name(world: World) -> Found:
    """No metric carries an ARN in this dimension: the alarm watches nothing.

    Fix: pass the identifier (`!Ref`), not the ARN.
    """
    by_arn = {"StateMachineArn", "ActivityArn", "LambdaFunctionArn", "ServiceIntegrationResourceArn", "CertificateArn"}
    for alarm in world.resources(ALARM):
        for name, value in ((dimension.name, dimension.value) for dimension in dimensions(alarm)):
            is_arn = arn(value) is not None or (isinstance(value, Attribute) and value.attribute.endswith("Arn"))
            if is_arn and name in DIMENSIONS and name not in by_arn:
                yield Fault(alarm.place("Dimensions"), f"{name} gets an ARN", "pass the name of the resource")


CHILD = re.compile(r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*["']?([^"')]+?)["']?\s*\)""")


@rule(
    "DR804",
    "The alarms under a composite alarm exist before it, in its region",
    source="CloudWatch User Guide, Combining alarms; registry schema AWS::CloudWatch::CompositeAlarm",
)
def composite_children(world: World) -> Found:
    """CloudWatch refuses a composite alarm whose rule names an alarm that is not there yet, or that is in another
    region, and the stack is rolled back.

    Fix: name the alarms with `!Sub 'ALARM("${Child}")'`, which also puts them first; make one composite alarm for each
    region.
    """
    for composite in world.resources(COMPOSITE):
        for child in _children(world, composite):
            place = composite.place("AlarmRule")
            if child.region != composite.region:
                message = (
                    f"{child.logical_id} (stack {child.stack.key}) is in {child.region}, not in {composite.region}"
                )
                yield Fault(place, message, f"make a composite alarm in {child.region} for it")
            elif child.stack is composite.stack and child.logical_id not in composite.mentions:
                message = f"{child.logical_id} is named as text, so both are created at the same time"
                yield Fault(place, message, f"write ${{{child.logical_id}}} in a !Sub, or add it to DependsOn")
            elif child.stack.position > composite.stack.position:
                message = f"{child.logical_id} is made by {child.stack.key}, which comes later"
                yield Fault(place, message, f"deploy {child.stack.key} before {composite.stack.key}")


def _children(world: World, composite: Resource) -> Iterator[Resource]:
    """The alarms of this deployment that the rule of `composite` names; of several namesakes, the one in its region."""
    for value in composite.values("AlarmRule"):
        attributes = [part for part in parts(value) if isinstance(part, Attribute)]
        yield from (
            found for part in attributes if (found := world.resource(part)) and found.type in (ALARM, COMPOSITE)
        )
        known = {world.literal(part) for part in attributes}
        for name in CHILD.findall(world.literal(value) or ""):
            if name not in known and "*" not in name:
                namesakes = [*world.named(ALARM, name), *world.named(COMPOSITE, name)]
                yield from sorted(namesakes, key=lambda alarm: alarm.region != composite.region)[:1]
