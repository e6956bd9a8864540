"""Starting, finding and steering an embedded AWS that runs in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drgen.errors import DrgenError, UsageError

UP_WITHIN_S = 30.0
DOWN_WITHIN_S = 20.0


def home() -> Path:
    """Where the note about the running server is: $DRGEN_LOCAL_HOME, or .drgen in the current folder."""
    return Path(os.environ.get("DRGEN_LOCAL_HOME") or ".drgen")


def note_file() -> Path:
    return home() / "local.json"


def log_file() -> Path:
    return home() / "local.log"


@dataclass(frozen=True)
class Server:
    """A server that somebody started here."""

    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def note(self) -> None:
        """Leaves the note by which `found` finds it."""
        home().mkdir(parents=True, exist_ok=True)
        fresh = note_file().with_suffix(f".{self.pid}")
        fresh.write_text(json.dumps(asdict(self)) + "\n", "utf-8")
        os.replace(fresh, note_file())

    def forget(self) -> None:
        """Removes the note, unless it is about another server by now."""
        if _noted() == self:
            note_file().unlink(missing_ok=True)

    def ask(self, method: str, what: str, values: Mapping[str, Any] | None = None) -> Any:
        """The answer of /_drgen/`what`. Raises UsageError if the server refuses, DrgenError if it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/_drgen/{what}", json.dumps(values) if values is not None else None)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DrgenError(
                f"nothing answers as the embedded AWS ({error})", at=self.endpoint, fix="run: drgen local up"
            ) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise UsageError(said["error"], at=self.endpoint, fix="see: drgen local --help")
        return said


def _noted() -> Server | None:
    try:
        return Server(**json.loads(note_file().read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def found() -> Server | None:
    """The server that runs here; None if there is none. A note whose server is gone counts as none."""
    server = _noted()
    if server is None:
        return None
    try:
        alive = server.ask("GET", "health")["pid"] == server.pid
    except (DrgenError, KeyError, TypeError):
        return None
    return server if alive else None


def running() -> Server:
    """The server that runs here. Raises UsageError if there is none."""
    server = found()
    if server is None:
        raise UsageError("no embedded AWS is up here", at=str(note_file()), fix="run: drgen local up")
    return server


def start(*, port: int, speed: float, state: Path | None) -> Server:
    """Starts a server that outlives this process, and returns when it answers.

    Raises DrgenError with the server's own words when it ends before that.
    """
    home().mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "drgen", "local", "up", "--foreground", "--port", str(port), "--speed", str(speed)]
    command += ["--state", str(state.absolute())] if state is not None else []
    pid = _spawn(command)
    end = time.monotonic() + UP_WITHIN_S
    while (alive := os.waitpid(pid, os.WNOHANG) == (0, 0)) and time.monotonic() < end:
        server = found()
        if server is not None and server.pid == pid:
            return server
        time.sleep(0.05)
    said = log_file().read_text("utf-8", errors="replace").strip().removeprefix("error: ")
    if alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said = f"it did not answer within {UP_WITHIN_S:.0f} s; {said}"
    raise DrgenError(f"the embedded AWS did not start: {said}", at=str(log_file()))


def _spawn(command: list[str]) -> int:
    """The id of a process of its own session that writes to the log file. Nobody has to wait for it."""
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log_file()), new, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def stop(server: Server) -> None:
    """Asks the server to stop, and returns when it is gone. Raises DrgenError if it stays."""
    server.ask("POST", "stop")
    end = time.monotonic() + DOWN_WITHIN_S
    while time.monotonic() < end:
        if _noted() != server:
            return
        time.sleep(0.05)
    raise DrgenError(
        f"process {server.pid} did not stop within {DOWN_WITHIN_S:.0f} s",
        fix=f"look at {log_file()}, or end the process",
    )


def serve(*, port: int, speed: float, state: Path | None, ready: Callable[[Server], None]) -> None:
    """Runs a server in this process until somebody asks it to stop: `drgen local down`, Ctrl-C or SIGTERM.

    Calls `ready` when it answers.
    """
    from drgen.local.server import EmbeddedAws

    with EmbeddedAws.start(port=port, speed=speed, state=state) as aws:
        server = Server(aws.port, os.getpid())
        for number in (signal.SIGINT, signal.SIGTERM):
            # In a thread: the handler may interrupt the very wait whose lock it would need.
            signal.signal(number, lambda *_: threading.Thread(target=aws.stopping.set).start())
        server.note()
        ready(server)
        try:
            aws.stopping.wait()
        finally:
            aws.stop()
            server.forget()
