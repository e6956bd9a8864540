"""The VPC of one region: private subnets, a way out where it is asked for, endpoints, flow logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from awacs.aws import Condition, Principal, StringEquals
from troposphere import AccountId, GetAtt, Ref, Sub, Tags, ec2

from drgen.builders.internet import LITERAL_ZONE, NatGateways, Zone, internet
from drgen.builders.logs import log_group
from drgen.builders.policy import actions, allow, document, role
from drgen.builders.scanners import DEFAULT_GROUP, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ROUTE_TABLE_ID, SUBNET_IDS, VPC_ID, Value

SUBNET_BITS = 4
PRIVATE_ROUTES = "PrivateRoutes"
EVERY_LOG_GROUP = Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*")
GATEWAY = ("dynamodb", "s3")


FIRST_PUBLIC = 8
"""Private subnets take the first sixteenths of the block, public ones the sixteenths of its second half."""


@dataclass(frozen=True)
class RouteTable:
    """A route table of private subnets. `zone` is its zone's letter, or "" where one table serves all zones."""

    zone: str
    table_id: Value


@dataclass(frozen=True)
class Network:
    region: str
    cidr: IPv4Network
    vpc_id: Value
    subnet_ids: Value
    route_tables: Sequence[RouteTable]
    public_subnet_ids: Value | None = None
    """One in each zone, where load balancers are to be reached from the internet."""


def network(
    stack: StackDraft,
    names: Names,
    *,
    cidr: IPv4Network,
    zones: Sequence[str],
    endpoints: Sequence[str],
    key: Value,
    flow_log_days: int,
    nat: NatGateways = "none",
    public: bool = False,
    images: bool = False,
) -> Network:
    """One private subnet per zone, a sixteenth of the block each; with `public` a public one in each zone, too.

    One route table serves the private ones, unless each zone has a NAT gateway of its own. With `images` the endpoint
    of S3 lets the layers of images in ECR through, by whichever way ECR itself is reached.
    """
    vpc = stack.add(
        ec2.VPC(
            "Vpc",
            CidrBlock=str(cidr),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=Tags(Name=names.prefix),
            Metadata=accepted({DEFAULT_GROUP: "CloudFormation cannot empty the default group; nothing here is in it."}),
        ),
        why="Both DNS attributes are needed for the private hosted zone and the private endpoints.",
    )
    blocks = list(cidr.subnets(prefixlen_diff=SUBNET_BITS))
    letters = [zone.removeprefix(stack.region).upper() for zone in zones]
    tables = _tables(stack, names, vpc, letters if nat == "per-zone" else [""])
    subnets = [
        _subnet(stack, names, vpc, tables[index % len(tables)], zone=zone, letter=letter, block=block)
        for index, (zone, letter, block) in enumerate(zip(zones, letters, blocks, strict=False))
    ]
    outward, front = (tables if nat != "none" else []), ()
    places = [Zone(*place) for place in zip(zones, letters, blocks[FIRST_PUBLIC:], strict=False)]
    if open_zones := places if public else places[: len(outward)]:
        front = tuple(internet(stack, names, vpc, zones=open_zones, tables=outward))
    _endpoints(stack, names, vpc, tables, subnets, cidr=cidr, endpoints=endpoints, images=images)
    _flow_logs(stack, names, vpc, key=key, days=flow_log_days)
    return Network(
        region=stack.region,
        cidr=cidr,
        vpc_id=stack.value("VpcId", Ref(vpc), VPC_ID, "VPC"),
        subnet_ids=_ids(stack, "PrivateSubnetIds", subnets, "Private subnets"),
        route_tables=[_known(stack, table) for table in tables],
        public_subnet_ids=_ids(stack, "PublicSubnetIds", front, "Public subnets") if public else None,
    )


def _ids(stack: StackDraft, name: str, subnets: Sequence[Any], about: str) -> Value:
    return stack.value(name, [Ref(subnet) for subnet in subnets], SUBNET_IDS, about)


def _tables(stack: StackDraft, names: Names, vpc: Any, letters: Sequence[str]) -> list[Any]:
    tables = []
    for letter in letters:
        name = names.regional(f"private-{letter.lower()}" if letter else "private")
        tables.append(stack.add(ec2.RouteTable(f"{PRIVATE_ROUTES}{letter}", VpcId=Ref(vpc), Tags=Tags(Name=name))))
    return tables


def _known(stack: StackDraft, table: Any) -> RouteTable:
    letter = table.title.removeprefix(PRIVATE_ROUTES)
    where = f" in zone {letter.lower()}" if letter else ""
    about = f"Routes of the private subnets{where}"
    return RouteTable(letter, stack.value(f"PrivateRouteTableId{letter}", Ref(table), ROUTE_TABLE_ID, about))


def _subnet(
    stack: StackDraft, names: Names, vpc: Any, table: Any, *, zone: str, letter: str, block: IPv4Network
) -> Any:
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


def _endpoints(
    stack: StackDraft,
    names: Names,
    vpc: Any,
    tables: Sequence[Any],
    subnets: Sequence[Any],
    *,
    cidr: IPv4Network,
    endpoints: Sequence[str],
    images: bool,
) -> None:
    for service in sorted(set(endpoints) & set(GATEWAY)):
        layers = _image_layers(stack.region) if service == "s3" and (images or "ecr.dkr" in endpoints) else []
        endpoint = ec2.VPCEndpoint(
            f"{title_of(service)}Endpoint",
            VpcId=Ref(vpc),
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{stack.region}.{service}",
            RouteTableIds=[Ref(table) for table in tables],
            PolicyDocument=_this_account(service, *layers),
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
    "s3": ("s3", ("AbortMultipartUpload", "DeleteObject", "GetObject", "ListBucket", "PutObject")),
    "dynamodb": ("dynamodb", (
        "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query",
        "UpdateItem",
    )),
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
_OWN_RESOURCES = {
    "dynamodb": "table/*",
    "events": "event-bus/*",
    "kms": "key/*",
    "lambda": "function:*",
    "logs": "log-group:*",
    "rds": "db:*",
    "secretsmanager": "secret:*",
    "sns": "*",
    "sqs": "*",
}
"""What applications reach is the account's and the region's own. Not here: services whose actions take no resource, and
those that hold what is AWS's or another account's on purpose (images, public parameters, roles).

Source of the ARNs: AWS Service Authorization Reference."""


def _image_layers(region: str) -> list[Any]:
    """ECR signs the addresses of image layers itself, so those requests are not made by principals of this account.

    Source: Amazon ECR User Guide, "Minimum Amazon S3 Bucket Permissions for Amazon ECR".
    """
    layers = Sub(f"arn:${{AWS::Partition}}:s3:::prod-{region}-starport-layer-bucket/*")
    return [allow("ImageLayersOfEcr", actions("s3", "GetObject"), layers, Principal=Principal("*"))]


def _this_account(service: str, *more: Any) -> Any:
    """Principals of this account only, for what applications do with the service; and the statements `more`.

    An S3 ARN does not hold the account; a condition does. Source: IAM User Guide, "AWS global condition context keys".
    """
    prefix, names = _ENDPOINT_ACTIONS[service]
    reached: Any = "*"
    if kind := _OWN_RESOURCES.get(service):
        reached = Sub(f"arn:${{AWS::Partition}}:{prefix}:${{AWS::Region}}:${{AWS::AccountId}}:{kind}")
    accounts = {"aws:PrincipalAccount": AccountId, **({"aws:ResourceAccount": AccountId} if service == "s3" else {})}
    condition = Condition(StringEquals(accounts))
    return document(
        allow(
            "PrincipalsOfThisAccount", actions(prefix, *names), reached, Principal=Principal("*"), Condition=condition
        ),
        *more,
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
