"""BEHAVIOUR CF20, CF60 and CF61: what can be read, and what survives."""

from __future__ import annotations

import json
import threading
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator
from cloudformation_world import World, database, template, topic


def test_a_deleted_stack_is_found_by_its_id_only(world: World) -> None:
    """CF60"""
    stack_id = world.create(template({"T": topic()}))["StackId"]
    world.delete()
    assert world.refused("DescribeStacks", StackName="app") == "ValidationError: Stack with id app does not exist"
    gone = world.stack(stack_id)
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert gone["DeletionTime"] > gone["CreationTime"]
    listed = world.call("ListStacks", StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [item["StackId"] for item in listed] == [stack_id]
    assert world.call("DescribeStacks")["Stacks"] == []


def test_stacks_of_another_region_are_not_seen(world: World) -> None:
    stack_id = world.create(template({"T": topic()}))["StackId"]
    assert world.call("DescribeStacks", region="us-east-1")["Stacks"] == []
    refusal = world.refused("DescribeStacks", StackName=stack_id, region="us-east-1")
    assert refusal.endswith("does not exist")


def test_events_carry_virtual_time_newest_first_in_pages(world: World) -> None:
    """CF20, CF60"""
    world.create(template({f"T{n}": {**topic(), **({"DependsOn": f"T{n - 1}"} if n else {})} for n in range(60)}))
    first = world.call("DescribeStackEvents", StackName="app")
    rest = world.call("DescribeStackEvents", StackName="app", NextToken=first["NextToken"])
    events = [*first["StackEvents"], *rest["StackEvents"]]
    assert len(events) == 122
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert (events[0]["Timestamp"] - events[-1]["Timestamp"]).total_seconds() == 120
    times = [event["Timestamp"] for event in events]
    assert times == sorted(times, reverse=True)


def test_the_failures_of_one_operation_can_be_asked_for(world: World) -> None:
    world.databases.fail["create Db"] = "no"
    made = world.create(template({"Db": database()}))
    events = world.call("DescribeEvents", StackName="app", Filters={"FailedEvents": True})["OperationEvents"]
    assert [(event["LogicalResourceId"], event["EventType"]) for event in events] == [("Db", "PROVISIONING_ERROR")]
    operation = made["LastOperations"][0]
    assert operation["OperationType"] == "CREATE_STACK"
    found = world.call("DescribeEvents", OperationId=operation["OperationId"])["OperationEvents"]
    assert {event["OperationStatus"] for event in found} == {"IN_PROGRESS", "FAILED", "SUCCEEDED"}


def test_a_template_can_be_described_without_a_stack(world: World) -> None:
    document = template(
        {"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {}}}},
        Parameters={"P": {"Type": "Number", "Default": 5, "AllowedValues": [5, 6]}},
        Description="words",
    )
    valid = world.call("ValidateTemplate", TemplateBody=json.dumps(document))
    assert valid["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert valid["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    summary = world.call("GetTemplateSummary", TemplateBody=json.dumps(document))
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]
    assert summary["ResourceIdentifierSummaries"][0]["ResourceIdentifiers"] == ["RoleName"]
    assert summary["Parameters"] == [
        {
            "ParameterKey": "P",
            "DefaultValue": "5",
            "ParameterType": "Number",
            "NoEcho": False,
            "ParameterConstraints": {"AllowedValues": ["5", "6"]},
        }
    ]


def test_every_answer_has_the_shape_of_the_api(world: World) -> None:
    """ParamValidator refuses unknown members and wrong types, for outputs as well as for inputs."""
    model = get_session().get_service_model("cloudformation")
    world.create(template({"T": topic()}, Outputs={"O": {"Value": "v", "Export": {"Name": "e"}}}))
    world.planned(template({"T": topic(TopicName="x")}))
    calls: dict[str, dict[str, Any]] = {
        "DescribeStacks": {},
        "ListStacks": {},
        "DescribeStackEvents": {"StackName": "app"},
        "DescribeEvents": {"StackName": "app"},
        "DescribeStackResources": {"StackName": "app"},
        "DescribeStackResource": {"StackName": "app", "LogicalResourceId": "T"},
        "ListStackResources": {"StackName": "app"},
        "GetTemplate": {"StackName": "app"},
        "GetTemplateSummary": {"StackName": "app"},
        "DescribeChangeSet": {"StackName": "app", "ChangeSetName": "plan", "IncludePropertyValues": True},
        "ListChangeSets": {"StackName": "app"},
        "ListExports": {},
        "DescribeAccountLimits": {},
    }
    for operation, params in calls.items():
        answer = world.call(operation, **params)
        shape = model.operation_model(operation).output_shape
        assert shape is not None, operation
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), f"{operation}: {report.generate_report()}"
        assert set(answer) <= set(shape.members), operation
    assert world.service.operations() <= set(model.operation_names)


def test_the_state_survives_a_restart(world: World) -> None:
    """CF61"""
    wanted = template({"Db": database(AllocatedStorage="1"), "T": topic()}, Outputs={"O": {"Value": {"Ref": "Db"}}})
    world.create(wanted)
    world.planned(template({"T": topic(TopicName="x")}))
    saved = json.loads(json.dumps(world.service.dump()))
    other = World()
    other.service.restore(saved)
    assert other.stack() == world.stack()
    assert other.events() == world.events()
    other.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert other.settled()["StackStatus"] == "UPDATE_COMPLETE"
    assert world.stack()["StackStatus"] == "CREATE_COMPLETE"


def test_a_running_operation_is_saved_as_if_it_had_not_begun(world: World) -> None:
    """CF61"""
    world.create(template({"Db": database(AllocatedStorage="1")}))
    held = world.databases.hold["update Db"] = threading.Event()
    text = json.dumps(template({"Db": database(AllocatedStorage="2")}))
    world.call("UpdateStack", StackName="app", TemplateBody=text)
    held_new = world.databases.hold["create Other"] = threading.Event()
    world.call("CreateStack", StackName="new", TemplateBody=json.dumps(template({"Other": database()})))
    states = {item["name"]: item["status"] for item in world.service.dump()["stacks"]}
    assert states == {"app": "CREATE_COMPLETE"}
    held.set()
    held_new.set()
    assert world.settled()["StackStatus"] == "UPDATE_COMPLETE"
    world.settled("new")
    states = {item["name"]: item["status"] for item in world.service.dump()["stacks"]}
    assert states == {"app": "UPDATE_COMPLETE", "new": "CREATE_COMPLETE"}
