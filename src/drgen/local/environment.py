"""How the embedded AWS calls itself: as a client of its own endpoint, marked so that the call record leaves it out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from drgen.local.clock import Clock
from drgen.local.wire.models import bare_session

if TYPE_CHECKING:
    from botocore.session import Session

ACCOUNT = "123456789012"
SECRET = "local"
MARK = "x-drgen-internal"
"""The header of an internal call; its value is the secret of the running server, so that no client can set it."""


_MAKING = threading.Lock()
"""A botocore session makes one client at a time."""


@cache
def _session() -> Session:
    # One for all servers of a process: a session reads each service model, some of them megabytes, once.
    return bare_session()


class Itself:
    """The `Environment` that providers and services use. Safe to share between threads."""

    account = ACCOUNT
    partition = "aws"

    def __init__(self, endpoint: str, clock: Clock, *, mark: str) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._mark = mark
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """A client that tries once: darkness shows at once, and nothing else makes a call to loopback fail."""
        with _MAKING:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._new_client(service, region)
            return self._clients[key]

    def _new_client(self, service: str, region: str) -> Any:
        from botocore.config import Config

        client = _session().create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=SECRET,
            config=Config(
                connect_timeout=2,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=20,
                proxies={},
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
            ),
        )

        def mark(request: Any, **_: Any) -> None:
            request.headers[MARK] = self._mark

        client.meta.events.register("before-send", mark)
        return client

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def wait(self, done: Callable[[], bool], *, every: float, limit: float) -> bool:
        return self._clock.wait(done, every=every, limit=limit)
