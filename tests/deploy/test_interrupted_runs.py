"""Runs that are killed, interrupted, overtaken or signed out: AWS goes on, and the next run takes it up."""

from __future__ import annotations

import signal
import subprocess

import pytest
from shop_world import EU, US, World, in_background, running, slow, status_of, template, until

pytestmark = pytest.mark.embedded


def test_a_killed_run_is_taken_up_where_it_was(world: World) -> None:
    world.add("data", EU, template({"A": slow(world.prefix)}))
    world.aws.clock.set_speed(0)
    with running(world, "deploy") as first:
        until(lambda: status_of(world, "data", EU) == "CREATE_IN_PROGRESS")
        first.kill()
    mark = world.aws.calls.mark()
    thread, ends = in_background(world, "deploy", "--json")
    until(lambda: world.calls(mark).count("DescribeStackEvents") > 1)
    world.aws.clock.set_speed(600)
    thread.join()
    (ended,) = ends
    assert (ended.code, ended.outcome(world.name("data"))) == (0, "done")
    assert [event["reattached"] for event in ended.events if event["event"] == "step-started"] == [True]
    assert "CreateChangeSet" not in world.calls(mark)


def test_two_runs_of_the_same_content_do_the_work_once(world: World) -> None:
    world.add("data", EU, template({"A": slow(world.prefix)}))
    world.aws.clock.set_speed(0)
    mark = world.aws.calls.mark()
    runs = [in_background(world, "deploy", "--json") for _ in range(2)]
    until(lambda: world.calls(mark).count("DescribeStackEvents") > 6)
    world.aws.clock.set_speed(600)
    for thread, ends in runs:
        thread.join()
        assert (ends[0].code, ends[0].outcome(world.name("data"))) == (0, "done"), ends[0].out
    events = world.client("cloudformation", EU).describe_stack_events(StackName=world.name("data"))["StackEvents"]
    statuses = [e["ResourceStatus"] for e in events if e["ResourceType"] == "AWS::CloudFormation::Stack"]
    assert statuses == ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"]


def stopping_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return next(line for line in iter(process.stderr.readline, "") if line.startswith("stopping: "))


def test_interrupted_once_it_follows_what_runs_and_starts_nothing_more(shop: World) -> None:
    shop.slow_down("base")
    shop.aws.clock.set_speed(0)
    with running(shop, "deploy") as process:
        until(lambda: status_of(shop, "base", US) == "CREATE_IN_PROGRESS")
        process.send_signal(signal.SIGINT)
        stopping = stopping_line(process)
        assert f"following {shop.name('base')} to the end" in stopping
        assert stopping.rstrip().endswith(f"Resume with: drgen deploy {shop.folder}")
        shop.aws.clock.set_speed(600)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"done            1  {shop.name('base')}" in err.splitlines()
    assert "not started     3" in err
    assert shop.status("base", US) == "CREATE_COMPLETE"
    assert shop.drgen("deploy").code == 0


def test_interrupted_twice_it_leaves_at_once(shop: World) -> None:
    shop.slow_down("base")
    shop.aws.clock.set_speed(0)
    with running(shop, "deploy") as process:
        until(lambda: status_of(shop, "base", US) == "CREATE_IN_PROGRESS")
        process.send_signal(signal.SIGINT)
        stopping_line(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert shop.status("base", US) == "CREATE_IN_PROGRESS"


def test_credentials_that_expire_meanwhile_mean_still_running_and_not_failed(world: World) -> None:
    world.add("data", EU, template({"A": slow(world.prefix)}))
    world.aws.clock.set_speed(0)
    mark = world.aws.calls.mark()
    thread, ends = in_background(world, "deploy", "--json")
    until(lambda: "ExecuteChangeSet" in world.calls(mark))
    world.aws.faults.expire_token()
    thread.join()
    (ended,) = ends
    assert (ended.code, ended.outcome(world.name("data"))) == (75, "still running")
    assert "the AWS credentials have expired" in ended.detail(world.name("data"))
    world.aws.faults.clear()
    world.aws.clock.set_speed(600)
    assert world.drgen("deploy").code == 0


def test_credentials_that_expired_before_mean_try_again_and_nothing_is_begun(shop: World) -> None:
    shop.aws.faults.expire_token()
    ended = shop.drgen("deploy", "--json")
    assert (ended.code, ended.outcome(shop.name("base"))) == (75, "not started")
    assert "sign in again" in ended.detail(shop.name("base"))
