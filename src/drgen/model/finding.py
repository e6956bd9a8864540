"""What a check found: findings, and what it could not decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """error: will fail, or lose data; warning: recovery impaired or likely failure; info: taste."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One thing wrong, at one place.

    `address` is `stack/LogicalId/Property`; `file` is relative to where the check was started; `line` is 1-based.
    """

    rule: str
    severity: Severity
    address: str
    file: str
    line: int
    message: str
    fix: str
    why: str = ""
    source: str = ""


@dataclass(frozen=True)
class NotChecked:
    """A rule met something it cannot decide offline. Silence means checked; this says it was not."""

    rule: str
    address: str
    reason: str


@dataclass(frozen=True)
class WorldReport:
    """The outcome of checking one folder. `budget` is one line about the known times of a recovery, or empty."""

    path: str
    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...]
    budget: str = ""
