"""What is written as text and belongs to one region: zones, endpoint services, lists of addresses, AWS's accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, pattern

ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)(?:-[a-z]+-\d)?[a-z]")
SERVICE = re.compile(r"(?:cn\.)?com\.amazonaws\.(?:vpce\.)?([a-z]{2}(?:-[a-z]+)+-\d)\..+")

ZONES = frozenset({
    "AvailabilityZone", "AvailabilityZones", "PreferredAvailabilityZone", "PreferredAvailabilityZones",
    "PreferredCacheClusterAZs", "AvailabilityZoneName",
})  # fmt: skip
"""Property names that take names of zones. Source: registry schemas."""

_TELLING = (*ZONES, "ServiceName", "PrefixListId")
"""How the properties end that may name a region by their spelling."""

ORIGIN_FACING: Mapping[str, str] = {
    "us-east-1": "pl-3b927c52", "us-east-2": "pl-b6a144df", "us-west-1": "pl-4ea04527", "us-west-2": "pl-82a045eb",
    "ca-central-1": "pl-38a64351", "sa-east-1": "pl-5da64334",
    "eu-west-1": "pl-4fa04526", "eu-west-2": "pl-93a247fa", "eu-west-3": "pl-75b1541c", "eu-central-1": "pl-a3a144ca",
    "eu-north-1": "pl-fab65393",
    "ap-south-1": "pl-9aa247f3", "ap-northeast-1": "pl-58a04531", "ap-northeast-2": "pl-22a6434b",
    "ap-southeast-1": "pl-31a34658", "ap-southeast-2": "pl-b8a742d1",
}  # fmt: skip
"""The AWS-managed prefix list com.amazonaws.global.cloudfront.origin-facing in each region.

Source: DescribeManagedPrefixLists; several public repositories hold the same map of regions.
"""

_LISTED = {identifier: region for region, identifier in ORIGIN_FACING.items()}

LOAD_BALANCING: Mapping[str, str] = {
    "us-east-1": "127311923021", "us-east-2": "033677994240", "us-west-1": "027434742980", "us-west-2": "797873946194",
    "ca-central-1": "985666609251", "sa-east-1": "507241528517", "af-south-1": "098369216593",
    "eu-west-1": "156460612806", "eu-west-2": "652711504416", "eu-west-3": "009996457667",
    "eu-central-1": "054676820928", "eu-north-1": "897822967062", "eu-south-1": "635631232127",
    "me-south-1": "076674570225", "ap-east-1": "754344448648", "ap-south-1": "718504428378",
    "ap-northeast-1": "582318560864", "ap-northeast-2": "600734575887", "ap-northeast-3": "383597477331",
    "ap-southeast-1": "114774131450", "ap-southeast-2": "783225319266", "ap-southeast-3": "589379963580",
}  # fmt: skip
"""The account from which Elastic Load Balancing writes its logs in each older region; newer ones have the principal
alone.

Source: Elastic Load Balancing User Guide, Enable access logs for your Application Load Balancer (bucket permissions).
"""

_MOST_ZONES = {"us-east-1": 6, "us-west-1": 2, "us-west-2": 4, "ap-northeast-2": 4}


def zones_offered(region: str) -> int:
    """How many zones an account can have in `region` at most.

    Source: cfn-lint, helpers.AVAILABILITY_ZONES; AWS Global Infrastructure, Regions and Availability Zones (an account
    gets two of the three zones of us-west-1, and three of the four of ap-northeast-1).
    """
    return _MOST_ZONES.get(region, 3)


@dataclass(frozen=True)
class Elsewhere:
    """`text` at `path` belongs to `region`, which is not the stack's."""

    path: str
    text: str
    region: str


def elsewhere(resource: Resource) -> Iterator[Elsewhere]:
    """Texts among the properties of `resource` that name something of another region."""
    for path, _, value in resource.parts:
        if not path.endswith(_TELLING):
            continue
        for leaf in leaves(value):
            region = _region(resource, path, pattern(leaf) or "")
            if region is not None and region != resource.region:
                yield Elsewhere(path, pattern(leaf) or "", region)


def _region(resource: Resource, path: str, text: str) -> str | None:
    """The region that `text` belongs to by where it stands and how it is spelt."""
    last = path.rsplit(".", 1)[-1]
    if last in ZONES:
        zone = ZONE.fullmatch(text)
        return zone.group(1) if zone else None
    if last == "ServiceName" and resource.type == "AWS::EC2::VPCEndpoint" and not resource.has("ServiceRegion"):
        service = SERVICE.fullmatch(text)
        return service.group(1) if service else None
    return _LISTED.get(text) if last.endswith("PrefixListId") else None


def images(resource: Resource) -> Iterator[tuple[str, str]]:
    """The machine images that `resource` names by id, each with its property."""
    for name in ("ImageId", "LaunchTemplateData"):
        for leaf in leaves(resource.properties.get(name)):
            value: Any = leaf.get("ImageId") if isinstance(leaf, dict) else leaf
            for text in (pattern(item) or "" for item in leaves(value)):
                if re.fullmatch(r"ami-[0-9a-f]{8,17}", text):
                    yield name, text


APPLICATION_ZONES = {
    "us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2", "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5", "ca-central-1": "ZQSVJUPU6J1EY", "sa-east-1": "Z2P70J7HTTTPLU",
    "eu-central-1": "Z215JYRZR1TBD5", "eu-west-1": "Z32O12XQLNTSW2", "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4", "eu-north-1": "Z23TAZ6LKFMNIO", "eu-south-1": "Z3ULH7SSC9OV64",
    "ap-east-1": "Z3DQVH9N71FHZ0", "ap-south-1": "ZP97RAFLXTNZK", "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX", "ap-northeast-3": "Z5LXEXXYW11ES", "ap-southeast-1": "Z1LMS91P8CMLE5",
    "ap-southeast-2": "Z1GM3OXH4ZPM65", "me-south-1": "ZS929ML54UICD", "af-south-1": "Z268VQBMOI5EKX",
}  # fmt: skip
"""The hosted zone of the application load balancers of a region, for alias records.

Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas".
"""

EDGE_ZONE = "Z2FDTNDATAQYW2"
"""The hosted zone of all CloudFront distributions. Source: Route 53 API Reference, AliasTarget."""
