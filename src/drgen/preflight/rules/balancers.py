"""DR56x: services, their load balancers and buses, which often stand in different stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.networks import vpc_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, at, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
SERVICE = "AWS::ECS::Service"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TASK = "AWS::ECS::TaskDefinition"
ECS = "Amazon ECS Developer Guide, Use load balancing to distribute Amazon ECS service traffic"


def forwarding(world: World, group: Resource) -> list[Resource]:
    """The listeners and listener rules that forward to the target group."""
    paths = [
        f"{name}.{inner}"
        for name in ("DefaultActions", "Actions")
        for inner in ("TargetGroupArn", "ForwardConfig.TargetGroups.TargetGroupArn")
    ]
    return [
        found
        for found in world.resources(LISTENER, RULE)
        if any(world.target(value, GROUP) is group for path in paths for value in found.values(path))
    ]


def groups_of(world: World, service: Resource) -> Iterator[Resource]:
    for value in service.values("LoadBalancers.TargetGroupArn"):
        group = world.target(value, GROUP)
        if group is not None:
            yield group


@rule("DR560", "A listener leads to the target group of a service before the service is made", source=ECS)
def group_is_attached(world: World) -> Found:
    """ECS refuses a service whose target group no load balancer uses: "The target group does not have an associated
    load balancer". The listener stands in another stack that comes later, or leads elsewhere.

    Fix: let a listener or a rule of an earlier stack forward to the group.
    """
    for service in world.resources(SERVICE):
        for group in groups_of(world, service):
            leading = forwarding(world, group)
            if group.stack is service.stack or any(found.stack is service.stack for found in leading):
                continue
            place = service.place("LoadBalancers")
            if not leading:
                message = f"no listener forwards to {group}"
                yield Fault(place, message, "add a listener or a listener rule that forwards to it")
            elif all(found.stack.position > service.stack.position for found in leading):
                later = leading[0].stack.key
                message = f"{leading[0].logical_id} forwards to {group.logical_id}, but {later} is deployed later"
                yield Fault(place, message, f"deploy {later} before {service.stack.key}")


@rule(
    "DR561",
    "Targets are registered in the way of their network mode",
    source=f"{ECS}: tasks in awsvpc mode need target type ip",
)
def target_type_fits(world: World) -> Found:
    """TargetType is `instance` where the template leaves it out. Tasks with an address of their own cannot be
    registered in such a group, and ECS refuses the service.

    Fix: set TargetType: ip on the target group. That replaces the group.
    """
    for service in world.resources(SERVICE):
        task = next((t for v in service.values("TaskDefinition") if (t := world.target(v, TASK))), None)
        fargate = service.text("LaunchType") == "FARGATE"
        awsvpc = fargate or (task is not None and task.text("NetworkMode") == "awsvpc")
        for group in groups_of(world, service):
            stated = group.text("TargetType") if group.has("TargetType") else "instance"
            if awsvpc and stated == "instance":
                message = f"{group} takes instances, the tasks have addresses"
                yield Fault(service.place("LoadBalancers"), message, "set TargetType: ip on the group")


@rule(
    "DR562",
    "A load balancer, its target groups and their targets are in one VPC",
    source="Elastic Load Balancing API, CreateListener (a target group is of the VPC of its load balancer)",
)
def one_vpc(world: World) -> Found:
    """The target group was made for another VPC than the load balancer or the service that uses it: the service that
    joins them is refused.

    Fix: pass the VPC of the load balancer's subnets to the target group.
    """
    for group in world.resources(GROUP):
        home = vpc_of(world, group.value("VpcId"))
        users: list[tuple[Resource, str]] = []
        for found in forwarding(world, group):
            listener = found if found.type == LISTENER else _listener_of(world, found)
            for value in listener.values("LoadBalancerArn") if listener is not None else ():
                balancer = world.target(value, BALANCER)
                if balancer is not None:
                    users.append((balancer, "Subnets"))
        for service in world.resources(SERVICE):
            if group in groups_of(world, service):
                users.append((service, "NetworkConfiguration.AwsvpcConfiguration.Subnets"))
        for user, path in users:
            vpcs = [vpc for value in user.values(path) if (vpc := vpc_of(world, value)) is not None]
            if home is not None and vpcs and vpcs[0] is not home:
                message = f"{user} is in another VPC than the group"
                yield Fault(group.place("VpcId"), message, f"use the VPC of {user.logical_id}")
                break


def _listener_of(world: World, found: Resource) -> Resource | None:
    return next((hit for value in found.values("ListenerArn") if (hit := world.target(value, LISTENER))), None)


PORTS: Mapping[str, int] = {
    "nginx": 80, "httpd": 80, "redis": 6379, "postgres": 5432, "mysql": 3306, "memcached": 11211, "tomcat": 8080,
    "mongo": 27017,
}  # fmt: skip
"""Ports on which official images listen as they come. Source: their pages on Docker Hub (EXPOSE)."""


@rule(
    "DR563",
    "A container listens on the port that it is reached at",
    source="Pages of the official images (EXPOSE); Amazon ECS Developer Guide, port mappings in awsvpc mode",
    severity=Severity.WARNING,
)
def container_listens(world: World) -> Found:
    """The image listens where it always does; the task definition says another port. With awsvpc nothing translates
    ports: every health check fails, and the service never becomes stable.

    Fix: set ContainerPort to the image's port, or bring a configuration that changes the image's port.
    """
    for task in world.resources(TASK):
        for container in task.values("ContainerDefinitions"):
            if not isinstance(container, Mapping) or any(key in container for key in ("Command", "EntryPoint")):
                continue
            image = re.sub(r"[:@].*$", "", (pattern(container.get("Image")) or "").rsplit("/", 1)[-1])
            ports = {found for value in at(container, "PortMappings.ContainerPort") if (found := number(value))}
            usual = PORTS.get(image)
            plain = not any(True for name in ("Environment", "MountPoints") for _ in at(container, name))
            if usual is not None and ports and usual not in ports and plain:
                message = f"{image} listens on {usual}, but is reached at {min(ports):g}"
                yield Fault(task.place("ContainerDefinitions"), message, f"set ContainerPort to {usual}")


@rule(
    "DR564",
    "The buses of a global endpoint have one name, and one is in its region",
    source="EventBridge User Guide, Making applications Regional-fault tolerant with global endpoints",
)
def endpoint_buses(world: World) -> Found:
    """EventBridge refuses a global endpoint whose two buses differ in name, or are in one region.

    Fix: give the bus the same name in both regions, without the region in it.
    """
    for endpoint in world.resources("AWS::Events::Endpoint"):
        place = endpoint.place("EventBuses")
        buses = [bus for v in endpoint.values("EventBuses.EventBusArn") if (bus := _bus(world, v)) is not None]
        names = [name for name, _ in buses if name]
        regions = {region for _, region in buses}
        if len(buses) < 2:
            yield NotDecided(place, "a bus is made by no stack of this deployment")
        elif len(set(names)) > 1:
            yield Fault(place, f"the buses are called {' and '.join(names)}", "give both one name")
        elif len(regions) < 2 or endpoint.region not in regions:
            message = f"the buses are in {', '.join(sorted(regions))}, the endpoint in {endpoint.region}"
            yield Fault(place, message, "name a bus of this region and one of another")


def _bus(world: World, value: object) -> tuple[str, str] | None:
    """Name and region of a bus."""
    found = world.target(value, "AWS::Events::EventBus")
    if found is not None:
        return world.name(found) or "", found.region
    whole = arn(value)
    return None if whole is None or isinstance(value, Attribute) else (whole.name, whole.region)
