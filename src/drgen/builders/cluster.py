"""What the services of a region share: the ECS cluster, and what the region does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from troposphere import Equals, Ref, ecs

from drgen.builders.logs import log_group
from drgen.builders.network import Network
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT, Value

ROLE = "ServiceRole"
IS_ACTIVE = "IsActive"


@dataclass(frozen=True)
class Around:
    """What a service finds in its region. `clients` are the blocks that may call it, by the name of their region."""

    network: Network
    clients: Sequence[tuple[str, IPv4Network]]
    data_key: Value
    operations_key: Value
    topic: Value


@dataclass(frozen=True)
class Cluster:
    name: str
    resource: Any


def service_role(stack: StackDraft, *, default: str, always: bool = False) -> None:
    """The parameter that says how many tasks run: a later deployment keeps its value, and so the capacity.

    A number of tasks in the template would undo a failover. Source: registry schema AWS::ECS::Service, DesiredCount.
    `always`: every deployment sets it to `default`, also where the region had waited before.
    """
    if always:
        stack.sources[ROLE] = default
    stack.parameters[ROLE] = {
        "Type": "String",
        "AllowedValues": ["active", "standby"],
        "Default": default,
        "Description": "active runs the capacity that serves, standby what waits. Set it when this region takes over",
    }
    stack.conditions[IS_ACTIVE] = Equals(Ref(ROLE), "active")


def activation(stack: StackDraft) -> None:
    """Shows people the command that makes a region that waits the one that serves; call it when the stack is complete.

    It asks nothing of another region: every other parameter keeps its value.
    """
    kept = [name for name in stack.parameters if name != ROLE]
    words = [
        f"aws cloudformation update-stack --region {stack.region} --stack-name {stack.key}",
        f"--use-previous-template --capabilities {' '.join(stack.capabilities())}",
        f"--parameters ParameterKey={ROLE},ParameterValue=active",
        *(f"ParameterKey={name},UsePreviousValue=true" for name in kept),
    ]
    stack.output(stack.value("ActivateCommand", " ".join(words), TEXT, "Runs the capacity that serves in this region"))


def cluster(stack: StackDraft, names: Names, around: Around, *, log_days: int) -> Cluster:
    """The cluster, and its metrics' log group before it."""
    name = names.cluster
    insights = log_group(
        stack,
        "ClusterInsights",
        name=names.log_group("aws", "ecs", "containerinsights", name, "performance"),
        key=around.operations_key,
        days=log_days,
        why="Container Insights would make this group itself, without key and for ever.",
    )
    resource = ecs.Cluster(
        "Cluster",
        ClusterName=name,
        ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enabled")],
        DependsOn=insights.title,
    )
    stack.add(resource)
    return Cluster(name, resource)
