"""Rules on values, where an example would prove little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.local.api import ApiError
from drgen.local.rds import catalog, checks
from drgen.local.rds.modify import next_window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = 7 * 24 * 60


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


@given(
    opening=st.integers(0, 24 * 60 - 1),
    length=st.integers(30, 24 * 60 - 1),
    start=st.integers(0, WEEK - 1),
    lasting=st.integers(30, 24 * 60 - 1),
)
def test_windows_are_refused_exactly_when_they_share_a_minute(
    opening: int, length: int, start: int, lasting: int
) -> None:
    stop = (start + lasting) % WEEK
    backup = f"{clock(opening)}-{clock(opening + length)}"
    maintenance = f"{DAYS[start // 1440]}:{clock(start)}-{DAYS[stop // 1440]}:{clock(stop)}"
    backups = {(day * 1440 + opening + minute) % WEEK for day in range(7) for minute in range(length)}
    shared = backups & {(start + minute) % WEEK for minute in range(lasting)}
    if shared:
        with pytest.raises(ApiError, match="must not overlap"):
            checks.windows(backup, maintenance)
    else:
        checks.windows(backup, maintenance)


@given(now=st.integers(0, 4_000_000_000), start=st.integers(0, WEEK - 1))
def test_the_next_window_is_ahead_by_a_week_at_most_and_on_its_minute(now: int, start: int) -> None:
    at = next_window(f"{DAYS[start // 1440]}:{clock(start)}-sun:23:59", now)
    assert 0 < at - now <= WEEK * 60
    # The epoch began on a Thursday.
    assert (at // 60 + 3 * 1440) % WEEK == start
    assert at % 60 == 0


@pytest.mark.parametrize("kind", ["gp3", "gp2", "io2"])
@pytest.mark.parametrize("gib", [19, 65537])
def test_storage_has_bounds(kind: str, gib: int) -> None:
    with pytest.raises(ApiError, match="Invalid storage size"):
        checks.storage("postgres", kind, gib, None, None)


@pytest.mark.parametrize(
    ("kind", "gib", "iops", "throughput", "found"),
    [
        ("gp3", 399, None, None, {"Iops": 3000, "StorageThroughput": 125}),
        ("gp3", 400, None, None, {"Iops": 12000, "StorageThroughput": 500}),
        ("gp3", 400, 20000, 1000, {"Iops": 20000, "StorageThroughput": 1000}),
        ("io2", 100, 2000, None, {"Iops": 2000}),
        ("gp2", 100, None, None, {}),
    ],
)
def test_storage_brings_its_iops(
    kind: str, gib: int, iops: int | None, throughput: int | None, found: dict[str, int]
) -> None:
    assert checks.storage("postgres", kind, gib, iops, throughput) == found


def test_a_prefix_is_no_version_of_its_own() -> None:
    assert "16" not in catalog.versions("postgres")
    assert "8.0" not in catalog.versions("mysql")
    assert catalog.family("mysql", catalog.resolve_version("mysql", "8.0")) == "mysql8.0"
    assert catalog.versions("postgres").index("16.9") < catalog.versions("postgres").index("16.10")
