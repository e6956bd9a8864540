"""How many tasks a service has, and who hears when it does not serve.

Source of the metrics: ECS guide, "Amazon ECS Container Insights metrics"; Elastic Load Balancing guide, "CloudWatch
metrics for your Application Load Balancer".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import GetAtt, If, Join, Ref
from troposphere import applicationautoscaling as scaling

from drgen.builders.alarms import alarm
from drgen.builders.cluster import IS_ACTIVE, Cluster
from drgen.builders.load_balancer import Balancer
from drgen.builders.network import title_of
from drgen.builders.service import Capacity
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

CPU_TARGET = 60
ERRORS = 10
"""Answers 5xx in a minute."""


def autoscaling(stack: StackDraft, shared: Cluster, made: Any, *, service: str, capacity: Capacity) -> None:
    """Holds the CPU of the tasks at a target, between the least that the region's role needs and `capacity.most`."""
    title = title_of(service)
    target = scaling.ScalableTarget(
        f"{title}Scaling",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId=Join("/", ["service", Ref(shared.resource), GetAtt(made, "Name")]),
        MinCapacity=If(IS_ACTIVE, capacity.active, capacity.standby),
        MaxCapacity=capacity.most,
    )
    stack.add(target, why="Where fewer tasks run than the minimum, Application Auto Scaling starts the rest at once.")
    wanted = scaling.TargetTrackingScalingPolicyConfiguration(
        PredefinedMetricSpecification=scaling.PredefinedMetricSpecification(
            PredefinedMetricType="ECSServiceAverageCPUUtilization"
        ),
        TargetValue=CPU_TARGET,
        ScaleOutCooldown=60,
        ScaleInCooldown=300,
    )
    stack.add(
        scaling.ScalingPolicy(
            f"{title}ScalingPolicy",
            PolicyName=f"{service}-cpu",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=Ref(target),
            TargetTrackingScalingPolicyConfiguration=wanted,
        )
    )


def alarms(
    stack: StackDraft,
    names: Names,
    shared: Cluster,
    balancer: Balancer,
    *,
    service: str,
    capacity: Capacity,
    topic: Value,
) -> None:
    """Errors of the service and of its load balancer, tasks that are not well, and tasks that are missing."""
    title = title_of(service)
    at_balancer = {"LoadBalancer": stack.use(balancer.full_name)}
    at_tasks = {**at_balancer, "TargetGroup": stack.use(balancer.target_name)}
    _errors(stack, names, "service", "HTTPCode_Target_5XX_Count", at_tasks, title=title, service=service, topic=topic)
    _errors(stack, names, "balancer", "HTTPCode_ELB_5XX_Count", at_balancer, title=title, service=service, topic=topic)
    alarm(
        stack,
        f"{title}UnhealthyAlarm",
        name=names.regional(f"{service}-unhealthy"),
        description=f"Tasks of {service} do not answer their health check",
        namespace="AWS/ApplicationELB",
        metric="UnHealthyHostCount",
        dimensions=at_tasks,
        statistic="Maximum",
        threshold=0,
        topic=topic,
    )
    alarm(
        stack,
        f"{title}TooFewAlarm",
        name=names.regional(f"{service}-too-few-tasks"),
        description=f"Fewer tasks of {service} run than this region needs in its role",
        namespace="ECS/ContainerInsights",
        metric="RunningTaskCount",
        dimensions={"ClusterName": shared.name, "ServiceName": names.regional(service)},
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=If(IS_ACTIVE, capacity.active, capacity.standby),
        topic=topic,
        missing="breaching" if capacity.standby else "notBreaching",
    )


def _errors(
    stack: StackDraft,
    names: Names,
    whose: str,
    metric: str,
    dimensions: Mapping[str, Any],
    *,
    title: str,
    service: str,
    topic: Value,
) -> None:
    alarm(
        stack,
        f"{title}{whose.capitalize()}ErrorsAlarm",
        name=names.regional(f"{service}-{whose}-errors"),
        description=f"More than {ERRORS} answers 5xx a minute from the {whose} of {service}",
        namespace="AWS/ApplicationELB",
        metric=metric,
        dimensions=dimensions,
        statistic="Sum",
        threshold=ERRORS,
        periods=5,
        bad_periods=3,
        topic=topic,
    )
