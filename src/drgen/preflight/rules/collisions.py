"""DR73x: what can exist once: by its identifier, in an account or a region, by its public name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drgen.preflight.naming import NAMING
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import known_text, leaves
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
    return Fault(resource.place(path), f"{other} makes it already", "keep one of the two")


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
    "AWS::Macie::Session": "", "AWS::Logs::AccountPolicy": "PolicyType",
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

SCOPED = {"AWS::WAFv2::WebACL": "Scope", "AWS::WAFv2::IPSet": "Scope"}
"""Types whose names are unique within the value of another property. Source: AWS WAFV2 API, CreateWebACL."""


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
            scope = resource.text(SCOPED[resource_type]) if resource_type in SCOPED else ""
            other = first.setdefault((resource.stack.entry.account, region, named, scope), resource)
            if other is not resource:
                yield _twice(resource, other, path)


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
                    yield Fault(resource.place(path), f"{name} belongs to {other} already", "keep one of the two")
