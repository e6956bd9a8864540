"""One embedded AWS for all tests of this folder; what a test breaks is mended after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.server import EmbeddedAws

Clients = Callable[..., Any]


def _clients_of(aws: EmbeddedAws) -> Clients:
    import boto3
    from botocore.config import Config

    session: Any = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET)

    def client(service: str, region: str = "eu-west-1", read_timeout: float = 60) -> Any:
        config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=read_timeout)
        return session.client(service, region_name=region, endpoint_url=aws.endpoint, config=config)

    return client


@pytest.fixture(scope="session")
def clients_of() -> Callable[[EmbeddedAws], Clients]:
    """Makes plain boto3 clients for a server, as anybody would, that try each call once."""
    return _clients_of


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(speed=600) as running:
        yield running


@pytest.fixture(scope="session")
def client(aws: EmbeddedAws) -> Clients:
    """`client(service, region="eu-west-1")` is a client of the shared server."""
    return _clients_of(aws)


@pytest.fixture
def faulty(aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The shared server, with every fault cleared afterwards."""
    yield aws
    aws.faults.clear()
