"""An HTTP request and its answer, as the front of the embedded AWS sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """`target` is the request line's path and query, still percent-encoded; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return urlsplit("//host" + self.target).path or "/"

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query string, decoded; a name without a value has the value ""."""
        return dict(self.query_pairs)

    @cached_property
    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple(parse_qsl(urlsplit("//host" + self.target).query, keep_blank_values=True))

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of a form body, and those of the query string: the query protocol allows both."""
        fields = dict(self.query_pairs)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields.update(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))
        return fields


@dataclass(frozen=True)
class Response:
    """`headers` lack Content-Length: whoever writes the response knows the body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
