"""BEHAVIOUR CF18: the transform AWS::LanguageExtensions."""

from __future__ import annotations

import json
from typing import Any

from cloudformation_world import World

LOOP = """
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList}
  Keep: {Type: String, Default: Delete}
Resources:
  Fn::ForEach::Databases:
    - Name
    - !Ref Names
    - "Db${Name}":
        Type: AWS::RDS::DBInstance
        DeletionPolicy: !Ref Keep
        Properties: {DBInstanceIdentifier: !Sub "app-${Name}-${AWS::Region}", Engine: postgres}
Outputs:
  Fn::ForEach::Addresses:
    - Name
    - !Ref Names
    - "${Name}Address": {Value: !GetAtt "Db${Name}.Endpoint.Address"}
"""
EXPAND = ["CAPABILITY_AUTO_EXPAND"]


def named(text: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "Names", "ParameterValue": text}]


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def test_loop_makes_resources_and_an_update_follows_its_collection(world: World) -> None:
    """CF18"""
    stack = world.create(LOOP, Parameters=named("a,b"), Capabilities=EXPAND)
    assert outputs(stack) == {"aAddress": "app-a-eu-west-1.example", "bAddress": "app-b-eu-west-1.example"}
    previous = {"StackName": "app", "UsePreviousTemplate": True, "Capabilities": EXPAND}
    world.call("UpdateStack", Parameters=named("b,c"), **previous)
    assert world.settled()["StackStatus"] == "UPDATE_COMPLETE"
    assert sorted(world.databases.live) == ["app-b-eu-west-1", "app-c-eu-west-1"]


def test_processed_template_is_what_is_deployed(world: World) -> None:
    """CF18"""
    world.create(LOOP, Parameters=named("a"), Capabilities=EXPAND)
    final = json.loads(world.call("GetTemplate", StackName="app")["TemplateBody"])
    assert list(final["Resources"]) == ["Dba"]
    assert final["Resources"]["Dba"]["DeletionPolicy"] == "Delete"
    assert world.call("GetTemplate", StackName="app", TemplateStage="Original")["TemplateBody"] == LOOP


def test_change_set_shows_what_the_loop_makes_and_needs_no_capability(world: World) -> None:
    """CF18"""
    asked = {"StackName": "app", "ChangeSetName": "first", "ChangeSetType": "CREATE", "TemplateBody": LOOP}
    world.call("CreateChangeSet", Parameters=named("a,b"), **asked)
    shown = world.call("DescribeChangeSet", StackName="app", ChangeSetName="first")
    assert [change["ResourceChange"]["LogicalResourceId"] for change in shown["Changes"]] == ["Dba", "Dbb"]


def test_what_cannot_be_processed_is_refused(world: World) -> None:
    """CF18"""
    request: dict[str, Any] = {"StackName": "app", "TemplateBody": LOOP, "Parameters": named("a,a")}
    assert world.refused("CreateStack", **request).startswith("InsufficientCapabilitiesException")
    message = world.refused("CreateStack", Capabilities=EXPAND, **request)
    assert message == "ValidationError: Transform AWS::LanguageExtensions failed with: Dba is made twice"
