"""The internal load balancer of a service: who may call it, how, and how it knows that a task is well.

Source: Elastic Load Balancing guide, "Application Load Balancers"; registry schemas AWS::ElasticLoadBalancingV2::*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, ec2
from troposphere import elasticloadbalancingv2 as elb

from drgen.builders.cluster import ACCESS_LOGS_POLICY, Around, Cluster
from drgen.builders.network import tcp, title_of
from drgen.builders.scanners import checkov
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import HOST, Value

HTTP, HTTPS = 80, 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.2 and 1.3. Source: Elastic Load Balancing guide, "Security policies for your Application Load Balancer"."""

DRAIN_S = "30"
NO_CERTIFICATE = "The workload gives no certificate. The load balancer is internal: only its VPCs reach it."
INSIDE = "Traffic inside the VPC, to a container that speaks HTTP."


@dataclass(frozen=True)
class Balancer:
    """`tasks` is the security group of the tasks; a service must wait for the resources `ready`."""

    resource: Any
    target_group: Any
    tasks: Any
    ready: Sequence[str]
    endpoint: Value


def load_balancer(
    stack: StackDraft,
    names: Names,
    around: Around,
    shared: Cluster,
    *,
    service: str,
    port: int,
    health_path: str,
    certificate: str,
) -> Balancer:
    """HTTPS where there is a certificate, HTTP otherwise. It reaches the tasks on `port` and nothing else."""
    title = title_of(service)
    own, tasks = _groups(stack, names, around, service=service, port=port, https=bool(certificate))
    attributes = {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": Ref(shared.access_logs),
        "access_logs.s3.prefix": service,
        "deletion_protection.enabled": "true" if stack.protection else "false",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    resource = elb.LoadBalancer(
        f"{title}LoadBalancer",
        Type="application",
        Scheme="internal",
        IpAddressType="ipv4",
        Subnets=stack.use(around.network.subnet_ids),
        SecurityGroups=[GetAtt(own, "GroupId")],
        LoadBalancerAttributes=_attributes(elb.LoadBalancerAttributes, attributes),
        DependsOn=ACCESS_LOGS_POLICY,
    )
    if not stack.protection:
        resource.Metadata = checkov(CKV_AWS_150="The workload file turns protection off: everything can be deleted.")
    stack.add(resource, why="It tries to write to the bucket of access logs when it is made: the policy comes first.")
    group = elb.TargetGroup(
        f"{title}TargetGroup",
        TargetType="ip",
        Protocol="HTTP",
        Port=port,
        VpcId=stack.use(around.network.vpc_id),
        HealthCheckProtocol="HTTP",
        HealthCheckPort="traffic-port",
        HealthCheckPath=health_path,
        HealthCheckIntervalSeconds=15,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=3,
        Matcher=elb.Matcher(HttpCode="200"),
        TargetGroupAttributes=_attributes(elb.TargetGroupAttribute, {"deregistration_delay.timeout_seconds": DRAIN_S}),
        Metadata=checkov(CKV_AWS_378=INSIDE),
    )
    stack.add(group)
    listener = _listeners(stack, title, resource, group, certificate)
    host = stack.value(f"{title}Host", GetAtt(resource, "DNSName"), HOST, f"Load balancer of {service}")
    return Balancer(resource, group, tasks, [listener.title, f"{title}LoadBalancerToTasks"], host)


def _attributes(kind: Any, wanted: Mapping[str, Any]) -> list[Any]:
    return [kind(Key=key, Value=value) for key, value in wanted.items()]


def _groups(
    stack: StackDraft, names: Names, around: Around, *, service: str, port: int, https: bool
) -> tuple[Any, Any]:
    """The groups of the load balancer and of the tasks. Rules that name the other group stand alone."""
    title, vpc = title_of(service), stack.use(around.network.vpc_id)
    ports = {HTTPS: "HTTPS", HTTP: "HTTP, redirected"} if https else {HTTP: "HTTP"}
    own = ec2.SecurityGroup(
        f"{title}LoadBalancerGroup",
        GroupName=names.regional(f"{service}-balancer"),
        GroupDescription=f"Load balancer of {service}, from the VPCs of the workload only",
        VpcId=vpc,
        SecurityGroupIngress=[
            tcp(number, str(block), f"{what} from {region}")
            for region, block in around.clients
            for number, what in ports.items()
        ],
    )
    stack.add(own)
    tasks = stack.add(
        ec2.SecurityGroup(
            f"{title}TaskGroup",
            GroupName=names.regional(f"{service}-tasks"),
            GroupDescription=f"Tasks of {service}, from their load balancer only",
            VpcId=vpc,
            SecurityGroupIngress=[
                ec2.SecurityGroupRule(
                    IpProtocol="tcp",
                    FromPort=port,
                    ToPort=port,
                    SourceSecurityGroupId=GetAtt(own, "GroupId"),
                    Description="From the load balancer",
                )
            ],
            SecurityGroupEgress=_egress(around),
        ),
        why="HTTPS to everywhere: AWS's addresses change. Without a NAT gateway only endpoints of the VPC are reached.",
    )
    stack.add(
        ec2.SecurityGroupEgress(
            f"{title}LoadBalancerToTasks",
            GroupId=GetAtt(own, "GroupId"),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            DestinationSecurityGroupId=GetAtt(tasks, "GroupId"),
            Description="To the tasks",
        )
    )
    return own, tasks


def _egress(around: Around) -> list[Any]:
    rules = [tcp(HTTPS, "0.0.0.0/0", "HTTPS to AWS and, through NAT, to others")]
    if around.database_port is not None:
        rules += [tcp(around.database_port, str(block), f"Database in {region}") for region, block in around.clients]
    return rules


def _listeners(stack: StackDraft, title: str, balancer: Any, group: Any, certificate: str) -> Any:
    forward = elb.Action(Type="forward", TargetGroupArn=Ref(group))
    if not certificate:
        plain = checkov(CKV_AWS_2=NO_CERTIFICATE, CKV_AWS_103=NO_CERTIFICATE)
        return stack.add(
            elb.Listener(
                f"{title}Listener",
                LoadBalancerArn=Ref(balancer),
                Port=HTTP,
                Protocol="HTTP",
                DefaultActions=[forward],
                Metadata=plain,
            )
        )
    to_https = elb.RedirectConfig(Protocol="HTTPS", Port=str(HTTPS), StatusCode="HTTP_301")
    stack.add(
        elb.Listener(
            f"{title}Redirect",
            LoadBalancerArn=Ref(balancer),
            Port=HTTP,
            Protocol="HTTP",
            DefaultActions=[elb.Action(Type="redirect", RedirectConfig=to_https)],
        )
    )
    return stack.add(
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
