"""The HTTP server of the embedded AWS: reads requests, writes answers, and can leave a client without one."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from drgen.local.wire.message import Request, Response

Answer = Callable[[Request], Response | None]

LOOPBACK = re.compile(r"(.+\.)?localhost|(.+\.)?127\.0\.0\.1|\[?::1\]?")


class Handler(BaseHTTPRequestHandler):
    """One connection. Requests come to it one after another; the connection stays open between them."""

    protocol_version = "HTTP/1.1"
    server_version = "drgen"
    sys_version = ""
    disable_nagle_algorithm = True
    server: LoopbackServer

    def _request(self) -> None:
        try:
            body = self._body()
        except ValueError:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        answer = foreign(request) or self.server.answer(request)
        if answer is None:
            self.close_connection = True
        else:
            self._write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _request

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> list[bytes]:
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return chunks

    def _write(self, answer: Response) -> None:
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}"]
        lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() != "content-length"]
        # The length of a HEAD's answer is that of the object, not of what is sent here.
        told = next((value for name, value in answer.headers if name.lower() == "content-length"), None)
        length = told if self.command == "HEAD" and told is not None else str(len(answer.body))
        if answer.status >= 200 and answer.status != 204:
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        try:
            self.wfile.write(head if self.command == "HEAD" else head + answer.body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the call record is the log."""


def foreign(request: Request) -> Response | None:
    """A refusal, when the request comes from a web page that is not on loopback.

    Functions created here run on this machine, so a page in somebody's browser must not be able to create one: neither
    by posting to loopback (it then sends its origin) nor by giving loopback a name of its own.
    """
    host = re.sub(r":\d+$", "", request.headers.get("host", "127.0.0.1"))
    origin = request.headers.get("origin", "")
    if LOOPBACK.fullmatch(host) and (not origin or LOOPBACK.fullmatch(urlsplit(origin).hostname or "")):
        return None
    body = b"The embedded AWS answers only this machine: use the host name 127.0.0.1 or localhost.\n"
    return Response(403, (("Content-Type", "text/plain"),), body)


class LoopbackServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it is made; OSError when the port is taken."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answer: Answer = lambda _: None
        self._open: set[socket.socket] = set()

    def server_bind(self) -> None:
        # HTTPServer would ask DNS for this machine's name here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Takes no more connections and ends those there are: an idle client would keep its own, and ask on it."""
        self.shutdown()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up is no event."""
