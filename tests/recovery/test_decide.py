"""The failover function turn by turn, against two regions in memory."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from recovery_fakes import CONFIG, MACHINE, PRIMARY_ARN, FakeClients, Regions, now, refusal

from drgen.recovery.codec import decode, encode
from drgen.recovery.decide import NotAsked, ask, decide, look
from drgen.recovery.record import Fenced, Loss, Record, Released, Unverified, Written
from drgen.recovery.signals import Run
from drgen.recovery.stacks import denies_loss, protected_policy, update_of
from drgen.recovery.statemachine import definition

RUN = Run(f"{MACHINE.replace('stateMachine', 'execution')}:incident-1", "2026-11-21T12:00:00Z")


def request(mode: str = "disaster", **more: Any) -> dict[str, Any]:
    return {"request": {"incident": "incident-1", "target": "eu-west-1", "mode": mode, "operator": "erin", **more}}


def drive(regions: Regions, state: dict[str, Any], answer: dict[str, Any] | None = None) -> dict[str, Any]:
    """Takes turns as the state machine does, until the run ends or asks a question that `answer` does not answer."""
    for _ in range(40):
        # What travels between turns is JSON.
        state = json.loads(json.dumps(decide(state, RUN, CONFIG, FakeClients(regions))))
        if state["next"] == "ask" and answer is not None:
            state["approval"] = answer
        elif state["next"] not in ("again", "wait"):
            return state
    raise AssertionError(state)


def record(state: dict[str, Any]) -> Record:
    decoded = decode(state["record"])
    assert isinstance(decoded, Record)
    return decoded


YES = {"approved": True, "by": "erin"}


def test_a_dark_region_is_left_without_one_call_that_it_had_to_answer() -> None:
    regions = Regions(dark=True)
    end = drive(regions, request(), YES)
    assert end["next"] == "done"
    assert isinstance(record(end).fence, Unverified)
    assert record(end).loss == Loss(3.0, "last sample of ReplicaLag, 90 s old")
    far = {call for call in regions.calls if call.startswith("primary:")}
    assert far == {"primary:rds.describe_db_instances"}


def test_the_promotion_changes_one_parameter_and_is_never_rolled_back() -> None:
    regions = Regions(dark=True)
    drive(regions, request(), YES)
    assert regions.updates == [
        {
            "StackName": "orders-prod-database-eu-west-1",
            "UsePreviousTemplate": True,
            "Parameters": [
                {"ParameterKey": "DatabaseRole", "ParameterValue": "standalone"},
                {"ParameterKey": "SourceDatabaseArn", "UsePreviousValue": True},
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "DisableRollback": True,
            "ClientRequestToken": "promote-incident-1",
        }
    ]


def test_the_token_of_the_promotion_is_one_that_cloudformation_takes() -> None:
    token = update_of({"StackName": "s"}, "DatabaseRole", "standalone", "promote-gone_2026:11" + "x" * 200)[
        "ClientRequestToken"
    ]
    assert token.startswith("promote-gone-2026-11x")
    assert len(token) == 128


def test_a_planned_run_fences_the_primary_with_evidence_and_loses_nothing() -> None:
    regions = Regions()
    regions.metrics["ReplicaLag"] = [(now(), 0.0)]
    end = drive(regions, request("planned"), YES)
    assert end["next"] == "done"
    assert isinstance(record(end).fence, Fenced)
    assert record(end).loss == Loss(0.0, "the replica replayed something younger than the fence")
    assert regions.primary_db["VpcSecurityGroups"] == [{"VpcSecurityGroupId": "sg-fence", "Status": "active"}]
    assert regions.calls.count("primary:rds.reboot_db_instance") == 1


def test_a_declined_run_gives_the_primary_its_own_groups_back() -> None:
    regions = Regions()
    regions.metrics["ReplicaLag"] = [(now(), 0.0)]
    end = drive(regions, request("planned"), {"approved": False, "by": "omar", "reason": "declined"})
    assert (end["next"], end["message"]) == ("failed", "omar did not approve")
    assert isinstance(record(end).fence, Released)
    assert regions.primary_db["VpcSecurityGroups"] == [{"VpcSecurityGroupId": "sg-primary", "Status": "active"}]
    assert regions.updates == []


def test_nothing_is_promoted_before_the_question_is_answered() -> None:
    regions = Regions(dark=True)
    assert drive(regions, request())["next"] == "ask"
    assert regions.updates == []


def test_a_refusal_says_what_was_seen_and_changes_nothing() -> None:
    regions = Regions()
    end = drive(regions, request())
    assert end["next"] == "refused"
    assert "the primary is gone: RDS shows orders-prod-us-east-1 as available" in end["message"]
    assert (regions.updates, regions.policy) == ([], "")
    assert "update_stack" not in " ".join(regions.calls)


def test_a_second_run_is_refused_while_an_older_one_is_running() -> None:
    started = now() - timedelta(minutes=1)
    older = {"executionArn": "other", "name": "gone-7", "startDate": started}
    mine = {"executionArn": RUN.arn, "name": "incident-1", "startDate": now()}
    assert "gone-7 was started earlier" in drive(Regions(dark=True, running=[mine, older]), request())["message"]
    younger = {**older, "startDate": now() + timedelta(minutes=1)}
    assert drive(Regions(dark=True, running=[mine, younger]), request(), YES)["next"] == "done"


def test_a_refused_update_ends_the_run_and_takes_the_fence_down() -> None:
    regions = Regions(update_error=refusal("AccessDenied", "not allowed"))
    regions.metrics["ReplicaLag"] = [(now(), 0.0)]
    end = drive(regions, request("planned"), YES)
    assert end["next"] == "failed"
    assert "AccessDenied: not allowed" in end["message"]
    assert isinstance(record(end).fence, Released)


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ({"observed": True, "wrote": True, "took_ms": 4.0}, Written),
        ({"observed": False, "reason": "no certificate"}, None),
    ],
)
def test_the_write_test_is_on_record_as_done_or_as_not_observed(written: dict[str, Any], outcome: type | None) -> None:
    regions = Regions(dark=True)
    regions.probe["written"] = written
    verification = record(drive(regions, request(), YES)).verification
    if outcome is None:
        assert getattr(verification, "reason", "") == "no certificate"
    else:
        assert isinstance(verification, outcome)


def test_a_sample_taken_after_the_primary_died_does_not_count_as_loss() -> None:
    regions = Regions(dark=True)
    regions.metrics["PrimaryReachable"] = [(now() - timedelta(minutes=m), float(m > 9)) for m in range(15)]
    regions.metrics["ReplicaLag"] = [(now() - timedelta(minutes=m), 2.0 if m > 9 else 600.0 - m) for m in range(15)]
    assert record(drive(regions, request())).loss == Loss(2.0, "last sample of ReplicaLag, 0 s old")


def test_asking_leaves_the_token_where_the_operator_finds_it() -> None:
    regions = Regions()
    ask("token-1", {"message": "2 s may be lost"}, RUN, CONFIG, FakeClients(regions))
    assert json.loads(regions.parameters["/orders-prod-failover/approval"]) == {
        "execution": RUN.arn,
        "token": "token-1",
    }
    assert "drgen failover" in regions.messages[0]
    assert "token-1" not in regions.messages[0]


class SilentParameters:
    """A parameter store that does not answer."""

    def put_parameter(self, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://ssm.eu-west-1.amazonaws.com")


class WithoutParameters(FakeClients):
    def target(self, service: str) -> Any:
        return SilentParameters() if service == "ssm" else super().target(service)


def test_a_question_that_reaches_nobody_is_an_error_that_the_machine_tries_again() -> None:
    regions = Regions()
    with pytest.raises(NotAsked) as problem:
        ask("token-1", {}, RUN, CONFIG, WithoutParameters(regions))
    assert regions.messages == []
    again = definition()["States"]["Ask"]["Retry"]
    assert [type(problem.value).__name__ in retry["ErrorEquals"] for retry in again] == [True]
    assert not {"States.ALL", "States.Timeout", "States.TaskFailed"} & set(again[0]["ErrorEquals"])


def test_looking_changes_nothing() -> None:
    regions = Regions(dark=True)
    found = look(request()["request"], CONFIG, FakeClients(regions))
    kinds = [type(step).__name__ for step in decode(found["steps"])]
    assert kinds[:3] == ["ProtectStack", "RecordFence", "RecordLoss"]
    assert (regions.updates, regions.policy, regions.messages, regions.started) == ([], "", [], [])


def test_a_stack_policy_of_people_is_kept_and_strengthened() -> None:
    own = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Key"}
    kept = json.loads(protected_policy(json.dumps({"Statement": [own]})))["Statement"]
    assert kept[0] == own
    assert kept[1]["Action"] == ["Update:Replace", "Update:Delete"]
    allowed = json.loads(protected_policy(""))["Statement"][0]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "Update:*")


def keeps_database(policy: str) -> bool:
    return denies_loss(policy, "Database")


@pytest.mark.parametrize(
    "resource", ["*", "LogicalResourceId/Database", ["LogicalResourceId/Key", "LogicalResourceId/D*"]]
)
def test_a_policy_that_denies_the_loss_of_the_database_counts_as_protection(resource: Any) -> None:
    statement = {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*"}
    assert keeps_database(json.dumps({"Statement": [{**statement, "Resource": resource}]}))
    assert keeps_database(json.dumps({"Statement": [{**statement, "Action": "Update:*", "Resource": resource}]}))
    assert not keeps_database(
        json.dumps({"Statement": [{**statement, "Action": "Update:Delete", "Resource": resource}]})
    )


@pytest.mark.parametrize(
    "change",
    [
        {"Resource": "LogicalResourceId/Key"},
        {"Resource": ["LogicalResourceId/Key", "LogicalResourceId/DatabaseSubnets"]},
        {"Condition": {"StringEquals": {"ResourceType": ["AWS::KMS::Key"]}}},
        {"Effect": "Allow"},
    ],
)
def test_a_policy_for_something_else_protects_no_database(change: dict[str, Any]) -> None:
    statement = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    assert keeps_database(json.dumps({"Statement": [statement]}))
    assert not keeps_database(json.dumps({"Statement": [{**statement, **change}]}))
    assert not keeps_database("")


def test_two_statements_deny_the_loss_together() -> None:
    both = [{"Effect": "Deny", "Action": f"Update:{loss}", "Resource": "*"} for loss in ("Replace", "Delete")]
    assert keeps_database(json.dumps({"Statement": both}))
    both[0]["Resource"] = "LogicalResourceId/Key"
    assert not keeps_database(json.dumps({"Statement": both}))


def test_records_survive_the_journey_through_json() -> None:
    end = record(drive(Regions(dark=True), request(accept_loss_s=60), YES))
    assert decode(json.loads(json.dumps(encode(end)))) == end
    assert end.request.accept_loss_s == 60
    assert PRIMARY_ARN not in json.dumps(encode(end.request))
