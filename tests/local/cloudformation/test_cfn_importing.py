"""BEHAVIOUR CF56: existing resources come under a stack."""

from __future__ import annotations

from typing import Any

import pytest
from cloudformation_world import World, body, database, template, topic

WEB = {"DBInstanceIdentifier": "web"}
DB = {"ResourceType": "AWS::RDS::DBInstance", "LogicalResourceId": "Db", "ResourceIdentifier": WEB}


def retained(**properties: Any) -> dict[str, Any]:
    return {**database(**WEB, **properties), "DeletionPolicy": "Retain"}


def imported(world: World, wanted: dict[str, Any], *resources: dict[str, Any], name: str = "app") -> dict[str, Any]:
    return world.planned(wanted, name, ChangeSetType="IMPORT", ResourcesToImport=list(resources))


def test_a_promoted_replica_is_taken_in_again_as_what_it_is(world: World) -> None:
    """CF56: promoted outside CloudFormation, retained, and imported without its source."""
    world.create(template({"Db": retained(SourceDBInstanceIdentifier="arn:source"), "T": topic()}))
    world.update(template({"T": topic()}))
    assert "Db DELETE_SKIPPED" in world.events()
    wanted = template({"Db": retained(), "T": topic()})
    plan = imported(world, wanted, DB)
    (change,) = (item["ResourceChange"] for item in plan["Changes"])
    assert (change["Action"], change["PhysicalResourceId"]) == ("Import", "web")
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["StackStatus"] == "IMPORT_COMPLETE"
    assert world.events()[-4:] == [
        "app IMPORT_IN_PROGRESS",
        "Db IMPORT_IN_PROGRESS",
        "Db IMPORT_COMPLETE",
        "app IMPORT_COMPLETE",
    ]
    assert world.databases.seen[-1].previous == world.databases.seen[-1].properties
    assert "No updates" in world.refused("UpdateStack", StackName="app", TemplateBody=body(wanted))
    assert [line for line in world.databases.log if not line.startswith("update")] == ["create Db"]


def test_a_new_stack_can_begin_with_what_exists(world: World) -> None:
    """CF56"""
    logs = {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "Properties": {"LogGroupName": "/app"}}
    world.create(template({"Logs": logs}), name="old")
    world.delete("old")
    existing = {
        "ResourceType": "AWS::Logs::LogGroup",
        "LogicalResourceId": "Logs",
        "ResourceIdentifier": {"LogGroupName": "/app"},
    }
    imported(world, template({"Logs": logs}), existing)
    assert world.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["StackStatus"] == "IMPORT_COMPLETE"
    assert world.physical("Logs") == "/app"


def test_what_does_not_exist_is_not_imported(world: World) -> None:
    """CF56"""
    world.create(template({"T": topic()}))
    world.databases.fail["update Db"] = "DBInstance web not found."
    imported(world, template({"Db": retained(), "T": topic()}), DB)
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert "DBInstance web not found." in world.reason("Db IMPORT_FAILED")
    assert world.reason("app IMPORT_ROLLBACK_IN_PROGRESS") == "The following resource(s) failed to import: [Db]."
    assert world.update(template({"T": topic(DisplayName="x")}))["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("resources", "outputs", "refused"),
    [
        ({"T": topic(DisplayName="other")}, {}, "[T]"),
        ({"T": topic(), "New": topic()}, {}, "[New]"),
        ({"T": topic()}, {"O": {"Value": "v"}}, "[Outputs]"),
    ],
)
def test_nothing_else_may_change(
    world: World, resources: dict[str, Any], outputs: dict[str, Any], refused: str
) -> None:
    """CF56"""
    world.create(template({"T": topic()}))
    plan = imported(world, template({"Db": retained(), **resources}, Outputs=outputs), DB)
    reason = f"As part of the import operation, you cannot modify or add {refused}"
    assert (plan["Status"], plan["StatusReason"]) == ("FAILED", reason)


@pytest.mark.parametrize(
    ("definition", "resource", "message"),
    [
        (database(**WEB), DB, "Resources to import must have a DeletionPolicy: [Db] has none"),
        (retained(), {**DB, "LogicalResourceId": "X"}, "was not found in the template"),
        (retained(), {**DB, "ResourceIdentifier": {"Arn": "a"}}, "is [DBInstanceIdentifier]"),
        (retained(), None, "needs ResourcesToImport"),
    ],
)
def test_an_import_says_exactly_what_it_takes(
    world: World, definition: dict[str, Any], resource: dict[str, Any] | None, message: str
) -> None:
    """CF56"""
    request: dict[str, Any] = {"StackName": "app", "ChangeSetName": "plan", "ChangeSetType": "IMPORT"}
    given = [resource] if resource else []
    text = body(template({"Db": definition}))
    assert message in world.refused("CreateChangeSet", **request, TemplateBody=text, ResourcesToImport=given)


def test_what_belongs_to_a_stack_is_not_imported_into_another(world: World) -> None:
    """CF56"""
    owner = world.create(template({"Db": retained()}), name="owner")["StackId"]
    request: dict[str, Any] = {"StackName": "app", "ChangeSetName": "plan", "ChangeSetType": "IMPORT"}
    text = body(template({"Db": retained()}))
    assert world.refused("CreateChangeSet", **request, TemplateBody=text, ResourcesToImport=[DB]) == (
        f"ValidationError: web already exists in stack {owner}"
    )
