"""The kinds of values a workload file holds, and the base of its sections."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

_DURATION = re.compile(r"([1-9][0-9]*)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")

RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]  # fmt: skip
"""Source: registry schema AWS::Logs::LogGroup, RetentionInDays."""


Access = Literal["read", "read-write"]
"""What code may do with a table or a bucket."""


def _duration(value: Any) -> Any:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a duration is a whole number and s, m or h, for example 15m")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def duration_text(value: timedelta) -> str:
    """`90s`, `4m` or `2h`: in the largest unit that leaves a whole number, as a workload file writes it."""
    seconds = int(value.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _block(value: Any) -> Any:
    try:
        network = IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"{value} is no IPv4 block: {error}") from error
    if not 16 <= network.prefixlen <= 28:
        raise ValueError(f"{value} has a /{network.prefixlen} prefix; a VPC takes /16 to /28")
    return network


def _tag(value: str) -> str:
    """Source: registry schema AWS::RDS::DBInstance, Tags: letters, digits, spaces and _ . : / = + - @."""
    if not _TAG_TEXT.fullmatch(value):
        wrong = "".join(sorted({sign for sign in value if not _TAG_TEXT.fullmatch(sign)}))
        raise ValueError(
            f"RDS, IAM and Lambda refuse {wrong!r} in a tag; use letters, digits, spaces and _ . : / = + - @"
        )
    if value.lower().startswith(("aws:", "rds:")):
        raise ValueError("tags may not start with aws: or rds:")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["15m"]}),
]
Block = Annotated[
    IPv4Network,
    BeforeValidator(_block),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["10.0.0.0/16"]}),
]
TagKey = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_tag)]
TagValue = Annotated[str, Field(max_length=256), AfterValidator(_tag)]
Port = Annotated[int, Field(ge=1150, le=65535)]
"""Source: registry schema AWS::RDS::DBInstance, Port: 1150-65535."""


class Section(BaseModel):
    # Built once, with the workload that holds them all, instead of one by one at import.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Elsewhere:
    """Annotates a field whose section is a model of another module, imported for a workload that declares the section.

    A workload uses few of the sections, and the import of a model costs about a millisecond (ADR 14). Where the module
    was imported before the workload's schema is built, the section is a part of that schema.
    """

    known: ClassVar[list[Elsewhere]] = []

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name
        self.known.append(self)

    def section(self) -> type[Section]:
        """The model. Imports its module."""
        found: type[Section] = getattr(importlib.import_module(self._module), self._name)
        return found

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if self._module in sys.modules:
            return handler.generate_schema(self.section())
        return core_schema.no_info_plain_validator_function(lambda value: self.section().model_validate(value))


def import_all_sections() -> None:
    """Makes every section a part of the schemas of those that hold it, as a JSON Schema needs them."""
    for elsewhere in Elsewhere.known:
        elsewhere.section()
    for section in all_sections():
        section.model_rebuild(force=True)


def all_sections(section: type[Section] = Section) -> Iterator[type[Section]]:
    """Every section there is, also those derived from others."""
    for derived in section.__subclasses__():
        yield derived
        yield from all_sections(derived)
