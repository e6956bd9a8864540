"""Dataclasses of this package <-> JSON values. Each object carries the name of its class under "is"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

from drgen.recovery import aurora_facts, facts, guards, record, replica_facts, stateless, steps

_MODULES = (facts, replica_facts, aurora_facts, stateless, guards, record, steps)
_CLASSES: Mapping[str, Any] = {
    name: item
    for module in _MODULES
    for name, item in vars(module).items()
    if isinstance(item, type) and item.__module__ == module.__name__ and is_dataclass(item)
}
_ENUMS: Mapping[str, type[StrEnum]] = {
    "mode": record.Mode,
    "verdict": guards.Verdict,
    "withdrawn": facts.AlarmState,
    "writable": facts.AlarmState,
}
"""Fields whose text is one of a closed set."""


def encode(value: Any) -> Any:
    """`value`, a dataclass of this package or a tuple of them, as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": type(value).__name__, **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def decode(value: Any) -> Any:
    """What `encode` was given. Raises KeyError for a class and TypeError for a field that is not known here."""
    if isinstance(value, dict):
        made = _CLASSES[value["is"]]
        return made(**{name: _field(name, item) for name, item in value.items() if name != "is"})
    return tuple(decode(item) for item in value) if isinstance(value, list) else value


def _field(name: str, value: Any) -> Any:
    return _ENUMS[name](value) if name in _ENUMS and value is not None else decode(value)
