"""Containers, load balancers, scaling. Paragraphs P100 to P108 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest

from drgen.template.schema import schema_for

TASK = {
    "RequiresCompatibilities": ["FARGATE"],
    "NetworkMode": "awsvpc",
    "Cpu": "256",
    "Memory": "512",
    "ContainerDefinitions": [{"Name": "web", "Image": "web", "PortMappings": [{"ContainerPort": 8080}]}],
}
DIMENSION = "ecs:service:DesiredCount"


class Shop:
    """A network with a load balancer, and a cluster."""

    def __init__(self, stacks: Any) -> None:
        self.stacks = stacks
        self.vpc = stacks.network("10.9.0.0/16")
        self.subnets = [self.subnet(f"us-east-1{zone}", f"10.9.{index}.0/24") for index, zone in enumerate("ab")]
        self.cluster = stacks.make("AWS::ECS::Cluster", {"ClusterName": f"c-{stacks.unique}"})
        self.task = stacks.make("AWS::ECS::TaskDefinition", {**TASK, "Family": f"t-{stacks.unique}"}).id
        self.balancer = self.load_balancer()
        self.group = stacks.make("AWS::ElasticLoadBalancingV2::TargetGroup", self.target_group).id

    def subnet(self, zone: str, block: str) -> str:
        given = {"VpcId": self.vpc, "CidrBlock": block, "AvailabilityZone": zone}
        return str(self.stacks.make("AWS::EC2::Subnet", given).id)

    def load_balancer(self, **attributes: str) -> Any:
        pairs = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        given = {"Scheme": "internal", "Subnets": self.subnets, "LoadBalancerAttributes": pairs}
        return self.stacks.make("AWS::ElasticLoadBalancingV2::LoadBalancer", given)

    @property
    def target_group(self) -> dict[str, Any]:
        return {"VpcId": self.vpc, "Port": 8080, "Protocol": "HTTP", "TargetType": "ip"}

    def listener(self, port: int = 80, **more: Any) -> Any:
        forward = [{"Type": "forward", "TargetGroupArn": self.group}]
        given = {"LoadBalancerArn": self.balancer.id, "Port": port, "Protocol": "HTTP", "DefaultActions": forward}
        return self.stacks.make("AWS::ElasticLoadBalancingV2::Listener", {**given, **more})

    def service(self, *, port: int = 8080, **more: Any) -> dict[str, Any]:
        target = {"ContainerName": "web", "ContainerPort": port, "TargetGroupArn": self.group}
        network = {"AwsvpcConfiguration": {"Subnets": self.subnets}}
        return {
            "ServiceName": "web",
            "Cluster": self.cluster.id,
            "TaskDefinition": self.task,
            "LaunchType": "FARGATE",
            "LoadBalancers": [target],
            "NetworkConfiguration": network,
            **more,
        }

    def count(self) -> tuple[int, int]:
        (found,) = self.stacks.client("ecs").describe_services(cluster=self.cluster.id, services=["web"])["services"]
        return found["desiredCount"], found["runningCount"]


@pytest.fixture
def shop(stacks: Any) -> Shop:
    return Shop(stacks)


def test_a_service_needs_its_port_and_a_listener_and_keeps_a_count_nobody_states(
    shop: Shop, stacks: Any, fails: Any
) -> None:
    kind = "AWS::ECS::Service"
    without = fails(stacks.make, kind, shop.service()).message
    assert without == f"The target group with targetGroupArn {shop.group} does not have an associated load balancer."
    shop.listener()
    wrong = fails(stacks.make, kind, shop.service(port=80)).message
    assert wrong == "The container web did not have a container port 80 defined."
    service = stacks.make(kind, shop.service(DesiredCount=3))
    assert shop.count() == (3, 3)
    assert fails(stacks.make, kind, shop.service()).code == "AlreadyExists"
    stacks.change(service, shop.service(HealthCheckGracePeriodSeconds=30))
    assert shop.count() == (3, 3)
    assert fails(stacks.remove, shop.cluster).message == "The Cluster cannot be deleted while Services are active."


def test_a_target_group_in_use_and_a_protected_load_balancer_stay(shop: Shop, stacks: Any, fails: Any) -> None:
    listener = shop.listener()
    assert fails(shop.listener).code == "AlreadyExists"
    group = stacks.make("AWS::ElasticLoadBalancingV2::TargetGroup", shop.target_group)
    forward = [{"Type": "forward", "TargetGroupArn": group.id}]
    condition = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}]
    rule = {"ListenerArn": listener.id, "Priority": 1, "Actions": forward, "Conditions": condition}
    made = stacks.make("AWS::ElasticLoadBalancingV2::ListenerRule", rule)
    assert fails(stacks.make, "AWS::ElasticLoadBalancingV2::ListenerRule", rule).message == (
        "Priority '1' is currently in use"
    )
    assert fails(stacks.remove, group).code == "ResourceConflict"
    stacks.remove(made)
    stacks.remove(group)
    kept = shop.load_balancer(deletion_protection__enabled="true")
    assert "deletion protection is enabled" in fails(stacks.remove, kept).message
    free = stacks.change(kept, {"Scheme": "internal", "Subnets": shop.subnets, "LoadBalancerAttributes": [
        {"Key": "deletion_protection.enabled", "Value": "false"}
    ]})  # fmt: skip
    stacks.remove(free)


def test_an_https_listener_has_a_certificate_of_its_region(shop: Shop, fails: Any) -> None:
    assert fails(shop.listener, 443, Protocol="HTTPS").message == (
        "A certificate must be specified for HTTPS listeners"
    )
    far = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    failure = fails(shop.listener, 443, Protocol="HTTPS", Certificates=[{"CertificateArn": far}])
    assert failure.message == f"Certificate ARN '{far}' is not valid"


def test_access_logs_are_proven_to_arrive_before_they_are_on(shop: Shop, stacks: Any, fails: Any) -> None:
    bucket = stacks.make("AWS::S3::Bucket", {"BucketName": f"logs-{stacks.unique}"}).id
    wanted = {"access_logs__s3__enabled": "true", "access_logs__s3__bucket": bucket, "access_logs__s3__prefix": "web"}
    denied = fails(shop.load_balancer, **wanted).message
    assert denied == f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/web/AWSLogs/123456789012/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    stacks.make("AWS::S3::BucketPolicy", {"Bucket": bucket, "PolicyDocument": policy})
    shop.load_balancer(**wanted)
    (written,) = stacks.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert written["Key"] == "web/AWSLogs/123456789012/ELBAccessLogTestFile"
    stacks.client("s3").delete_object(Bucket=bucket, Key=written["Key"])


def test_a_load_balancer_is_in_two_zones(shop: Shop, fails: Any) -> None:
    shop.subnets.pop()
    assert fails(shop.load_balancer).message == (
        "At least two subnets in two different Availability Zones must be specified"
    )


def test_a_scalable_target_holds_its_service_between_its_bounds(shop: Shop, stacks: Any, fails: Any) -> None:
    kind, policy = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
    given = {"ServiceNamespace": "ecs", "ResourceId": f"service/{shop.cluster.id}/web", "ScalableDimension": DIMENSION}
    bounds = {**given, "MinCapacity": 2, "MaxCapacity": 4}
    assert "ECS service doesn't exist" in fails(stacks.make, kind, bounds).message
    shop.listener()
    stacks.make("AWS::ECS::Service", shop.service())
    assert shop.count() == (1, 1)
    target = stacks.make(kind, bounds)
    assert target.id == f"service/{shop.cluster.id}/web|{DIMENSION}|ecs"
    assert shop.count() == (2, 2)
    target = stacks.change(target, {**bounds, "MinCapacity": 0, "MaxCapacity": 1})
    assert shop.count() == (1, 1)
    wrong = fails(stacks.change, target, {**bounds, "MaxCapacity": 1}).message
    assert "Maximum capacity cannot be less than minimum capacity" in wrong
    tracking = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": target.id,
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    }
    made = stacks.make(policy, tracking)
    client = stacks.client("application-autoscaling")
    (shown,) = client.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=given["ResourceId"])[
        "ScalingPolicies"
    ]
    assert (shown["PolicyARN"], shown["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]) == (made.id, 60.0)
    stacks.remove(target)
    assert client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    assert "No scalable target registered for" in fails(stacks.make, policy, tracking).message


def test_each_has_its_attributes_and_keeps_its_id_and_goes_twice(shop: Shop, stacks: Any) -> None:
    elb, scaling = "AWS::ElasticLoadBalancingV2::", "AWS::ApplicationAutoScaling::"
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{shop.cluster.id}/web",
        "ScalableDimension": DIMENSION,
        "MinCapacity": 1,
        "MaxCapacity": 2,
    }
    balancer = {"Scheme": "internal", "Subnets": shop.subnets}
    forward = [{"Type": "forward", "TargetGroupArn": shop.group}]
    condition = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}]
    listener = {"LoadBalancerArn": shop.balancer.id, "Port": 80, "Protocol": "HTTP", "DefaultActions": forward}
    first = stacks.make(f"{elb}Listener", listener)
    rule = {"ListenerArn": first.id, "Priority": 1, "Actions": forward, "Conditions": condition}
    wanted: list[tuple[str, dict[str, Any]]] = [
        (f"{elb}LoadBalancer", balancer),
        (f"{elb}TargetGroup", shop.target_group),
        (f"{elb}Listener", {**listener, "Port": 81}),
        (f"{elb}ListenerRule", rule),
        ("AWS::ECS::Service", shop.service()),
        (f"{scaling}ScalableTarget", target),
        (f"{scaling}ScalingPolicy", {**target, "PolicyName": "p", "PolicyType": "StepScaling"}),
    ]
    made = []
    for kind, properties in wanted:
        resource = stacks.make(kind, properties)
        schema = schema_for(kind, "us-east-1")
        assert schema is not None
        assert {path[0] for path in schema.read_only} <= set(resource.attributes), kind
        after = stacks.change(resource, properties)
        assert (after.id, after.attributes) == (resource.id, resource.attributes)
        made.append(after)
    for _ in range(2):
        for resource in reversed(made):
            stacks.remove(resource)
