"""The section `tables`: what is refused, where, and with which advice."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

HEAD = """\
name: shop
environment: test
objectives: {rto: 15m, rpo: 5m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]
tables:
"""


def problems(*tables: str) -> list[tuple[int, str, str, str]]:
    text = HEAD + "".join(f"  - {{{table}}}\n" for table in tables)
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems]


def test_a_table_needs_its_name_and_key_only() -> None:
    (table,) = parse_workload((HEAD + "  - {name: sessions, key: session_id}\n").encode(), file="w.yaml").tables
    assert (table.key_type, table.sort_key, table.time_to_live) == ("string", None, None)
    assert (table.point_in_time_recovery, table.recovery_days) == (True, 35)


CASES = [
    ("name: a, key: id, sort_key: id", "sort_key", "id is the partition key already"),
    ("name: a, key: id, sort_key_type: number", "sort_key_type", "there is no sort key"),
    (
        "name: a, key: id, time_to_live: id",
        "time_to_live",
        "an item expires at a number of seconds, and id is a key of another type",
    ),
    (
        "name: a, key: id, point_in_time_recovery: false, recovery_days: 7",
        "recovery_days",
        "nothing can be restored while point_in_time_recovery is false",
    ),
    ("name: a, key: id, recovery_days: 36", "recovery_days", "Input should be less than or equal to 35"),
    ("name: A, key: id", "name", "'A' does not match ^[a-z](-?[a-z0-9])*$"),
    ("name: a, key: id, consistency: strong", "consistency", "this key is not known"),
]


@pytest.mark.parametrize(("table", "at", "problem"), CASES, ids=[case[1] for case in CASES])
def test_a_wrong_part_is_named_with_its_line(table: str, at: str, problem: str) -> None:
    assert [found[:3] for found in problems(table)] == [(8, f"tables.0.{at}", problem)]


def test_a_sort_key_of_numbers_may_say_when_an_item_expires() -> None:
    text = HEAD + "  - {name: a, key: id, sort_key: until, sort_key_type: number, time_to_live: until}\n"
    assert parse_workload(text.encode(), file="w.yaml").tables[0].time_to_live == "until"


def test_names_that_collide_are_refused_at_the_second_table() -> None:
    twice = problems("name: a1, key: id", "name: a-1, key: id", "name: a1, key: id")
    assert [(line, at, problem) for line, at, problem, _ in twice] == [
        (9, "tables.1.name", "a-1 and a1 differ by hyphens only, and would be one logical id"),
        (10, "tables.2.name", "there are two tables called a1"),
    ]
