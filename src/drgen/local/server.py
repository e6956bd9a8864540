"""The embedded AWS: one port on loopback, behind which every AWS service is."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from drgen.errors import UsageError
from drgen.local.admin import Admin
from drgen.local.api import Call
from drgen.local.calls import Calls
from drgen.local.clock import Clock
from drgen.local.environment import ACCOUNT, Itself
from drgen.local.faults import Faults
from drgen.local.front import Front
from drgen.local.http import LoopbackServer
from drgen.local.services import WHOLE, Ticker, dns, services
from drgen.local.state import Keeper
from drgen.local.upstream import Upstream
from drgen.local.wire import models


def wait_scale(speed: float) -> float:
    """What Step Functions' waits are multiplied by. A clock that stands still leaves them as they are."""
    return 1.0 / speed if speed > 0 else 1.0


def _listening(port: int) -> LoopbackServer:
    try:
        return LoopbackServer(port)
    except OSError as error:
        raise UsageError(
            f"port {port} on 127.0.0.1 is in use",
            fix="run `drgen local status` to see whether it is ours, or give another one with --port",
        ) from error


class EmbeddedAws:
    """A running embedded AWS; a context manager that stops it at the end.

    `endpoint` is for any AWS client (`AWS_ENDPOINT_URL`); the account is 123456789012.
    """

    def __init__(self, *, port: int, speed: float, state: Path | None) -> None:
        self.started = time.time()
        self.faults = Faults()
        self.calls = Calls()
        self.stopping = threading.Event()
        with contextlib.ExitStack() as undo:
            self._keeper = Keeper(state)
            undo.callback(self._keeper.release)
            self.clock = Clock(speed=speed, start=self._keeper.clock_start())
            self._http = _listening(port)
            undo.callback(self._http.server_close)
            self.port = self._http.server_port
            self.endpoint = f"http://127.0.0.1:{self.port}"
            self._upstream = Upstream(front_port=self.port, state=state, wait_scale=wait_scale(speed))
            undo.callback(self._upstream.stop)
            mark = secrets.token_hex(16)
            self.environment = Itself(self.endpoint, self.clock, mark=mark)
            self.services = services(self.environment)
            self.dns = dns(self.services)
            self._ticker = Ticker(self.services)
            front = Front(
                services=self.services,
                whole=WHOLE,
                upstream=self._upstream.send,
                clock=self.clock,
                faults=self.faults,
                calls=self.calls,
                mark=mark,
            )
            self._http.answer = Admin(self, front.answer).answer
            self._upstream.ready()
            self._undo = undo.pop_all()

    @classmethod
    def start(cls, *, port: int = 0, speed: float = 1.0, state: Path | None = None) -> EmbeddedAws:
        """Starts it and returns when it answers. `port` 0 takes any free one; `state` is a folder that keeps all of it.

        Raises UsageError when the port or the folder is taken or the extra `local` is not installed, UpstreamGone when
        the upstream emulator does not come up.
        """
        aws = cls(port=port, speed=speed, state=state)
        threading.Thread(target=aws._http.serve_forever, args=(0.05,), daemon=True, name="front").start()
        aws._undo.callback(aws._keeper.stop)
        aws._undo.callback(aws._http.stop)
        try:
            aws._keeper.start(aws.services, aws.clock)
        except BaseException:
            aws.stop()
            raise
        aws._ticker.start()
        aws._undo.callback(aws._ticker.stop)
        return aws

    @property
    def upstream_pid(self) -> int:
        """The process of the upstream emulator."""
        return self._upstream.pid

    def stacks(self) -> Mapping[str, Mapping[str, str]]:
        """Status by stack name, by region; regions without a stack are left out."""
        every = {region: dict(self._stacks_of(region)) for region in models.region_names()}
        return {region: stacks for region, stacks in every.items() if stacks}

    def _stacks_of(self, region: str) -> Iterator[tuple[str, str]]:
        params: dict[str, str] = {}
        while True:
            call = Call("cloudformation", "DescribeStacks", region, ACCOUNT, params, internal=True)
            page = self.services["cloudformation"].handle(call)
            yield from ((stack["StackName"], stack["StackStatus"]) for stack in page["Stacks"])
            if not page.get("NextToken"):
                return
            params = {"NextToken": page["NextToken"]}

    def set_speed(self, speed: float) -> None:
        """The clock, and the waits of Step Functions with it, run `speed` times as fast as real time from now on."""
        self.clock.set_speed(speed)
        self._upstream.set_wait_scale(wait_scale(speed))

    def tick(self) -> None:
        """Lets the services do at once what they do every second without being asked."""
        self._ticker.tick()

    def stop(self) -> None:
        """Stops answering, keeps the state if it was asked to, and ends the upstream emulator. Twice is no error."""
        self.stopping.set()
        self._undo.pop_all().close()

    def __enter__(self) -> EmbeddedAws:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
