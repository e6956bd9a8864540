"""DR44x: ways of packets: from tasks to services, through endpoints, gateways and security groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.networks import (
    GROUP,
    SUBNET,
    admitted,
    has_way_out,
    leads_to_internet,
    route_table_of,
    services_reached,
)
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.balancers import BALANCER, LISTENER, SERVICE, TASK, forwarding, groups_of
from drgen.preflight.rules.dns import records
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, known_text, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
TASKS = "Amazon ECS Developer Guide, Fargate task networking; Amazon ECR User Guide, interface VPC endpoints"


def _subnets(world: World, resource: Resource, path: str) -> list[Resource] | None:
    """The subnets that `path` names; None if one of them is made by no stack of the world."""
    values = list(resource.values(path))
    known = [subnet for value in values if (subnet := world.target(value, SUBNET))]
    return known if values and len(known) == len(values) else None


@rule("DR440", "Tasks in private subnets reach what they start with", source=TASKS)
def tasks_can_start(world: World) -> Found:
    """A task pulls its image, reads its secrets and opens its log over its own network interface. In a subnet that
    leads neither to NAT nor to endpoints, it ends with "unable to pull secrets or registry auth" or
    CannotPullContainerError, and the stack waits for hours.

    Fix: add endpoints for ecr.api, ecr.dkr, s3, logs and secretsmanager as the message asks, or a NAT gateway.
    """
    for service in world.resources(SERVICE):
        network = "NetworkConfiguration.AwsvpcConfiguration"
        subnets = _subnets(world, service, f"{network}.Subnets")
        place = service.place("NetworkConfiguration")
        task = next((t for v in service.values("TaskDefinition") if (t := world.target(v, TASK))), None)
        if subnets is None or task is None:
            if service.has(f"{network}.Subnets"):
                yield NotDecided(place, "the task definition or a subnet is made by no stack of this deployment")
            continue
        public = service.text(f"{network}.AssignPublicIp") == "ENABLED"
        for subnet in subnets:
            if has_way_out(world, subnet) or route_table_of(world, subnet) is None:
                continue
            if public and leads_to_internet(world, subnet):
                continue
            missing = sorted(_starts_with(task) - services_reached(world, subnet))
            if missing:
                message = f"from {subnet}, tasks do not reach {', '.join(missing)}"
                yield Fault(place, message, "add endpoints for these, or a NAT gateway")
                break


def _starts_with(task: Resource) -> set[str]:
    """The endpoints that a task needs before its containers run."""
    found: set[str] = set()
    for container in task.values("ContainerDefinitions"):
        if not isinstance(container, Mapping):
            continue
        image = pattern(container.get("Image")) or ""
        if ".dkr.ecr." in image:
            found |= {"ecr.api", "ecr.dkr", "s3"}
        elif image and not image.startswith("*"):
            found.add("the internet")
        if any(pattern(driver) == "awslogs" for driver in at(container, "LogConfiguration.LogDriver")):
            found.add("logs")
        for value in at(container, "Secrets.ValueFrom"):
            secret = isinstance(value, Attribute) and value.type == "AWS::SecretsManager::Secret"
            if secret or ":secretsmanager:" in (pattern(value) or ""):
                found.add("secretsmanager")
    return found


@rule(
    "DR441",
    "The group of an interface endpoint lets its VPC in on port 443",
    source="AWS PrivateLink Guide, Access an AWS service using an interface VPC endpoint (security groups)",
)
def endpoint_is_open(world: World) -> Found:
    """The endpoint resolves the service's name for the whole VPC, and its group drops every packet: all calls to the
    service hang, also those that went through NAT before.

    Fix: let the VPC's block, or the groups of the callers, in on port 443.
    """
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        groups = [world.target(value, GROUP) for value in endpoint.values("SecurityGroupIds")]
        if not groups or any(group is None for group in groups):
            continue
        known = [group for group in groups if group is not None]
        if not any(admitted(world, group, 443) for group in known):
            message = f"no rule of {known[0].logical_id} admits port 443"
            yield Fault(endpoint.place("SecurityGroupIds"), message, "admit port 443 from the VPC's block")


@rule(
    "DR442",
    "A gateway endpoint is in a route table",
    source="AWS PrivateLink Guide, Gateway endpoints",
    severity=Severity.WARNING,
)
def gateway_is_routed(world: World) -> Found:
    """A gateway endpoint is a row in route tables. In none of them it does nothing: packets to S3 and DynamoDB go
    elsewhere, or nowhere.

    Fix: name the route tables of the private subnets in RouteTableIds.
    """
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        gateway = endpoint.text("VpcEndpointType") == "Gateway" or not endpoint.has("VpcEndpointType")
        name = world.literal(endpoint.value("ServiceName")) or ""
        offered = name.endswith((".s3", ".dynamodb")) and not endpoint.has("SubnetIds")
        if gateway and offered and not endpoint.has("RouteTableIds"):
            yield Fault(endpoint.place(), "the endpoint is in no route table", "set RouteTableIds")


@rule(
    "DR443",
    "A NAT gateway stands in a subnet that leads to the internet",
    source="Amazon VPC User Guide, NAT gateways (public subnet)",
    severity=Severity.WARNING,
)
def nat_is_public(world: World) -> Found:
    """The NAT gateway sends on what it gets by the route table of its own subnet. In a private subnet that is no way
    out: nothing behind it reaches the internet.

    Fix: put it into a subnet whose route table sends 0.0.0.0/0 to the internet gateway.
    """
    for gateway in world.resources("AWS::EC2::NatGateway"):
        subnet = next((s for v in gateway.values("SubnetId") if (s := world.target(v, SUBNET))), None)
        private = gateway.text("ConnectivityType") == "private"
        if (
            subnet is not None
            and not private
            and route_table_of(world, subnet)
            and not leads_to_internet(world, subnet)
        ):
            message = f"{subnet} has no route to an internet gateway"
            yield Fault(gateway.place("SubnetId"), message, "use a public subnet")


@rule(
    "DR444",
    "A load balancer for the internet stands in subnets that lead there",
    source="Elastic Load Balancing User Guide, Application Load Balancers (subnets, internet-facing)",
    severity=Severity.WARNING,
)
def balancer_is_public(world: World) -> Found:
    """Its name resolves to public addresses, and no answer finds its way back: every connection times out.

    Fix: use the public subnets, or set Scheme: internal.
    """
    for balancer in world.resources(BALANCER):
        subnets = _subnets(world, balancer, "Subnets")
        for subnet in subnets or []:
            facing = balancer.text("Scheme") in ("internet-facing", None) and not _unknown(balancer, "Scheme")
            if facing and route_table_of(world, subnet) and not leads_to_internet(world, subnet):
                message = f"{subnet} has no route to an internet gateway"
                yield Fault(balancer.place("Subnets"), message, "use public subnets, or Scheme: internal")
                break


def _unknown(resource: Resource, name: str) -> bool:
    return resource.has(name) and resource.text(name) is None


@rule(
    "DR446",
    "Tasks let their load balancer in on the port it sends to",
    source="Elastic Load Balancing User Guide, Security groups for your Application Load Balancer",
)
def balancer_reaches_tasks(world: World) -> Found:
    """The group of the tasks admits another port, or another group. Every health check fails, and the service never
    becomes stable.

    Fix: admit the container's port from the load balancer's group.
    """
    for service in world.resources(SERVICE):
        path = "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups"
        groups = [world.target(value, GROUP) for value in service.values(path)]
        ports = {port for value in service.values("LoadBalancers.ContainerPort") if (port := number(value))}
        senders = [sender for group in groups_of(world, service) for sender in _senders(world, group)]
        if not groups or any(group is None for group in groups) or not senders:
            continue
        known = [group for group in groups if group is not None]
        for port in sorted(ports):
            sources = [source for group in known for source in admitted(world, group, port)]
            blocks = [source for source in sources if not isinstance(source, Resource)]
            if not blocks and not any(sender in sources for sender in senders):
                what = "port" if not sources else f"{senders[0].logical_id} on port"
                message = f"no rule of {known[0].logical_id} admits {what} {port:g}"
                yield Fault(
                    service.place("NetworkConfiguration"), message, f"admit port {port:g} from the load balancer"
                )


def _senders(world: World, group: Resource) -> Iterator[Resource]:
    """The security groups of the load balancers that forward to the target group."""
    for leading in forwarding(world, group):
        for value in leading.values("LoadBalancerArn"):
            balancer = world.target(value, BALANCER)
            for sender in balancer.values("SecurityGroups") if balancer is not None else ():
                found = world.target(sender, GROUP)
                if found is not None:
                    yield found


@rule(
    "DR447",
    "Attached transit gateways of two regions have routes to each other",
    source="Amazon VPC Transit Gateways, Transit gateway peering attachments (static routes)",
    severity=Severity.WARNING,
)
def transit_peering_is_routed(world: World) -> Found:
    """A peering attachment learns no routes. Without a static route in the route tables of both transit gateways no
    packet crosses it.

    Fix: add an AWS::EC2::TransitGatewayRoute through the attachment, in both regions.
    """
    peering = "AWS::EC2::TransitGatewayPeeringAttachment"
    for attachment in world.resources(peering):
        tables = any(
            table.region == attachment.region for table in world.resources("AWS::EC2::TransitGatewayRouteTable")
        )
        routed = any(
            world.target(value, peering) is attachment
            for route in world.resources("AWS::EC2::TransitGatewayRoute")
            for value in route.values("TransitGatewayAttachmentId")
        )
        if tables and not routed:
            yield Fault(attachment.place(), "no route leads through the attachment", "add a static route")


PROTOCOLS = {"HTTP": "HTTP", "HTTP_STR_MATCH": "HTTP", "HTTPS": "HTTPS", "HTTPS_STR_MATCH": "HTTPS"}


@rule(
    "DR448",
    "A health check asks a port on which its load balancer listens",
    source="Route 53 API, HealthCheckConfig (Type, Port, FullyQualifiedDomainName)",
    severity=Severity.WARNING,
)
def check_asks_listener(world: World) -> Found:
    """The check is unhealthy from the first day, or asks an address that health checkers cannot reach: Route 53 takes
    the primary region for dead.

    Fix: use the port and the protocol of a listener of an internet-facing load balancer.
    """
    for check in world.resources("AWS::Route53::HealthCheck"):
        balancer = _asked(world, check)
        protocol = PROTOCOLS.get(check.text("HealthCheckConfig.Type") or "")
        if balancer is None or protocol is None:
            continue
        place = check.place("HealthCheckConfig")
        if balancer.text("Scheme") == "internal":
            message = f"{balancer} is internal"
            yield Fault(place, message, "follow an alarm (CLOUDWATCH_METRIC), or ask a public address")
            continue
        port = number(check.value("HealthCheckConfig.Port")) or (443 if protocol == "HTTPS" else 80)
        listeners = [
            listener
            for listener in world.resources(LISTENER)
            if any(world.target(value, BALANCER) is balancer for value in listener.values("LoadBalancerArn"))
        ]
        found = [(number(listener.value("Port")), listener.text("Protocol")) for listener in listeners]
        fitting = {"HTTP": ("HTTP", "TCP"), "HTTPS": ("HTTPS", "TLS", "TCP")}[protocol]
        if found and not any(where in (port, None) and (how or fitting[0]) in fitting for where, how in found):
            message = f"{balancer} does not listen for {protocol} on {port:g}"
            yield Fault(place, message, "use port and protocol of one of its listeners")


def _asked(world: World, check: Resource) -> Resource | None:
    """The load balancer that the check asks: by its own name, or by an alias record."""
    for value in check.values("HealthCheckConfig.FullyQualifiedDomainName"):
        if isinstance(value, Attribute):
            return world.target(value, BALANCER)
        name = (known_text(value) or "").rstrip(".").lower()
        for record in records(world) if name else ():
            if record.name[1] == name:
                for target in at(record.properties, "AliasTarget.DNSName"):
                    balancer = world.target(target, BALANCER) if isinstance(target, Attribute) else None
                    if balancer is not None:
                        return balancer
    return None
