"""What the front of the embedded AWS and the services behind it say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Call:
    """One API call. `params` has the shape that botocore's model of the service gives the operation's input.

    `region` comes from the credential scope ("us-east-1" for the global services). `internal` marks calls made by the
    embedded AWS itself (CloudFormation's handlers), which the call record leaves out.
    """

    service: str
    operation: str
    region: str
    account: str
    params: Mapping[str, Any]
    internal: bool = False


class ApiError(Exception):
    """The answer is an error. `code` is the one AWS documents for the operation; `status` is the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class PassOn(Exception):
    """The service has seen the call, and the upstream emulator is to answer it."""


class Service(Protocol):
    """A service, or some operations of one, that the embedded AWS answers itself instead of the upstream emulator."""

    def operations(self) -> frozenset[str]:
        """The operations answered here; all others of the service go upstream."""

    def handle(self, call: Call) -> Mapping[str, Any]:
        """The answer, in the shape of the operation's output. Raises ApiError, or PassOn."""

    def dump(self) -> Any:
        """The service's whole state as values that JSON can hold."""

    def restore(self, state: Any) -> None:
        """Takes up the state that `dump` gave, in place of the present one."""
