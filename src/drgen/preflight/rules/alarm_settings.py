"""DR81x: settings of alarms that CloudWatch refuses, or that leave the alarm without data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.alarms import ALARM, COMPOSITE, dimensions
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, at, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
PUT_ALARM = "CloudWatch API Reference, PutMetricAlarm"

DAY, WEEK, HOUR = 86_400, 604_800, 3_600


def periods(alarm: Resource) -> list[float]:
    """The known periods of the alarm's metrics, in seconds."""
    values = [*alarm.values("Period"), *alarm.values("Metrics.Period"), *alarm.values("Metrics.MetricStat.Period")]
    return [found for value in values if (found := number(value)) is not None]


@rule("DR810", "An alarm looks back over no more than CloudWatch allows", source=f"{PUT_ALARM} (Period)", alone=True)
def window_fits(world: World) -> Found:
    """Period times EvaluationPeriods is at most a day, or a week where the period is an hour or longer. CloudWatch
    refuses more.

    Fix: use fewer or longer periods.
    """
    for alarm in world.resources(ALARM):
        count, longest = number(alarm.value("EvaluationPeriods")), max(periods(alarm), default=None)
        if count is not None and longest is not None and count * longest > (WEEK if longest >= HOUR else DAY):
            message = f"{count:g} periods of {longest:g} s are {count * longest:g} s"
            yield Fault(alarm.place("EvaluationPeriods"), message, "use fewer periods")


@rule("DR811", "An alarm on a metric of AWS has a period of a minute or more", source=f"{PUT_ALARM} (Period)",
      severity=Severity.WARNING,
      alone=True)  # fmt: skip
def period_has_data(world: World) -> Found:
    """Services publish once a minute or less often. Most periods of 10 or 30 seconds have no data, and the alarm lapses
    into INSUFFICIENT_DATA.

    Fix: set Period to 60 or a multiple of it.
    """
    for alarm in world.resources(ALARM):
        namespaces = {pattern(value) or "" for metric in [alarm.properties, *alarm.values("Metrics.MetricStat.Metric")]
                      for value in at(metric, "Namespace")}  # fmt: skip
        shortest = min(periods(alarm), default=None)
        if shortest is not None and shortest < 60 and any(name.startswith("AWS/") for name in namespaces):
            yield Fault(alarm.place("Period"), f"the period is {shortest:g} s", "set Period: 60")


@rule(
    "DR812",
    "An alarm does not wait for more data points than it looks at",
    source=f"{PUT_ALARM} (DatapointsToAlarm)",
    alone=True,
)
def datapoints_fit(world: World) -> Found:
    """CloudWatch refuses an alarm that wants more data points than EvaluationPeriods holds.

    Fix: set DatapointsToAlarm to EvaluationPeriods or less.
    """
    for alarm in world.resources(ALARM):
        wanted, seen = number(alarm.value("DatapointsToAlarm")), number(alarm.value("EvaluationPeriods"))
        if wanted is not None and seen is not None and wanted > seen:
            message = f"{wanted:g} data points of {seen:g}"
            yield Fault(alarm.place("DatapointsToAlarm"), message, "set it to EvaluationPeriods or less")


@rule(
    "DR813",
    "A composite alarm does what composite alarms can",
    source="CloudWatch API Reference, PutCompositeAlarm (AlarmActions)",
    alone=True,
)
def composite_actions(world: World) -> Found:
    """Composite alarms send to topics, call functions and open items of Systems Manager. CloudWatch refuses actions of
    EC2 and Auto Scaling.

    Fix: give that action to a metric alarm.
    """
    for composite in world.resources(COMPOSITE):
        for path in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for value in composite.values(path):
                whole = arn(value)
                kind = whole.service if whole else value.type.split("::")[1] if isinstance(value, Attribute) else ""
                if kind in ("automate", "autoscaling", "swf", "AutoScaling"):
                    yield Fault(composite.place(path), f"composite alarms have no actions of {kind}", "remove it")


HOLDS_NAME: Mapping[str, Mapping[str, frozenset[str]]] = {
    "QueueName": {"AWS::SQS::Queue": frozenset({"QueueName"})},
    "TopicName": {"AWS::SNS::Topic": frozenset({"TopicName"})},
    "LoadBalancer": {"AWS::ElasticLoadBalancingV2::LoadBalancer": frozenset({"LoadBalancerFullName"})},
    "TargetGroup": {"AWS::ElasticLoadBalancingV2::TargetGroup": frozenset({"TargetGroupFullName"})},
    "ServiceName": {"AWS::ECS::Service": frozenset({"Name"})},
    "StateMachineArn": {"AWS::StepFunctions::StateMachine": frozenset({"Ref", "Arn"})},
    "ClusterName": {"AWS::ECS::Cluster": frozenset({"Ref"})},
    "FunctionName": {"AWS::Lambda::Function": frozenset({"Ref"})},
    "DBInstanceIdentifier": {"AWS::RDS::DBInstance": frozenset({"Ref"})},
    "DBClusterIdentifier": {"AWS::RDS::DBCluster": frozenset({"Ref"})},
    "BucketName": {"AWS::S3::Bucket": frozenset({"Ref"})},
    "CanaryName": {"AWS::Synthetics::Canary": frozenset({"Ref"})},
    "TableName": {"AWS::DynamoDB::Table": frozenset({"Ref"}), "AWS::DynamoDB::GlobalTable": frozenset({"Ref"})},
    "HealthCheckId": {"AWS::Route53::HealthCheck": frozenset({"Ref", "HealthCheckId"})},
}
"""What a dimension takes of a resource: the attribute that holds what the service publishes.

Source: CloudWatch User Guide, "AWS services that publish CloudWatch metrics"; CloudFormation Template Reference, return
values of the types (Ref is a URL for queues, an ARN for topics, load balancers, target groups and services of ECS).
"""


@rule(
    "DR814",
    "A dimension gets the attribute that holds the name",
    source="CloudFormation Template Reference, return values of each type",
    severity=Severity.WARNING,
    alone=True,
)
def dimension_attribute(world: World) -> Found:
    """`!Ref` is not the name for every type: of a queue it is the URL, of a topic, a load balancer or a service the
    ARN. No metric has that value, so the alarm has no data, ever.

    Fix: use the attribute with the name, such as `!GetAtt Queue.QueueName` or LoadBalancer.LoadBalancerFullName.
    """
    for alarm in world.resources(ALARM):
        for dimension in dimensions(alarm):
            value = dimension.value
            right = HOLDS_NAME.get(dimension.name, {}).get(value.type) if isinstance(value, Attribute) else None
            if isinstance(value, Attribute) and right is not None and value.attribute not in right:
                if value.attribute.endswith("Arn") and dimension.name not in ("LoadBalancer", "TargetGroup"):
                    continue
                message = f"{dimension.name} gets {value.attribute} of {value.logical_id}"
                yield Fault(alarm.place("Dimensions"), message, f"use {min(right)} of {value.logical_id}")


@rule(
    "DR815", "A dashboard's body is JSON", source="CloudWatch API Reference, PutDashboard (DashboardBody)", alone=True
)
def dashboard_is_json(world: World) -> Found:
    """CloudWatch refuses a body that it cannot read, and the stack is rolled back.

    Fix: correct the JSON; look for a comma at the end of a list, and for a variable without quotes.
    """
    for dashboard in world.resources("AWS::CloudWatch::Dashboard"):
        text = pattern(dashboard.value("DashboardBody"))
        if text is None:
            continue
        try:
            json.loads(text)
        except ValueError as error:
            # What is not known stands as *, which is JSON only inside quotes.
            if "*" not in text:
                yield Fault(dashboard.place("DashboardBody"), f"the body is no JSON: {error}", "correct the JSON")
