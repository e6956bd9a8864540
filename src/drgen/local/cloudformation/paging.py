"""Pages of a long answer, and answers without the parts that do not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from drgen.local.api import ApiError

Item = TypeVar("Item")


def page(items: Sequence[Item], token: str | None, size: int) -> tuple[list[Item], str | None]:
    """The page that `token` names (None: the first) and the token of the next one, None on the last."""
    if token is not None and not token.isdecimal():
        raise ApiError("ValidationError", f"NextToken {token} was not given by this operation")
    start = int(token or 0)
    after = start + size
    return list(items[start:after]), str(after) if after < len(items) else None


def without_none(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if value is not None}
