"""Days when something is wrong: each ends with a clear message, the right exit code, and nothing lost."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr

import pytest
from shop_world import EU, US, World, parameter, slow, template, until

from drgen.cli.main import main

pytestmark = pytest.mark.embedded


def test_malformed_yaml_is_named_with_its_line_before_any_call(shop: World) -> None:
    (shop.folder / "copy.yaml").write_text("Resources:\n  A: {Type: [\n", "utf-8")
    mark = shop.aws.calls.mark()
    ended = shop.drgen("deploy")
    assert ended.code == 2
    assert "copy.yaml:3" in ended.err
    assert shop.calls(mark) == []


def test_what_the_offline_check_calls_an_error_is_not_begun(shop: World) -> None:
    (shop.folder / "copy.yaml").write_text('Resources: {A: {Type: "AWS::SSM::Parameter", Properties: {}}}', "utf-8")
    shop.stacks[2].pop("parameters")
    shop.stacks[0].pop("parameters")
    shop.manifest()
    mark = shop.aws.calls.mark()
    with redirect_stderr(io.StringIO()) as err, pytest.raises(SystemExit) as ended:
        main(["deploy", str(shop.folder)])
    assert (ended.value.code, shop.calls(mark)) == (1, [])
    assert "the check found errors; nothing was deployed" in err.getvalue()
    assert "copy.yaml" in err.getvalue()


def test_a_template_edited_after_the_build_is_refused_before_any_call(shop: World) -> None:
    shop.stacks[2]["sha256"] = "0" * 64
    shop.manifest()
    mark = shop.aws.calls.mark()
    ended = shop.drgen("deploy")
    assert ended.code == 3
    assert f"the template of stack {shop.name('copy')} was edited after the build" in ended.err
    assert shop.calls(mark) == []


def test_without_credentials_nothing_starts(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    mark = shop.aws.calls.mark()
    ended = shop.drgen("deploy")
    assert (ended.code, shop.calls(mark)) == (1, [])
    assert ended.err.startswith("error: there are no AWS credentials\n  fix: set AWS_PROFILE")


def test_a_missing_output_stops_its_consumers_and_names_the_outputs_there_are(shop: World) -> None:
    shop.write("base", template({"Topic": parameter(f"/{shop.prefix}/t")}, outputs={"Other": "x"}))
    shop.stacks[0].pop("parameters")
    shop.manifest()
    ended = shop.drgen("deploy", "--json")
    assert ended.code == 1
    assert ended.outcome(shop.name("base")) == "done", ended.out
    assert "parameter TopicArn needs output TopicArn of stack" in ended.detail(shop.name("data"))
    assert "whose outputs are: Other" in ended.detail(shop.name("data"))
    assert ended.outcome(shop.name("copy")) == "blocked"


def test_a_failure_in_the_recovery_stage_leaves_the_primary_and_a_second_run_goes_on(shop: World) -> None:
    taken = shop.client("ssm", EU)
    taken.put_parameter(Name=f"/{shop.prefix}/copy", Value="somebody's", Type="String")
    ended = shop.drgen("deploy")
    assert ended.code == 1
    lines = ended.err.splitlines()
    cause = next(line for line in lines if line.startswith("  cause: "))
    assert cause.startswith(f"  cause: Copy (AWS::SSM::Parameter) of stack {shop.name('copy')} in eu-west-1: ")
    assert "already exists" in cause
    told = " ".join(" ".join(lines).split())
    assert f"done 2 {shop.name('base')}, {shop.name('data')} " in told
    assert f"blocked 1 {shop.name('base')} (second pass)" in told
    assert shop.status("data", US) == "CREATE_COMPLETE"
    assert shop.status("copy", EU) == "ROLLBACK_COMPLETE"
    taken.delete_parameter(Name=f"/{shop.prefix}/copy")
    again = shop.drgen("deploy", "--json")
    assert again.code == 0
    assert again.outcome(shop.name("data")) == "unchanged"
    assert again.outcome(shop.name("copy")) == "done"
    assert "removing the empty remains of a failed creation" in [e.get("text") for e in again.events]


def test_remains_of_a_failed_creation_that_hold_something_are_never_deleted(world: World) -> None:
    world.client("ssm", EU).put_parameter(Name=f"/{world.prefix}/b", Value="somebody's", Type="String")
    kept = parameter(f"/{world.prefix}/a", DeletionPolicy="Retain")
    world.add("data", EU, template({"A": kept, "B": parameter(f"/{world.prefix}/b", DependsOn="A")}))
    assert world.drgen("deploy").code == 1
    assert world.status("data", EU) == "ROLLBACK_COMPLETE"
    mark = world.aws.calls.mark()
    ended = world.drgen("deploy", "--json")
    assert ended.code == 3
    assert "it still holds A" in ended.detail(world.name("data"))
    assert f"aws cloudformation delete-stack --stack-name {world.name('data')} --region eu-west-1" in ended.detail(
        world.name("data")
    )
    assert "DeleteStack" not in world.calls(mark)
    assert world.client("ssm", EU).get_parameter(Name=f"/{world.prefix}/a")["Parameter"]["Value"] == "v"


def test_the_empty_shell_of_an_abandoned_change_set_is_used(world: World) -> None:
    body = template({"A": parameter(f"/{world.prefix}/a")})
    world.add("data", EU, body)
    world.client("cloudformation", EU).create_change_set(
        StackName=world.name("data"), ChangeSetName="abandoned", ChangeSetType="CREATE", TemplateBody=json.dumps(body)
    )
    until(lambda: world.status("data", EU) == "REVIEW_IN_PROGRESS")
    assert world.drgen("plan").code == 0
    assert world.status("data", EU) == "REVIEW_IN_PROGRESS"
    assert world.drgen("deploy").code == 0
    assert world.status("data", EU) == "CREATE_COMPLETE"


def test_a_stack_that_somebody_else_is_updating_is_left_alone(world: World) -> None:
    world.add("data", EU, template({"A": slow(world.prefix)}))
    assert world.drgen("deploy").code == 0
    world.aws.clock.set_speed(0)
    foreign = template({"A": slow(world.prefix, "foreign")})
    cloud = world.client("cloudformation", EU)
    cloud.update_stack(StackName=world.name("data"), TemplateBody=json.dumps(foreign), ClientRequestToken="console-1")
    until(lambda: world.status("data", EU) == "UPDATE_IN_PROGRESS")
    mark = world.aws.calls.mark()
    ended = world.drgen("deploy", "--json")
    assert ended.code == 4
    assert "the stack is in UPDATE_IN_PROGRESS since 20" in ended.detail(world.name("data"))
    assert "begun by somebody else" in ended.detail(world.name("data"))
    assert "CreateChangeSet" not in world.calls(mark)
    assert f"eu-west-1  {world.name('data')}: locked" in world.drgen("plan").out


def test_an_update_that_fails_is_undone_and_the_next_one_goes_through(world: World) -> None:
    name, taken = f"/{world.prefix}/a", f"/{world.prefix}/taken"
    world.client("ssm", EU).put_parameter(Name=taken, Value="somebody's", Type="String")
    world.add("data", EU, template({"A": parameter(name, "one")}))
    assert world.drgen("deploy").code == 0
    world.write("data", template({"A": parameter(name, "two"), "B": parameter(taken, DependsOn="A")}))
    ended = world.drgen("deploy")
    assert ended.code == 1
    assert f"  cause: B (AWS::SSM::Parameter) of stack {world.name('data')} in eu-west-1" in ended.err
    assert world.status("data", EU) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.client("ssm", EU).get_parameter(Name=name)["Parameter"]["Value"] == "one"
    world.write("data", template({"A": parameter(name, "two")}))
    assert world.drgen("deploy").code == 0
    assert world.client("ssm", EU).get_parameter(Name=name)["Parameter"]["Value"] == "two"


def test_a_change_that_would_replace_a_data_store_is_refused_until_it_is_named(world: World) -> None:
    def queue(name: str) -> dict[str, object]:
        properties = {"QueueName": f"{world.prefix[:60]}-{name}"}
        return template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}})

    world.add("data", EU, queue("one"), protect=["Queue"])
    assert world.drgen("deploy").code == 0
    world.write("data", queue("two"))
    mark = world.aws.calls.mark()
    ended = world.drgen("deploy", "--json")
    assert ended.code == 3
    address = f"{world.name('data')}/Queue"
    assert f"{address} (AWS::SQS::Queue) would be replaced by an empty one because of QueueName" in ended.detail(
        world.name("data")
    )
    assert "ExecuteChangeSet" not in world.calls(mark)
    assert f"    ! {address} would be replaced by an empty one because of QueueName" in world.drgen("plan").out
    assert world.drgen("deploy", "--allow", address).code == 0
    assert world.status("data", EU) == "UPDATE_COMPLETE"
    policy = world.client("cloudformation", EU).get_stack_policy(StackName=world.name("data"))["StackPolicyBody"]
    assert json.loads(policy)["Statement"][1]["Resource"] == ["LogicalResourceId/Queue"]


def test_an_allowance_that_names_nothing_is_a_mistake(shop: World) -> None:
    assert shop.drgen("deploy", "--allow", "Database").code == 2
    assert shop.drgen("deploy", "--allow", "elsewhere/Database").code == 2


def test_the_recovery_region_is_deployed_while_the_primary_is_dark(shop: World) -> None:
    assert shop.drgen("deploy").code == 0
    copy = template(
        {"Copy": parameter(f"/{shop.prefix}/copy", {"Ref": "DataName"}), "More": parameter(f"/{shop.prefix}/more")},
        parameters=("DataName",),
        outputs={"CopyName": {"Ref": "Copy"}},
    )
    shop.write("copy", copy)
    shop.aws.faults.dark(US)
    plan = shop.drgen("plan", "--region", EU)
    assert plan.code == 0
    assert (
        f"us-east-1 does not answer; these parameters keep their values: {shop.name('copy')}.DataName"
        in plan.out.splitlines()
    )
    mark = shop.aws.calls.mark()
    ended = shop.drgen("deploy", "--region", EU, "--json")
    assert (ended.code, ended.outcome(shop.name("copy"))) == (0, "done")
    assert not [call for call in shop.aws.calls.since(mark) if call.region == US and call.answered]
    assert len(shop.calls(mark, region=US)) <= 2
    value = shop.client("ssm", EU).get_parameter(Name=f"/{shop.prefix}/copy")["Parameter"]["Value"]
    assert value == f"/{shop.prefix}/data"
    status = shop.drgen("status")
    assert f"us-east-1  {shop.name('base')}  unreachable: us-east-1 does not answer" in status.out
    assert f"eu-west-1  {shop.name('copy')}  UPDATE_COMPLETE" in status.out


def test_everything_cannot_be_deployed_while_a_region_is_dark_and_the_other_regions_go_on(shop: World) -> None:
    shop.add("alone", EU, template({"A": parameter(f"/{shop.prefix}/alone")}))
    shop.aws.faults.dark(US)
    ended = shop.drgen("deploy", "--json")
    assert ended.code == 1
    assert "us-east-1 does not answer" in ended.detail(shop.name("base"))
    assert ended.outcome(shop.name("copy")) == "blocked"
    assert ended.outcome(shop.name("alone")) == "done"


def test_an_answer_that_gets_lost_does_no_harm(world: World) -> None:
    world.add("data", EU, template({"A": parameter(f"/{world.prefix}/a")}))
    for operation in ("CreateChangeSet", "ExecuteChangeSet"):
        world.aws.faults.lose_answer("cloudformation", operation)
    ended = world.drgen("deploy", "--json")
    assert (ended.code, ended.outcome(world.name("data"))) == (0, "done")


def test_throttling_is_waited_out(shop: World) -> None:
    shop.aws.faults.throttle("cloudformation", times=2)
    assert shop.drgen("deploy").code == 0


def test_a_stuck_stack_is_refused_with_the_command_that_frees_it(world: World) -> None:
    world.client("ssm", EU).put_parameter(Name=f"/{world.prefix}/b", Value="somebody's", Type="String")
    body = template({"A": parameter(f"/{world.prefix}/a"), "B": parameter(f"/{world.prefix}/b", DependsOn="A")})
    world.add("data", EU, body)
    cloud = world.client("cloudformation", EU)
    cloud.create_stack(StackName=world.name("data"), TemplateBody=json.dumps(body), DisableRollback=True)
    until(lambda: world.status("data", EU) == "CREATE_FAILED")
    ended = world.drgen("deploy", "--json")
    assert ended.code == 3
    assert f"aws cloudformation rollback-stack --stack-name {world.name('data')}" in ended.detail(world.name("data"))
    assert world.status("data", EU) == "CREATE_FAILED"
