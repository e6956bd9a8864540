"""The services that drgen answers itself, by botocore's name, and what keeps them moving."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from drgen.local.api import Service
from drgen.local.cloudformation.service import CloudFormation
from drgen.local.dns import Dns
from drgen.local.overlays.alarms import AlarmEvents
from drgen.local.overlays.endpoints import Endpoints
from drgen.local.overlays.forwarding import Forwarding
from drgen.local.overlays.quotas import ServiceQuotas
from drgen.local.overlays.route53.service import Route53
from drgen.local.overlays.scaling import Scaling
from drgen.local.overlays.secretsmanager.service import SecretsManager
from drgen.local.overlays.synthetics import Synthetics
from drgen.local.providers import PROVIDERS
from drgen.local.providers.provider import Environment
from drgen.local.rds.service import Rds

EVERY_S = 1.0
"""Real time between two ticks."""


@runtime_checkable
class Ticking(Protocol):
    """A service that does something without being asked: metrics, health checks, events."""

    def tick(self) -> None: ...


WHOLE = frozenset({"application-autoscaling", "cloudformation", "route53"})
"""Services whose other operations are refused: what the upstream emulator says is about stacks and zones of its own.

The rest of RDS (proxies, restores) goes upstream.
"""


def zones(region: str) -> list[str]:
    """The region's zones for Fn::GetAZs: a, b and c (inferred), as DescribeAvailabilityZones has them upstream."""
    return [f"{region}{letter}" for letter in "abc"]


def services(env: Environment) -> Mapping[str, Service]:
    """One instance of each. An operation that none of them has goes to the upstream emulator, or is refused (WHOLE)."""
    rds = Rds(env)
    return {
        "application-autoscaling": Scaling(env),
        "cloudformation": CloudFormation(env, PROVIDERS, zones),
        "cloudwatch": AlarmEvents(env),
        "ec2": Endpoints(env),
        "events": Forwarding(env),
        "rds": rds,
        "route53": Route53(env, rds.leads_to),
        "secretsmanager": SecretsManager(env),
        "service-quotas": ServiceQuotas(env),
        "synthetics": Synthetics(env),
    }


def dns(services: Mapping[str, Service]) -> Dns:
    """Route 53's data plane. It is no API of AWS: it answers names, as a resolver in a VPC does."""
    route53 = services["route53"]
    assert isinstance(route53, Route53)
    return route53.dns


class Ticker:
    """Ticks every service that wants it, once every EVERY_S."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._ticking = tuple(service for service in services.values() if isinstance(service, Ticking))
        self._ended = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="ticker")

    def start(self) -> None:
        self._thread.start()

    def tick(self) -> None:
        """Ticks now. A tick that fails is reported on stderr and keeps nobody else from theirs."""
        with self._one_at_a_time:
            for service in self._ticking:
                try:
                    service.tick()
                except Exception:
                    traceback.print_exc()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.tick()
