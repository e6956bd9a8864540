"""What is known about the account: `account_state` of a manifest, or what a live look-up found, in the same format.

The format is docs/manifest.md's. Facts that are not there are unknown, never false.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROOM = {
    "elastic_ips": ("AWS::EC2::EIP", "L-0263D0A3"),
    "vpcs": ("AWS::EC2::VPC", "L-F678F1CE"),
    "internet_gateways": ("AWS::EC2::InternetGateway", "L-A4707A72"),
    "nat_gateways": ("AWS::EC2::NatGateway", "L-FE5A380F"),
    "gateway_endpoints": ("AWS::EC2::VPCEndpoint", "L-1B52E74A"),
    "security_groups": ("AWS::EC2::SecurityGroup", "L-E79EC296"),
    "db_instances": ("AWS::RDS::DBInstance", "L-7B6409FD"),
    "db_clusters": ("AWS::RDS::DBCluster", "L-952B80B8"),
    "db_subnet_groups": ("AWS::RDS::DBSubnetGroup", "L-48C6BF61"),
    "db_parameter_groups": ("AWS::RDS::DBParameterGroup", "L-DE55804A"),
    "db_proxies": ("AWS::RDS::DBProxy", "L-D94C7EA3"),
    "load_balancers": ("AWS::ElasticLoadBalancingV2::LoadBalancer", "L-53DA6B97"),
    "canaries": ("AWS::Synthetics::Canary", "L-C1FE0F5C"),
}
"""What an account has room for: the key, the type that takes one, and the code in Service Quotas where it has one.

Source: Service Quotas, quota codes of ec2, vpc, rds, elasticloadbalancing and monitoring.
"""

OPT_IN = frozenset({
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1",
})  # fmt: skip
"""Regions that an account must switch on.

Source: AWS Account Management Reference Guide, "Enable or disable AWS Regions in your account" (Regions introduced
after March 20, 2019).
"""

NAMES = {
    "buckets": "AWS::S3::Bucket",
    "log_groups": "AWS::Logs::LogGroup",
    "roles": "AWS::IAM::Role",
    "secrets": "AWS::SecretsManager::Secret",
    "tables": "AWS::DynamoDB::Table",
    "databases": "AWS::RDS::DBInstance",
    "clusters": "AWS::RDS::DBCluster",
    "topics": "AWS::SNS::Topic",
    "queues": "AWS::SQS::Queue",
    "functions": "AWS::Lambda::Function",
    "parameters": "AWS::SSM::Parameter",
    "vaults": "AWS::Backup::BackupVault",
    "repositories": "AWS::ECR::Repository",
}
"""Keys that list names of one type: plain names, or mappings with name, region and status."""


@dataclass(frozen=True)
class Room:
    """How many of a type a region of the account has, and how many it may have."""

    used: int
    quota: int


@dataclass(frozen=True)
class Taken:
    """A name that is in use; `region` is empty for names that are the same in all regions, `status` if none is told."""

    type: str
    name: str
    region: str
    status: str


@dataclass(frozen=True)
class AccountFacts:
    """The facts in `state`, which has the format of `account_state`."""

    state: Mapping[str, Any]

    @property
    def enabled_regions(self) -> frozenset[str] | None:
        listed = self.state.get("enabled_opt_in_regions")
        return frozenset(map(str, listed)) if isinstance(listed, list) else None

    @property
    def service_linked_roles(self) -> frozenset[str] | None:
        """The services whose service-linked role exists, as `ecs.amazonaws.com`."""
        listed = self.state.get("service_linked_roles")
        return frozenset(map(str, listed)) if isinstance(listed, list) else None

    def stack_status(self, name: str, region: str) -> str:
        """The status of a stack that is there; empty if none is, or nothing is known."""
        for entry in _mappings(self.state.get("stacks")):
            if (entry.get("name"), entry.get("region")) == (name, region):
                return str(entry.get("status", ""))
        return ""

    def room(self) -> Iterator[tuple[str, str, Room]]:
        """What is known of quotas: key of ROOM, region, and the numbers."""
        for key in ROOM:
            regions = self.state.get(key)
            for region, numbers in regions.items() if isinstance(regions, dict) else ():
                used, quota = (_first(numbers, words) for words in (("allocated", "used"), ("quota", "limit")))
                if used is not None and quota is not None:
                    yield key, str(region), Room(used, quota)

    def taken(self) -> Iterator[Taken]:
        """Names of resources that are there and belong to no stack of the deployment."""
        for entry in _mappings(self.state.get("resources")):
            if entry.get("type") and entry.get("name"):
                yield _taken(str(entry["type"]), entry)
        for key, resource_type in NAMES.items():
            listed = self.state.get(key)
            for item in listed if isinstance(listed, list) else ():
                entry = item if isinstance(item, dict) else {"name": item}
                if entry.get("name"):
                    yield _taken(resource_type, entry)


def _taken(resource_type: str, entry: Mapping[str, Any]) -> Taken:
    return Taken(resource_type, str(entry["name"]), str(entry.get("region", "")), str(entry.get("status", "")))


def _first(numbers: Any, words: tuple[str, ...]) -> int | None:
    """The number under the first of `words` that is there."""
    found = [numbers[word] for word in words if word in numbers] if isinstance(numbers, dict) else []
    return found[0] if found and isinstance(found[0], int) else None


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
