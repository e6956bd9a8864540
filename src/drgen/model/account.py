"""What `drgen check --live` asks an account, and what the account answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """What to look at. Regions, names and kinds are those of one deployment.

    `room` holds (kind, type, quota code, region), `names` (kind, name, region); the kinds are keys of `account_state`.
    """

    stacks: tuple[tuple[str, str], ...]
    room: tuple[tuple[str, str, str, str], ...]
    names: tuple[tuple[str, str, str], ...]

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(region for _, region in self.stacks))


@dataclass(frozen=True)
class Unanswered:
    """A question that the account did not answer; `rule` is the id of the rule that would have judged the answer."""

    rule: str
    question: str
    region: str
    reason: str


@dataclass(frozen=True)
class Look:
    """`state` has the format of `account_state`; `asked` counts the questions by region."""

    state: Mapping[str, object]
    asked: Mapping[str, int]
    unanswered: tuple[Unanswered, ...]
