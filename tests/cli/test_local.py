"""`drgen local` as people use it: commands that start, steer and stop a server of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drgen.cli.main import main
from drgen.local import control

Run = Callable[..., str]

PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server is up for all tests of this file."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRGEN_LOCAL_HOME", str(folder))
        with pytest.raises(SystemExit) as ended:
            main(["local", "up", "--port", "0", "--speed", "0"])
        assert ended.value.code == 0
        yield folder
        if server := control.found():
            control.stop(server)


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(*arguments, code=0)` is what `drgen local` prints, on both streams."""
    monkeypatch.setenv("DRGEN_LOCAL_HOME", str(home))

    def local(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["local", *arguments])
        assert ended.value.code == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    return local


def client(service: str, region: str = "eu-west-1") -> Any:
    import boto3

    session: Any = boto3.Session(aws_access_key_id="123456789012", aws_secret_access_key="local")
    return session.client(service, region_name=region, endpoint_url=control.running().endpoint)


def test_a_second_up_says_where_the_first_one_is(run: Run) -> None:
    assert run("up") == f"already up at {control.running().endpoint} (process {control.running().pid})\n"


def test_env_prints_what_any_aws_client_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    exports = (
        f"export AWS_ENDPOINT_URL={control.running().endpoint}\n"
        "export AWS_ACCESS_KEY_ID=123456789012\n"
        "export AWS_SECRET_ACCESS_KEY=local\n"
        "export AWS_DEFAULT_REGION=us-east-1\n"
        "export DRGEN_POLL_SECONDS=0.2\n"
    )
    assert run("env") == exports
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "intranet")
    assert run("env") == exports + "export NO_PROXY=intranet,127.0.0.1\nexport no_proxy=intranet,127.0.0.1\n"


def test_the_clock_is_pushed_forward_by_hand(run: Run) -> None:
    before = control.running().ask("POST", "clock", {})["time"]
    assert run("clock", "--advance", "10m").endswith("speed 0\n")
    assert control.running().ask("POST", "clock", {})["time"] == before + 600


def test_faults_are_shown_and_cleared(run: Run) -> None:
    assert run("fault", "dark", "us-east-1") == "dark: us-east-1\n"
    assert run("fault", "throttle", "monitoring", "--times", "3") == "dark: us-east-1; throttled: cloudwatch (3)\n"
    assert run("fault", "light", "us-east-1") == "throttled: cloudwatch (3)\n"
    assert run("fault", "lost-answer", "rds", "CreateDBInstance").endswith("lost answers: rds:createdbinstance (1)\n")
    assert "faults    throttled: cloudwatch (3)" in run("status")
    assert run("fault", "clear") == "no faults\n"
    assert "faults    none" in run("status")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fault", "dark", "eu-wset-1"], "there is no region 'eu-wset-1'; did you mean eu-west-1?"),
        (["fault", "throttle", "dynamo"], "there is no service 'dynamo'; did you mean dynamodb?"),
        (["fault", "lost-answer", "rds", "CreateInstance"], "did you mean CreateDBInstance?"),
        (["clock", "--advance", "soon"], "'soon' is not a duration"),
        (["up", "--speed", "-1"], "-1.0 is not in the range 0<=x<=100000"),
    ],
)
def test_a_slip_of_the_pen_is_told_apart_from_a_fault(run: Run, arguments: list[str], said: str) -> None:
    assert said in run(*arguments, code=2)


def test_status_shows_the_stacks_of_each_region(run: Run) -> None:
    assert "no stacks" in run("status")
    client("cloudformation").create_stack(
        StackName="orders", TemplateBody='{"Resources": {"Alerts": {"Type": "AWS::SNS::Topic"}}}'
    )
    assert run("status").endswith("eu-west-1\n  orders  CREATE_IN_PROGRESS\n")


def test_calls_lists_who_called_what_where(run: Run) -> None:
    run("calls", "--clear")
    client("sns", "eu-west-1").create_topic(Name="seen")
    client("sns", "us-east-1").list_topics()
    listed = run("calls", "--region", "eu-west-1")
    assert re.search(r"eu-west-1 +sns:CreateTopic +client +200\n", listed)
    assert "ListTopics" not in listed


def test_dns_answers_for_a_network_of_the_zone_and_for_no_other(run: Run) -> None:
    vpc = client("ec2", "eu-west-1").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    route53 = client("route53")
    zone = route53.create_hosted_zone(
        Name="db.internal", CallerReference="once", VPC={"VPCRegion": "eu-west-1", "VPCId": vpc}
    )["HostedZone"]["Id"]
    record = {
        "Name": "postgres.db.internal",
        "Type": "CNAME",
        "TTL": 30,
        "ResourceRecords": [{"Value": "writer.local"}],
    }
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    answer = run("dns", "postgres.db.internal", "--region", "eu-west-1")
    assert answer.startswith("postgres.db.internal.  30  CNAME  writer.local\n")
    assert run("dns", "postgres.db.internal", "--region", "us-east-1", code=1) == "postgres.db.internal.  REFUSED\n"


def test_without_a_server_every_command_says_how_to_start_one(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRGEN_LOCAL_HOME", str(tmp_path))
    assert "no embedded AWS is up here\n  fix: run: drgen local up" in run("env", code=2)
    assert run("down") == "nothing is up here\n"


def test_up_on_a_port_in_use_says_so(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = str(control.running().port)
    monkeypatch.setenv("DRGEN_LOCAL_HOME", str(tmp_path))
    assert f"port {taken} on 127.0.0.1 is in use" in run("up", "--port", taken, code=1)


def test_state_outlives_down(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRGEN_LOCAL_HOME", str(tmp_path))
    kept = ("--port", "0", "--state", str(tmp_path / "kept"))
    run("up", *kept)
    client("sqs").create_queue(QueueName="kept")
    assert run("down").startswith("stopped http://127.0.0.1:")
    run("up", *kept)
    assert len(client("sqs").list_queues()["QueueUrls"]) == 1
    run("down")
