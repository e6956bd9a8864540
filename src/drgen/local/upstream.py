"""The upstream emulator: a child process on loopback that answers what drgen does not answer itself."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from drgen.errors import DrgenError, UsageError
from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.wire.message import Request, Response

READY_WITHIN_S = 20.0
STOPPED_WITHIN_S = 10.0
FRESH_S = 50.0
"""How long an idle connection may be used again; the emulator closes idle ones after 75 s."""

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)


class UpstreamGone(DrgenError):
    """The emulator's process ended, or does not answer."""


class Upstream:
    """A running ministack. It is told the front's address, so that every URL it hands out leads to the front."""

    def __init__(self, *, front_port: int, state: Path | None, wait_scale: float) -> None:
        if importlib.util.find_spec("ministack") is None:
            raise UsageError(
                "the embedded AWS needs the upstream emulator, and it is not installed",
                fix='run: pip install "drgen[local]"',
            )
        self._folder = Path(tempfile.mkdtemp(prefix="drgen-local-"))
        self._log = self._folder / "ministack.log"
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        self._port: int = listener.getsockname()[1]
        with listener, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drgen.local.child", str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(),),
                env=self._environment(front_port, state, wait_scale),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def _environment(self, front_port: int, state: Path | None, wait_scale: float) -> dict[str, str]:
        """ministack's documented variables, and for Lambda functions the endpoint and the mark of a real runtime."""
        front = f"http://127.0.0.1:{front_port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_"))}
        own = {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": front,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(front_port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": "127.0.0.1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "SFN_WAIT_SCALE": repr(wait_scale),
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self._folder),
        }
        keep = state / "upstream" if state is not None else self._folder / "state"
        keep.mkdir(parents=True, exist_ok=True)
        own |= {
            "PERSIST_STATE": "1" if state is not None else "0",
            "STATE_DIR": str(keep),
            "S3_PERSIST": "1" if state is not None else "0",
            "S3_DATA_DIR": str(keep / "s3"),
        }
        return kept | own

    def ready(self) -> None:
        """Returns when the emulator answers. Raises UpstreamGone with the last lines of its log."""
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if self.send(Request("GET", "/_ministack/ready", {"host": "127.0.0.1"})).status == 200:
                    return
            except UpstreamGone:
                pass
            time.sleep(0.01)
        raise self._gone()

    def set_wait_scale(self, scale: float) -> None:
        """Step Functions' waits take `scale` times their length from now on.

        Source: ministack's documentation, "Configuration", the runtime configuration endpoint.
        """
        body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": scale}).encode()
        self.send(Request("POST", "/_ministack/config", {"host": "127.0.0.1"}, body))

    def send(self, request: Request) -> Response:
        """The emulator's answer to the request, which is passed on as it came. Raises UpstreamGone."""
        connection = self._connection()
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in HOP_BY_HOP and name != "content-length":
                    connection.putheader(name, value.encode("utf-8"))
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._gone() from error
        headers = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP)
        self._give_back(connection)
        return Response(answer.status, headers, body)

    def _connection(self) -> http.client.HTTPConnection:
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < FRESH_S:
                    return connection
                connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            connection.connect()
        except OSError as error:
            raise self._gone() from error
        assert connection.sock is not None
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if connection.sock is None:
                return
            self._idle.append((time.monotonic(), connection))

    def _gone(self) -> UpstreamGone:
        lines = self._log.read_text("utf-8", errors="replace").splitlines()[-15:] if self._log.exists() else []
        ended = self._process.poll()
        what = "does not answer" if ended is None else f"ended with code {ended}"
        said = "; its last words:\n    " + "\n    ".join(lines) if lines else ""
        return UpstreamGone(f"the upstream emulator {what}{said}", fix="run: drgen local down, then drgen local up")

    def stop(self) -> None:
        """Ends the process, lets it keep its state, and removes its temporary files."""
        with self._lock:
            for _, connection in self._idle:
                connection.close()
            self._idle.clear()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Where the emulator was killed, the processes of its functions are still there: they are of its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)
