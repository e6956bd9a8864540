"""DR55x: what starts functions and machines: notifications, schedules, APIs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import FUNCTION, before
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, known_text, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
BUCKET = "AWS::S3::Bucket"
CONFIGURED = "NotificationConfiguration"

NOTIFIED = {
    "LambdaConfigurations.Function": ("AWS::Lambda::Permission", "FunctionName"),
    "TopicConfigurations.Topic": ("AWS::SNS::TopicPolicy", "Topics"),
    "QueueConfigurations.Queue": ("AWS::SQS::QueuePolicy", "Queues"),
}
"""What a bucket notifies, the resource that permits it, and the property there that names the same target."""


@rule(
    "DR550",
    "What a bucket notifies lets it do so before the bucket is made",
    source="Amazon S3 User Guide, Granting permissions to publish event notification messages to a destination",
)
def permission_first(world: World) -> Found:
    """S3 tries the destination when the notification is set: `Unable to validate the following destination
    configurations`. The permission names the destination, not the bucket, so CloudFormation may make it afterwards.

    Fix: let the bucket depend on the permission or policy (DependsOn). A permission that names the bucket by SourceArn
    needs the bucket's name as text.
    """
    for bucket in world.resources(BUCKET):
        for path, (kind, named) in NOTIFIED.items():
            for value in bucket.values(f"{CONFIGURED}.{path}"):
                grants = list(_grants(world, bucket, kind, named, value))
                if grants and not {grant.logical_id for grant in grants} & before(bucket):
                    message = f"{grants[0].logical_id} may be made after the bucket"
                    yield Fault(bucket.place(CONFIGURED), message, f"add DependsOn: {grants[0].logical_id}")


def _grants(world: World, bucket: Resource, kind: str, named: str, target: Resolved) -> Iterator[Resource]:
    """The permissions and policies of the bucket's stack that speak of `target`."""
    for grant in bucket.stack.resources.values():
        names_target = grant.type == kind and any(_same(world, target, other) for other in grant.values(named))
        if names_target and _for_s3(grant):
            yield grant


def _for_s3(grant: Resource) -> bool:
    return grant.type != "AWS::Lambda::Permission" or (grant.text("Principal") or "*") in ("s3.amazonaws.com", "*")


def _same(world: World, left: Resolved, right: Resolved) -> bool:
    """True if both name the same resource, or are the same text."""
    if isinstance(left, Attribute) and isinstance(right, Attribute):
        return (left.stack, left.logical_id) == (right.stack, right.logical_id)
    found = world.target(left)
    return (found is not None and found is world.target(right)) or (
        pattern(left) is not None and pattern(left) == pattern(right)
    )


@rule(
    "DR551",
    "A schedule is on the default event bus",
    source="Amazon EventBridge User Guide, Creating a rule that runs on a schedule",
    alone=True,
)
def schedule_on_default_bus(world: World) -> Found:
    """EventBridge refuses a scheduled rule on another bus: `ScheduleExpression is supported only on the default event
    bus`.

    Fix: remove EventBusName from the rule, or make an AWS::Scheduler::Schedule.
    """
    for event_rule in world.resources("AWS::Events::Rule"):
        name = world.literal(event_rule.value("EventBusName"))
        own = any(isinstance(value, Attribute) for value in event_rule.values("EventBusName"))
        if event_rule.has("ScheduleExpression") and (own or (name and name.rsplit("/", 1)[-1] not in ("default", "*"))):
            yield Fault(
                event_rule.place("EventBusName"), "the rule has a schedule and a bus of its own", "remove the bus"
            )


DEPLOYED = {
    "AWS::ApiGateway::Deployment": ("RestApiId", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Method"),
    "AWS::ApiGatewayV2::Deployment": ("ApiId", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Route"),
}
"""Deployments of an API: the property that names the API, its type, and the type of what is deployed."""


@rule(
    "DR552",
    "An API is deployed after its methods are made",
    source="CloudFormation Template Reference, AWS::ApiGateway::Deployment (DependsOn a method)",
    alone=True,
)
def methods_first(world: World) -> Found:
    """The deployment names only the API, so it may be made before the methods. API Gateway refuses an API without
    methods (`The REST API doesn't contain any methods`); if some are there, the stage silently lacks the others.

    Fix: let the deployment depend on all methods (DependsOn).
    """
    for kind, (path, api_type, method_type) in DEPLOYED.items():
        for deployment in world.resources(kind):
            api = world.target(deployment.value(path), api_type)
            methods = [found.logical_id for found in deployment.stack.resources.values() if found.type == method_type
                       and api is not None and world.target(found.value(path), api_type) is api]  # fmt: skip
            late = sorted(set(methods) - before(deployment))
            if late and len(late) == len(methods):
                message = f"{', '.join(late[:3])} may be made after the deployment"
                yield Fault(deployment.place(), message, f"add DependsOn: {late[0]}")


@rule(
    "DR553",
    "A bucket notifies standard topics and queues",
    source="Amazon S3 User Guide, Amazon S3 Event Notifications (FIFO is not supported)",
    alone=True,
)
def no_fifo_destination(world: World) -> Found:
    """S3 refuses a FIFO queue or topic as destination of its notifications.

    Fix: use a standard queue or topic, or send the events to EventBridge.
    """
    for bucket in world.resources(BUCKET):
        for path, flag in (("TopicConfigurations.Topic", "FifoTopic"), ("QueueConfigurations.Queue", "FifoQueue")):
            for value in bucket.values(f"{CONFIGURED}.{path}"):
                target = world.target(value, "AWS::SNS::Topic", "AWS::SQS::Queue")
                if (target is not None and is_true(target.value(flag))) or (pattern(value) or "").endswith(".fifo"):
                    yield Fault(bucket.place(CONFIGURED), "the destination is FIFO", "use a standard one")


@rule(
    "DR554",
    "A function that handles a queue has time before a message comes back",
    source="AWS Lambda Developer Guide, Using Lambda with Amazon SQS (visibility timeout)",
    alone=True,
)
def visibility_timeout(world: World) -> Found:
    """Lambda refuses the event source: `Queue visibility timeout: ... seconds is less than Function timeout`.

    Fix: set the queue's VisibilityTimeout to six times the function's Timeout.
    """
    for mapping in world.resources("AWS::Lambda::EventSourceMapping"):
        queue = world.target(mapping.value("EventSourceArn"), "AWS::SQS::Queue")
        function = world.target(mapping.value("FunctionName"), FUNCTION)
        if queue is None or function is None:
            continue
        hidden = number(queue.value("VisibilityTimeout")) if queue.has("VisibilityTimeout") else 30.0
        needed = number(function.value("Timeout")) if function.has("Timeout") else 3.0
        if hidden is not None and needed is not None and hidden < needed:
            message = f"messages come back after {hidden:g} s, and the function may take {needed:g} s"
            yield Fault(mapping.place("EventSourceArn"), message, f"set VisibilityTimeout to {6 * needed:g}")


EVENTS = {
    "aws.rds": ("RDS DB Instance Event", "RDS DB Cluster Event", "RDS DB Snapshot Event",
                "RDS DB Cluster Snapshot Event", "RDS DB Parameter Group Event", "RDS DB Security Group Event",
                "RDS DB Proxy Event"),
    "aws.cloudwatch": ("CloudWatch Alarm State Change", "CloudWatch Alarm Configuration Change"),
    "aws.ecs": ("ECS Task State Change", "ECS Service Action", "ECS Deployment State Change",
                "ECS Container Instance State Change"),
    "aws.health": ("AWS Health Event", "AWS Health Abuse Event"),
    "aws.backup": ("Backup Job State Change", "Copy Job State Change", "Restore Job State Change",
                   "Recovery Point State Change", "Backup Vault State Change", "Backup Plan State Change"),
    "aws.states": ("Step Functions Execution Status Change",),
    "aws.synthetics": ("Synthetics Canary Status Change", "Synthetics Canary TestRun Successful",
                       "Synthetics Canary TestRun Failure"),
}  # fmt: skip
"""What services send to EventBridge: the detail types of each source that recovery uses.

Source: Amazon RDS User Guide, Overview of events; user guides of CloudWatch, Amazon ECS, AWS Health, AWS Backup, Step
Functions and Synthetics, "events" chapters. The lists are not complete: only what is nearly one of them is judged.
"""


@rule(
    "DR555",
    "A rule waits for events that are sent",
    source="Amazon RDS User Guide, Overview of events; user guides of the services that send events",
    severity=Severity.WARNING,
    alone=True,
)
def pattern_matches(world: World) -> Found:
    """EventBridge takes every pattern. One with a slip of the pen matches nothing: the failover, or the message to the
    people on call, never comes.

    Fix: write source, detail type and event id as the service sends them.
    """
    for event_rule in world.resources("AWS::Events::Rule"):
        place = event_rule.place("EventPattern")
        sources = [text for value in event_rule.values("EventPattern.source") if (text := known_text(value))]
        known = [kind for source in sources for kind in EVENTS.get(source, ())]
        for value in event_rule.values("EventPattern.detail-type"):
            kind = known_text(value)
            near = difflib.get_close_matches(kind, known, n=1, cutoff=0.8) if kind and kind not in known else []
            if near:
                yield Fault(place, f"{sources[0]} sends no {kind!r}", f"did you mean {near[0]!r}?")
        for value in event_rule.values("EventPattern.detail.EventID"):
            event = known_text(value)
            if "aws.rds" in sources and event and not re.fullmatch(r"RDS-EVENT-\d{4}", event):
                yield Fault(place, f"{event!r} is no event id of RDS", "write RDS-EVENT- and four digits")


@rule(
    "DR556",
    "A FIFO topic sends to queues",
    source="Amazon SNS Developer Guide, Message delivery for FIFO topics",
    alone=True,
)
def fifo_topic_to_queue(world: World) -> Found:
    """SNS refuses subscriptions of functions, people and URLs to a FIFO topic: `Invalid protocol type`.

    Fix: use a standard topic for alerts and functions, or put a queue in between.
    """
    for subscription in world.resources("AWS::SNS::Subscription"):
        topic = world.target(subscription.value("TopicArn"), "AWS::SNS::Topic")
        protocol = subscription.text("Protocol")
        if topic is not None and is_true(topic.value("FifoTopic")) and protocol not in (None, "sqs"):
            yield Fault(subscription.place("Protocol"), f"{topic.logical_id} is FIFO", "subscribe a queue")


@rule(
    "DR557",
    "A domain name of an API has the certificate of its endpoint",
    source="Registry schema AWS::ApiGateway::DomainName (CertificateArn, RegionalCertificateArn)",
    alone=True,
)
def certificate_of_endpoint(world: World) -> Found:
    """A regional endpoint takes RegionalCertificateArn, an edge-optimised one CertificateArn, of us-east-1. API Gateway
    refuses the other.

    Fix: use the property of the endpoint's type.
    """
    for domain in world.resources("AWS::ApiGateway::DomainName"):
        kinds = {pattern(value) for value in domain.values("EndpointConfiguration.Types")}
        if kinds == {"REGIONAL"} and domain.has("CertificateArn") and not domain.has("RegionalCertificateArn"):
            message = "the endpoint is regional, and CertificateArn is for edge-optimised ones"
            yield Fault(domain.place("CertificateArn"), message, "use RegionalCertificateArn")
        elif kinds == {"EDGE"} and domain.has("RegionalCertificateArn") and not domain.has("CertificateArn"):
            message = "the endpoint is edge-optimised, and RegionalCertificateArn is for regional ones"
            yield Fault(domain.place("RegionalCertificateArn"), message, "use CertificateArn")
