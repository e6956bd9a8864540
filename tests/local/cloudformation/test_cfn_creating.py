"""BEHAVIOUR CF1 to CF8, CF20 to CF22: stacks come into being."""

from __future__ import annotations

import threading

import pytest
from cloudformation_world import World, database, template, topic


class Body:
    """What S3 gives for an object."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> bytes:
        return self._text.encode()


def test_a_type_without_code_is_created_from_its_schema(world: World) -> None:
    """CF2, CF3"""
    made = world.create(
        template(
            {
                "Plan": {
                    "Type": "AWS::SSMContacts::Plan",
                    "Properties": {"ContactId": {"Ref": "Contact"}, "Stages": []},
                },
                "Contact": {
                    "Type": "AWS::SSMContacts::Contact",
                    "Properties": {"Alias": "on-call", "DisplayName": "On call", "Type": "PERSONAL"},
                },
            },
            Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Contact", "Arn"]}}},
        )
    )
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Outputs"][0]["OutputValue"].startswith("arn:aws:ssmcontacts:eu-west-1:123456789012:contact/")
    assert world.events() == [
        "app CREATE_IN_PROGRESS",
        "Contact CREATE_IN_PROGRESS",
        "Contact CREATE_COMPLETE",
        "Plan CREATE_IN_PROGRESS",
        "Plan CREATE_COMPLETE",
        "app CREATE_COMPLETE",
    ]


def test_a_placeholder_need_not_have_the_form_of_a_real_arn(world: World) -> None:
    """CF3, CF4: the role's ARN is made up here, and the function's schema wants one of IAM's form."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    code = {"S3Bucket": "code-bucket", "S3Key": "function.zip"}

    def function(arn: object) -> dict[str, object]:
        properties = {"Code": code, "Role": arn, "Runtime": "python3.13", "Handler": "index.handler"}
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    wanted = template({"Role": role, "Function": function({"Fn::GetAtt": ["Role", "Arn"]})})
    assert world.create(wanted, Capabilities=["CAPABILITY_IAM"])["StackStatus"] == "CREATE_COMPLETE"
    wrong = world.create(template({"Function": function("arn:nonsense")}), name="wrong")
    assert wrong["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "#/Role: failed validation constraint for keyword [pattern]" in world.reason(
        "Function CREATE_FAILED", "wrong"
    )


def test_a_name_in_the_template_is_the_physical_id(world: World) -> None:
    """CF2, CF6"""
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/app/web"}}
    world.create(template({"Logs": group, "Other": {"Type": "AWS::Logs::LogGroup"}}))
    assert world.physical("Logs") == "/app/web"
    assert world.physical("Other").startswith("app-Other-")
    again = world.create(template({"Logs": group}), name="second")
    assert again["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = world.reason("Logs CREATE_FAILED", "second")
    assert f"/app/web already exists in stack {world.stack()['StackId']}" in reason


def test_an_unknown_type_is_refused_before_anything_happens(world: World) -> None:
    """CF1"""
    text = '{"Resources": {"A": {"Type": "AWS::EC2::Nonsense"}, "B": {"Type": "AWS::SNS::Topic"}}}'
    refusal = "ValidationError: Template format error: Unrecognized resource types: [AWS::EC2::Nonsense]"
    assert world.refused("CreateStack", StackName="app", TemplateBody=text) == refusal
    assert world.call("ListStacks")["StackSummaries"] == []


def test_a_property_that_does_not_exist_fails_its_resource_and_the_rest_is_taken_back(world: World) -> None:
    """CF4, CF22"""
    made = world.create(template({"Good": topic(), "Bad": {**topic(TopicNam="x"), "DependsOn": "Good"}}))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert world.reason("Bad CREATE_FAILED").startswith("Properties validation failed for resource Bad with message:\n")
    assert "#: extraneous key [TopicNam] is not permitted" in world.reason("Bad CREATE_FAILED")
    assert world.reason("app ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    )
    assert world.events()[-4:] == [
        "Bad DELETE_COMPLETE",
        "Good DELETE_IN_PROGRESS",
        "Good DELETE_COMPLETE",
        "app ROLLBACK_COMPLETE",
    ]


def test_a_failing_handler_is_quoted(world: World) -> None:
    """CF5"""
    world.databases.fail["create Db"] = "DB instance already exists"
    world.create(template({"Db": database()}))
    reason = world.reason("Db CREATE_FAILED")
    assert reason.startswith('Resource handler returned message: "DB instance already exists" (RequestToken: ')
    assert reason.endswith("HandlerErrorCode: InvalidRequest)")


def test_the_handler_gets_resolved_properties_and_the_tags_of_the_stack(world: World) -> None:
    """CF17"""
    own = [{"Key": "team", "Value": "db"}]
    world.create(
        template({"Db": database(DBInstanceIdentifier={"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}, Tags=own)}),
        Tags=[{"Key": "team", "Value": "payments"}, {"Key": "env", "Value": "prod"}],
    )
    seen = world.databases.seen[0]
    assert seen.properties["DBInstanceIdentifier"] == "app-eu-west-1"
    assert seen.properties["Tags"] == [*own, {"Key": "env", "Value": "prod"}]
    assert seen.tags == {"team": "payments", "env": "prod"}
    assert seen.deletion_policy == "Snapshot"


def test_what_runs_when_something_else_fails_is_cancelled_and_taken_back(world: World) -> None:
    """CF21"""
    slow = world.databases.hold["create Slow"] = threading.Event()
    quick = world.databases.hold["create Quick"] = threading.Event()
    world.databases.fail["create Quick"] = "no"
    later = {**topic(), "DependsOn": "Slow"}
    resources = {"Slow": database(), "Quick": database(), "Later": later}
    world.call("CreateStack", StackName="app", TemplateBody=str(template(resources)).replace("'", '"'))
    while not {"create Slow", "create Quick"} <= set(world.databases.log):
        world.sleep(1)
    quick.set()
    while "Slow CREATE_FAILED" not in world.events():
        world.sleep(1)
    slow.set()
    assert world.settled()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert world.reason("Slow CREATE_FAILED") == "Resource creation cancelled"
    assert "delete Slow" in world.databases.log
    assert not any(event.startswith("Later") for event in world.events())


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"DisableRollback": True}, "CREATE_FAILED", ["Good"]),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", ["Good"]),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", []),
    ],
)
def test_the_caller_says_what_a_failed_creation_leaves(
    world: World, options: dict[str, object], status: str, left: list[str]
) -> None:
    """CF22"""
    world.databases.fail["create Bad"] = "no"
    bad = {**database(), "DependsOn": "Good"}
    made = world.create(template({"Good": topic(), "Bad": bad}), **options)
    assert made["StackStatus"] == status
    resources = world.call("DescribeStackResources", StackName=made["StackId"])["StackResources"]
    assert [item["LogicalResourceId"] for item in resources if "PhysicalResourceId" in item] == left


def test_a_custom_resource_fails_with_a_clear_reason(world: World) -> None:
    """CF7"""
    made = world.create(template({"Own": {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn"}}}))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "does not run custom resources" in world.reason("Own CREATE_FAILED")


def test_a_nested_stack_gives_its_outputs(world: World) -> None:
    """CF8"""
    inner = '{"Parameters": {"P": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}, ' + (
        '"Outputs": {"Given": {"Value": {"Ref": "P"}}}}'
    )

    world.answers["s3", "GetObject", "bucket"] = {"Body": Body(inner)}
    url = "https://bucket.s3.eu-west-1.amazonaws.com/inner.json"
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": {"P": "hello"}}}
    made = world.create(
        template({"Inner": nested}, Outputs={"Out": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Given"]}}})
    )
    assert made["Outputs"] == [{"OutputKey": "Out", "OutputValue": "hello"}]
    inner_id = world.physical("Inner")
    assert world.stack(inner_id)["StackStatus"] == "CREATE_COMPLETE"
    change = world.planned(None)["Changes"][0]["ResourceChange"]
    assert [(detail["ChangeSource"], detail["Evaluation"]) for detail in change["Details"]] == [
        ("Automatic", "Dynamic")
    ]
    world.answers["s3", "GetObject", "bucket"] = {"Body": Body(inner.replace('"Ref": "P"', '"Fn::Sub": "${P}!"'))}
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["Outputs"] == [{"OutputKey": "Out", "OutputValue": "hello!"}]
    assert world.physical("Inner") == inner_id
    world.delete()
    assert world.stack(inner_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_template_is_fetched_from_its_bucket(world: World) -> None:
    """CF10"""
    world.answers["s3", "GetObject", "bucket"] = {"Body": Body('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}')}
    world.call("CreateStack", StackName="app", TemplateURL="http://127.0.0.1:4566/bucket/folder/app.json")
    assert world.settled()["StackStatus"] == "CREATE_COMPLETE"
    world.answers["s3", "GetObject", "bucket"] = {"Body": Body(" " * 1_048_577)}
    url = "https://bucket.s3.amazonaws.com/app.json"
    assert "may not exceed 1048576 bytes" in world.refused("CreateStack", StackName="b", TemplateURL=url)
    nowhere = "https://none.s3.amazonaws.com/app.json"
    assert world.refused("CreateStack", StackName="b", TemplateURL=nowhere).startswith("ValidationError: S3 error")


def test_a_rollback_that_cannot_delete_is_stuck(world: World) -> None:
    """CF22"""
    world.databases.fail["delete Db"] = "in use"
    made = world.create(template({"Db": database(), "Bad": {**topic(Nonsense=1), "DependsOn": "Db"}}))
    assert (made["StackStatus"], made["StackStatusReason"]) == (
        "ROLLBACK_FAILED",
        "The following resource(s) failed to delete: [Db]. ",
    )
    assert "ROLLBACK_FAILED state and can not be updated" in world.refused(
        "UpdateStack", StackName="app", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    )
    assert world.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert world.databases.live == {}


def test_the_same_token_makes_one_stack(world: World) -> None:
    """CF30"""
    text = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    first = world.call("CreateStack", StackName="app", TemplateBody=text, ClientRequestToken="a-1")
    again = world.call("CreateStack", StackName="app", TemplateBody=text, ClientRequestToken="a-1")
    assert again["StackId"] == first["StackId"]
    other = {"StackName": "app", "TemplateBody": text + " ", "ClientRequestToken": "a-1"}
    assert world.refused("CreateStack", **other).startswith("TokenAlreadyExistsException")
    assert world.refused("CreateStack", StackName="app", TemplateBody=text) == (
        "AlreadyExistsException: Stack [app] already exists"
    )
    world.settled()
    event = world.call("DescribeStackEvents", StackName="app")["StackEvents"][0]
    assert event["ClientRequestToken"] == "a-1"


def test_a_creation_that_takes_too_long_is_taken_back(world: World) -> None:
    """CF29"""
    chain = {f"T{n}": {**topic(), **({"DependsOn": f"T{n - 1}"} if n else {})} for n in range(40)}
    made = world.create(template(chain), TimeoutInMinutes=1)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "exceeded the specified timeout" in world.reason("app ROLLBACK_IN_PROGRESS")


def test_deleting_during_creation_waits_for_the_handlers(world: World) -> None:
    """CF28"""
    world.databases.hold["create Db"] = threading.Event()
    world.call(
        "CreateStack",
        StackName="app",
        TemplateBody='{"Resources": {"Db": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete"}}}',
    )
    stack_id = world.stack()["StackId"]
    while "create Db" not in world.databases.log:
        world.sleep(1)
    world.call("DeleteStack", StackName="app")
    world.databases.hold["create Db"].set()
    assert world.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert world.databases.log == ["create Db", "delete Db"]
