"""BEHAVIOUR CF23 to CF28: stacks change, and changes are taken back."""

from __future__ import annotations

import json
import threading
from typing import Any

from cloudformation_world import World, database, template, topic

WEB = {"DBInstanceIdentifier": "web"}


def test_a_second_update_has_nothing_to_do(world: World) -> None:
    """CF51"""
    wanted = template({"T": topic(TopicName="t", FifoTopic=False), "Db": database(AllocatedStorage=100)})
    world.create(wanted)
    same = template({"T": topic(TopicName="t", FifoTopic="false"), "Db": database(AllocatedStorage="100")})
    assert world.refused("UpdateStack", StackName="app", TemplateBody=json.dumps(same)) == (
        "ValidationError: No updates are to be performed."
    )


def test_a_change_in_place_keeps_the_resource(world: World) -> None:
    world.create(template({"Db": database(AllocatedStorage="100"), "T": topic(DisplayName={"Ref": "Db"})}))
    before = world.physical("Db")
    assert (
        world.update(template({"Db": database(AllocatedStorage="200"), "T": topic(DisplayName={"Ref": "Db"})}))[
            "StackStatus"
        ]
        == "UPDATE_COMPLETE"
    )
    assert world.physical("Db") == before
    assert world.databases.log == ["create Db", "update Db"]
    assert world.databases.seen[-1].previous["AllocatedStorage"] == "100"
    assert world.events()[-5:] == [
        "app UPDATE_IN_PROGRESS",
        "Db UPDATE_IN_PROGRESS",
        "Db UPDATE_COMPLETE",
        "app UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "app UPDATE_COMPLETE",
    ]


def test_a_create_only_change_makes_a_new_resource_before_the_old_one_goes(world: World) -> None:
    """CF23"""
    follower = topic(DisplayName={"Fn::GetAtt": ["Db", "Endpoint.Address"]})
    world.create(template({"Db": database(KmsKeyId="old"), "T": follower}))
    world.update(template({"Db": {**database(KmsKeyId="new"), "UpdateReplacePolicy": "Snapshot"}, "T": follower}))
    assert world.databases.log == ["create Db", "create Db", "delete/Snapshot Db"]
    assert world.physical("Db") == "db-2"
    assert world.events()[-8:] == [
        "Db UPDATE_IN_PROGRESS",
        "Db UPDATE_COMPLETE",
        "T UPDATE_IN_PROGRESS",
        "T UPDATE_COMPLETE",
        "app UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "Db DELETE_IN_PROGRESS",
        "Db DELETE_COMPLETE",
        "app UPDATE_COMPLETE",
    ]


def test_a_type_that_deletes_first_says_so_in_its_schema(world: World) -> None:
    """CF23"""

    def association(table: str) -> dict[str, object]:
        properties = {"SubnetId": "subnet-1", "RouteTableId": table}
        return {"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": properties}

    world.create(template({"A": association("rtb-1"), "Db": database(MultiAZ=False)}))
    before = world.physical("A")
    world.databases.fail["update Db"] = "no"
    changed = template({"A": association("rtb-2"), "Db": {**database(MultiAZ=True), "DependsOn": "A"}})
    assert world.update(changed)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.physical("A") != before
    assert "A DELETE_IN_PROGRESS" not in world.events()


def test_a_resource_cannot_be_replaced_under_its_own_name(world: World) -> None:
    """CF24"""
    world.create(template({"Db": database(KmsKeyId="old", **WEB)}))
    ended = world.update(template({"Db": database(KmsKeyId="new", **WEB)}))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.reason("Db UPDATE_FAILED") == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename web and update the stack again."
    )
    assert [line for line in world.databases.log if line.startswith("create")] == ["create Db"]


def test_a_handler_can_ask_for_a_new_resource(world: World) -> None:
    """CF23: removing the source of a replica is up to the handler."""
    world.create(template({"Db": database(SourceDBInstanceIdentifier="arn:source")}))
    promoted = template({"Db": database()})
    world.databases.not_updatable.add("Db")
    assert world.update(promoted)["StackStatus"] == "UPDATE_COMPLETE"
    assert world.databases.log == ["create Db", "create Db", "delete Db"]


def test_promotion_changes_the_database_in_place(world: World) -> None:
    """CF23, CF52, CF53: what the failover does."""
    source = {"Fn::If": ["IsReplica", "arn:source", {"Ref": "AWS::NoValue"}]}
    replica = template(
        {"Db": database(SourceDBInstanceIdentifier=source, **WEB)},
        Parameters={"DatabaseRole": {"Type": "String", "Default": "replica"}},
        Conditions={"IsReplica": {"Fn::Equals": [{"Ref": "DatabaseRole"}, "replica"]}},
    )
    world.create(replica)
    standalone = [{"ParameterKey": "DatabaseRole", "ParameterValue": "standalone"}]
    change = world.planned(None, Parameters=standalone)["Changes"][0]["ResourceChange"]
    assert change["Replacement"] == "Conditional"
    assert [(d["ChangeSource"], d["CausingEntity"], d["Evaluation"]) for d in change["Details"]] == [
        ("ParameterReference", "DatabaseRole", "Static")
    ]
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan", DisableRollback=True)
    assert world.settled()["StackStatus"] == "UPDATE_COMPLETE"
    assert world.databases.log == ["create Db", "update Db"]
    assert "SourceDBInstanceIdentifier" not in world.databases.seen[-1].properties


def two_databases(size: str, *, multi_az: bool, kms: str = "k") -> dict[str, Any]:
    first = database(AllocatedStorage=size, KmsKeyId=kms)
    return {"A": first, "B": {**database(MultiAZ=multi_az), "DependsOn": "A"}}


def test_a_failed_update_is_taken_back(world: World) -> None:
    """CF25"""
    world.create(template(two_databases("1", multi_az=False)))
    world.databases.fail["update B"] = "no capacity"
    wanted = two_databases("2", multi_az=True)
    wanted["B"]["DependsOn"] = ["A", "New"]
    ended = world.update(template({**wanted, "New": topic()}))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.reason("app UPDATE_ROLLBACK_IN_PROGRESS") == "The following resource(s) failed to update: [B]."
    seen = [
        (one.logical_id, one.properties.get("AllocatedStorage"), one.properties.get("MultiAZ"))
        for one in world.databases.seen[2:]
    ]
    assert seen == [("A", "2", None), ("B", None, True), ("A", "1", None), ("B", None, False)]
    assert world.databases.seen[-1].previous["MultiAZ"] is True
    assert "New DELETE_COMPLETE" in world.events()
    kept = [
        item["LogicalResourceId"]
        for item in world.call("ListStackResources", StackName="app")["StackResourceSummaries"]
    ]
    assert kept == ["A", "B"]
    assert world.call("GetTemplate", StackName="app")["TemplateBody"] == json.dumps(
        template(two_databases("1", multi_az=False))
    )


def test_a_replaced_resource_is_taken_up_again(world: World) -> None:
    """CF25"""
    world.create(template(two_databases("1", multi_az=False)))
    world.databases.fail["update B"] = "no capacity"
    world.update(template(two_databases("1", multi_az=True, kms="other")))
    assert world.physical("A") == "db-1"
    assert world.databases.log[2:] == ["create A", "update B", "update B", "delete A"]
    assert world.databases.seen[-1].properties["KmsKeyId"] == "other"


def test_a_rollback_that_fails_can_be_continued(world: World) -> None:
    """CF25"""
    world.create(template(two_databases("1", multi_az=False)))
    world.databases.fail_always["update B"] = "still no capacity"
    assert world.update(template(two_databases("2", multi_az=True)))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert world.reason("app UPDATE_ROLLBACK_FAILED") == "The following resource(s) failed to update: [B]. "
    assert "can not be updated" in world.refused("UpdateStack", StackName="app", UsePreviousTemplate=True)
    assert "cannot be skipped: [A]" in world.refused("ContinueUpdateRollback", StackName="app", ResourcesToSkip=["A"])
    world.call("ContinueUpdateRollback", StackName="app")
    assert world.settled()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    world.call("ContinueUpdateRollback", StackName="app", ResourcesToSkip=["B"])
    assert world.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "can not continue rollback" in world.refused("ContinueUpdateRollback", StackName="app")


def test_an_update_without_rollback_can_be_retried(world: World) -> None:
    """CF26"""
    world.create(template(two_databases("1", multi_az=False)))
    world.databases.fail["update B"] = "no capacity"
    wanted = template(two_databases("2", multi_az=True))
    assert world.update(wanted, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert world.reason("app UPDATE_FAILED") == "The following resource(s) failed to update: [B]."
    assert world.update(wanted, DisableRollback=True)["StackStatus"] == "UPDATE_COMPLETE"
    assert world.databases.log[2:] == ["update A", "update B", "update B"]
    assert world.databases.seen[-1].previous["MultiAZ"] is False


def test_an_update_without_rollback_can_still_be_rolled_back(world: World) -> None:
    """CF26"""
    world.create(template(two_databases("1", multi_az=False)))
    world.databases.fail["update B"] = "no capacity"
    world.update(template(two_databases("2", multi_az=True, kms="other")), DisableRollback=True)
    world.call("RollbackStack", StackName="app")
    assert world.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.physical("A") == "db-1"
    assert world.databases.log[-2:] == ["update B", "delete A"]
    assert "can not be rolled back" in world.refused("RollbackStack", StackName="app")


def test_a_creation_without_rollback_goes_on_with_an_update(world: World) -> None:
    """CF26"""
    world.databases.fail["create B"] = "no"
    wanted = template(two_databases("1", multi_az=False))
    assert world.create(wanted, DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    assert world.update(wanted)["StackStatus"] == "UPDATE_COMPLETE"
    assert world.databases.log == ["create A", "create B", "create B"]


def test_a_cancelled_update_is_rolled_back(world: World) -> None:
    """CF28"""
    world.create(template(two_databases("1", multi_az=False)))
    held = world.databases.hold["update A"] = threading.Event()
    text = json.dumps(template(two_databases("2", multi_az=True)))
    world.call("UpdateStack", StackName="app", TemplateBody=text)
    while "A UPDATE_IN_PROGRESS" not in world.events():
        world.sleep(1)
    world.call("CancelUpdateStack", StackName="app")
    held.set()
    assert world.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.databases.log[2:] == ["update A", "update A"]
    assert world.refused("CancelUpdateStack", StackName="app") == (
        "ValidationError: CancelUpdateStack cannot be called from current stack status"
    )


def test_what_cannot_be_cleaned_up_is_left_behind(world: World) -> None:
    """CF27"""
    world.create(template({"Db": {**database(), "DeletionPolicy": "Delete"}, "T": topic()}))
    world.databases.fail["delete Db"] = "in use"
    ended = world.update(template({"T": topic()}))
    assert (ended["StackStatus"], ended["StackStatusReason"]) == (
        "UPDATE_COMPLETE",
        "Update successful. One or more resources could not be deleted.",
    )


def test_a_promotion_cannot_be_taken_back(world: World) -> None:
    """CF23, CF25: why a failover updates with rollback disabled."""
    replica = database(SourceDBInstanceIdentifier="arn:source", **WEB)
    world.create(template({"Db": replica, "B": {**database(MultiAZ=False), "DependsOn": "Db"}}))
    held = world.databases.hold["update B"] = threading.Event()
    world.databases.fail["update B"] = "no capacity"
    promoted = template({"Db": database(**WEB), "B": {**database(MultiAZ=True), "DependsOn": "Db"}})
    world.call("UpdateStack", StackName="app", TemplateBody=json.dumps(promoted))
    while "update B" not in world.databases.log:
        world.sleep(1)
    world.databases.not_updatable.add("Db")
    held.set()
    assert world.settled()["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert "HandlerErrorCode: NotUpdatable" in world.reason("Db UPDATE_FAILED")


def test_an_expression_that_cannot_be_evaluated_fails_its_resource(world: World) -> None:
    blocks = {"Fn::Select": [0, {"Fn::Cidr": ["nonsense", 2, 8]}]}
    made = world.create(template({"T": topic(DisplayName=blocks)}))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "'nonsense' does not appear to be an IPv4" in world.reason("T CREATE_FAILED")


def test_the_type_of_a_resource_cannot_change(world: World) -> None:
    world.create(template({"T": topic()}))
    other = json.dumps({"Resources": {"T": {"Type": "AWS::SQS::Queue"}}})
    assert world.refused("UpdateStack", StackName="app", TemplateBody=other).endswith("following resources: [T]")


def test_only_a_stack_that_can_be_updated_is(world: World) -> None:
    """CF22"""
    world.databases.fail["create Db"] = "no"
    stack = world.create(template({"Db": database()}))
    text = json.dumps(template({"T": topic()}))
    assert world.refused("UpdateStack", StackName="app", TemplateBody=text) == (
        f"ValidationError: Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    )
    assert world.refused("UpdateStack", StackName="none", TemplateBody=text) == (
        "ValidationError: Stack [none] does not exist"
    )
    assert world.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert world.create(template({"T": topic()}))["StackStatus"] == "CREATE_COMPLETE"
