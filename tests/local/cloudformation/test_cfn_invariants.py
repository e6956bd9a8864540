"""What holds after any history of updates and failures: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from cloudformation_world import World, database, template
from hypothesis import given, settings
from hypothesis import strategies as st

from drgen.local.cloudformation.graph import reversed_graph, run

NAMES = ("A", "B", "C")
RESOURCE = st.tuples(st.sampled_from("xy"), st.sampled_from("12"))
TEMPLATES = st.dictionaries(st.sampled_from(NAMES), RESOURCE, min_size=1)
FAILURES = st.one_of(st.none(), st.tuples(st.sampled_from(("create", "update")), st.sampled_from(NAMES)))
STEPS = st.lists(st.tuples(TEMPLATES, FAILURES, st.sampled_from(("roll back", "stay", "stay and retry"))), max_size=4)


def written(resources: dict[str, tuple[str, str]], *, chained: bool) -> dict[str, Any]:
    """Resources one after the other or all at once. A changed key is a replacement, a changed size is not."""
    result = {}
    before: list[str] = []
    for name in sorted(resources):
        key, size = resources[name]
        properties = database(KmsKeyId=key, AllocatedStorage=size)
        result[name] = {**properties, "DeletionPolicy": "Delete", "DependsOn": list(before)}
        before = [name] if chained else []
    return template(result)


@settings(max_examples=60)
@given(TEMPLATES, STEPS, st.booleans())
def test_what_exists_is_what_the_last_successful_update_asked_for(
    first: dict[str, tuple[str, str]], steps: list[tuple[dict[str, tuple[str, str]], Any, str]], chained: bool
) -> None:
    """CF23, CF25, CF26"""
    world = World()
    assert world.create(written(first, chained=chained))["StackStatus"] == "CREATE_COMPLETE"
    expected = first
    for wanted, failure, then in steps:
        world.databases.fail = {f"{failure[0]} {failure[1]}": "no"} if failure else {}
        text = written(wanted, chained=chained)
        plan = world.planned(text)
        if plan["Status"] == "FAILED":
            world.call("DeleteChangeSet", StackName="app", ChangeSetName="plan")
            assert wanted == expected
            continue
        world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan", DisableRollback=then != "roll back")
        status = world.settled()["StackStatus"]
        if status == "UPDATE_FAILED" and then == "stay and retry":
            status = world.update(text)["StackStatus"]
        elif status == "UPDATE_FAILED":
            world.call("RollbackStack", StackName="app")
            status = world.settled()["StackStatus"]
        world.call("DeleteChangeSet", StackName="app", ChangeSetName="plan")
        assert status in ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
        expected = wanted if status == "UPDATE_COMPLETE" else expected
        live = world.databases.live
        listed = world.call("ListStackResources", StackName="app")["StackResourceSummaries"]
        assert {item["LogicalResourceId"] for item in listed} == set(expected)
        assert sorted(live) == sorted(world.physical(name) for name in expected)
        for name, (key, size) in expected.items():
            properties = live[world.physical(name)]
            assert (properties["KmsKeyId"], properties["AllocatedStorage"]) == (key, size)
    assert world.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert world.databases.live == {}


GRAPHS = st.integers(1, 9).flatmap(
    lambda size: st.tuples(*(st.frozensets(st.integers(0, max(n - 1, 0)).map(str)) for n in range(size))).map(
        lambda needs: {str(n): frozenset(needs[n] - {str(n)}) for n in range(len(needs))}
    )
)


@settings(max_examples=40)
@given(GRAPHS, st.sets(st.integers(0, 8).map(str)))
def test_nothing_runs_before_what_it_needs(needs: dict[str, frozenset[str]], broken: set[str]) -> None:
    """CF20, CF41: and what needs something broken does not run at all."""
    for graph in (needs, reversed_graph(needs)):
        started: list[tuple[str, frozenset[str]]] = []
        done: set[str] = set()

        def work(name: str, done: set[str] = done, started: list[tuple[str, frozenset[str]]] = started) -> bool:
            started.append((name, frozenset(done)))
            if name not in broken:
                done.add(name)
            return name not in broken

        well = run(graph, work, stop_at_failure=False)
        assert [name for name, before in started if not graph[name] <= before] == []
        assert {name for name, _ in started} == {name for name in graph if graph[name] <= well}
        assert well == {name for name, _ in started if name not in broken}


def test_a_crash_comes_out_after_everything_that_runs_has_ended() -> None:
    ended = []
    crashed = threading.Event()

    def work(name: str) -> bool:
        if name == "bad":
            crashed.set()
            raise ZeroDivisionError
        assert crashed.wait(timeout=20)
        ended.append(name)
        return True

    with pytest.raises(ZeroDivisionError):
        run({"bad": frozenset(), "slow": frozenset(), "later": frozenset({"slow"})}, work, stop_at_failure=False)
    assert ended == ["slow"]
