"""DR51x: services on ECS, the load balancer in front of them, and whether they can be deployed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.stack import Resource
from drgen.preflight.values import known_text, leaves, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
SERVICE = "AWS::ECS::Service"
TASK = "AWS::ECS::TaskDefinition"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
ECS_GUIDE = "Amazon ECS Developer Guide"

FORWARDS = {
    "AWS::ElasticLoadBalancingV2::Listener": "DefaultActions",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "Actions",
}
"""What leads requests to a target group, and the property with its actions. Source: registry schemas."""


def forwarders(world: World, group: Resource) -> Iterator[Resource]:
    """The listeners and listener rules of the group's own stack that lead to `group`."""
    for listener in group.stack.resources.values():
        actions = FORWARDS.get(listener.type)
        if actions is not None:
            paths = (f"{actions}.TargetGroupArn", f"{actions}.ForwardConfig.TargetGroups.TargetGroupArn")
            if any(world.target(value, GROUP) is group for path in paths for value in listener.values(path)):
                yield listener


@rule(
    "DR510",
    "A service is made after the listener that leads to its target group",
    source="Amazon ECS API Reference, CreateService: the target group must have an associated load balancer",
)
def listener_first(world: World) -> Found:
    """The service names only the target group, so CloudFormation makes service and listener at the same time. ECS
    refuses a target group that no load balancer has yet, and the stack is rolled back; now and then it goes well.

    Fix: let the service depend on the listener, or on the listener rule (DependsOn).
    """
    for service in world.resources(SERVICE):
        for value in service.values("LoadBalancers.TargetGroupArn"):
            group = world.target(value, GROUP)
            near = list(forwarders(world, group)) if group is not None and group.stack is service.stack else []
            if near and not {found.logical_id for found in near} & before(service):
                message = f"{near[0].logical_id} leads to its target group, and may be made after the service"
                yield Fault(service.place("LoadBalancers"), message, f"add DependsOn: {near[0].logical_id}")


@rule(
    "DR511",
    "The load balancer reaches a container and a port that the task has",
    source="Amazon ECS API Reference, LoadBalancer (containerName, containerPort)",
)
def container_exists(world: World) -> Found:
    """ECS compares both names with the task definition when it makes the service, and refuses one that it does not
    find: `The container ... does not exist in the task definition`.

    Fix: use the Name of a container, and a ContainerPort of its PortMappings.
    """
    for service in world.resources(SERVICE):
        task = world.target(service.value("TaskDefinition"), TASK)
        containers = [leaf for leaf in task.values("ContainerDefinitions") if isinstance(leaf, Mapping)] if task else []
        by_name = {known_text(container.get("Name")): container for container in containers}
        if not by_name or None in by_name:
            continue
        for entry in service.values("LoadBalancers"):
            if isinstance(entry, Mapping):
                yield from _unreachable(service, entry, by_name)


def _unreachable(service: Resource, entry: Mapping[str, Resolved], by_name: Mapping[str | None, Resolved]) -> Found:
    name, port = known_text(entry.get("ContainerName")), number(entry.get("ContainerPort"))
    place = service.place("LoadBalancers")
    container = by_name.get(name)
    if name is None:
        return
    if not isinstance(container, Mapping):
        there = ", ".join(sorted(str(other) for other in by_name))
        yield Fault(place, f"the task has no container {name}; it has {there}", "name a container of the task")
        return
    mapped = [number(m.get("ContainerPort")) if isinstance(m, Mapping) else None
              for m in leaves(container.get("PortMappings"))]  # fmt: skip
    if port is not None and None not in mapped and port not in mapped:
        message = f"container {name} has no port {port:g} in its PortMappings"
        yield Fault(place, message, "use a port of the container's PortMappings")


@rule(
    "DR512",
    "A deployment of a service has room to replace a task",
    source=f"{ECS_GUIDE}, Service definition parameters (minimumHealthyPercent, maximumPercent)",
    alone=True,
)
def deployment_has_room(world: World) -> Found:
    """ECS may neither stop a task, because the minimum is running, nor start one, because the maximum is reached. The
    first deployment goes well; every later one hangs until CloudFormation gives up.

    Fix: set MinimumHealthyPercent lower than 100, or MaximumPercent higher (200 is the default).
    """
    for service in world.resources(SERVICE):
        least = number(service.value("DeploymentConfiguration.MinimumHealthyPercent"))
        most = number(service.value("DeploymentConfiguration.MaximumPercent"))
        wanted = number(service.value("DesiredCount")) if service.has("DesiredCount") else 1.0
        daemon = service.text("SchedulingStrategy") == "DAEMON" or service.has("DeploymentController")
        if least is None or most is None or not wanted or daemon:
            continue
        if math.floor(wanted * most / 100) <= math.ceil(wanted * least / 100):
            message = f"of {wanted:g} tasks at least {least:g} % must run and at most {most:g} % may"
            yield Fault(service.place("DeploymentConfiguration"), message, "widen the gap between the two")


@rule(
    "DR513",
    "A Fargate task that needs the agent's permissions has an execution role",
    source=f"{ECS_GUIDE}, Amazon ECS task execution IAM role",
    alone=True,
)
def execution_role(world: World) -> Found:
    """On Fargate the agent pulls images from ECR, sends logs to CloudWatch and fetches secrets with the execution
    role. ECS refuses the task definition: `Fargate requires task definition to have execution role ARN`.

    Fix: set ExecutionRoleArn to a role with AmazonECSTaskExecutionRolePolicy.
    """
    for task in world.resources(TASK):
        kinds = [pattern(value) for value in task.values("RequiresCompatibilities")]
        if "FARGATE" not in kinds or task.has("ExecutionRoleArn"):
            continue
        images = [world.literal(value) or "" for value in task.values("ContainerDefinitions.Image")]
        drivers = [pattern(value) for value in task.values("ContainerDefinitions.LogConfiguration.LogDriver")]
        reasons = [
            *(["an image of ECR"] if any(".dkr.ecr." in image for image in images) else []),
            *(["the log driver awslogs"] if "awslogs" in drivers else []),
            *(["secrets"] if task.has("ContainerDefinitions.Secrets") else []),
        ]
        if reasons:
            message = f"there is no ExecutionRoleArn, but the task uses {' and '.join(reasons)}"
            yield Fault(task.place(), message, "set ExecutionRoleArn")


@rule(
    "DR514",
    "A health check of a target group ends before the next begins",
    source="Elastic Load Balancing API Reference, CreateTargetGroup (HealthCheckTimeoutSeconds)",
    alone=True,
)
def health_check_ends(world: World) -> Found:
    """Elastic Load Balancing refuses the target group: `Health check interval must be greater than the timeout`.

    Fix: set HealthCheckTimeoutSeconds lower than HealthCheckIntervalSeconds.
    """
    for group in world.resources(GROUP):
        interval = number(group.value("HealthCheckIntervalSeconds"))
        timeout = number(group.value("HealthCheckTimeoutSeconds"))
        if interval is not None and timeout is not None and timeout >= interval:
            message = f"a check may take {timeout:g} s, and the next begins after {interval:g} s"
            yield Fault(group.place("HealthCheckTimeoutSeconds"), message, "set a shorter timeout")


@rule(
    "DR515",
    "Only a service behind a load balancer has a grace period for health checks",
    source=f"{ECS_GUIDE}, Service definition parameters (healthCheckGracePeriodSeconds)",
    alone=True,
)
def grace_needs_balancer(world: World) -> Found:
    """The grace period is the time before the load balancer's checks count. ECS refuses it without one: `Health check
    grace period is only valid for services configured to use load balancers`.

    Fix: remove HealthCheckGracePeriodSeconds, or add LoadBalancers.
    """
    for service in world.resources(SERVICE):
        path = "HealthCheckGracePeriodSeconds"
        if number(service.value(path)) and not service.has("LoadBalancers"):
            yield Fault(service.place(path), "the service has no load balancer", f"remove {path}")
