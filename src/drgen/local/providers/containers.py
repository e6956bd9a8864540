"""AWS::ECS: clusters, task definitions, services. No container runs.

Source of the texts: the messages of ECS for CreateService and DeleteCluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, as_tags, call, settles, tags_of

_CHANGEABLE = frozenset(
    {
        "DeploymentConfiguration", "DesiredCount", "EnableECSManagedTags", "EnableExecuteCommand",
        "HealthCheckGracePeriodSeconds", "LoadBalancers", "NetworkConfiguration", "PlatformVersion", "PropagateTags",
        "TaskDefinition",
    }
)  # fmt: skip


def _retag(work: Work, arn: str) -> None:
    client, wanted = work.api("ecs"), tags_of(work.desired)
    gone = sorted(set(as_tags(work.desired.previous.get("Tags"))) - set(wanted))
    if gone:
        client.untag_resource(resourceArn=arn, tagKeys=gone)
    if wanted:
        call(client, "tag_resource", resourceArn=arn, tags=wanted)


def _cluster(work: Work, name: str) -> dict[str, Any]:
    found = work.api("ecs").describe_clusters(clusters=[name])["clusters"]
    if not found or found[0]["status"] != "ACTIVE":
        raise ResourceFailed("Cluster not found.", code="NotFound")
    return dict(found[0])


def _make_cluster(work: Work) -> str:
    name = work.name("ClusterName", limit=255)
    if any(each["status"] == "ACTIVE" for each in work.api("ecs").describe_clusters(clusters=[name])["clusters"]):
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    settings = {"settings": work.properties.get("ClusterSettings"), "tags": tags_of(work.desired)}
    call(work.api("ecs"), "create_cluster", work.properties, settings, clusterName=name)
    return name


def _change_cluster(work: Work, name: str) -> None:
    if work.changed("ClusterSettings"):
        settings = work.properties.get("ClusterSettings") or [{"Name": "containerInsights", "Value": "disabled"}]
        call(work.api("ecs"), "update_cluster_settings", cluster=name, settings=settings)
    _retag(work, str(_cluster(work, name)["clusterArn"]))


def _remove_cluster(work: Work, name: str) -> None:
    _cluster(work, name)
    if work.api("ecs").list_services(cluster=name)["serviceArns"]:
        text = "The Cluster cannot be deleted while Services are active."
        raise ResourceFailed(text, code="ResourceConflict")
    work.api("ecs").delete_cluster(cluster=name)


def _make_task(work: Work) -> str:
    given = {**work.properties, "Family": work.name("Family", limit=255), "Tags": tags_of(work.desired)}
    return str(call(work.api("ecs"), "register_task_definition", given)["taskDefinition"]["taskDefinitionArn"])


def _service(work: Work, arn: str) -> dict[str, Any]:
    cluster = str(work.properties.get("Cluster", "default"))
    found = work.api("ecs").describe_services(cluster=cluster, services=[arn])["services"]
    if not found or found[0]["status"] == "INACTIVE":
        raise ResourceFailed("Service not found.", code="NotFound")
    return dict(found[0])


def _check_targets(work: Work) -> None:
    """Containers and ports of the task, and target groups that a load balancer forwards to."""
    task = work.api("ecs").describe_task_definition(taskDefinition=work.properties["TaskDefinition"])["taskDefinition"]
    ports = {
        container["name"]: {mapping.get("containerPort") for mapping in container.get("portMappings", ())}
        for container in task["containerDefinitions"]
    }
    for target in work.properties.get("LoadBalancers") or ():
        name, port = str(target.get("ContainerName")), int(target.get("ContainerPort", 0))
        if name not in ports:
            raise ResourceFailed(f"The container {name} does not exist in the task definition.", code="InvalidRequest")
        if port not in ports[name]:
            text = f"The container {name} did not have a container port {port} defined."
            raise ResourceFailed(text, code="InvalidRequest")
        arn = str(target["TargetGroupArn"])
        (group,) = work.api("elbv2").describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
        if not group.get("LoadBalancerArns"):
            text = f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            raise ResourceFailed(text, code="InvalidRequest")


def _check_network(work: Work) -> None:
    network = (work.properties.get("NetworkConfiguration") or {}).get("AwsvpcConfiguration") or {}
    client = work.api("ec2")
    if network.get("Subnets"):
        client.describe_subnets(SubnetIds=list(network["Subnets"]))
    if network.get("SecurityGroups"):
        client.describe_security_groups(GroupIds=list(network["SecurityGroups"]))


def _make_service(work: Work) -> str:
    name, cluster = work.name("ServiceName", limit=255), str(work.properties.get("Cluster", "default"))
    _cluster(work, cluster)
    found = work.api("ecs").describe_services(cluster=cluster, services=[name])["services"]
    if any(each["status"] == "ACTIVE" for each in found):
        raise ResourceFailed("Creation of service was not idempotent.", code="AlreadyExists")
    _check_targets(work)
    _check_network(work)
    given = {**work.properties, "ServiceName": name, "Tags": tags_of(work.desired)}
    return str(call(work.api("ecs"), "create_service", given)["service"]["serviceArn"])


def _change_service(work: Work, arn: str) -> None:
    """A DesiredCount that the template does not state is left as it is."""
    _check_targets(work)
    _check_network(work)
    cluster = work.properties.get("Cluster", "default")
    changed = {name: value for name, value in work.properties.items() if name in _CHANGEABLE and work.changed(name)}
    if changed:
        call(work.api("ecs"), "update_service", changed, cluster=cluster, service=arn)
    _retag(work, arn)


def _steady(work: Work, arn: str) -> None:
    def steady() -> bool:
        found = _service(work, arn)
        return bool(found["runningCount"] == found["desiredCount"] and len(found["deployments"]) == 1)

    if not settles(steady):
        text = f"Resource of type '{work.desired.type}' with identifier '{arn}' did not stabilize."
        raise ResourceFailed(text, code="NotStabilized")


def _remove_service(work: Work, arn: str) -> None:
    _service(work, arn)
    cluster = str(work.properties.get("Cluster", "default"))
    work.api("ecs").delete_service(cluster=cluster, service=arn, force=True)


CONTAINER_PROVIDERS: Mapping[str, Provider] = {
    "AWS::ECS::Cluster": Resource(
        make=_make_cluster,
        change=_change_cluster,
        read=lambda work, name: {"Arn": _cluster(work, name)["clusterArn"]},
        remove=_remove_cluster,
    ),
    "AWS::ECS::TaskDefinition": Resource(
        make=_make_task,
        change=_retag,
        read=lambda _, arn: {"TaskDefinitionArn": arn},
        remove=lambda work, arn: work.api("ecs").deregister_task_definition(taskDefinition=arn),
    ),
    "AWS::ECS::Service": Resource(
        make=_make_service,
        change=_change_service,
        settle=_steady,
        read=lambda work, arn: {"ServiceArn": arn, "Name": _service(work, arn)["serviceName"]},
        remove=_remove_service,
    ),
}
