"""DR45x: distributions, which stand in no region, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.values import at, known_text, number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
DISTRIBUTION = "AWS::CloudFront::Distribution"


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
