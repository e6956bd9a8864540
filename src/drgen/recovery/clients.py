"""The API clients of a failover: patient towards its own region, quick to give up on the other."""

from __future__ import annotations

from typing import Any, Protocol

from botocore.exceptions import ClientError


class Clients(Protocol):
    """boto3 clients by service name, and the clock that metrics are stamped with."""

    def target(self, service: str) -> Any:
        """A client of the region that takes over."""

    def primary(self, service: str) -> Any:
        """A client of the region to leave. Its calls fail within seconds when that region does not answer."""

    def other(self, service: str, region: str) -> Any:
        """A client of another recovery region, as quick to give up."""

    def clock(self) -> float:
        """Seconds since the epoch on this machine, which CloudWatch's timestamps are compared with."""


class AwsClients:
    """Clients of real AWS (or of what AWS_ENDPOINT_URL names), each made once."""

    def __init__(self, *, target_region: str, primary_region: str) -> None:
        self._target_region = target_region
        self._primary_region = primary_region
        self._made: dict[tuple[str, str], Any] = {}

    def target(self, service: str) -> Any:
        return self._client(service, self._target_region, connect_s=3, read_s=40, attempts=4)

    def primary(self, service: str) -> Any:
        return self._client(service, self._primary_region, connect_s=2, read_s=5, attempts=1)

    def other(self, service: str, region: str) -> Any:
        return self._client(service, region, connect_s=2, read_s=5, attempts=1)

    def clock(self) -> float:
        import time

        return time.time()

    def _client(self, service: str, region: str, *, connect_s: int, read_s: int, attempts: int) -> Any:
        import boto3
        from botocore.config import Config

        key = (service, region)
        if key not in self._made:
            config = Config(
                connect_timeout=connect_s,
                read_timeout=read_s,
                retries={"mode": "standard", "total_max_attempts": attempts},
            )
            client: Any = boto3.client
            self._made[key] = client(service, region_name=region, config=config)
        return self._made[key]


def explain(error: Exception) -> str:
    """One short sentence on why AWS did not give an answer."""
    if isinstance(error, ClientError):
        return f"{error.response['Error'].get('Code', '?')}: {error.response['Error'].get('Message', '')}".strip(": ")
    return type(error).__name__


def refused(error: Exception) -> bool:
    """Whether somebody answered and said no: a region that works, and does not tell us."""
    if not isinstance(error, ClientError):
        return False
    return bool(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500)
