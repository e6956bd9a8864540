"""A public name for the API that follows the health of the regions, and a switch that needs no edited record.

Route 53 asks `GET /health` of each region over HTTPS. The primary's record also follows an alarm of the recovery region
on a metric that people publish there: that takes a region out which answers but answers wrongly.

Source: API Gateway Developer Guide, "Configure custom health checks for DNS failover for an API Gateway API"; Route 53
API, HealthCheckConfig; Route 53 Developer Guide, "How Amazon Route 53 chooses records when health checking is
configured".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Join, Ref, Tags, route53

from drgen.builders.dns import alarm_health, all_healthy, withdrawn_alarm
from drgen.model.deployment import TellOutput
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT

if TYPE_CHECKING:
    from drgen.builders.http_api import HttpApi

INTERVAL_S = 10
FAILURES = 3


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


def checks(stack: StackDraft, names: Names, apis: Mapping[str, HttpApi], *, kept: Sequence[Any]) -> dict[str, Any]:
    """The id of the health check of each of `apis`, by side; the first is the primary's.

    `kept` are ids of checks with which other regions, too, can take the primary out.
    """
    (first, primary), *others = apis.items()
    here = alarm_health(stack, "PrimaryKept", withdrawn_alarm(stack, names), name=names.regional("primary-kept"))
    answering = _answering(stack, names, "PrimaryAnswers", primary)
    why = "Healthy while the region answers and nobody has withdrawn it."
    children = [Ref(answering), Ref(here), *kept]
    health = all_healthy(stack, "PrimaryHealth", children, name=names.regional("primary"), why=why)
    return {
        first: Ref(health),
        **{side: Ref(_answering(stack, names, f"{side}Answers", api)) for side, api in others},
    }


def _answering(stack: StackDraft, names: Names, title: str, api: HttpApi) -> Any:
    config = route53.HealthCheckConfig(
        Type="HTTPS",
        FullyQualifiedDomainName=stack.use(api.host),
        Port=443,
        ResourcePath="/health",
        EnableSNI=True,
        RequestInterval=INTERVAL_S,
        FailureThreshold=FAILURES,
    )
    tags = Tags(Name=names.everywhere("health", api.region))
    return stack.add(route53.HealthCheck(title, HealthCheckConfig=config, HealthCheckTags=tags))
