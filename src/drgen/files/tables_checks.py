"""What a single field of the section `tables` cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.tables import Table
from drgen.model.workload import Workload
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]
"""Where, what is wrong, and how to mend it."""


def tables(workload: Workload) -> Found:
    """Tables that collide with each other, and attributes that do not fit each other."""
    taken: dict[str, str] = {}
    for index, table in enumerate(workload.tables):
        at: At = ("tables", index)
        other = taken.setdefault(table.name.replace("-", ""), table.name)
        if other == table.name and any(earlier.name == other for earlier in workload.tables[:index]):
            yield (*at, "name"), f"there are two tables called {table.name}", "give one another name"
        elif other != table.name:
            problem = f"{table.name} and {other} differ by hyphens only, and would be one logical id"
            yield (*at, "name"), problem, "give one another name"
        for field, problem, fix in _attributes(table):
            yield (*at, field), problem, fix


def _attributes(table: Table) -> Iterator[tuple[str, str, str]]:
    """The field, what is wrong with it, and how to mend it.

    Source: DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": the attribute is a number.
    """
    if table.sort_key == table.key:
        yield "sort_key", f"{table.key} is the partition key already", "name another attribute, or remove it"
    if table.sort_key is None and table.sort_key_type != "string":
        yield "sort_key_type", "there is no sort key", "add sort_key, or remove this"
    types = {table.key: table.key_type, table.sort_key: table.sort_key_type}
    if table.time_to_live is not None and types.get(table.time_to_live, "number") != "number":
        problem = f"an item expires at a number of seconds, and {table.time_to_live} is a key of another type"
        yield "time_to_live", problem, "name an attribute outside the key"
    if not table.point_in_time_recovery and table.recovery_days != 35:
        problem = "nothing can be restored while point_in_time_recovery is false"
        yield "recovery_days", problem, "remove it, or turn point_in_time_recovery on"
