"""BEHAVIOUR CF40 to CF44 and CF12: what is deleted, kept and protected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudformation_world import World, body, database, template, topic

ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def test_dependants_go_first(world: World) -> None:
    """CF41"""
    world.create(template({"A": topic(), "B": topic(DisplayName={"Ref": "A"}), "C": {**topic(), "DependsOn": "B"}}))
    stack_id = world.stack()["StackId"]
    world.delete()
    gone = [event for event in world.events(stack_id) if event.endswith("DELETE_COMPLETE")]
    assert gone == ["C DELETE_COMPLETE", "B DELETE_COMPLETE", "A DELETE_COMPLETE", "app DELETE_COMPLETE"]


@pytest.mark.parametrize(
    ("definition", "call", "event"),
    [
        ({}, "delete/Snapshot Db", "Db DELETE_COMPLETE"),
        ({"DeletionPolicy": "Delete"}, "delete Db", "Db DELETE_COMPLETE"),
        ({"DeletionPolicy": "Retain"}, "create Db", "Db DELETE_SKIPPED"),
        ({"DeletionPolicy": "RetainExceptOnCreate"}, "create Db", "Db DELETE_SKIPPED"),
    ],
)
def test_the_deletion_policy_decides(world: World, definition: dict[str, Any], call: str, event: str) -> None:
    """CF40"""
    stack_id = world.create(template({"Db": {**database(), **definition}}))["StackId"]
    world.delete()
    assert world.databases.log[-1] == call
    assert event in world.events(stack_id)


@pytest.mark.parametrize(
    ("deletion_policy", "log"),
    [
        ("Retain", ["create Kept"]),
        ("RetainExceptOnCreate", ["create Kept", "delete Kept"]),
        ("Snapshot", ["create Kept", "delete Kept"]),
    ],
)
def test_a_rolled_back_creation_keeps_only_what_must_be_kept(
    world: World, deletion_policy: str, log: list[str]
) -> None:
    """CF40"""
    kept = {**database(), "DeletionPolicy": deletion_policy}
    made = world.create(template({"Kept": kept, "Bad": {**topic(Nonsense=1), "DependsOn": "Kept"}}))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert world.databases.log == log


def test_a_call_can_ask_that_a_rollback_keeps_nothing(world: World) -> None:
    """CF40"""
    kept = {**database(), "DeletionPolicy": "Retain"}
    bad = {**topic(Nonsense=1), "DependsOn": "Kept"}
    world.create(template({"Kept": kept, "Bad": bad}), RetainExceptOnCreate=True)
    assert world.databases.log == ["create Kept", "delete Kept"]


def test_a_replaced_resource_is_kept_where_its_policy_says_so(world: World) -> None:
    """CF40"""
    world.create(template({"Db": database(KmsKeyId="a")}))
    world.update(template({"Db": {**database(KmsKeyId="b"), "UpdateReplacePolicy": "Retain"}}))
    assert world.databases.log == ["create Db", "create Db"]
    assert "Db DELETE_SKIPPED" in world.events()


def test_what_cannot_be_deleted_can_be_retained_in_a_second_try(world: World) -> None:
    """CF41"""
    world.databases.fail_always["delete/Snapshot Db"] = "deletion protection is on"
    vpc = topic()
    stack_id = world.create(template({"Net": vpc, "Db": {**database(), "DependsOn": "Net"}, "T": topic()}))["StackId"]
    assert "RetainResources is valid only" in world.refused("DeleteStack", StackName="app", RetainResources=["Db"])
    ended = world.delete()
    assert (ended["StackStatus"], ended["StackStatusReason"]) == (
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [Db]. ",
    )
    left = world.call("DescribeStackResources", StackName="app")["StackResources"]
    assert [item["LogicalResourceId"] for item in left if "PhysicalResourceId" in item] == ["Net", "Db"]
    assert world.delete(RetainResources=["Db"])["StackStatus"] == "DELETE_COMPLETE"
    assert "Db DELETE_SKIPPED" in world.events(stack_id)


def test_a_deletion_can_be_forced(world: World) -> None:
    """CF41"""
    world.databases.fail_always["delete/Snapshot Db"] = "deletion protection is on"
    world.create(template({"Db": database()}))
    assert world.delete(DeletionMode="FORCE_DELETE_STACK")["StackStatus"] == "DELETE_COMPLETE"


def test_deletion_protection_holds_for_types_without_a_provider(world: World) -> None:
    """CF6"""
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "DeletionProtectionEnabled": True,
        },
    }
    world.create(template({"Table": table}))
    assert world.delete()["StackStatus"] == "DELETE_FAILED"


def test_termination_protection_refuses_deletion(world: World) -> None:
    """CF42"""
    world.create(template({"T": topic()}), EnableTerminationProtection=True)
    assert world.refused("DeleteStack", StackName="app") == (
        "ValidationError: Stack [app] cannot be deleted while TerminationProtection is enabled"
    )
    assert world.update(template({"T": topic(DisplayName="x")}))["StackStatus"] == "UPDATE_COMPLETE"
    world.call("UpdateTerminationProtection", StackName="app", EnableTerminationProtection=False)
    assert world.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_deleting_what_does_not_exist_is_no_error(world: World) -> None:
    assert world.call("DeleteStack", StackName="none") == {}


@pytest.mark.parametrize(
    ("statement", "after", "refused"),
    [
        ({"Effect": "Deny", "Action": "Update:Replace"}, {"Db": database(KmsKeyId="b")}, "Update:Replace"),
        ({"Effect": "Deny", "Action": ["Update:Delete"]}, {"T": topic()}, "Update:Delete"),
        ({"Effect": "Deny", "Action": "Update:*"}, {"Db": database(KmsKeyId="a", MultiAZ=True)}, "Update:Modify"),
        ({"Effect": "Deny", "NotAction": "Update:Modify"}, {"Db": database(KmsKeyId="b")}, "Update:Replace"),
    ],
)
def test_a_stack_policy_refuses_what_it_denies(
    world: World, statement: dict[str, Any], after: dict[str, Any], refused: str
) -> None:
    """CF43"""
    databases = {"Condition": {"StringEquals": {"ResourceType": ["AWS::RDS::DBInstance"]}}}
    world.create(template({"Db": database(KmsKeyId="a"), "T": topic()}))
    denial = {"Principal": "*", "Resource": "*", **statement, **databases}
    world.call("SetStackPolicy", StackName="app", StackPolicyBody=policy(ALLOW_ALL, denial))
    ended = world.update(template({"T": topic(), **after}))
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert world.reason("Db UPDATE_FAILED") == (
        f"Action denied by stack policy: Statement [#2] does not allow [{refused}] for resource [LogicalResourceId/Db]"
    )
    assert world.databases.log == ["create Db"]


def test_with_a_policy_everything_is_refused_that_nothing_allows(world: World) -> None:
    """CF43"""
    allowed = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Free*"}
    world.create(template({"FreeOne": topic(), "Db": database()}), StackPolicyBody=policy(allowed))
    changed = template({"FreeOne": topic(DisplayName="x"), "Db": database()})
    assert world.update(changed)["StackStatus"] == "UPDATE_COMPLETE"
    assert world.update(template({"FreeOne": topic(), "Db": database(MultiAZ=True)}))["StackStatus"] == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    override = {"StackPolicyDuringUpdateBody": policy(ALLOW_ALL)}
    wanted = template({"FreeOne": topic(), "Db": database(MultiAZ=True)})
    assert world.update(wanted, **override)["StackStatus"] == "UPDATE_COMPLETE"
    assert json.loads(world.call("GetStackPolicy", StackName="app")["StackPolicyBody"])["Statement"] == [allowed]


def test_a_policy_holds_when_a_handler_asks_for_a_new_resource(world: World) -> None:
    """CF43"""
    denial = {"Effect": "Deny", "Action": "Update:Replace", "Principal": "*", "Resource": "*"}
    world.create(
        template({"Db": database(SourceDBInstanceIdentifier="arn:source")}),
        StackPolicyBody=policy(ALLOW_ALL, denial),
    )
    world.databases.not_updatable.add("Db")
    ended = world.update(template({"Db": database()}))
    assert "[Update:Replace]" in world.reason("Db UPDATE_FAILED")
    assert ended["StackStatus"] in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
    assert world.databases.log == ["create Db"]


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"Statement": [{"Effect": "Perhaps", "Action": "Update:*"}]}'])
def test_a_malformed_policy_is_refused(world: World, text: str) -> None:
    world.create(template({"T": topic()}))
    refusal = world.refused("SetStackPolicy", StackName="app", StackPolicyBody=text)
    assert refusal.startswith("ValidationError: Error validating stack policy")


@pytest.mark.parametrize(
    ("properties", "given", "needed"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"RoleName": "app"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        ({}, ["CAPABILITY_NAMED_IAM"], None),
    ],
)
def test_iam_needs_an_acknowledgement(
    world: World, properties: dict[str, Any], given: list[str], needed: str | None
) -> None:
    """CF12"""
    document = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document, **properties}}
    request = {"StackName": "app", "TemplateBody": body(template({"Role": role})), "Capabilities": given}
    if needed is None:
        world.call("CreateStack", **request)
        assert world.settled()["StackStatus"] == "CREATE_COMPLETE"
    else:
        refusal = f"InsufficientCapabilitiesException: Requires capabilities : [{needed}]"
        assert world.refused("CreateStack", **request) == refusal
        assert world.refused("CreateChangeSet", ChangeSetName="c", ChangeSetType="CREATE", **request) == refusal
