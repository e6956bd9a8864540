"""The section `api`: one HTTP API per region, answered by functions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import RetentionDays, Section


class Route(Section):
    """A method and a path, and the function that answers them."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    """The method."""
    path: Annotated[str, Field(pattern=r"^(/([A-Za-z0-9._~-]+|\{[A-Za-z0-9_]+\+?\}))+$", examples=["/payments/{id}"])]
    """The path. A part in braces takes any value."""
    function: str
    """The name of the function."""

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def title(self) -> str:
        """What begins the logical ids of the route: GetPaymentsById for GET /payments/{id}."""
        return self.method.capitalize() + "".join(_title(part) for part in self.path.split("/"))


def _title(part: str) -> str:
    """A part of a path in letters and digits. `GET /a-b` and `GET /a/b` are two routes and get two titles."""
    value = part.strip("{}+")
    if value != part:
        return f"By{value.replace('_', '').capitalize()}"
    for sign, word in (("-", "Dash"), (".", "Dot"), ("_", "Underscore"), ("~", "Tilde")):
        value = value.replace(sign, f" {word} ")
    return "".join(word[:1].upper() + word[1:] for word in value.split())


class Throttle(Section):
    """What a region answers at most; more is refused with status 429."""

    rate: Annotated[int, Field(ge=1)] = 100
    """Requests per second."""
    burst: Annotated[int, Field(ge=1)] = 200
    """Requests at once."""


class Cors(Section):
    """Pages of other origins that may call the API from a browser."""

    origins: Annotated[tuple[Annotated[str, Field(pattern=r"^https://[^*/\s]+$")], ...], Field(min_length=1)]
    """Origins such as https://shop.example.com."""
    headers: tuple[str, ...] = ("authorization", "content-type", "idempotency-key")
    """Headers that they may send."""


class Api(Section):
    """An HTTP API in every region."""

    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    """What it answers, besides GET /health."""
    health: str
    """The function that answers GET /health. DNS follows that answer."""
    authorization: Literal["iam", "none"] = "iam"
    """iam: callers sign their requests, and need execute-api:Invoke. none: the functions check who calls."""
    throttle: Throttle = Throttle()
    """Limits of all routes together, in each region. GET /health has its own."""
    cors: Cors | None = None
    """Which web pages may call it. Default: none."""
    certificate: dict[str, Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+$")]] = (
        Field(default_factory=dict)
    )
    """The ACM certificate of the public name, by region. Default: the endpoints of API Gateway alone."""
    log_days: RetentionDays = 90
    """How long access logs are kept, in days."""

    def functions(self) -> tuple[str, ...]:
        """The names of the functions that answer something, each once."""
        return tuple(dict.fromkeys([self.health, *(route.function for route in self.routes)]))
