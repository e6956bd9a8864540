"""DR450, DR451: distributions, which stand in no region, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.values import at, known_text, number
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
DISTRIBUTION = "AWS::CloudFront::Distribution"
CERTIFICATE = "AWS::CertificateManager::Certificate"


@rule(
    "DR450",
    "An origin group fails over between origins of its distribution",
    source="CloudFront API, OriginGroup (Members, FailoverCriteria)",
    alone=True,
)
def group_has_its_origins(world: World) -> Found:
    """CloudFront refuses a group that names an origin which the distribution does not have, or that does not have
    two members.

    Fix: name two origins of the distribution, first the primary one.
    """
    for distribution in world.resources(DISTRIBUTION):
        origins = {known_text(value) for value in distribution.values("DistributionConfig.Origins.Id")}
        for group in distribution.values("DistributionConfig.OriginGroups.Items"):
            if not isinstance(group, Mapping) or None in origins:
                continue
            place = distribution.place("DistributionConfig.OriginGroups")
            members = [known_text(value) for value in at(group, "Members.Items.OriginId")]
            for member in members:
                if member is not None and member not in origins:
                    message = f"there is no origin {member}; there are {', '.join(sorted(map(str, origins)))}"
                    yield Fault(place, message, "name an origin of the distribution")
            quantity = next((number(value) for value in at(group, "Members.Quantity")), None)
            if len(members) != 2 or quantity not in (2, None):
                yield Fault(place, f"the group has {len(members)} members", "name two origins")


@rule(
    "DR451",
    "The certificate of a distribution covers its names",
    source="Amazon CloudFront Developer Guide, Requirements for using SSL/TLS certificates (alternate domain names)",
)
def certificate_covers_names(world: World) -> Found:
    """The certificate is made in the stack of us-east-1, the names are added here. CloudFront refuses the distribution:
    `The certificate that is attached to your distribution doesn't cover the alternate domain name (CNAME)`.

    Fix: add the name to SubjectAlternativeNames of the certificate; `*.example.com` covers one level, and not the top.
    """
    for distribution in world.resources(DISTRIBUTION):
        for value in distribution.values("DistributionConfig.ViewerCertificate.AcmCertificateArn"):
            certificate = world.target(value, CERTIFICATE) if isinstance(value, Attribute) else None
            if certificate is None:
                continue
            paths = ("DomainName", "SubjectAlternativeNames")
            covered = [known_text(found) for path in paths for found in certificate.values(path)]
            for name in distribution.values("DistributionConfig.Aliases"):
                text = known_text(name)
                if text and None not in covered and not any(_covers(str(cover), text) for cover in covered):
                    message = f"{certificate} does not cover {text}"
                    yield Fault(distribution.place("DistributionConfig.Aliases"), message, "add it to the certificate")


def _covers(cover: str, name: str) -> bool:
    mine, theirs = name.lower().rstrip("."), cover.lower().rstrip(".")
    return mine == theirs or (theirs.startswith("*.") and mine.partition(".")[2] == theirs[2:])
