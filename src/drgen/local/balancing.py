"""Whether a load balancer answers: its region does, it has the listener, and there are tasks or targets behind it.

No container runs, so what the tasks would say is not asked (P100).
Source: Elastic Load Balancing guide, "Listeners for your Application Load Balancers"; botocore's text for
AliasTarget.EvaluateTargetHealth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Environment

_HOST = re.compile(r"[a-z0-9.-]+\.(?P<region>[a-z0-9-]+)\.elb\.amazonaws\.com(\.cn)?\.?")


def region_of(host: str) -> str:
    """The region of a load balancer's host name, or nothing for any other host."""
    found = _HOST.fullmatch(host.lower())
    return found["region"] if found else ""


def serves(env: Environment, host: str, *, port: int | None = None) -> tuple[bool, str]:
    """Whether the load balancer answers requests, and why. Without `port`: whether any of its listeners does."""
    region = region_of(host)
    try:
        listeners = [each for each in _listeners(env, region, host) if port in (None, each["Port"])]
        if not listeners:
            return False, f"{host} has no listener{'' if port is None else f' on port {port}'}"
        busy = _behind(env, region)
    except (BotoCoreError, ClientError) as error:
        return False, f"{region} does not answer ({type(error).__name__})"
    for action in (action for listener in listeners for action in listener["DefaultActions"]):
        if action["Type"] == "redirect" and port is not None:
            return True, "HTTP status code 301"
        if action.get("TargetGroupArn") in busy:
            return True, "HTTP status code 200"
    return False, "HTTP status code 503: no task runs behind the load balancer"


def _listeners(env: Environment, region: str, host: str) -> list[Mapping[str, Any]]:
    client = env.client("elbv2", region)
    for balancer in client.describe_load_balancers()["LoadBalancers"]:
        if balancer["DNSName"].lower() == host.lower().rstrip("."):
            return list(client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"])
    return []


def _behind(env: Environment, region: str) -> set[str]:
    """The target groups with running tasks of a service."""
    return {
        target["targetGroupArn"]
        for service in _services(env.client("ecs", region))
        for target in service.get("loadBalancers", ())
        if service["runningCount"]
    }


def _services(client: Any) -> Iterator[Mapping[str, Any]]:
    for cluster in client.list_clusters()["clusterArns"]:
        if names := client.list_services(cluster=cluster)["serviceArns"]:
            yield from client.describe_services(cluster=cluster, services=names)["services"]
