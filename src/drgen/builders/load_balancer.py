"""The load balancer of a service: who may call it, how, and how it knows that a task is well.

Source: Elastic Load Balancing guide, "Application Load Balancers"; registry schemas AWS::ElasticLoadBalancingV2::*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, ec2
from troposphere import elasticloadbalancingv2 as elb

from drgen.builders.balancer_logs import ACCESS_LOGS_POLICY
from drgen.builders.cluster import Around
from drgen.builders.network import NO_EGRESS, tcp, title_of
from drgen.builders.scanners import HTTPS_LISTENER, HTTPS_REDIRECT, OPEN_TO_THE_WORLD, accepted, checkov
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, HOST, SECURITY_GROUP_ID, TEXT, Value

HTTP, HTTPS = 80, 443
ANYWHERE = "0.0.0.0/0"
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.2 and 1.3. Source: Elastic Load Balancing guide, "Security policies for your Application Load Balancer"."""

DRAIN_S = "30"
NO_CERTIFICATE = "The workload gives no certificate. The load balancer is internal: only its VPCs reach it."
INSIDE = "Traffic inside the VPC, to a container that speaks HTTP."
OPEN_80 = "A public website: port 80 answers with a redirect to HTTPS, and nothing else."


@dataclass(frozen=True)
class Front:
    """What a load balancer serves. Without `certificate` it speaks HTTP; `database_port` is one its tasks may call."""

    service: str
    port: int
    health_path: str
    certificate: str = ""
    public: bool = False
    database_port: int | None = None

    @property
    def title(self) -> str:
        return title_of(self.service)


@dataclass(frozen=True)
class Balancer:
    """A load balancer as the service and DNS use it. `resource` is the load balancer inside its own stack.

    `tasks` is the security group of the tasks. `full_name` and `target_name` are what metrics call the load balancer
    and its target group. `zone_id` is the hosted zone of `host`, for aliases.
    """

    region: str
    resource: Any
    tasks: Value
    target_group: Value
    full_name: Value
    target_name: Value
    host: Value
    zone_id: Value


def load_balancer(stack: StackDraft, names: Names, around: Around, wanted: Front, *, access_logs: Any) -> Balancer:
    """HTTPS where there is a certificate, HTTP otherwise. It reaches the tasks on their port and nothing else."""
    title = wanted.title
    own, tasks = _groups(stack, names, around, wanted)
    resource = _balancer(stack, around, wanted, own, access_logs)
    group = stack.add(
        elb.TargetGroup(
            f"{title}TargetGroup",
            TargetType="ip",
            Protocol="HTTP",
            Port=wanted.port,
            VpcId=stack.use(around.network.vpc_id),
            HealthCheckProtocol="HTTP",
            HealthCheckPort="traffic-port",
            HealthCheckPath=wanted.health_path,
            HealthCheckIntervalSeconds=15,
            HealthCheckTimeoutSeconds=5,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=3,
            Matcher=elb.Matcher(HttpCode="200"),
            TargetGroupAttributes=_attributes(
                elb.TargetGroupAttribute, {"deregistration_delay.timeout_seconds": DRAIN_S}
            ),
            Metadata=checkov(CKV_AWS_378=INSIDE),
        )
    )
    _listeners(stack, title, resource, group, wanted.certificate)
    return _known(stack, wanted, resource, group, tasks)


def _known(stack: StackDraft, wanted: Front, resource: Any, group: Any, tasks: Any) -> Balancer:
    title, service = wanted.title, wanted.service
    host = stack.value(f"{title}Host", GetAtt(resource, "DNSName"), HOST, f"Load balancer of {service}")
    stack.output(host)
    return Balancer(
        region=stack.region,
        resource=resource,
        tasks=stack.value(
            f"{title}TaskGroupId",
            GetAtt(tasks, "GroupId"),
            SECURITY_GROUP_ID,
            f"Security group of the tasks of {service}",
        ),
        target_group=stack.value(f"{title}TargetGroupArn", Ref(group), ARN, f"Target group of {service}"),
        full_name=stack.value(
            f"{title}BalancerName",
            GetAtt(resource, "LoadBalancerFullName"),
            TEXT,
            f"Load balancer of {service}, in metrics",
        ),
        target_name=stack.value(
            f"{title}TargetName", GetAtt(group, "TargetGroupFullName"), TEXT, f"Target group of {service}, in metrics"
        ),
        host=host,
        zone_id=stack.value(
            f"{title}HostZoneId",
            GetAtt(resource, "CanonicalHostedZoneID"),
            TEXT,
            f"Hosted zone of {title}Host, for aliases",
        ),
    )


def _balancer(stack: StackDraft, around: Around, wanted: Front, own: Any, access_logs: Any) -> Any:
    attributes = {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": Ref(access_logs),
        "access_logs.s3.prefix": wanted.service,
        "deletion_protection.enabled": "true" if stack.protection else "false",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    subnets = around.network.subnet_ids
    if wanted.public:
        assert around.network.public_subnet_ids is not None
        subnets = around.network.public_subnet_ids
    resource = elb.LoadBalancer(
        f"{wanted.title}LoadBalancer",
        Type="application",
        Scheme="internet-facing" if wanted.public else "internal",
        IpAddressType="ipv4",
        Subnets=stack.use(subnets),
        SecurityGroups=[GetAtt(own, "GroupId")],
        LoadBalancerAttributes=_attributes(elb.LoadBalancerAttributes, attributes),
        DependsOn=ACCESS_LOGS_POLICY,
    )
    if not stack.protection:
        resource.Metadata = checkov(CKV_AWS_150="The workload file turns protection off: everything can be deleted.")
    why = "It tries to write to the bucket of access logs when it is made: the policy comes first."
    return stack.add(resource, why=why)


def _attributes(kind: Any, wanted: Mapping[str, Any]) -> list[Any]:
    return [kind(Key=key, Value=value) for key, value in wanted.items()]


def _groups(stack: StackDraft, names: Names, around: Around, wanted: Front) -> tuple[Any, Any]:
    """The groups of the load balancer and of the tasks. Rules that name the other group stand alone."""
    title, vpc = wanted.title, stack.use(around.network.vpc_id)
    whence = "the internet" if wanted.public else "the VPCs of the workload only"
    own = ec2.SecurityGroup(
        f"{title}LoadBalancerGroup",
        GroupName=names.regional(f"{wanted.service}-balancer"),
        GroupDescription=f"Load balancer of {wanted.service}, from {whence}",
        VpcId=vpc,
        SecurityGroupIngress=_ingress(around, wanted),
        SecurityGroupEgress=[NO_EGRESS],
    )
    if wanted.public:
        own.Metadata = accepted({OPEN_TO_THE_WORLD: OPEN_80})
    stack.add(own, why="Without a rule of its own EC2 lets everything out. The rule to the tasks stands alone.")
    tasks = stack.add(
        ec2.SecurityGroup(
            f"{title}TaskGroup",
            GroupName=names.regional(f"{wanted.service}-tasks"),
            GroupDescription=f"Tasks of {wanted.service}, from their load balancer only",
            VpcId=vpc,
            SecurityGroupIngress=[
                ec2.SecurityGroupRule(
                    IpProtocol="tcp",
                    FromPort=wanted.port,
                    ToPort=wanted.port,
                    SourceSecurityGroupId=GetAtt(own, "GroupId"),
                    Description="From the load balancer",
                )
            ],
            SecurityGroupEgress=_egress(around, wanted),
        ),
        why="HTTPS to everywhere: AWS's addresses change. Without a NAT gateway only endpoints of the VPC are reached.",
    )
    stack.add(
        ec2.SecurityGroupEgress(
            f"{title}LoadBalancerToTasks",
            GroupId=GetAtt(own, "GroupId"),
            IpProtocol="tcp",
            FromPort=wanted.port,
            ToPort=wanted.port,
            DestinationSecurityGroupId=GetAtt(tasks, "GroupId"),
            Description="To the tasks",
        )
    )
    return own, tasks


def _ingress(around: Around, wanted: Front) -> list[Any]:
    ports = {HTTPS: "HTTPS from {}", HTTP: "HTTP from {}, redirected"} if wanted.certificate else {HTTP: "HTTP from {}"}
    callers = [("anywhere", ANYWHERE)] if wanted.public else [(region, str(block)) for region, block in around.clients]
    return [tcp(number, block, what.format(whence)) for whence, block in callers for number, what in ports.items()]


def _egress(around: Around, wanted: Front) -> list[Any]:
    rules = [tcp(HTTPS, ANYWHERE, "HTTPS to AWS and, through NAT, to others")]
    if wanted.database_port is not None:
        rules += [tcp(wanted.database_port, str(block), f"Database in {region}") for region, block in around.clients]
    return rules


def _listeners(stack: StackDraft, title: str, balancer: Any, group: Any, certificate: str) -> None:
    forward = elb.Action(Type="forward", TargetGroupArn=Ref(group))
    if not certificate:
        stack.add(
            elb.Listener(
                f"{title}Listener",
                LoadBalancerArn=Ref(balancer),
                Port=HTTP,
                Protocol="HTTP",
                DefaultActions=[forward],
                Metadata=accepted({HTTPS_LISTENER: NO_CERTIFICATE}),
            )
        )
        return
    to_https = elb.RedirectConfig(Protocol="HTTPS", Port=str(HTTPS), StatusCode="HTTP_301")
    stack.add(
        elb.Listener(
            f"{title}Redirect",
            LoadBalancerArn=Ref(balancer),
            Port=HTTP,
            Protocol="HTTP",
            DefaultActions=[elb.Action(Type="redirect", RedirectConfig=to_https)],
            Metadata=accepted({HTTPS_REDIRECT: "It answers with a redirect to HTTPS, and nothing else."}),
        )
    )
    stack.add(
        elb.Listener(
            f"{title}Listener",
            LoadBalancerArn=Ref(balancer),
            Port=HTTPS,
            Protocol="HTTPS",
            SslPolicy=TLS_POLICY,
            Certificates=[elb.Certificate(CertificateArn=certificate)],
            DefaultActions=[forward],
        )
    )
