"""DR73x: what can exist once: by its identifier, in an account or region, in a zone, a listener, a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drgen.preflight.naming import NAMING
from drgen.preflight.networks import Block, block, blocks, overlapping, vpc_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.dns import Record, records
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_true, known_text, leaves
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved
from drgen.template.schema import schema_for

Found = Iterator[Fault | NotDecided]

GLOBAL_NAMES = ("AWS::CloudFront::", "AWS::IAM::", "AWS::S3::MultiRegionAccessPoint", "AWS::Route53", "AWS::Budgets::")
"""Types whose identifiers belong to the account, not to a region. Source: user guides of the services."""

ELSEWHERE_JUDGED = frozenset({*NAMING, "AWS::Route53::RecordSet", "AWS::EC2::Route"})
"""Types with a rule of their own: DR703, DR733, DR735."""


def exact(world: World, value: Resolved) -> object:
    """`value` as something that equals only itself: an attribute by its resource, a text by what it says; else None."""
    if isinstance(value, Attribute):
        resource = world.resource(value)
        return (id(resource), value.attribute) if resource is not None else None
    text = known_text(value) or world.literal(value)
    return text if text and "*" not in text else None


@rule(
    "DR731",
    "No two stacks make the same thing",
    source="Registry schemas (primaryIdentifier, where the template gives all of its parts)",
)
def identifier_is_unique(world: World) -> Found:
    """The parts that identify a resource come from the template: a bus and a statement, a table and a target, a group
    and a name. The second stack that makes it ends with AlreadyExists, or overwrites what the first one made.

    Fix: make it in one stack, or let one of the parts differ by stack or region.
    """
    for resource_type, resources in _by_type(world).items():
        if len(resources) < 2 or resource_type in ELSEWHERE_JUDGED:
            continue
        first: dict[tuple[object, ...], Resource] = {}
        for resource in resources:
            parts = _identifier(world, resource)
            if parts is None or not resource.certain:
                continue
            region = "" if resource_type.startswith(GLOBAL_NAMES) else resource.region
            other = first.setdefault((resource.stack.entry.account, region, *parts), resource)
            if other is not resource:
                yield _twice(resource, other, _names(resource)[0])


def _by_type(world: World) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in world.all_resources():
        found.setdefault(resource.type, []).append(resource)
    return found


def _names(resource: Resource) -> list[str]:
    """The properties that identify the resource; none if AWS gives one of them, or an identifier is nested."""
    schema = schema_for(resource.type, resource.region)
    if schema is None or any(path in schema.read_only or len(path) > 1 for path in schema.primary_identifier):
        return []
    return [path[0] for path in schema.primary_identifier]


def _identifier(world: World, resource: Resource) -> tuple[object, ...] | None:
    """What the template gives for every part of the identifier; None if one is missing or not known."""
    names = _names(resource)
    parts = [exact(world, resource.value(name)) if name in resource.properties else None for name in names]
    return tuple(parts) if parts and all(part is not None for part in parts) else None


def _twice(resource: Resource, other: Resource, path: str) -> Fault:
    where = f"{other.logical_id} of stack {other.stack.key}"
    return Fault(resource.place(path), f"{where} makes it already", "keep one of the two")


ONCE_IN_ACCOUNT = {
    "AWS::IAM::OIDCProvider": "Url", "AWS::IAM::ServiceLinkedRole": "AWSServiceName",
    "AWS::SSMIncidents::ReplicationSet": "", "AWS::IAM::SAMLProvider": "Name", "AWS::IAM::Group": "GroupName",
    "AWS::CloudFront::Function": "Name", "AWS::CloudFront::CachePolicy": "CachePolicyConfig.Name",
    "AWS::CloudFront::OriginRequestPolicy": "OriginRequestPolicyConfig.Name",
    "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig.Name",
    "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig.Name",
    "AWS::CloudFront::KeyGroup": "KeyGroupConfig.Name", "AWS::Budgets::Budget": "Budget.BudgetName",
    "AWS::Route53RecoveryControl::Cluster": "Name",
}  # fmt: skip
"""Types that an account has once for each value of a property ("": once at all), whatever the region.

Source: IAM User Guide (identity providers, service-linked roles), CloudFront Developer Guide (names are unique in the
account), Incident Manager User Guide (one replication set), AWS Budgets API.
"""

ONCE_IN_REGION = {
    "AWS::ECR::ReplicationConfiguration": "", "AWS::ECR::RegistryPolicy": "", "AWS::GuardDuty::Detector": "",
    "AWS::SecurityHub::Hub": "", "AWS::Config::ConfigurationRecorder": "", "AWS::Config::DeliveryChannel": "",
    "AWS::ApiGateway::Account": "", "AWS::Macie::Session": "", "AWS::Logs::AccountPolicy": "PolicyType",
    "AWS::Cognito::UserPoolDomain": "Domain", "AWS::WAFv2::WebACL": "Name", "AWS::WAFv2::IPSet": "Name",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName", "AWS::RDS::DBProxy": "DBProxyName",
    "AWS::Scheduler::ScheduleGroup": "Name", "AWS::StepFunctions::Activity": "Name",
    "AWS::Kinesis::Stream": "Name", "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::ServiceDiscovery::HttpNamespace": "Name", "AWS::CodeBuild::Project": "Name",
    "AWS::MSK::Cluster": "ClusterName", "AWS::EKS::Cluster": "Name", "AWS::OpenSearchService::Domain": "DomainName",
}  # fmt: skip
"""Types that an account has once in a region for each value of a property ("": once at all).

Source: quotas of the services (one detector, hub, recorder, channel and registry policy in a region), registry schemas.
"""


@rule(
    "DR732",
    "What an account or a region has once is made once",
    source="User guides and quotas of the services; see the tables in rules/collisions.py",
)
def made_once(world: World) -> Found:
    """A template that is deployed to both regions makes its identity provider, its service-linked role or the
    settings of its registry twice. The second stack ends with AlreadyExists or a quota of one.

    Fix: make it in one stack, or only in one region by a condition.
    """
    for resource_type, path in {**ONCE_IN_ACCOUNT, **ONCE_IN_REGION}.items():
        first: dict[tuple[object, ...], Resource] = {}
        for resource in world.resources(resource_type):
            named = exact(world, resource.value(path)) if path else ""
            if named is None or not resource.certain:
                continue
            region = "" if resource_type in ONCE_IN_ACCOUNT else resource.region
            other = first.setdefault((resource.stack.entry.account, region, named), resource)
            if other is not resource:
                yield _twice(resource, other, path)


ROUTING = ("SetIdentifier", "Weight", "Failover", "Region", "GeoLocation", "GeoProximityLocation", "CidrRoutingConfig",
           "MultiValueAnswer")  # fmt: skip


def _plain(record: Record) -> bool:
    """True for a record without a routing policy: there can be one of its name and type."""
    return not any(True for name in ROUTING for _ in at(record.properties, name))


@rule(
    "DR733",
    "A record is made once, and alone if it has no routing policy",
    source="Route 53 API, ChangeResourceRecordSets (InvalidChangeBatch)",
)
def record_is_made_once(world: World) -> Found:
    """Route 53 refuses a second record of a name and type, unless both have the same routing policy and a
    SetIdentifier: the stack of the other region cannot add its own.

    Fix: give both records a routing policy, such as failover, and a SetIdentifier of their own.
    """
    first: dict[tuple[Any, str, str], Record] = {}
    for record in records(world):
        zone, name, kind = record.name
        if zone is None or not name or "*" in name.removeprefix("*."):
            continue
        other = first.setdefault((zone, name, kind), record)
        if other is record or other.resource is record.resource or not record.resource.certain:
            continue
        if _plain(record) and _plain(other):
            where = f"{other.resource.logical_id} of stack {other.resource.stack.key}"
            message = f"{name} {kind} is made by {where}, too"
            yield Fault(record.resource.place("Name"), message, "give both a routing policy and a SetIdentifier")


@rule(
    "DR734",
    "Rules of a listener differ in priority, listeners of a load balancer in port",
    source="Elastic Load Balancing API, CreateRule (PriorityInUse), CreateListener (DuplicateListener)",
)
def listener_places_differ(world: World) -> Found:
    """Every application's stack brings its rule for the shared listener. The second one with the same priority, and the
    second listener on the same port, is refused.

    Fix: give each stack a priority of its own, for example as a parameter.
    """
    rows = (
        ("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn", "Priority"),
        ("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn", "Port"),
        ("AWS::EC2::NetworkAclEntry", "NetworkAclId", "RuleNumber"),
    )
    for resource_type, owner, place in rows:
        first: dict[tuple[object, ...], Resource] = {}
        for resource in world.resources(resource_type):
            side = resource.text("Egress") or "false"
            within, number = exact(world, resource.value(owner)), known_text(resource.value(place))
            if within is None or number is None or not resource.certain:
                continue
            other = first.setdefault((within, number, side), resource)
            if other is not resource:
                where = f"{other.logical_id} of stack {other.stack.key}"
                yield Fault(resource.place(place), f"{place} {number} is taken by {where}", f"choose another {place}")


@rule(
    "DR735",
    "A route table has one route to a destination",
    source="Amazon EC2 API, CreateRoute (RouteAlreadyExists)",
)
def route_is_single(world: World) -> Found:
    """The second route to the same block is refused, also where it comes with another stack and leads elsewhere.

    Fix: keep one route, or make one of the two more specific.
    """
    first: dict[tuple[object, ...], Resource] = {}
    for route in world.resources("AWS::EC2::Route"):
        table = exact(world, route.value("RouteTableId"))
        for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"):
            destination = exact(world, route.value(name)) if name in route.properties else None
            if table is None or destination is None or not route.certain:
                continue
            other = first.setdefault((table, name, destination), route)
            if other is not route:
                where = f"{other.logical_id} of stack {other.stack.key}"
                yield Fault(route.place(name), f"{where} leads there already", "keep one of the two routes")


@rule(
    "DR736",
    "Subnets lie in their VPC and do not overlap",
    source="Amazon EC2 API, CreateSubnet (InvalidSubnet.Conflict, InvalidSubnet.Range)",
)
def subnets_do_not_overlap(world: World) -> Found:
    """Each stack cuts its own subnets out of a VPC that another one makes. EC2 refuses a block that is outside of the
    VPC, or that a subnet has already.

    Fix: cut the subnets of all stacks in one place, for example with Fn::Cidr.
    """
    taken: dict[int, list[tuple[Resource, Block]]] = {}
    for subnet in world.resources("AWS::EC2::Subnet"):
        vpc = vpc_of(world, subnet.value("VpcId"))
        own = block(world.literal(subnet.value("CidrBlock")))
        if vpc is None or own is None or not subnet.certain:
            continue
        around = [known for known in blocks(world, vpc) if known.version == own.version]
        if around and not any(_inside(own, whole) for whole in around):
            message = f"{own} lies outside of {vpc.logical_id} of stack {vpc.stack.key} ({around[0]})"
            yield Fault(subnet.place("CidrBlock"), message, "choose a block inside of the VPC")
        others = taken.setdefault(id(vpc), [])
        for other, block_of_other in others:
            if overlapping([own], [block_of_other]):
                message = f"{own} overlaps {block_of_other} of {other.logical_id} of stack {other.stack.key}"
                yield Fault(subnet.place("CidrBlock"), message, "choose a free block")
                break
        others.append((subnet, own))


def _inside(small: Block, whole: Block) -> bool:
    return overlapping([small], [whole]) is not None and small.prefixlen >= whole.prefixlen


@rule(
    "DR737",
    "A VPC has one endpoint with the private name of a service",
    source="AWS PrivateLink Guide, Access an AWS service using an interface VPC endpoint (private DNS)",
)
def endpoint_name_is_free(world: World) -> Found:
    """EC2 refuses the second endpoint: "private-dns-enabled cannot be set because there is already a conflicting DNS
    domain". Application stacks in a shared VPC run into it when each brings its endpoints.

    Fix: make the endpoints in the stack of the VPC, or switch PrivateDnsEnabled off on the second one.
    """
    first: dict[tuple[object, ...], Resource] = {}
    for endpoint in world.resources("AWS::EC2::VPCEndpoint"):
        vpc = vpc_of(world, endpoint.value("VpcId"))
        service = world.literal(endpoint.value("ServiceName"))
        if vpc is None or not service or not is_true(endpoint.value("PrivateDnsEnabled")) or not endpoint.certain:
            continue
        other = first.setdefault((id(vpc), service), endpoint)
        if other is not endpoint:
            where = f"{other.logical_id} of stack {other.stack.key}"
            yield Fault(endpoint.place("ServiceName"), f"{where} has the name already", "keep one of the two")


@rule(
    "DR738",
    "Two entries of the manifest are two stacks",
    source="CloudFormation API, CreateStack (AlreadyExistsException)",
)
def stack_names_differ(world: World) -> Found:
    """Two entries with one stack name in one region are one stack: the second replaces everything that the first one
    made, and deletes what is not in its template.

    Fix: give each entry a `stack_name` of its own.
    """
    first: dict[tuple[str, str, str], str] = {}
    for stack in world.steps:
        if stack.key != stack.entry.stack:
            continue
        other = first.setdefault((stack.entry.account, stack.region, stack.entry.stack_name), stack.key)
        if other != stack.key:
            message = f"{stack.entry.stack_name} in {stack.region} is stack {other} already"
            yield Fault(world.place(stack, ""), message, "give one of the two another stack_name")


ALIASES = "DistributionConfig.Aliases"


@rule(
    "DR739",
    "A public name leads to one distribution or API",
    source="Amazon CloudFront Developer Guide, Alternate domain names (CNAMEAlreadyExists)",
)
def public_name_is_free(world: World) -> Found:
    """An alternate domain name belongs to one distribution of all accounts, and an edge-optimized domain name to one
    region. The second stack that claims it is refused: a recovery region cannot bring a distribution of the same
    name.

    Fix: keep one distribution for both regions, with an origin group.
    """
    claims: tuple[tuple[str, str, Callable[[Resource], bool]], ...] = (
        ("AWS::CloudFront::Distribution", ALIASES, lambda _: True),
        ("AWS::ApiGateway::DomainName", "DomainName", lambda domain: domain.has("CertificateArn")),
    )
    first: dict[str, Resource] = {}
    for resource_type, path, claiming in claims:
        for resource in filter(claiming, world.resources(resource_type)):
            for name in (known_text(leaf) for value in resource.values(path) for leaf in leaves(value)):
                other = first.setdefault(name.lower(), resource) if name else resource
                if other is not resource and resource.certain:
                    where = f"{other.logical_id} of stack {other.stack.key}"
                    yield Fault(resource.place(path), f"{name} belongs to {where} already", "keep one of the two")
