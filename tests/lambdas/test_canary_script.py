"""The canary's script against a small server: which answers are good ones."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "lambdas/canary/python/handler.py"
_spec = importlib.util.spec_from_file_location("canary_handler", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
script: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


class Answers(BaseHTTPRequestHandler):
    """The path is the status; /late says nothing until the test is over."""

    over = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/late":
            self.over.wait(30)
            return
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Answers.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 204])
def test_success_is_told_with_its_status(url: str, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setenv("URL", f"{url}/{status}")
    assert script.handler({}, None).startswith(f"{url}/{status} answered {status} within ")


@pytest.mark.parametrize("status", [302, 404, 503])
def test_anything_else_fails_the_run_a_redirect_too(url: str, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setenv("URL", f"{url}/{status}")
    with pytest.raises(script.NotHealthy, match=f"answers {status}"):
        script.handler({}, None)


def test_no_answer_in_time_fails_the_run(url: str) -> None:
    with pytest.raises(script.NotHealthy, match="does not answer"):
        script.ask(f"{url}/late", within_s=0.2)
    with pytest.raises(script.NotHealthy, match="does not answer"):
        script.ask("http://127.0.0.1:9/", within_s=0.2)
