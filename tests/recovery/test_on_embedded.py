"""A planned failover of the committed workload on the embedded AWS: refused, declined, left alone, joined and done.

The tests build on each other, in order. The dark region has its own tests in tests/system.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.server import EmbeddedAws

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).parents[2]
SPEED = 120
"""Of the clock during the runs: fast, and slow enough for lambdas to keep up with it."""
TO = ("failover", "postgres-dr", "--to", "eu-west-1")


class System:
    """The committed workload, deployed to an embedded AWS of its own."""

    def __init__(self, folder: Path, aws: EmbeddedAws) -> None:
        self.folder, self.aws = folder, aws
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "DRGEN_POLL_SECONDS": "0.1",
        }

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "drgen", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def drgen(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of one command."""
        process = self.popen(*arguments)
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def client(self, service: str, region: str) -> Any:
        import boto3

        make: Any = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET).client
        return make(service, region_name=region, endpoint_url=self.aws.endpoint)

    def groups_of_primary(self) -> set[str]:
        rds = self.client("rds", "us-east-1")
        (primary,) = rds.describe_db_instances(DBInstanceIdentifier="postgres-dr-prod-us-east-1")["DBInstances"]
        return {group["VpcSecurityGroupId"] for group in primary["VpcSecurityGroups"]}

    def fence_group(self) -> str:
        groups = self.client("ec2", "us-east-1").describe_security_groups()["SecurityGroups"]
        (found,) = [group for group in groups if "fence" in group["GroupName"]]
        assert found["IpPermissions"] == []
        return str(found["GroupId"])


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "templates/postgres-dr", folder / "templates/postgres-dr")
    with EmbeddedAws.start(speed=1500) as aws:
        made = System(folder, aws)
        for arguments in (("build",), ("deploy", "postgres-dr", "--yes")):
            code, out, err = made.drgen(*arguments)
            assert code == 0, out + err
        # Slow enough for the limits of a failover to mean something beside the real time that functions take.
        aws.set_speed(SPEED)
        yield made


def test_a_primary_that_answers_is_not_given_up_without_being_told_to(system: System) -> None:
    before = system.aws.calls.mark()
    code, out, _ = system.drgen(*TO, "--confirm", "postgres-dr")
    assert code == 3
    assert "the primary is gone: RDS shows postgres-dr-prod-us-east-1 as available" in out
    changing = {"UpdateStack", "ModifyDBInstance", "RebootDBInstance", "SetStackPolicy"}
    assert changing & {call.operation for call in system.aws.calls.since(before)} == set()


def test_without_a_person_the_run_waits_behind_a_verified_fence(system: System) -> None:
    code, _, err = system.drgen(*TO, "--planned")
    assert code == 75
    assert "waits for approval" in err
    assert "drgen failover postgres-dr --to eu-west-1 --confirm postgres-dr" in err
    assert system.groups_of_primary() == {system.fence_group()}


def test_a_declined_run_gives_the_primary_its_clients_back(system: System) -> None:
    found = system.client("ec2", "us-east-1").describe_security_groups()["SecurityGroups"]
    clients = {group["GroupId"] for group in found if group["GroupName"] == "postgres-dr-prod-database"}
    assert len(clients) == 1
    parameter = system.client("ssm", "eu-west-1").get_parameter(Name="/postgres-dr-prod-failover/approval")
    token = json.loads(parameter["Parameter"]["Value"])["token"]
    answer = json.dumps({"approved": False, "by": "omar", "reason": "not today"})
    system.client("stepfunctions", "eu-west-1").send_task_success(taskToken=token, output=answer)
    states = system.client("stepfunctions", "eu-west-1")
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:postgres-dr-prod-failover"

    def running() -> bool:
        return bool(states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])

    assert system.aws.clock.wait(lambda: not running(), every=6, limit=3600)
    assert system.aws.clock.wait(lambda: system.groups_of_primary() == clients, every=6, limit=3600)


def test_an_interrupted_command_leaves_the_run_alone(system: System) -> None:
    system.aws.set_speed(10)  # The fence takes minutes of this clock: it still stands up when the signal comes.
    # A shell that runs the tests in the background has all its children ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = system.popen(*TO, "--planned", "--confirm", "postgres-dr")
    signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    for line in process.stderr:
        if "fence" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    system.aws.set_speed(SPEED)
    assert process.returncode == 130
    assert "goes on without you" in err


def test_the_next_command_joins_the_run_and_brings_it_to_its_end(system: System) -> None:
    """Even though CloudFormation's answer to the promotion gets lost on the way."""
    system.aws.faults.lose_answer("cloudformation", "UpdateStack")
    code, out, err = system.drgen(*TO, "--confirm", "postgres-dr", "--json")
    assert code == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["text"] == "joined, it was running already"
    assert events[1]["text"].startswith("planned, asked for by ")
    report = events[-1]
    assert (report["code"], report["outcome"], report["mode"]) == ("report", "done", "planned")
    assert report["fence"] == "fenced, verified"
    assert report["loss_s"] == 0.0
    assert "rds-ca.pem" in report["verification"]
    measured = {phase["name"]: phase["seconds"] for phase in report["phases"]}
    assert measured["promote"] > 60
    assert measured["detect"] is None
    texts = " ".join(event.get("text", "") for event in events)
    assert "its source is gone" in texts or "its source is still set" in texts


def test_the_stack_says_standalone_and_the_next_deployment_changes_nothing(system: System) -> None:
    before = system.aws.calls.mark()
    code, out, err = system.drgen("deploy", "postgres-dr", "--region", "eu-west-1", "--yes")
    assert code == 0, out + err
    assert [c for c in system.aws.calls.since(before) if c.operation == "ExecuteChangeSet"] == []
    described = system.client("cloudformation", "eu-west-1").describe_stacks(
        StackName="postgres-dr-prod-database-eu-west-1"
    )
    roles = {p["ParameterKey"]: p["ParameterValue"] for p in described["Stacks"][0]["Parameters"]}
    assert roles["DatabaseRole"] == "standalone"
