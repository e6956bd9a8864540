from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.errors import UsageError
from drgen.model.deployment import Action, Deployment, FromOutput, Intent, StackEntry
from drgen.model.plan import Pass, Work
from drgen.planning.order import deploy_steps, destroy_steps, waves


def entry(
    stack: str, *needs: str, late: tuple[str, ...] = (), region: str = "us-east-1", action: Action = "create"
) -> StackEntry:
    values = {f"From{n.upper()}": FromOutput(n, "Out") for n in needs}
    values |= {f"Late{n.upper()}": FromOutput(n, "Out", late=True) for n in late}
    return StackEntry(stack, f"{stack}.yaml", region, stack, parameters=values, action=action)


def deployment(*entries: StackEntry) -> Deployment:
    return Deployment(Path("orders/deploy.yaml"), Intent(), entries)


POSTGRES = deployment(
    entry("net-us", late=("key-eu",)),
    entry("db-us", "net-us"),
    entry("net-eu", region="eu-west-1"),
    entry("key-eu", region="eu-west-1"),
    entry("db-eu", "net-eu", "db-us", region="eu-west-1"),
    entry("peering", "net-us", "net-eu", region="eu-west-1"),
)


def test_steps_follow_their_producers_and_otherwise_the_manifest() -> None:
    assert [step.id for step in deploy_steps(POSTGRES)] == [
        "net-us",
        "db-us",
        "net-eu",
        "key-eu",
        "db-eu",
        "peering",
        "net-us (second pass)",
    ]


def test_independent_stacks_share_a_wave() -> None:
    assert [[step.id for step in wave] for wave in waves(deploy_steps(POSTGRES))] == [
        ["net-us", "net-eu", "key-eu"],
        ["db-us", "peering", "net-us (second pass)"],
        ["db-eu"],
    ]


def test_a_manifest_in_the_wrong_order_is_put_right() -> None:
    steps = deploy_steps(deployment(entry("app", "db"), entry("db")))
    assert [step.id for step in steps] == ["db", "app"]


def test_a_late_value_makes_a_first_pass_without_it_and_a_final_pass_after_its_producer() -> None:
    steps = {step.id: step for step in deploy_steps(POSTGRES)}
    first, final = steps["net-us"], steps["net-us (second pass)"]
    assert (first.passes, first.deferred, first.needs) == (Pass.FIRST, ("LateKEY-EU",), ())
    assert (final.passes, final.deferred, final.needs) == (Pass.FINAL, (), ("net-us", "key-eu"))


def test_one_region_alone_waits_for_nothing_outside_it() -> None:
    steps = deploy_steps(POSTGRES, regions=("eu-west-1",))
    assert [(step.id, step.needs) for step in steps] == [
        ("net-eu", ()),
        ("key-eu", ()),
        ("db-eu", ("net-eu",)),
        ("peering", ("net-eu",)),
    ]


def test_a_late_producer_outside_the_region_needs_no_second_pass() -> None:
    steps = deploy_steps(POSTGRES, regions=("us-east-1",))
    assert [(step.id, step.passes, step.deferred) for step in steps] == [
        ("net-us", Pass.ONLY, ()),
        ("db-us", Pass.ONLY, ()),
    ]


def test_stacks_that_need_each_other_are_named_in_a_circle() -> None:
    circle = deployment(entry("a", "c"), entry("b", "a", region="eu-west-1"), entry("c", "b"), entry("d"))
    with pytest.raises(UsageError, match=r"a \(us-east-1\) -> c \(us-east-1\) -> b \(eu-west-1\) -> a \(us-east-1\)"):
        deploy_steps(circle)


def test_a_stack_listed_again_comes_after_all_that_stands_before_it() -> None:
    steps = deploy_steps(deployment(entry("a"), entry("b"), entry("a", action="update"), entry("c")))
    assert [(step.id, step.needs) for step in steps] == [
        ("a", ()),
        ("b", ()),
        ("a (update 2)", ("a", "b")),
        ("c", ("a (update 2)",)),
    ]


def test_a_stack_listed_for_deletion_is_deleted() -> None:
    steps = deploy_steps(deployment(entry("a"), entry("b"), entry("a", action="delete")))
    assert [(step.id, step.work) for step in steps][-1] == ("a (delete 2)", Work.DELETE)


def test_consumers_are_destroyed_before_their_producers() -> None:
    steps = destroy_steps(POSTGRES)
    assert [step.id for step in steps] == ["peering", "db-eu", "key-eu", "net-eu", "db-us", "net-us"]
    assert {step.id: step.needs for step in steps}["db-us"] == ("db-eu",)
    assert all(step.work is Work.DELETE for step in steps)


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """Any number of stacks whose strict values come from stacks of lower number, listed in any order."""
    count = draw(st.integers(1, 8))
    made = []
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        late = draw(st.sets(st.integers(0, count - 1), max_size=2)) - {number}
        made.append(entry(f"s{number}", *(f"s{n}" for n in sorted(needs)), late=tuple(f"s{n}" for n in sorted(late))))
    return deployment(*draw(st.permutations(made)))


@given(deployments())
def test_every_step_comes_after_all_it_needs_and_every_value_has_been_made(world: Deployment) -> None:
    done: set[str] = set()
    for step in deploy_steps(world):
        assert set(step.needs) <= done
        assert {stack for stack in step.entry.upstream()} <= done
        done.add(step.id)
    assert {item.stack for item in world.stacks} <= done
    late = {item.stack for item in world.stacks if item.upstream(late=True)}
    assert {f"{stack} (second pass)" for stack in late} == {name for name in done if name.endswith("(second pass)")}


@given(deployments())
def test_no_stack_is_destroyed_while_a_consumer_is_left(world: Deployment) -> None:
    gone: set[str] = set()
    for step in destroy_steps(world):
        consumers = {item.stack for item in world.stacks if step.id in item.upstream()}
        assert consumers <= gone
        assert set(step.needs) == consumers
        gone.add(step.id)
    assert gone == {item.stack for item in world.stacks}
