from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from drgen.aws.changesets import ChangeSet
from drgen.aws.cloudformation import CloudFormation
from drgen.model.plan import Action, Change, Replacement
from drgen.planning.guard import dangers

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ARN = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/orders/1"
NESTED = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/orders-Storage/2"


def resource(logical_id: str, **more: Any) -> dict[str, Any]:
    change = {"LogicalResourceId": logical_id, "ResourceType": "AWS::SNS::Topic", "Action": "Modify", **more}
    return {"Type": "Resource", "ResourceChange": change}


class Pages:
    """Answers DescribeChangeSet from prepared pages, three for the outer set and one for the nested one."""

    def __init__(self) -> None:
        bucket = resource("Bucket", ResourceType="AWS::S3::Bucket", Action="Remove", PolicyAction="Delete")
        nested = resource("Storage", ResourceType="AWS::CloudFormation::Stack", ChangeSetId=NESTED)
        replaced = resource(
            "Database",
            ResourceType="AWS::RDS::DBInstance",
            Replacement="Conditional",
            Details=[
                {"Target": {"Attribute": "Properties", "Name": "StorageType", "RequiresRecreation": "Never"}},
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": "BackupRetentionPeriod",
                        "RequiresRecreation": "Conditionally",
                    }
                },
                {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}},
            ],
        )
        self._pages = {
            (ARN, None): ([resource("Topic", Replacement="False")], "2"),
            (ARN, "2"): ([nested], "3"),
            (ARN, "3"): ([replaced], None),
            (NESTED, None): ([bucket], None),
        }

    def describe_change_set(self, **asked: str) -> dict[str, Any]:
        changes, token = self._pages[asked["ChangeSetName"], asked.get("NextToken")]
        answer = {
            "ChangeSetId": asked["ChangeSetName"],
            "ChangeSetName": "drgen-1",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/1",
            "Status": "CREATE_COMPLETE",
            "ExecutionStatus": "AVAILABLE",
            "Changes": changes,
        }
        return {**answer, "NextToken": token} if token else answer


def test_changes_of_all_pages_and_nested_sets_are_read() -> None:
    made = CloudFormation("eu-west-1", cast("CloudFormationClient", Pages())).change_set(ARN)
    assert made is not None
    assert made.changes == (
        Change("Topic", "AWS::SNS::Topic", Action.MODIFY, Replacement.FALSE),
        Change("Storage", "AWS::CloudFormation::Stack", Action.MODIFY),
        Change("Storage/Bucket", "AWS::S3::Bucket", Action.REMOVE, policy_action="Delete"),
        Change(
            "Database",
            "AWS::RDS::DBInstance",
            Action.MODIFY,
            Replacement.CONDITIONAL,
            properties=("StorageType", "BackupRetentionPeriod", "Tags"),
            recreating=("BackupRetentionPeriod",),
        ),
    )
    assert [danger.address for danger in dangers("orders", made.changes)] == [
        "orders/Storage/Bucket",
        "orders/Database",
    ]


def change_set(status: str, reason: str = "") -> ChangeSet:
    return ChangeSet(ARN, "drgen-1", "stack", status, reason, "UNAVAILABLE")


def test_a_failed_set_is_empty_only_if_its_reason_says_so() -> None:
    assert change_set("FAILED", "No updates are to be performed.").is_empty
    assert change_set(
        "FAILED",
        "The submitted information didn't contain changes. Submit different information to create a change set.",
    ).is_empty
    assert not change_set("FAILED", "Transform AWS::Serverless failed").is_empty
    assert not change_set("CREATE_COMPLETE").is_empty
