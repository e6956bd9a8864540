"""Requests to HTTP APIs: `http://127.0.0.1:PORT/_execute-api/REGION/API/...` for what AWS has under
`https://API.execute-api.REGION.amazonaws.com/...`. The names of AWS resolve to nothing on this machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from drgen.local.wire.message import Request

SERVICE = "execute-api"

_ADDRESS = re.compile(rf"/_{SERVICE}/(?P<region>[a-z0-9-]+)/(?P<api>[a-z0-9]+)(?P<rest>/.*)?")
_HOST = re.compile(rf"(?P<api>[a-z0-9]+)\.{SERVICE}\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Executed:
    """A request to an API: where the API is, and the request as the upstream emulator knows it."""

    region: str
    request: Request


def address(endpoint: str, *, region: str, api: str) -> str:
    """Where the API answers, below the front's `endpoint`."""
    return f"{endpoint.rstrip('/')}/_{SERVICE}/{region}/{api}"


def executed(request: Request) -> Executed | None:
    """The request to an API that this is, or None."""
    found = _ADDRESS.fullmatch(request.target)
    if found is None:
        return None
    target = f"/_aws/{SERVICE}/{found['api']}{found['rest'] or '/'}"
    return Executed(found["region"], replace(request, target=target))


def api_at(host: str) -> tuple[str, str] | None:
    """The API and the region of a host name of AWS's, or None for any other host."""
    found = _HOST.fullmatch(host)
    return (found["api"], found["region"]) if found else None
