"""A public name that follows the health of the regions, and a switch that needs no edited record.

Route 53 asks each region for its health over HTTPS. The primary's record also follows an alarm of the recovery region
on a metric that people or the failover publish there: that takes a region out which answers but answers wrongly.

Source: API Gateway Developer Guide, "Configure custom health checks for DNS failover for an API Gateway API"; Route 53
API, HealthCheckConfig; Route 53 Developer Guide, "How Amazon Route 53 chooses records when health checking is
configured".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Join, Ref, Tags, route53

from drgen.builders.dns import alarm_health, all_healthy, withdrawn_alarm
from drgen.model.deployment import TellOutput
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.timing import ASKED_EVERY_S, BELIEVED_AFTER
from drgen.model.value import TEXT, Value


def public_zone(stack: StackDraft, *, name: str, zone_id: str | None) -> Any:
    """The id of the zone: one that exists, or a new one whose name servers its parent must delegate to."""
    if zone_id is not None:
        return zone_id
    zone = stack.add(route53.HostedZone("Zone", Name=name))
    stack.protect(zone)
    servers = Join(",", GetAtt(zone, "NameServers"))
    shown = stack.value("NameServers", servers, TEXT, f"Delegate {name} to these, in its parent zone")
    stack.output(shown)
    text = f"Nobody finds {name} before its parent zone delegates to these name servers"
    stack.after.append(TellOutput(text, shown.name))
    return Ref(zone)


@dataclass(frozen=True)
class Asked:
    """Where Route 53 asks whether a region answers."""

    region: str
    host: Value
    path: str


def checks(
    stack: StackDraft, names: Names, asked: Mapping[str, Asked], *, kept: Sequence[Any], ready: Mapping[str, Any]
) -> dict[str, Any]:
    """The id of the health check of each region in `asked`, by side; the first is the primary's.

    `kept` are ids of checks with which other regions, too, can take the primary out. `ready` are ids of checks that
    hold recovery regions back, by side.
    """
    (first, primary), *others = asked.items()
    here = alarm_health(stack, "PrimaryKept", withdrawn_alarm(stack, names), name=names.regional("primary-kept"))
    answering = _answering(stack, names, "PrimaryAnswers", primary)
    why = "Healthy while the region answers and nobody has withdrawn it."
    children = [Ref(answering), Ref(here), *kept]
    found = {first: Ref(all_healthy(stack, "PrimaryHealth", children, name=names.regional("primary"), why=why))}
    for side, region in others:
        found[side] = Ref(_answering(stack, names, f"{side}Answers", region))
        if side in ready:
            why = "Healthy while the region answers and its database takes writes."
            name, both = names.everywhere("recovery", region.region), [found[side], ready[side]]
            found[side] = Ref(all_healthy(stack, f"{side}Health", both, name=name, why=why))
    return found


def _answering(stack: StackDraft, names: Names, title: str, asked: Asked) -> Any:
    config = route53.HealthCheckConfig(
        Type="HTTPS",
        FullyQualifiedDomainName=stack.use(asked.host),
        Port=443,
        ResourcePath=asked.path,
        EnableSNI=True,
        RequestInterval=ASKED_EVERY_S,
        FailureThreshold=BELIEVED_AFTER,
    )
    tags = Tags(Name=names.everywhere("health", asked.region))
    return stack.add(route53.HealthCheck(title, HealthCheckConfig=config, HealthCheckTags=tags))
