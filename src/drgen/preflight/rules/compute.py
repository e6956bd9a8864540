"""DR57x: what instances, groups, load balancers and clusters must agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, number, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved

Found = Iterator[Fault | NotDecided]
ASG = "AWS::AutoScaling::AutoScalingGroup"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
TEMPLATE = "AWS::EC2::LaunchTemplate"
SERVICE = "AWS::ECS::Service"


@rule(
    "DR570",
    "An Auto Scaling group registers instances in target groups that take instances",
    source="Amazon EC2 Auto Scaling User Guide, Attach a load balancer (target type instance)",
)
def group_takes_instances(world: World) -> Found:
    """The group registers instances by id. A target group for addresses or functions refuses them, and the Auto
    Scaling group is refused with it.

    Fix: set TargetType: instance on the target group, or leave it out. That replaces the target group.
    """
    for group in world.resources(ASG):
        for value in group.values("TargetGroupARNs"):
            target = world.target(value, GROUP)
            kind = target.text("TargetType") if target is not None and target.has("TargetType") else "instance"
            if target is not None and kind is not None and kind != "instance":
                message = f"{target} takes targets of type {kind}"
                yield Fault(group.place("TargetGroupARNs"), message, "set TargetType: instance")


SPOKEN = {
    "application": ("HTTP", "HTTPS"),
    "network": ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC"),
    "gateway": ("GENEVE",),
}
"""The protocols of listeners and target groups by the type of their load balancer.

Source: Elastic Load Balancing API Reference, CreateListener and CreateTargetGroup (Protocol).
"""


@rule(
    "DR571",
    "A load balancer, its listeners and its target groups speak protocols of one kind",
    source="Elastic Load Balancing API Reference, CreateListener and CreateTargetGroup (Protocol)",
)
def protocols_fit(world: World) -> Found:
    """An application load balancer speaks HTTP and HTTPS, a network load balancer TCP, UDP and TLS. Elastic Load
    Balancing refuses the listener that asks for the other, or forwards to a group of the other.

    Fix: choose the protocol by the type of the load balancer.
    """
    for listener in world.resources(LISTENER):
        balancer = next((b for v in listener.values("LoadBalancerArn") if (b := world.target(v, BALANCER))), None)
        kind = (balancer.text("Type") if balancer.has("Type") else "application") if balancer is not None else None
        spoken = SPOKEN.get(kind or "")
        if spoken is None or balancer is None:
            continue
        own = listener.text("Protocol")
        if own is not None and own not in spoken:
            message = f"{own} is not spoken by {balancer.logical_id}, a load balancer of type {kind}"
            yield Fault(listener.place("Protocol"), message, f"use {' or '.join(spoken[:2])}")
        for group in _forwarded(world, listener):
            protocol = group.text("Protocol")
            if group.text("TargetType") not in ("lambda", "alb") and protocol and protocol not in spoken:
                message = f"{group} speaks {protocol}, its load balancer does not"
                fix = f"set Protocol of the group to {' or '.join(spoken[:2])}"
                yield Fault(listener.place("DefaultActions"), message, fix)


def _forwarded(world: World, listener: Resource) -> Iterator[Resource]:
    for path in ("DefaultActions.TargetGroupArn", "DefaultActions.ForwardConfig.TargetGroups.TargetGroupArn"):
        for value in listener.values(path):
            group = world.target(value, GROUP)
            if group is not None:
                yield group


_ARM = re.compile(r"(?:a1|[a-z]+\d+g[a-z]*(?:-[a-z0-9]+)?)\.[a-z0-9-]+")
_NO_ARM = re.compile(r"(?:g|p|dl|trn|inf|mac|f|vt|u)\d*.*")


def _architecture(instance_type: str) -> str | None:
    """Which processors a type has, as its name says (AMI names use the same words); None for families not known."""
    if _ARM.fullmatch(instance_type):
        return "arm64"
    return None if _NO_ARM.match(instance_type) or "." not in instance_type else "x86_64"


@rule(
    "DR572",
    "An image is built for the processors of the instance type",
    source="Amazon EC2 User Guide, Amazon EC2 instance type naming conventions (g: Graviton); public AMI parameters",
    alone=True,
)
def image_fits(world: World) -> Found:
    """EC2 refuses the launch: the architecture of the instance type does not match the architecture of the AMI. In the
    recovery region that happens when another class was chosen because the first is not offered there.

    Fix: take the parameter of the image that ends with the architecture of the instance type.
    """
    for resource in world.resources(TEMPLATE, "AWS::EC2::Instance", "AWS::AutoScaling::LaunchConfiguration"):
        prefix = "LaunchTemplateData." if resource.type == TEMPLATE else ""
        wanted = _architecture(resource.text(f"{prefix}InstanceType") or "")
        for value in resource.values(f"{prefix}ImageId"):
            built = re.search(r"/aws/service/.*(x86_64|amd64|arm64)", pattern(value) or _stored(value))
            found = built[1].replace("amd64", "x86_64") if built is not None else None
            if wanted and found and found != wanted:
                kind = resource.text(f"{prefix}InstanceType")
                message = f"the image is built for {found}, and {kind} is {wanted}"
                yield Fault(resource.place(f"{prefix}ImageId"), message, f"use the image for {wanted}")


def _stored(value: Resolved) -> str:
    """Where a value comes from that a parameter of an SSM type reads."""
    return str(getattr(value, "reason", ""))


@rule(
    "DR573",
    "A service uses capacity providers that its cluster has",
    source="Amazon ECS Developer Guide, Amazon ECS capacity providers (associated with the cluster)",
)
def provider_is_in_cluster(world: World) -> Found:
    """ECS refuses the service: the specified capacity provider was not found. FARGATE and FARGATE_SPOT must be
    associated with the cluster, too, says the guide; templates in use do without, so that is a warning.

    Fix: add the provider to CapacityProviders of the cluster, or of its ClusterCapacityProviderAssociations.
    """
    for service in world.resources(SERVICE):
        cluster = next((c for v in service.values("Cluster") if (c := world.target(v, "AWS::ECS::Cluster"))), None)
        if cluster is None:
            continue
        values = [*cluster.values("CapacityProviders")]
        for link in world.resources("AWS::ECS::ClusterCapacityProviderAssociations"):
            if any(world.target(value, "AWS::ECS::Cluster") is cluster for value in link.values("Cluster")):
                values += link.values("CapacityProviders")
        had = [_identity(value) for value in values]
        for value in service.values("CapacityProviderStrategy.CapacityProvider"):
            wanted = _identity(value)
            if wanted is not None and None not in had and wanted not in had:
                message = f"cluster {cluster} has no provider {wanted}"
                place = service.place("CapacityProviderStrategy")
                severity = Severity.WARNING if wanted.startswith("FARGATE") else None
                yield Fault(place, message, "add it to CapacityProviders of the cluster", severity)


def _identity(value: Resolved) -> str | None:
    """What tells one named thing from another; None where it is not known."""
    if isinstance(value, Attribute):
        return f"{value.logical_id} of {value.stack}"
    text = pattern(value)
    return text if text and "*" not in text else None


AUTOSCALING_ROLE = "AWSServiceRoleForAutoScaling"


@rule(
    "DR574",
    "The key of an Auto Scaling group's disks lets Auto Scaling use it",
    source="Amazon EC2 Auto Scaling User Guide, Required AWS KMS key policy for use with encrypted volumes",
    severity=Severity.WARNING,
)
def disks_can_be_made(world: World) -> Found:
    """Auto Scaling launches with its service-linked role, whose permissions nobody can extend: the key's policy must
    name the role. Otherwise instances end as soon as they start (Client.InvalidKMSKey.InvalidState), and the group
    stays empty.

    Fix: allow the role aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling the use of the key, and
    kms:CreateGrant with kms:GrantIsForAWSResource.
    """
    path = "LaunchTemplateData.BlockDeviceMappings.Ebs.KmsKeyId"
    for group in world.resources(ASG):
        used = (*group.values("LaunchTemplate.LaunchTemplateId"), *group.values("LaunchTemplate.LaunchTemplateName"))
        templates = [found for value in used if (found := world.target(value, TEMPLATE)) is not None]
        for template in templates:
            for value in template.values(path):
                key = world.target(value, "AWS::KMS::Key", "AWS::KMS::ReplicaKey")
                if key is not None and not _lets_autoscaling(world, key):
                    message = f"it does not let {AUTOSCALING_ROLE} use it, as {group.logical_id} needs"
                    yield Fault(key.place("KeyPolicy"), message, f"allow {AUTOSCALING_ROLE} to use the key")


def _lets_autoscaling(world: World, key: Resource) -> bool:
    """True unless the policy is known, and names neither the role nor everybody."""
    named: list[str | None] = []
    for statement in key.values("KeyPolicy.Statement"):
        for principal in leaves(statement.get("Principal")) if isinstance(statement, Mapping) else [None]:
            inside = principal.get("AWS") if isinstance(principal, Mapping) else principal
            named += [pattern(leaf) for leaf in leaves(inside)]
    return any(name is None or name.startswith("*") or AUTOSCALING_ROLE in name for name in named)


@rule(
    "DR575",
    "Nodes of a cluster are not newer than its control plane",
    source="Amazon EKS User Guide, Kubernetes version skew policy (kubelet and control plane)",
)
def nodes_not_newer(world: World) -> Found:
    """EKS refuses a node group whose Kubernetes version is above that of the cluster. One of the two was upgraded, the
    other stands in another template or region.

    Fix: upgrade the cluster first, then its node groups.
    """
    for group in world.resources("AWS::EKS::Nodegroup"):
        cluster = next((c for v in group.values("ClusterName") if (c := world.target(v, "AWS::EKS::Cluster"))), None)
        one, other = group.text("Version"), cluster.text("Version") if cluster is not None else None
        if one and other and cluster is not None and _version(one) > _version(other):
            message = f"the nodes have {one}, cluster {cluster} has {other}"
            yield Fault(group.place("Version"), message, f"use {other}, or upgrade the cluster")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


@rule(
    "DR576",
    "A registry replicates to other regions than its own",
    source="Amazon ECR User Guide, Private image replication in Amazon ECR",
)
def registry_replicates_elsewhere(world: World) -> Found:
    """ECR refuses a destination that is the registry itself. The template was written for the primary region, and is
    deployed in the region that it names.

    Fix: make the rule in the primary region only, or choose the destination by the stack's region.
    """
    path = "ReplicationConfiguration.Rules.Destinations"
    for registry in world.resources("AWS::ECR::ReplicationConfiguration"):
        account = registry.stack.entry.account
        for destination in registry.values(path):
            region = pattern(destination.get("Region")) if isinstance(destination, Mapping) else None
            owner = pattern(destination.get("RegistryId")) if isinstance(destination, Mapping) else None
            if region == registry.region and (owner in (None, account) or "*" in (owner or "")):
                message = f"{region} is the region of the registry itself"
                yield Fault(registry.place("ReplicationConfiguration"), message, "name another region")


RESERVABLE = 900
"""Concurrent executions of an account in a region that can be reserved by default: 100 of 1,000 stay free."""


@rule(
    "DR712",
    "The reserved concurrency of a region's functions fits its default quota",
    source="AWS Lambda Developer Guide, Configuring reserved concurrency (100 stay unreserved); Lambda quotas (1,000)",
    severity=Severity.WARNING,
)
def reservations_fit(world: World) -> Found:
    """Lambda refuses the function whose reservation leaves fewer than 100 executions to all others of the account. The
    quota belongs to the region: what was raised in the primary region is 1,000 in the recovery region, or less.

    Fix: reserve less, or ask Service Quotas for more concurrent executions in that region.
    """
    total: dict[tuple[str, str], float] = {}
    for function in world.resources("AWS::Lambda::Function"):
        wanted = number(function.value("ReservedConcurrentExecutions")) if function.certain else None
        where = (function.stack.entry.account, function.region)
        before = total.get(where, 0)
        total[where] = before + (wanted or 0)
        if before <= RESERVABLE < total[where]:
            message = f"with it, {total[where]:g} executions of {function.region} are reserved; {RESERVABLE} can be"
            yield Fault(function.place("ReservedConcurrentExecutions"), message, "reserve less, or raise the quota")


@rule(
    "DR577",
    "A function's image is in a registry of its own region",
    source="AWS Lambda Developer Guide, Create a function using a container image (same Region as the function)",
)
def image_is_near(world: World) -> Found:
    """Lambda reads images of its own region only: the function of the recovery region is refused.

    Fix: replicate the repository, and build the address with the stack's own region.
    """
    for function in world.resources("AWS::Lambda::Function"):
        for value in function.values("Code.ImageUri"):
            for region in _registries(value):
                if region != function.region:
                    message = f"the image is in {region}, the function in {function.region}"
                    yield Fault(function.place("Code.ImageUri"), message, f"use a registry of {function.region}")


def _registries(value: Resolved) -> Iterator[str]:
    inside = [value] if isinstance(value, Attribute) else [*getattr(value, "parts", ())]
    for part in inside:
        if isinstance(part, Attribute) and part.type == "AWS::ECR::Repository":
            yield part.region
    found = re.match(r"[^/]*\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com", pattern(value) or "")
    if found is not None:
        yield found[1]
