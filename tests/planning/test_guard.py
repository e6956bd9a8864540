from __future__ import annotations

import json
from pathlib import Path

import cfnlint
import pytest

from drgen.model.plan import Action, Change, Replacement
from drgen.model.stateful import STATEFUL
from drgen.planning.guard import dangers

DATABASE = "AWS::RDS::DBInstance"


def database(action: Action, replacement: Replacement = Replacement.NONE, *recreating: str, policy: str = "") -> Change:
    return Change("Database", DATABASE, action, replacement, policy, "", recreating, recreating)


def test_all_types_that_cfn_lint_calls_stateful_are_guarded() -> None:
    path = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "StatefulResources.json"
    assert set(json.loads(path.read_text("utf-8"))["ResourceTypes"]) <= STATEFUL


@pytest.mark.parametrize(
    "policy", ["", "Delete", "Retain", "Snapshot", "ReplaceAndDelete", "ReplaceAndRetain", "ReplaceAndSnapshot"]
)
@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("replacement", list(Replacement))
def test_a_data_store_may_only_be_added_or_changed_in_place(
    action: Action, replacement: Replacement, policy: str
) -> None:
    harmless = action in (Action.ADD, Action.MODIFY, Action.IMPORT, Action.SYNC) and replacement in (
        Replacement.NONE,
        Replacement.FALSE,
    )
    refused = bool(dangers("orders-db", [database(action, replacement, policy=policy)]))
    assert refused == (not harmless and action is not Action.ADD)


def test_the_refusal_says_what_would_happen_and_why() -> None:
    removed, replaced, unclear = dangers(
        "orders-db",
        [
            database(Action.REMOVE, policy="Snapshot"),
            database(Action.MODIFY, Replacement.TRUE, "StorageEncrypted", policy="ReplaceAndDelete"),
            database(Action.MODIFY, Replacement.CONDITIONAL, "SourceDBInstanceIdentifier"),
        ],
    )
    assert removed.why == "would be removed, and only a snapshot of the old one would stay"
    assert replaced.why == "would be replaced by an empty one because of StorageEncrypted"
    assert unclear.why == (
        "may be replaced by an empty one because of SourceDBInstanceIdentifier; removing SourceDBInstanceIdentifier "
        "promotes the replica in place; adding or changing it replaces the instance"
    )


def test_only_the_named_resource_is_allowed() -> None:
    changes = [database(Action.REMOVE), Change("Bucket", "AWS::S3::Bucket", Action.REMOVE)]
    assert [d.address for d in dangers("data", changes, allowed=["data/Database"])] == ["data/Bucket"]
    assert [d.address for d in dangers("data", changes, allowed=["other/Database"])] == ["data/Database", "data/Bucket"]


def test_a_resource_its_author_wants_kept_is_guarded_whatever_its_type() -> None:
    topic = Change("Topic", "AWS::SNS::Topic", Action.REMOVE, policy_action="Retain")
    assert [d.address for d in dangers("alerts", [topic])] == ["alerts/Topic"]


def test_replacing_what_holds_no_data_is_nobodys_business() -> None:
    changes = [
        Change("Topic", "AWS::SNS::Topic", Action.MODIFY, Replacement.TRUE, "ReplaceAndDelete"),
        Change("Rule", "AWS::Events::Rule", Action.REMOVE, policy_action="Delete"),
    ]
    assert dangers("alerts", changes) == ()
