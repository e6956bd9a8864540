"""DR21x: what a recovery region promises, and whether it can be switched on, started and followed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.policies import permissions
from drgen.preflight.requirements import describe
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.global_clusters import is_secondary
from drgen.preflight.rules.stability import ACTORS, in_recovery, promoters
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_false, leaves, number, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
STATIC = "drgen: static stability; AWS Well-Architected Framework, REL13 (plan for disaster recovery)"


@dataclass(frozen=True)
class Off:
    """A way of being switched off: `is_off` says whether `path` of a resource is; `actions` switch it on."""

    type: str
    path: str
    is_off: Callable[[Resource], bool]
    actions: tuple[str, ...]
    what: str


def _zero(path: str) -> Callable[[Resource], bool]:
    return lambda resource: number(resource.value(path)) == 0


def _says(path: str, text: str) -> Callable[[Resource], bool]:
    return lambda resource: resource.text(path) == text


SCALE_ECS = ("ecs:UpdateService", "application-autoscaling:RegisterScalableTarget")
SCALE_GROUP = ("autoscaling:SetDesiredCapacity", "autoscaling:UpdateAutoScalingGroup")

TASKS = "AWS::ECS::Service"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
FUNCTION = "AWS::Lambda::Function"
CONCURRENCY = ("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency")


def _tracks_to_zero(target: Resource) -> bool:
    return target.text("ServiceNamespace") == "ecs" and number(target.value("MinCapacity")) == 0


SWITCHED_OFF = (
    Off(TASKS, "DesiredCount", _zero("DesiredCount"), SCALE_ECS, "runs no task"),
    Off(TARGET, "MinCapacity", _tracks_to_zero, SCALE_ECS, "may go down to no task"),
    Off(GROUP, "MaxSize", _zero("MaxSize"), SCALE_GROUP, "may have no instance"),
    Off(GROUP, "DesiredCapacity", _zero("DesiredCapacity"), SCALE_GROUP, "has no instance"),
    Off(FUNCTION, "ReservedConcurrentExecutions", _zero("ReservedConcurrentExecutions"), CONCURRENCY, "may not run"),
    Off(
        "AWS::Lambda::EventSourceMapping",
        "Enabled",
        lambda found: is_false(found.value("Enabled")),
        ("lambda:UpdateEventSourceMapping",),
        "reads nothing",
    ),
    Off(
        "AWS::CloudWatch::Alarm",
        "ActionsEnabled",
        lambda found: is_false(found.value("ActionsEnabled")) and found.has("AlarmActions"),
        ("cloudwatch:EnableAlarmActions", "cloudwatch:PutMetricAlarm"),
        "tells nobody",
    ),
    Off("AWS::Events::Rule", "State", _says("State", "DISABLED"), ("events:EnableRule", "events:PutRule"), "is off"),
    Off("AWS::Scheduler::Schedule", "State", _says("State", "DISABLED"), ("scheduler:UpdateSchedule",), "is off"),
    Off(
        "AWS::EKS::Nodegroup",
        "ScalingConfig.DesiredSize",
        _zero("ScalingConfig.DesiredSize"),
        ("eks:UpdateNodegroupConfig",),
        "has no node",
    ),
)
"""What a recovery region may keep switched off, and the calls that switch it on.

Source: service models of ecs, application-autoscaling, autoscaling, lambda, events, scheduler and eks in botocore.
"""


def _able(world: World) -> set[str]:
    """The actions that functions, machines and plans outside the primary region may call, as their policies say."""
    found: set[str] = set()
    for resource_type, path in ACTORS.items():
        for actor in world.resources(resource_type):
            roles = [role for value in actor.values(path) if (role := world.target(value, "AWS::IAM::Role"))]
            if actor.region != world.primary:
                found.update(
                    a.lower() for role in roles for s in permissions(world, role).statements for a in s.actions
                )
    return found


def _may(able: set[str], actions: tuple[str, ...]) -> bool:
    return any(action.lower() in able or f"{action.split(':')[0]}:*" in able or "*" in able for action in actions)


@rule("DR210", "What is switched off in the recovery region can be switched on there", source=STATIC,
      severity=Severity.WARNING)  # fmt: skip
def somebody_switches_on(world: World) -> Found:
    """Standby capacity of zero costs nothing, and serves nobody: scaling by CPU never starts from zero, because
    nothing is there to be measured. Somebody must raise it on the day, by hand and in a hurry.

    Fix: keep at least one running, or let the failover of the recovery region switch it on: a function, a state machine
    or a Region switch plan with the permission for it.
    """
    able: set[str] | None = None
    for off in SWITCHED_OFF:
        for resource in world.resources(off.type):
            if not in_recovery(world, resource.stack) or not off.is_off(resource):
                continue
            able = _able(world) if able is None else able
            if not _may(able, off.actions) and not list(world.resources("AWS::ARCRegionSwitch::Plan")):
                message = f"{resource.logical_id} {off.what}, and nothing here may call {off.actions[0]}"
                yield Fault(resource.place(off.path), message, "keep one running, or add the call to the failover")


@rule(
    "DR211",
    "A secondary cluster has an instance to promote",
    source="Amazon Aurora User Guide, Creating a headless Aurora DB cluster in a secondary Region",
    severity=Severity.WARNING,
)
def secondary_has_instance(world: World) -> Found:
    """A cluster without instances keeps the data, and takes no connection. Before a switchover or failover to it, an
    instance must be made: minutes on the day of the disaster, if the region has capacity.

    Fix: add an AWS::RDS::DBInstance to the cluster, if need be behind a condition that an update of the stack can turn,
    or let the failover make it (rds:CreateDBInstance).
    """
    used = {id(found) for instance in world.resources("AWS::RDS::DBInstance")
            for value in instance.values("DBClusterIdentifier")
            if (found := world.target(value, "AWS::RDS::DBCluster"))}  # fmt: skip
    for cluster in world.resources("AWS::RDS::DBCluster"):
        headless = in_recovery(world, cluster.stack) and is_secondary(cluster) and id(cluster) not in used
        if headless and not _instance_waits(cluster) and not _may(_able(world), ("rds:CreateDBInstance",)):
            yield Fault(cluster.place(), "no instance belongs to the cluster", "add an AWS::RDS::DBInstance")


def _instance_waits(cluster: Resource) -> bool:
    """True if the template holds an instance of the cluster behind a condition that is false now."""
    reference = {"Ref": cluster.logical_id}
    return any(
        isinstance(body, Mapping)
        and body.get("Type") == "AWS::RDS::DBInstance"
        and "Condition" in body
        and isinstance(body.get("Properties"), Mapping)
        and body["Properties"].get("DBClusterIdentifier") == reference
        for body in cluster.stack.template.body.get("Resources", {}).values()
    )


STARTS = (
    ("AWS::Events::Rule", "Targets.Arn"),
    ("AWS::Scheduler::Schedule", "Target.Arn"),
    ("AWS::CloudWatch::Alarm", "AlarmActions"),
    ("AWS::CloudWatch::CompositeAlarm", "AlarmActions"),
    ("AWS::SNS::Subscription", "Endpoint"),
)
"""What starts a failover by itself, and the property that names it."""


def _started(world: World) -> Mapping[int, list[tuple[Resource, str]]]:
    """What starts a resource, and by which property, by the identity of the resource."""
    found: dict[int, list[tuple[Resource, str]]] = defaultdict(list)
    for resource_type, path in STARTS:
        for trigger in world.resources(resource_type):
            targets = {id(world.target(leaf, kind)) for leaf in trigger.values(path) for kind in ACTORS}
            for target in targets - {id(None)}:
                found[target].append((trigger, path))
    return found


@rule("DR216", "What starts the failover runs outside the region it must survive", source=STATIC,
      severity=Severity.WARNING)  # fmt: skip
def trigger_survives(world: World) -> Found:
    """The function that promotes is safe in the recovery region, and what starts it is lost with the primary region:
    nothing happens.

    Fix: let a rule, schedule or alarm of the recovery region start it.
    """
    for actor, _, _ in promoters(world):
        if not world.recovery or actor.region == world.primary:
            continue
        triggers = world.once(_started).get(id(actor), ())
        if triggers and all(trigger.region == world.primary for trigger, _ in triggers):
            for trigger, path in triggers:
                message = f"{trigger.logical_id} starts {actor.logical_id} from {trigger.region}"
                yield Fault(trigger.place(path.split(".")[0]), message, f"start it from {actor.region}")


@rule(
    "DR217",
    "The failover does not need the control plane of Route 53",
    source="Amazon Route 53 Developer Guide, Resilience in Amazon Route 53 (control plane in us-east-1)",
    severity=Severity.INFO,
)
def failover_edits_no_record(world: World) -> Found:
    """Records are changed through us-east-1. If that is the region that is gone, the change cannot be made, while
    DNS itself and its health checks go on answering.

    Fix: make both records beforehand with health checks, and let an alarm of the recovery region move the traffic.
    """
    for actor, role, allowed in promoters(world):
        edits = any(
            s.allows("route53:ChangeResourceRecordSets") and any(a.lower().startswith("route53:") for a in s.actions)
            for s in allowed.statements
        )
        if edits and world.primary == "us-east-1" and actor.region != world.primary:
            message = f"{actor.logical_id} changes records during the failover (role {role.logical_id})"
            yield Fault(actor.place(), message, "move traffic by health checks")


CHECK = "AWS::Route53::HealthCheck"


@rule(
    "DR218",
    "The alarm that withdraws the primary record survives the primary region",
    source="Amazon Route 53 API Reference, HealthCheckConfig (InsufficientDataHealthStatus)",
    severity=Severity.WARNING,
)
def alarm_survives(world: World) -> Found:
    """With the region, the alarm's data are gone, and the health check keeps what InsufficientDataHealthStatus says:
    healthy, or the last known status. Traffic stays on the dead region.

    Fix: use an alarm of the recovery region, or InsufficientDataHealthStatus: Unhealthy.
    """
    for check in world.resources(CHECK):
        region = check.text("HealthCheckConfig.AlarmIdentifier.Region")
        missing = check.text("HealthCheckConfig.InsufficientDataHealthStatus")
        if world.recovery and region == world.primary and missing != "Unhealthy":
            message = f"its alarm is in {region}, and without data the check says {missing or 'LastKnownStatus'}"
            yield Fault(check.place("HealthCheckConfig"), message, f"use an alarm of {world.recovery[0]}")


CONFIGURATION = {
    "AWS::ECS::TaskDefinition": "ContainerDefinitions.Environment.Value",
    "AWS::Lambda::Function": "Environment.Variables",
}
"""Where a workload's configuration is, by type."""


@rule(
    "DR219",
    "A workload of the recovery region is configured with what that region has",
    source=STATIC,
    severity=Severity.WARNING,
)
def configuration_is_local(world: World) -> Found:
    """The workload starts in the recovery region and calls the primary region's database, queue or API: on the day of
    the disaster it is up, and every request fails.

    Fix: pass the resource of the recovery region: the replica's endpoint, the queue made there.
    """
    actors = {id(actor) for actor, _, _ in promoters(world)}
    for resource_type, path in CONFIGURATION.items():
        for workload in world.resources(resource_type):
            if not in_recovery(world, workload.stack) or id(workload) in actors:
                continue
            regions = {
                region: shown for value in _configured(workload, path) for region, shown in _regions(world, value)
            }
            if world.primary in regions and workload.region not in regions:
                message = f"{regions[world.primary]} is in {world.primary}"
                yield Fault(workload.place(path.split(".")[0]), message, f"use what {workload.region} has")


def _configured(workload: Resource, path: str) -> Iterator[Resolved]:
    for value in workload.values(path):
        yield from (
            (leaf for item in value.values() for leaf in leaves(item)) if isinstance(value, Mapping) else (value,)
        )


HOST = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:[a-z0-9-]+\.)*amazonaws\.com")


def _regions(world: World, value: Resolved) -> Iterator[tuple[str, str]]:
    """The regions of what `value` names, each with what it is: resources, ARNs and names of hosts.

    A stored parameter is what it holds. The endpoint of a global database is of no region: it follows the writer.
    Source: Amazon Aurora User Guide, "Connecting to Amazon Aurora Global Database".
    """
    stored = world.target(value, "AWS::SSM::Parameter") if isinstance(value, Attribute) else None
    if isinstance(value, Attribute) and value.attribute == "Value" and stored is not None:
        yield from _regions(world, stored.value("Value"))
        return
    if isinstance(value, Attribute) and value.type == "AWS::RDS::GlobalCluster":
        return
    found = region_of(value)
    if found is not None:
        yield found, describe(value)
    text = pattern(value) or ""
    yield from ((match[1], text) for match in HOST.finditer(f".{text}"))
