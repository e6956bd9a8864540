"""A service on Fargate: its roles, its task, and the service that keeps tasks running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, If, NoValue, Ref, Sub, ecs

from drgen.builders.cluster import IS_ACTIVE, Around, Cluster
from drgen.builders.load_balancer import Balancer
from drgen.builders.logs import log_group
from drgen.builders.network import title_of
from drgen.builders.policy import actions, allow, role
from drgen.builders.scanners import TASK_VARIABLES, accepted
from drgen.model.names import Names
from drgen.model.services import ECR
from drgen.model.stack import StackDraft

RUNS_TASKS = "ecs-tasks.amazonaws.com"

ROOTS_VOLUMES = (
    "Its user is to write to volumes, which are root's at first: the image has to give it the paths and declare VOLUME."
)
"""Source: Amazon ECS Developer Guide, "Use bind mounts with Amazon ECS"."""

AS_WRITTEN = {
    "cfn-lint": {"config": {"ignore_checks": ["E1029"]}},
    "reason": "A variable of the workload file holds ${...} for the container to read: CloudFormation is to leave it.",
}


@dataclass(frozen=True)
class Container:
    """What a task runs. `image` may hold {account} and {region}; `statements` say what its code may do."""

    service: str
    image: str
    port: int
    cpu: int
    memory: int
    architecture: str
    user: str
    writable: Sequence[str]
    environment: Mapping[str, Any]
    statements: Sequence[Any]
    log_days: int


def task(stack: StackDraft, names: Names, around: Around, wanted: Container) -> Any:
    """The task definition. Its file system is read-only but for `writable`."""
    title = title_of(wanted.service)
    name = names.regional(wanted.service)
    logs = log_group(
        stack,
        f"{title}Logs",
        name=names.log_group("aws", "ecs", name),
        key=around.operations_key,
        days=wanted.log_days,
    )
    to_logs = {
        "awslogs-group": Ref(logs),
        "awslogs-region": stack.region,
        "awslogs-stream-prefix": wanted.service,
        "mode": "non-blocking",
    }
    container = ecs.ContainerDefinition(
        Name=wanted.service,
        Image=_image(wanted.image, stack.region),
        Essential=True,
        ReadonlyRootFilesystem=True,
        PortMappings=[ecs.PortMapping(ContainerPort=wanted.port, Protocol="tcp")],
        Environment=[ecs.Environment(Name=key, Value=value) for key, value in wanted.environment.items()],
        LinuxParameters=ecs.LinuxParameters(InitProcessEnabled=True),
        LogConfiguration=ecs.LogConfiguration(LogDriver="awslogs", Options=to_logs),
    )
    volumes = {f"writable-{number}": path for number, path in enumerate(wanted.writable, start=1)}
    if wanted.user:
        container.User = wanted.user
    if volumes:
        container.MountPoints = [
            ecs.MountPoint(SourceVolume=volume, ContainerPath=path, ReadOnly=False) for volume, path in volumes.items()
        ]
    runs = role(
        stack,
        f"{title}TaskRole",
        name=names.service_role(wanted.service, stack.region),
        service=RUNS_TASKS,
        statements=wanted.statements,
    )
    definition = ecs.TaskDefinition(
        f"{title}Task",
        Family=name,
        RequiresCompatibilities=["FARGATE"],
        NetworkMode="awsvpc",
        Cpu=str(wanted.cpu),
        Memory=str(wanted.memory),
        RuntimePlatform=ecs.RuntimePlatform(CpuArchitecture=wanted.architecture, OperatingSystemFamily="LINUX"),
        ExecutionRoleArn=GetAtt(_starts(stack, names, wanted, logs), "Arn"),
        TaskRoleArn=GetAtt(runs, "Arn"),
        ContainerDefinitions=[container],
        Metadata=accepted(
            {TASK_VARIABLES: "Names and endpoints: an application reads its passwords from Secrets Manager."}
        ),
    )
    if volumes:
        definition.Volumes = [ecs.Volume(Name=volume) for volume in volumes]
    if any(isinstance(value, str) and "${" in value for value in wanted.environment.values()):
        definition.Metadata = {**definition.Metadata, **AS_WRITTEN}
    return stack.add(definition, why=ROOTS_VOLUMES if volumes and wanted.user else "")


def _image(image: str, region: str) -> Any:
    text = image.replace("{region}", region).replace("{account}", "${AWS::AccountId}")
    return Sub(text) if "${" in text else text


def _starts(stack: StackDraft, names: Names, wanted: Container, logs: Any) -> Any:
    """The role with which Fargate starts the task. Source: ECS guide, "Amazon ECS task execution IAM role"."""
    statements = [allow("WriteLogs", actions("logs", "CreateLogStream", "PutLogEvents"), GetAtt(logs, "Arn"))]
    why = ""
    if ECR in wanted.image:
        pull = actions("ecr", "BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        statements += [
            allow("PullImage", pull, _repository(wanted.image, stack.region)),
            allow("LogInToRegistry", actions("ecr", "GetAuthorizationToken"), "*"),
        ]
        why = "ecr:GetAuthorizationToken knows no resources."
    return role(
        stack,
        f"{title_of(wanted.service)}ExecutionRole",
        name=names.service_role(wanted.service, stack.region, purpose="exec"),
        service=RUNS_TASKS,
        statements=statements,
        why=why,
    )


def _repository(image: str, region: str) -> Any:
    registry, _, rest = image.partition("/")
    account = registry.partition(".")[0].replace("{account}", "${AWS::AccountId}")
    return Sub(f"arn:${{AWS::Partition}}:ecr:{region}:{account}:repository/{rest.partition('@')[0]}")


@dataclass(frozen=True)
class Capacity:
    """Tasks by what the region does; `most` is where autoscaling ends."""

    active: int
    standby: int
    most: int


def service(
    stack: StackDraft,
    names: Names,
    around: Around,
    shared: Cluster,
    balancer: Balancer,
    wanted: Container,
    definition: Any,
    *,
    capacity: Capacity,
    grace_s: int,
) -> Any:
    """The service. While the region is active autoscaling alone says how many tasks run."""
    configuration = ecs.AwsvpcConfiguration(
        AssignPublicIp="DISABLED",
        Subnets=stack.use(around.network.subnet_ids),
        SecurityGroups=[stack.use(balancer.tasks)],
    )
    return stack.add(
        ecs.Service(
            f"{title_of(wanted.service)}Service",
            ServiceName=names.regional(wanted.service),
            Cluster=Ref(shared.resource),
            TaskDefinition=Ref(definition),
            LaunchType="FARGATE",
            PlatformVersion="LATEST",
            DesiredCount=If(IS_ACTIVE, NoValue, capacity.standby),
            HealthCheckGracePeriodSeconds=grace_s,
            DeploymentConfiguration=ecs.DeploymentConfiguration(
                MinimumHealthyPercent=100,
                MaximumPercent=200,
                DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True),
            ),
            LoadBalancers=[
                ecs.LoadBalancer(
                    ContainerName=wanted.service,
                    ContainerPort=wanted.port,
                    TargetGroupArn=stack.use(balancer.target_group),
                )
            ],
            NetworkConfiguration=ecs.NetworkConfiguration(AwsvpcConfiguration=configuration),
            EnableECSManagedTags=True,
            PropagateTags="SERVICE",
        ),
        why="No count while the region is active: an update leaves the tasks that autoscaling has started alone.",
    )
