"""The VPC of one region: private subnets, endpoints, flow logs. No internet gateway, no NAT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from awacs.aws import Condition, Principal, StringEquals
from troposphere import AccountId, GetAtt, Ref, Sub, Tags, ec2

from drgen.builders.logs import log_group
from drgen.builders.policy import actions, allow, document, role
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ROUTE_TABLE_ID, SUBNET_IDS, VPC_ID, Value

SUBNET_BITS = 4
EVERY_LOG_GROUP = Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*")
GATEWAY = ("dynamodb", "s3")


@dataclass(frozen=True)
class Network:
    region: str
    cidr: IPv4Network
    vpc_id: Value
    subnet_ids: Value
    route_table_id: Value


def network(
    stack: StackDraft,
    names: Names,
    *,
    cidr: IPv4Network,
    zones: Sequence[str],
    endpoints: Sequence[str],
    key: Value,
    flow_log_days: int,
) -> Network:
    """One private subnet per zone, a sixteenth of the block each, and one route table for all of them."""
    vpc = stack.add(
        ec2.VPC(
            "Vpc",
            CidrBlock=str(cidr),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=Tags(Name=names.prefix),
        ),
        why="Both DNS attributes are needed for the private hosted zone and the private endpoints.",
    )
    table = stack.add(ec2.RouteTable("PrivateRoutes", VpcId=Ref(vpc), Tags=Tags(Name=names.regional("private"))))
    subnets = []
    for zone, block in zip(zones, cidr.subnets(prefixlen_diff=SUBNET_BITS), strict=False):
        subnets.append(_subnet(stack, names, vpc, table, zone=zone, block=block))
    _endpoints(stack, names, vpc, table, subnets, cidr=cidr, endpoints=endpoints)
    _flow_logs(stack, names, vpc, key=key, days=flow_log_days)
    return Network(
        region=stack.region,
        cidr=cidr,
        vpc_id=stack.value("VpcId", Ref(vpc), VPC_ID, "VPC"),
        subnet_ids=stack.value("PrivateSubnetIds", [Ref(s) for s in subnets], SUBNET_IDS, "Private subnets"),
        route_table_id=stack.value("PrivateRouteTableId", Ref(table), ROUTE_TABLE_ID, "Routes of the private subnets"),
    )


def _subnet(stack: StackDraft, names: Names, vpc: Any, table: Any, *, zone: str, block: IPv4Network) -> Any:
    letter = zone.removeprefix(stack.region).upper()
    subnet = ec2.Subnet(
        f"PrivateSubnet{letter}",
        VpcId=Ref(vpc),
        AvailabilityZone=zone,
        CidrBlock=str(block),
        MapPublicIpOnLaunch=False,
        Tags=Tags(Name=names.regional(f"private-{letter.lower()}")),
        Metadata=LITERAL_ZONE,
    )
    stack.add(subnet)
    association = ec2.SubnetRouteTableAssociation(
        f"{subnet.title}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(table)
    )
    stack.add(association)
    return subnet


LITERAL_ZONE = {
    "cfn-lint": {"config": {"ignore_checks": ["W3010"]}},
    "reason": "Fn::GetAZs gives no fixed order: a later update could move the subnet, and with it the database.",
}


def _endpoints(
    stack: StackDraft,
    names: Names,
    vpc: Any,
    table: Any,
    subnets: Sequence[Any],
    *,
    cidr: IPv4Network,
    endpoints: Sequence[str],
) -> None:
    for service in sorted(set(endpoints) & set(GATEWAY)):
        endpoint = ec2.VPCEndpoint(
            f"{title_of(service)}Endpoint",
            VpcId=Ref(vpc),
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{stack.region}.{service}",
            RouteTableIds=[Ref(table)],
            PolicyDocument=_this_account(service),
        )
        stack.add(endpoint)
    if interfaces := sorted(set(endpoints) - set(GATEWAY)):
        _interface_endpoints(stack, names, vpc, subnets, cidr=cidr, services=interfaces)


def _interface_endpoints(
    stack: StackDraft, names: Names, vpc: Any, subnets: Sequence[Any], *, cidr: IPv4Network, services: Sequence[str]
) -> None:
    group = ec2.SecurityGroup(
        "EndpointSecurityGroup",
        GroupName=names.regional("endpoints"),
        GroupDescription="Interface endpoints, from inside the VPC only",
        VpcId=Ref(vpc),
        SecurityGroupIngress=[tcp(443, str(cidr), "HTTPS from this VPC")],
        SecurityGroupEgress=[NO_EGRESS],
    )
    stack.add(group)
    for service in services:
        endpoint = ec2.VPCEndpoint(
            f"{title_of(service)}Endpoint",
            VpcId=Ref(vpc),
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{stack.region}.{service}",
            PrivateDnsEnabled=True,
            SubnetIds=[Ref(subnet) for subnet in subnets],
            SecurityGroupIds=[GetAtt(group, "GroupId")],
            PolicyDocument=_this_account(service),
        )
        stack.add(endpoint)


_PULL = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
_ENDPOINT_ACTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "s3": ("s3", ("GetObject", "ListBucket", "PutObject")),
    "dynamodb": ("dynamodb", ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")),
    "secretsmanager": ("secretsmanager", ("DescribeSecret", "GetSecretValue")),
    "logs": ("logs", ("CreateLogStream", "PutLogEvents")),
    "monitoring": ("cloudwatch", ("PutMetricData",)),
    "sns": ("sns", ("Publish",)),
    "sqs": ("sqs", ("DeleteMessage", "ReceiveMessage", "SendMessage")),
    "kms": ("kms", ("Decrypt", "Encrypt", "GenerateDataKey")),
    "ssm": ("ssm", ("GetParameter", "GetParameters", "GetParametersByPath")),
    "lambda": ("lambda", ("InvokeFunction",)),
    "states": ("states", ("DescribeExecution", "SendTaskFailure", "SendTaskSuccess", "StartExecution")),
    "events": ("events", ("PutEvents",)),
    "rds": ("rds", ("DescribeDBInstances",)),
    "sts": ("sts", ("AssumeRole", "GetCallerIdentity")),
    "ecr.api": ("ecr", (*_PULL, "GetAuthorizationToken")),
    "ecr.dkr": ("ecr", _PULL),
}  # fmt: skip


def _this_account(service: str) -> Any:
    """Principals of this account only, and only what applications do with the service."""
    prefix, names = _ENDPOINT_ACTIONS[service]
    own = Condition(StringEquals({"aws:PrincipalAccount": AccountId}))
    return document(
        allow("PrincipalsOfThisAccount", actions(prefix, *names), "*", Principal=Principal("*"), Condition=own)
    )


def title_of(service: str) -> str:
    return "".join(part.capitalize() for part in service.replace(".", "-").split("-"))


def tcp(port: int, cidr: str, description: str) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=cidr, Description=description)


NO_EGRESS = ec2.SecurityGroupRule(
    IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing leaves: takes the place of the rule that allows all"
)


def _flow_logs(stack: StackDraft, names: Names, vpc: Any, *, key: Value, days: int) -> None:
    group = log_group(stack, "FlowLogs", name=names.log_group("drgen", names.prefix, "flow-logs"), key=key, days=days)
    write = actions("logs", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    delivery = role(
        stack,
        "FlowLogsRole",
        name=names.everywhere("flow-logs", stack.region),
        service="vpc-flow-logs.amazonaws.com",
        statements=[
            allow("WriteFlowLogs", write, GetAtt(group, "Arn")),
            allow("FindLogGroup", actions("logs", "DescribeLogGroups"), EVERY_LOG_GROUP),
        ],
    )
    stack.add(
        ec2.FlowLog(
            "FlowLog",
            ResourceId=Ref(vpc),
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(group),
            DeliverLogsPermissionArn=GetAtt(delivery, "Arn"),
        )
    )
