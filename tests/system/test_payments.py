"""The payments system on the embedded AWS, from deployment to destruction. The tests build on each other, in order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.server import EmbeddedAws

from .conftest import ROOT, Project

pytestmark = pytest.mark.embedded

PRIMARY, RECOVERY = "us-east-1", "us-east-2"
PAYMENT = {"amount": 1200, "currency": "EUR", "debtor": "A-1", "creditor": "B-2"}
NAME = "api.pay.example.com"
TABLE = "payments-prod-ledger"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("payments")
    shutil.copytree(ROOT / "templates/payments", folder / "templates/payments")
    with EmbeddedAws.start(speed=1500) as aws:
        made = Project(folder, aws)
        made.succeeds("build")
        made.succeeds("deploy", "payments", "--yes")
        yield made


def outputs(project: Project, region: str) -> dict[str, str]:
    client = project.client("cloudformation", region)
    (stack,) = client.describe_stacks(StackName=f"payments-prod-app-{region}")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def asked(
    project: Project, region: str, method: str, path: str, *, key: str = "", body: Any = None, signed: bool = True
) -> tuple[int, Mapping[str, Any]]:
    """Status and content of one request to the API of `region`."""
    url = outputs(project, region)["ApiEndpoint"] + path
    request = AWSRequest(method, url, data=json.dumps(body) if body is not None else "", headers={})
    request.headers["content-type"] = "application/json"
    if key:
        request.headers["idempotency-key"] = key
    if signed:
        SigV4Auth(Credentials(ACCOUNT, SECRET), "execute-api", region).add_auth(request)
    where = urlsplit(url)
    connection = HTTPConnection(str(where.hostname), where.port, timeout=30)
    connection.request(method, where.path, body=request.body or None, headers=dict(request.headers.items()))
    answer = connection.getresponse()
    status, content = answer.status, json.loads(answer.read())
    connection.close()
    return status, content


def settle(project: Project, region: str) -> None:
    """Runs what the schedule runs."""
    function = project.client("lambda", region)
    told = function.invoke(FunctionName="payments-prod-settler", Payload=b'{"source": "aws.events"}')
    assert "FunctionError" not in told


def serves(project: Project) -> str:
    return project.aws.dns.answer(NAME, region=RECOVERY).chosen


@pytest.mark.parametrize("region", [PRIMARY, RECOVERY])
def test_each_region_answers_for_its_own_health(project: Project, region: str) -> None:
    assert asked(project, region, "GET", "/health", signed=False) == (200, {"region": region, "state": "ok"})


def test_a_request_without_a_signature_is_not_taken(project: Project) -> None:
    status, _ = asked(project, PRIMARY, "POST", "/payments", key="order-0001", body=PAYMENT, signed=False)
    assert status == 403


def test_the_same_key_is_one_payment_in_both_regions(project: Project) -> None:
    first, taken = asked(project, PRIMARY, "POST", "/payments", key="order-0001", body=PAYMENT)
    again, same = asked(project, PRIMARY, "POST", "/payments", key="order-0001", body=PAYMENT)
    there, other = asked(project, RECOVERY, "POST", "/payments", key="order-0001", body=PAYMENT)
    assert (first, again, there) == (201, 200, 200)
    assert taken == same == other
    assert taken["region"] == PRIMARY
    assert taken["href"] == f"https://{NAME}/payments/{taken['id']}"
    assert asked(project, RECOVERY, "GET", f"/payments/{taken['id']}") == (200, taken)


def test_the_key_of_a_payment_is_not_good_for_another(project: Project) -> None:
    body = {**PAYMENT, "amount": 1201}
    assert asked(project, RECOVERY, "POST", "/payments", key="order-0001", body=body)[0] == 422


def test_a_second_deploy_changes_nothing(project: Project) -> None:
    before = project.aws.calls.mark()
    project.succeeds("deploy", "payments", "--yes")
    assert [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []


def test_with_the_primary_region_dark_the_other_takes_payments_and_the_name_follows(project: Project) -> None:
    assert serves(project) == PRIMARY
    project.aws.faults.dark(PRIMARY)
    assert asked(project, RECOVERY, "POST", "/payments", key="order-0001", body=PAYMENT)[0] == 200
    status, taken = asked(project, RECOVERY, "POST", "/payments", key="order-0002", body=PAYMENT)
    assert (status, taken["region"]) == (201, RECOVERY)
    assert serves(project) == RECOVERY
    project.aws.faults.light(PRIMARY)
    assert serves(project) == PRIMARY


FAILOVER = ("failover", "payments", "--to", RECOVERY)


def test_a_region_that_answers_is_not_given_up_without_being_told_to(project: Project) -> None:
    run = project.drgen(*FAILOVER, "--confirm", "payments")
    assert run.returncode == 3
    assert "the primary is gone: us-east-1: its health answers 200" in run.stdout + run.stderr


def test_a_planned_failover_withdraws_a_region_that_answers_until_somebody_gives_it_back(project: Project) -> None:
    report = project.succeeds(*FAILOVER, "--planned", "--confirm", "payments")
    assert "Failover of payments to us-east-2: done" in report
    assert "its health answers 200" in report
    assert asked(project, PRIMARY, "GET", "/health", signed=False)[0] == 200
    assert serves(project) == RECOVERY
    # What a 0 of the metric does, a minute later.
    project.client("cloudwatch", RECOVERY).set_alarm_state(
        AlarmName="payments-prod-primary-withdrawn", StateValue="OK", StateReason="given back by a person"
    )
    assert serves(project) == PRIMARY


def test_a_failover_from_a_dark_region_asks_nothing_of_it_and_changes_no_template(project: Project) -> None:
    project.aws.faults.dark(PRIMARY)
    before = project.aws.calls.mark()
    report = project.succeeds(*FAILOVER, "--disaster", "--confirm", "payments")
    assert "Failover of payments to us-east-2: done" in report
    calls = project.aws.calls.since(before)
    assert [call for call in calls if call.region == PRIMARY and call.answered] == []
    assert {call.service for call in calls} & {"route53", "iam"} == set()
    project.succeeds("deploy", "payments", "--region", RECOVERY, "--yes")
    assert [c for c in project.aws.calls.since(before) if c.operation in ("ExecuteChangeSet", "UpdateStack")] == []
    project.aws.faults.light(PRIMARY)
    assert serves(project) == RECOVERY


def test_of_two_claims_that_crossed_the_earlier_is_settled_and_the_other_a_duplicate(project: Project) -> None:
    client = project.client("dynamodb", PRIMARY)
    texts = {"currency": "EUR", "debtor": "A-1", "creditor": "B-2", "state": "accepted"}
    payment = {"amount": {"N": "5"}, **{name: {"S": text} for name, text in texts.items()}}
    for region, at_ms in ((PRIMARY, "2"), (RECOVERY, "1")):
        claim = {"id": {"S": "crossed"}, "entry": {"S": f"claim#{region}"}, "at_ms": {"N": at_ms}, **payment}
        line = {"id": {"S": f"open#{region}"}, "entry": {"S": f"{at_ms:0>15}#crossed"}}
        for item in (claim, line):
            client.put_item(TableName=TABLE, Item=item)
    for region in (PRIMARY, RECOVERY):
        settle(project, region)
    found = {
        region: client.get_item(TableName=TABLE, Key={"id": {"S": "crossed"}, "entry": {"S": f"claim#{region}"}})
        for region in (PRIMARY, RECOVERY)
    }
    assert {region: answer["Item"]["state"]["S"] for region, answer in found.items()} == {
        PRIMARY: "duplicate",
        RECOVERY: "settled",
    }
    lines = [item["entry"]["S"] for item in client.scan(TableName=TABLE)["Items"] if item["id"]["S"][:4] == "open"]
    assert [line for line in lines if line.endswith("#crossed")] == []


def test_a_protected_system_is_not_destroyed(project: Project) -> None:
    assert project.drgen("destroy", "payments", "--yes").returncode == 3
    assert asked(project, RECOVERY, "GET", "/health", signed=False)[0] == 200


def test_without_protection_nothing_is_left(project: Project) -> None:
    file = project.folder / "templates/payments/workload.yaml"
    file.write_text(file.read_text("utf-8").replace("protection: true", "protection: false"), "utf-8")
    for command in (["build"], ["deploy", "payments", "--yes"], ["destroy", "payments", "--yes"]):
        project.succeeds(*command)
    for region in (PRIMARY, RECOVERY):
        assert project.client("apigatewayv2", region).get_apis()["Items"] == []
        assert project.client("apigatewayv2", region).get_domain_names()["Items"] == []
        functions = project.client("lambda", region).list_functions()["Functions"]
        assert [function["FunctionName"] for function in functions] == []
        assert project.client("dynamodb", region).list_tables()["TableNames"] == []
        assert project.client("sqs", region).list_queues().get("QueueUrls", []) == []
        parameters = project.client("ssm", region).describe_parameters()["Parameters"]
        # A failover leaves its last question behind: no stack made it.
        assert {parameter["Name"] for parameter in parameters} <= {"/payments-prod-failover/approval"}
