"""Ordinary days: deploy, deploy again, plan, look, destroy."""

from __future__ import annotations

import hashlib
import json

import pytest
from shop_world import World, parameter, template

pytestmark = pytest.mark.embedded


def test_stacks_come_up_in_order_with_each_others_outputs_and_the_late_value_last(shop: World) -> None:
    ended = shop.drgen("deploy", "--json")
    assert ended.code == 0
    ends = [event["step"] for event in ended.events if event["event"] == "step-ended"]
    assert ends == [shop.name("base"), shop.name("data"), shop.name("copy"), f"{shop.name('base')} (second pass)"]
    values = {p["ParameterKey"]: p["ParameterValue"] for p in shop.stack("base", "us-east-1")["Parameters"]}
    assert values == {"Peer": f"/{shop.prefix}/copy"}
    ssm = shop.client("ssm", "eu-west-1")
    assert ssm.get_parameter(Name=f"/{shop.prefix}/copy")["Parameter"]["Value"] == f"/{shop.prefix}/data"


def test_second_deploy_changes_nothing(shop: World) -> None:
    assert shop.drgen("deploy").code == 0
    before = [shop.stack(name, region) for name, region in (("base", "us-east-1"), ("copy", "eu-west-1"))]
    mark = shop.aws.calls.mark()
    ended = shop.drgen("deploy", "--json")
    assert (ended.code, {e["outcome"] for e in ended.events if e["event"] == "step-ended"}) == (0, {"unchanged"})
    changing = ("ExecuteChangeSet", "DeleteStack", "SetStackPolicy", "UpdateTerminationProtection")
    assert not set(shop.calls(mark)) & set(changing)
    after = [shop.stack(name, region) for name, region in (("base", "us-east-1"), ("copy", "eu-west-1"))]
    assert after == before


def test_a_plan_shows_what_is_known_and_leaves_nothing_behind(shop: World) -> None:
    ended = shop.drgen("plan", "--detailed-exitcode")
    assert ended.code == 2
    assert ended.out.splitlines() == [
        f"us-east-1  {shop.name('base')}: create",
        "    +   Topic AWS::SNS::Topic",
        f"us-east-1  {shop.name('data')}: create (values known after deploy)",
        f"    waits for {shop.name('base')} (TopicArn)",
        "    +   Name AWS::SSM::Parameter",
        f"eu-west-1  {shop.name('copy')}: create (values known after deploy)",
        f"    waits for {shop.name('data')} (DataName)",
        "    +   Copy AWS::SSM::Parameter",
        f"us-east-1  {shop.name('base')} (second pass: late values): known after deploy",
        f"    waits for {shop.name('copy')} (CopyName)",
        "resources: 3 +, 0 ~, 0 -/+, 0 -; steps: 1 create, 3 known after deploy",
    ]
    listed = shop.client("cloudformation", "us-east-1").list_stacks(
        StackStatusFilter=["REVIEW_IN_PROGRESS", "CREATE_COMPLETE"]
    )
    assert [s for s in listed["StackSummaries"] if s["StackName"].startswith(shop.prefix)] == []


def test_a_plan_of_what_is_deployed_shows_no_changes_and_one_of_a_replacement_its_property(shop: World) -> None:
    assert shop.drgen("deploy").code == 0
    assert shop.drgen("plan", "--detailed-exitcode").code == 0
    copy = template({"Copy": parameter(f"/{shop.prefix}/copy2", {"Ref": "DataName"})}, parameters=("DataName",))
    shop.write("copy", copy | {"Outputs": {"CopyName": {"Value": {"Ref": "Copy"}}}})
    ended = shop.drgen("plan", "--detailed-exitcode", "--region", "eu-west-1")
    assert ended.code == 2
    assert "-/+ Copy AWS::SSM::Parameter [Name] replaced because of Name" in ended.out


def test_an_approved_plan_is_deployed_and_nothing_else_is(shop: World) -> None:
    plan = shop.folder / "plan.json"
    assert shop.drgen("plan", "--out", str(plan)).code == 0
    assert shop.drgen("deploy", "--plan", str(plan)).code == 0
    assert shop.drgen("plan", "--out", str(plan)).code == 0
    shop.write("copy", template({"Other": parameter(f"/{shop.prefix}/other")}))
    refused = shop.drgen("deploy", "--plan", str(plan))
    assert refused.code == 3
    assert f"stack {shop.name('copy')} has another template than when it was planned" in refused.err


def test_a_plan_overtaken_by_somebody_else_is_refused_by_what_it_would_do_now(shop: World) -> None:
    plan = shop.folder / "plan.json"
    assert shop.drgen("deploy").code == 0
    assert shop.drgen("plan", "--out", str(plan)).code == 0
    foreign = template({"Foreign": parameter(f"/{shop.prefix}/foreign")}, parameters=("DataName",))
    cloud = shop.client("cloudformation", "eu-west-1")
    keep = [{"ParameterKey": "DataName", "UsePreviousValue": True}]
    cloud.update_stack(StackName=shop.name("copy"), TemplateBody=json.dumps(foreign), Parameters=keep)
    cloud.get_waiter("stack_update_complete").wait(StackName=shop.name("copy"), WaiterConfig={"Delay": 1})
    refused = shop.drgen("deploy", "--plan", str(plan), "--json")
    assert refused.code == 3
    assert "Foreign: Remove (approved: no change)" in refused.detail(shop.name("copy"))
    assert shop.status("copy", "eu-west-1") == "UPDATE_COMPLETE"


def test_a_plan_says_which_outputs_it_assumes_and_a_worse_consequence_is_refused(shop: World) -> None:
    plan = shop.folder / "plan.json"
    assert shop.drgen("deploy").code == 0
    consumer = template({"Copy": parameter({"Ref": "DataName"})}, parameters=("DataName",))
    shop.write("copy", consumer | {"Outputs": {"CopyName": {"Value": "fixed"}}})
    assert shop.drgen("deploy").code == 0
    changed = template({"Name": parameter(f"/{shop.prefix}/data2", {"Ref": "TopicArn"})}, parameters=("TopicArn",))
    shop.write("data", changed | {"Outputs": {"DataName": {"Value": {"Ref": "Name"}}}})
    planned = shop.drgen("plan", "--out", str(plan))
    assert f"    assumes that these stay as they are: {shop.name('data')} (DataName)" in planned.out.splitlines()
    refused = shop.drgen("deploy", "--plan", str(plan), "--json")
    assert refused.code == 3
    assert refused.outcome(shop.name("data")) == "done"
    assert "Copy: Modify, replacement True (approved: no change)" in refused.detail(shop.name("copy"))


def test_status_names_a_value_that_its_producer_no_longer_has(shop: World) -> None:
    assert shop.drgen("deploy").code == 0
    changed = template({"Name": parameter(f"/{shop.prefix}/data2", {"Ref": "TopicArn"})}, parameters=("TopicArn",))
    shop.write("data", changed | {"Outputs": {"DataName": {"Value": {"Ref": "Name"}}}})
    assert shop.drgen("deploy", "--region", "us-east-1").code == 0
    status = shop.drgen("status")
    assert status.code == 0
    assert (
        f"    stale: DataName is /{shop.prefix}/data, but {shop.name('data')}.DataName is /{shop.prefix}/data2;"
        " deploy again" in status.out
    )


def test_outputs_are_printed_by_stack_and_for_programs(shop: World) -> None:
    assert shop.drgen("deploy", "--region", "us-east-1").code == 0
    assert f"    DataName: /{shop.prefix}/data" in shop.drgen("outputs").out.splitlines()
    assert json.loads(shop.drgen("outputs", "--json").out)[shop.name("data")] == {
        "region": "us-east-1",
        "outputs": {"DataName": f"/{shop.prefix}/data"},
    }


def test_destroy_deletes_consumers_first_and_names_what_is_kept(shop: World) -> None:
    shop.add("kept", "us-east-1", template({"Kept": parameter(f"/{shop.prefix}/kept", DeletionPolicy="Retain")}))
    assert shop.drgen("deploy").code == 0
    assert shop.drgen("destroy").code == 2
    ended = shop.drgen("destroy", "--yes", "--json")
    assert ended.code == 0
    ends = [event["step"] for event in ended.events if event["event"] == "step-ended"]
    order = [ends.index(shop.name(stack)) for stack in ("copy", "data", "base")]
    assert order == sorted(order)
    notes = [event["text"] for event in ended.events if event["event"] == "note"]
    assert notes == [f"kept: Kept (AWS::SSM::Parameter) /{shop.prefix}/kept"]
    again = shop.drgen("destroy", "--yes", "--json")
    assert {event["outcome"] for event in again.events if event["event"] == "step-ended"} == {"unchanged"}


def test_a_protected_stack_is_destroyed_only_after_its_protection_was_taken_off(world: World) -> None:
    body = template({"Name": parameter(f"/{world.prefix}/name")})
    world.write("base", body)
    digest = hashlib.sha256((world.folder / "base.yaml").read_bytes()).hexdigest()
    world.add("base", "us-east-1", body, sha256=digest, termination_protection=True, protect=["Name"])
    assert world.drgen("deploy").code == 0
    policy = world.client("cloudformation", "us-east-1").get_stack_policy(StackName=world.name("base"))
    assert json.loads(policy["StackPolicyBody"])["Statement"][1]["Resource"] == ["LogicalResourceId/Name"]
    refused = world.drgen("destroy", "--yes")
    assert (refused.code, world.status("base", "us-east-1")) == (3, "CREATE_COMPLETE")
    assert f"termination protection is on for {world.name('base')} (us-east-1)" in refused.err
    world.add("base", "us-east-1", body, sha256=digest)
    plan = world.drgen("plan").out
    assert "    then termination protection off" in plan.splitlines()
    assert world.drgen("deploy").code == 0
    assert world.drgen("destroy", "--yes").code == 0


def test_a_big_template_goes_by_the_bucket_that_is_made_for_it(world: World) -> None:
    resources = {f"Name{n}": parameter(f"/{world.prefix}/{n}", "x" * 900) for n in range(60)}
    world.add("big", "eu-west-1", template(resources))
    assert (world.folder / "big.yaml").stat().st_size > 51_200
    plan = world.drgen("plan").out
    assert "eu-west-1  drgen-artifacts-eu-west-1: create" in plan
    ended = world.drgen("deploy", "--json")
    assert ended.code == 0, ended.out
    assert ended.outcome(world.name("big")) == "done"
    s3 = world.client("s3", "eu-west-1")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="drgen-artifacts-123456789012-eu-west-1")["Contents"]]
    digest = hashlib.sha256((world.folder / "big.yaml").read_bytes()).hexdigest()
    assert f"templates/{digest}.yaml" in keys
    again = world.drgen("deploy", "--json")
    assert {event["outcome"] for event in again.events if event["event"] == "step-ended"} == {"unchanged"}


def test_the_default_security_group_loses_its_rules_once_and_status_says_so(world: World) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    body = template({"Vpc": vpc}, outputs={"VpcId": {"Ref": "Vpc"}})
    world.add("net", "us-east-1", body, after=[{"revoke_default_security_group": "VpcId"}])
    assert "    then revoke all rules of the default security group of VpcId" in world.drgen("plan").out.splitlines()
    first = world.drgen("deploy", "--json")
    assert first.code == 0
    (note,) = [event["text"] for event in first.events if event["event"] == "note"]
    assert note.endswith("all rules revoked")
    ec2 = world.client("ec2", "us-east-1")
    vpc_id = world.stack("net", "us-east-1")["Outputs"][0]["OutputValue"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["SecurityGroups"]
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])
    assert world.drgen("plan", "--detailed-exitcode").code == 0
    assert "    default security group: no rules" in world.drgen("status").out.splitlines()
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], CidrIp="0.0.0.0/0", IpProtocol="-1")
    assert (
        "    default security group: has rules; deploy again to revoke them" in world.drgen("status").out.splitlines()
    )
    assert world.drgen("plan", "--detailed-exitcode").code == 2
    assert world.drgen("deploy").code == 0
    assert "    default security group: no rules" in world.drgen("status").out.splitlines()


def test_an_output_is_told_when_it_is_new_or_has_changed_and_then_no_more(world: World) -> None:
    def told(value: str) -> list[str]:
        body = template({"A": parameter(f"/{world.prefix}/a", value)}, outputs={"Command": f"run {value}"})
        world.add("data", "eu-west-1", body, after=[{"tell": "to copy it:", "output": "Command"}])
        ended = world.drgen("deploy", "--json")
        assert ended.code == 0
        return [event["text"] for event in ended.events if event["event"] == "note"]

    assert told("one") == ["to copy it: run one"]
    assert told("one") == []
    assert told("two") == ["to copy it: run two"]


def test_an_artifact_is_uploaded_once_under_its_key(world: World) -> None:
    (world.folder / "probe.zip").write_bytes(b"zip")
    key = f"{world.prefix}/probe.zip"
    artifacts = [{"name": "probe", "path": "probe.zip", "key": key}]
    world.add("code", "eu-west-1", template({"A": parameter(f"/{world.prefix}/a", "one")}), artifacts=artifacts)
    assert world.drgen("deploy").code == 0
    bucket = "drgen-artifacts-123456789012-eu-west-1"
    stored = world.client("s3", "eu-west-1").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert stored == b"zip"
    mark = world.aws.calls.mark()
    assert world.drgen("deploy").code == 0
    assert "PutObject" not in world.calls(mark)


def test_a_manifest_written_by_hand_may_update_and_delete_what_it_created(world: World) -> None:
    world.write("one", template({"A": parameter(f"/{world.prefix}/a", "one")}))
    world.write("two", template({"A": parameter(f"/{world.prefix}/a", "two")}))
    name = world.name("data")
    first = {"stack": name, "template": "one.yaml", "region": "eu-west-1"}
    world.stacks = [first, {**first, "template": "two.yaml", "action": "update"}]
    world.manifest()
    assert world.drgen("deploy").code == 0
    ssm = world.client("ssm", "eu-west-1")
    assert ssm.get_parameter(Name=f"/{world.prefix}/a")["Parameter"]["Value"] == "two"
    world.stacks = [first, {"stack": name, "region": "eu-west-1", "action": "delete"}]
    world.manifest()
    ended = world.drgen("deploy", "--json")
    assert (ended.code, ended.outcome(f"{name} (delete 2)")) == (0, "done")
    assert ssm.get_parameters(Names=[f"/{world.prefix}/a"])["InvalidParameters"] == [f"/{world.prefix}/a"]


def test_a_listed_deletion_of_a_stack_that_holds_data_must_be_allowed_by_name(world: World) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": world.prefix}}
    world.add("data", "eu-west-1", template({"Queue": queue}))
    assert world.drgen("deploy").code == 0
    world.stacks = [{"stack": world.name("data"), "region": "eu-west-1", "action": "delete"}]
    world.manifest()
    address = f"{world.name('data')}/Queue"
    refused = world.drgen("deploy", "--json")
    assert refused.code == 3
    assert f"deleting the stack would delete {address}" in refused.detail(world.name("data"))
    assert world.drgen("deploy", "--allow", address).code == 0
