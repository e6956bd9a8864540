"""Durations as people write them, and schedules as AWS Backup does."""

from __future__ import annotations

import pytest

from drgen.preflight.rules.budget import interval
from drgen.preflight.rules.objectives import seconds, shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15m", 900),
        ("30 s", 30),
        ("1h", 3600),
        ("2 minutes", 120),
        ("90", 90),
        ("1d", 86_400),
        ("soon", None),
        ("", None),
    ],
)
def test_duration_is_read(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_duration_is_told_in_the_unit_that_fits() -> None:
    assert [shown(value) for value in (5, 90, 510, 7200, 14_335)] == ["5 s", "90 s", "8.5 min", "2 h", "3.98 h"]


@pytest.mark.parametrize(
    ("schedule", "value"),
    [
        ("cron(0 5 ? * * *)", 86_400),
        ("cron(0 5 * * ? *)", 86_400),
        ("cron(0 * ? * * *)", 3600),
        ("cron(0 0/6 * * ? *)", 21_600),
        ("cron(0 5 ? * MON *)", None),
        ("rate(12 hours)", 43_200),
        ("at dawn", None),
    ],
)
def test_interval_of_a_schedule_is_known_where_it_is_simple(schedule: str, value: float | None) -> None:
    assert interval(schedule) == value
