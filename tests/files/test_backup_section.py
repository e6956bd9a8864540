"""Section `backup`: combinations that AWS Backup refuses, or that nobody can take back."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

GOOD = (Path(__file__).parents[2] / "templates/postgres-dr/workload.yaml").read_text("utf-8")
WITHOUT_DATABASE = """
name: shop
environment: prod
objectives: {rto: 1h, rpo: 24h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
"""


def problems(section: str, text: str = GOOD) -> list[tuple[str, str, str]]:
    with pytest.raises(InputErrors) as caught:
        parse_workload(f"{text}\nbackup: {section}\n".encode(), file="w.yaml")
    return [(p.at, p.problem, p.fix) for p in caught.value.problems]


def test_backups_of_nothing_are_refused() -> None:
    wanted = [("backup", "there is nothing to back up", "declare a database or tables, or remove backup")]
    assert problems("{}", WITHOUT_DATABASE) == wanted


def test_tests_need_copies() -> None:
    ((at, problem, _),) = problems("{copy_to_recovery: false}")
    assert (at, problem) == ("backup.restore_test", "copies are restored to test them, and there are none")


def test_a_lock_must_not_refuse_the_backups_themselves() -> None:
    assert problems("{lock: governance, keep_days: 7, lock_min_days: 8}") == [
        (
            "backup.lock_min_days",
            "backups are kept for 7 days, and the lock refuses those kept for less than 8",
            "use 7 or less",
        )
    ]
    ((at, _, fix),) = problems("{lock: governance, keep_days: 7, lock_max_days: 6}")
    assert (at, fix) == ("backup.lock_max_days", "use 7 or more")


def test_limits_without_a_lock_are_refused() -> None:
    assert problems("{lock_min_days: 3}") == [
        ("backup.lock_min_days", "there is no lock", "set lock to governance, or remove it")
    ]


def test_a_governance_lock_has_no_days_of_grace() -> None:
    ((at, _, fix),) = problems("{lock: governance, lock_grace_days: 3}")
    assert (at, fix) == ("backup.lock_grace_days", "remove it")


def test_a_compliance_lock_must_be_asked_for_twice() -> None:
    assert problems("{lock: compliance}") == [
        (
            "backup.lock",
            "a compliance lock is for ever: after its grace days nobody, nor AWS, can delete a backup or the lock",
            "use governance; or set lock_grace_days to 3 or more, if this is wanted",
        )
    ]


def test_a_compliance_lock_needs_protection() -> None:
    ((at, _, fix),) = problems(
        "{lock: compliance, lock_grace_days: 3}", GOOD.replace("protection: true", "protection: false")
    )
    assert (at, fix) == ("backup.lock", "use governance, or set protection to true")


def test_a_region_without_restore_testing_cannot_have_tests() -> None:
    there = GOOD.replace("name: eu-west-1", "name: ap-southeast-7")
    assert problems("{}", there) == [
        (
            "backup.restore_test",
            "CloudFormation has no restore testing plans in ap-southeast-7",
            "set it to none, and restore a copy by hand now and then",
        )
    ]
    assert parse_workload(f"{there}\nbackup: {{restore_test: none}}\n".encode(), file="w.yaml").backup
