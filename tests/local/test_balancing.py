"""When a load balancer answers. Paragraph P38 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from drgen.local.balancing import region_of, serves

HOST = "web-1a2b.eu-west-1.elb.amazonaws.com"
FORWARD = {"Type": "forward", "TargetGroupArn": "group"}
REDIRECT = {"Type": "redirect"}


class Region:
    """A load balancer with HTTPS for tasks and HTTP redirected; no AWS behind it."""

    account = "123456789012"
    partition = "aws"

    def __init__(self, *, running: int = 1, dark: bool = False) -> None:
        self.running, self.dark = running, dark

    def client(self, service: str, region: str) -> Any:
        assert region == "eu-west-1"
        if self.dark:
            raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}.amazonaws.com")
        return self

    def describe_load_balancers(self) -> Any:
        return {"LoadBalancers": [{"DNSName": HOST.capitalize(), "LoadBalancerArn": "web"}]}

    def describe_listeners(self, LoadBalancerArn: str) -> Any:
        assert LoadBalancerArn == "web"
        return {"Listeners": [{"Port": 443, "DefaultActions": [FORWARD]}, {"Port": 80, "DefaultActions": [REDIRECT]}]}

    def list_clusters(self) -> Any:
        return {"clusterArns": ["app"]}

    def list_services(self, cluster: str) -> Any:
        return {"serviceArns": [cluster]}

    def describe_services(self, cluster: str, services: list[str]) -> Any:
        behind = {"loadBalancers": [{"targetGroupArn": "group"}], "runningCount": self.running}
        return {"services": [behind | {"name": name} for name in services if name == cluster]}

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("asking takes no time")

    def wait(self, done: Any, *, every: float, limit: float) -> bool:
        raise AssertionError("asking takes no time")


def test_the_region_is_in_the_name() -> None:
    assert [region_of(host) for host in (HOST, f"dualstack.{HOST}.", "db.eu-west-1.rds.amazonaws.com")] == [
        "eu-west-1", "eu-west-1", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("region", "port", "answer"),
    [
        (Region(), 443, (True, "HTTP status code 200")),
        (Region(running=0), 443, (False, "HTTP status code 503: no task runs behind the load balancer")),
        (Region(running=0), 80, (True, "HTTP status code 301")),
        (Region(), 8443, (False, f"{HOST} has no listener on port 8443")),
        (Region(dark=True), 443, (False, "eu-west-1 does not answer (EndpointConnectionError)")),
        (Region(), None, (True, "HTTP status code 200")),
        (Region(running=0), None, (False, "HTTP status code 503: no task runs behind the load balancer")),
    ],
)
def test_it_answers_while_tasks_run_behind_the_listener(
    region: Region, port: int | None, answer: tuple[bool, str]
) -> None:
    assert serves(region, HOST, port=port) == answer


def test_a_load_balancer_that_does_not_exist_answers_nothing() -> None:
    other = HOST.replace("web", "old")
    assert serves(Region(), other, port=443) == (False, f"{other} has no listener on port 443")
