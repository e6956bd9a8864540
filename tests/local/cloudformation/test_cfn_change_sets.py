"""BEHAVIOUR CF50 to CF55: change sets."""

from __future__ import annotations

import json
from typing import Any

from cloudformation_world import World, body, database, template, topic

EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."


def resource_changes(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"] for item in described["Changes"]}


def details(change: dict[str, Any]) -> list[tuple[str, str, str, str, str | None]]:
    return [
        (
            detail["Target"].get("Name", detail["Target"]["Attribute"]),
            detail["Target"]["RequiresRecreation"],
            detail["Evaluation"],
            detail["ChangeSource"],
            detail.get("CausingEntity"),
        )
        for detail in change["Details"]
    ]


def test_a_new_stack_waits_in_review_until_its_change_set_is_executed(world: World) -> None:
    """CF50"""
    plan = world.planned(template({"T": topic()}), ChangeSetType="CREATE")
    assert world.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert (plan["Status"], plan["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert resource_changes(plan)["T"]["Action"] == "Add"
    assert "already exists and cannot" not in plan.get("StatusReason", "")
    assert "REVIEW_IN_PROGRESS state and can not be updated" in world.refused(
        "CreateChangeSet", StackName="app", ChangeSetName="other", TemplateBody=body(template({"T": topic()}))
    )
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["StackStatus"] == "CREATE_COMPLETE"
    assert world.stack()["ChangeSetId"] == plan["ChangeSetId"]
    again = {"StackName": "app", "ChangeSetName": "again", "ChangeSetType": "CREATE"}
    assert world.refused("CreateChangeSet", **again, TemplateBody=body(template({"T": topic()}))) == (
        "ValidationError: Stack [app] already exists and cannot be created again with the changeSet [again]."
    )


def test_an_abandoned_review_is_deleted_with_its_stack(world: World) -> None:
    """CF50"""
    world.planned(template({"T": topic()}), ChangeSetType="CREATE")
    world.call("DeleteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert world.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_without_changes_fails_with_the_known_words(world: World) -> None:
    """CF51"""
    wanted = template({"T": topic(DisplayName="a")}, Outputs={"N": {"Value": {"Ref": "T"}}})
    world.create(wanted)
    plan = world.planned({**wanted, "Description": "new words"})
    assert (plan["Status"], plan["StatusReason"], plan["ExecutionStatus"]) == ("FAILED", EMPTY, "UNAVAILABLE")
    assert "cannot be executed in its current status of [FAILED]" in world.refused(
        "ExecuteChangeSet", StackName="app", ChangeSetName="plan"
    )


def test_a_change_of_outputs_has_no_changes_but_can_be_executed(world: World) -> None:
    """CF51"""
    world.create(template({"T": topic()}))
    plan = world.planned(template({"T": topic()}, Outputs={"N": {"Value": "v"}}))
    assert (plan["Status"], plan["Changes"]) == ("CREATE_COMPLETE", [])
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName=plan["ChangeSetId"])
    assert world.settled()["Outputs"] == [{"OutputKey": "N", "OutputValue": "v"}]


def test_a_replacement_and_what_follows_from_it_are_told_apart(world: World) -> None:
    """CF52, CF53"""

    def stack(key: str, size: str) -> dict[str, Any]:
        return template(
            {
                "Db": {**database(KmsKeyId=key, AllocatedStorage=size), "UpdateReplacePolicy": "Snapshot"},
                "Named": topic(TopicName={"Ref": "Db"}),
                "Shown": topic(DisplayName={"Fn::Sub": "at ${Db.Endpoint.Address}"}),
            }
        )

    world.create(stack("a", "1"))
    found = resource_changes(world.planned(stack("b", "1")))
    assert (found["Db"]["Replacement"], found["Db"]["PolicyAction"]) == ("True", "ReplaceAndSnapshot")
    assert details(found["Db"]) == [("KmsKeyId", "Always", "Static", "DirectModification", None)]
    assert found["Named"]["Replacement"] == "Conditional"
    assert details(found["Named"]) == [("TopicName", "Always", "Dynamic", "ResourceReference", "Db")]
    assert json.loads(found["Named"]["AfterContext"])["Properties"]["TopicName"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert details(found["Shown"]) == [("DisplayName", "Never", "Dynamic", "ResourceAttribute", "Db.Endpoint.Address")]
    world.call("DeleteChangeSet", StackName="app", ChangeSetName="plan")
    found = resource_changes(world.planned(stack("a", "2")))
    assert set(found) == {"Db", "Shown"}
    assert (found["Db"]["Replacement"], found["Shown"]["Replacement"]) == ("False", "False")


def test_values_are_shown_only_when_asked_for_and_secrets_never(world: World) -> None:
    """CF54, CF13"""

    def stack(password: str) -> dict[str, Any]:
        parameter = {"Password": {"Type": "String", "NoEcho": True, "Default": password}}
        return template({"Db": database(MasterUserPassword={"Ref": "Password"})}, Parameters=parameter)

    world.create(stack("hunter2hunter2"))
    plan = world.planned(stack("correct-horse"))
    target = resource_changes(plan)["Db"]["Details"][0]["Target"]
    assert (target["Path"], target["AfterValue"], target["AttributeChangeType"]) == (
        "/Properties/MasterUserPassword",
        "****",
        "Modify",
    )
    assert "correct-horse" not in json.dumps(plan, default=str)
    assert plan["Parameters"] == [{"ParameterKey": "Password", "ParameterValue": "****"}]
    brief = world.call("DescribeChangeSet", StackName="app", ChangeSetName="plan")
    change = resource_changes(brief)["Db"]
    assert "AfterContext" not in change
    assert change["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "MasterUserPassword",
        "RequiresRecreation": "Never",
    }


def test_tags_policies_and_removals_have_their_own_scope(world: World) -> None:
    """CF53"""
    world.create(template({"T": topic(), "Db": {**database(), "DeletionPolicy": "Retain"}}))
    found = resource_changes(world.planned(template({"T": {**topic(), "DeletionPolicy": "Retain"}})))
    assert found["T"]["Scope"] == ["DeletionPolicy"]
    assert (found["Db"]["Action"], found["Db"]["PolicyAction"]) == ("Remove", "Retain")
    world.call("DeleteChangeSet", StackName="app", ChangeSetName="plan")
    plan = world.planned(None, Tags=[{"Key": "k", "Value": "v"}])
    assert {name: change["Scope"] for name, change in resource_changes(plan).items()} == {"T": ["Tags"], "Db": ["Tags"]}


def test_executing_one_deletes_the_others(world: World) -> None:
    """CF55"""
    world.create(template({"T": topic()}))
    for name, words in (("one", "a"), ("two", "b")):
        world.call(
            "CreateChangeSet",
            StackName="app",
            ChangeSetName=name,
            TemplateBody=body(template({"T": topic(DisplayName=words)})),
        )
    taken = {"StackName": "app", "ChangeSetName": "one", "TemplateBody": body(template({"T": topic()}))}
    assert world.refused("CreateChangeSet", **taken) == "AlreadyExistsException: ChangeSet one already exists"
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="one")
    world.settled()
    listed = world.call("ListChangeSets", StackName="app")["Summaries"]
    assert [(item["ChangeSetName"], item["ExecutionStatus"]) for item in listed] == [("one", "EXECUTE_COMPLETE")]
    assert world.refused("DescribeChangeSet", StackName="app", ChangeSetName="two") == (
        "ChangeSetNotFound: ChangeSet [two] does not exist"
    )
    assert "current status of [EXECUTE_COMPLETE]" in world.refused(
        "ExecuteChangeSet", StackName="app", ChangeSetName="one"
    )


def test_many_changes_come_in_pages(world: World) -> None:
    """CF54"""
    plan = world.planned(template({f"T{n}": topic() for n in range(130)}), ChangeSetType="CREATE")
    assert len(plan["Changes"]) == 100
    rest = world.call("DescribeChangeSet", ChangeSetName=plan["ChangeSetId"], NextToken=plan["NextToken"])
    assert len(rest["Changes"]) == 30
    assert "NextToken" not in rest


def test_a_failed_execution_without_rollback_leaves_what_was_made(world: World) -> None:
    """CF22: what a deployer asks for with DisableRollback."""
    world.databases.fail["create Db"] = "no"
    world.planned(template({"T": topic(), "Db": {**database(), "DependsOn": "T"}}), ChangeSetType="CREATE")
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan", DisableRollback=True)
    assert world.settled()["StackStatus"] == "CREATE_FAILED"
    plan = world.call("DescribeChangeSet", StackName="app", ChangeSetName="plan")
    assert plan["ExecutionStatus"] == "EXECUTE_FAILED"
    world.call("RollbackStack", StackName="app")
    assert world.settled()["StackStatus"] == "ROLLBACK_COMPLETE"
