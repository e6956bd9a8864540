"""How an embedded AWS begins and ends, and what is there the next time."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.errors import UsageError
from drgen.local.server import EmbeddedAws

Clients = Callable[..., Any]


def test_a_port_in_use_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(UsageError, match=f"port {aws.port} on 127.0.0.1 is in use"):
        EmbeddedAws.start(port=aws.port)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ministack", None)
    with pytest.raises(UsageError, match=r'pip install "drgen\[local\]"'):
        EmbeddedAws.start()


def test_an_upstream_emulator_that_ends_is_an_error_that_says_so(clients_of: Callable[[EmbeddedAws], Clients]) -> None:
    with EmbeddedAws.start() as aws:
        os.kill(aws.upstream_pid, signal.SIGKILL)
        with pytest.raises(ClientError, match=r"the upstream emulator ended with code -9") as refused:
            clients_of(aws)("sqs").list_queues()
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"


def test_what_was_kept_is_there_again(tmp_path: Path, clients_of: Callable[[EmbeddedAws], Clients]) -> None:
    with EmbeddedAws.start(state=tmp_path) as first:
        first.clock.advance(86_400)
        stacks = clients_of(first)("cloudformation")
        stacks.create_stack(
            StackName="kept", TemplateBody='{"Resources": {"Kept": {"Type": "AWS::SNS::Topic", "Properties": {}}}}'
        )
        first.clock.set_speed(600)
        stacks.get_waiter("stack_create_complete").wait(StackName="kept", WaiterConfig={"Delay": 1})
        s3 = clients_of(first)("s3")
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="kept", Key="key", Body=b"value")
        left_at = first.clock.now()
        with pytest.raises(UsageError, match="another embedded AWS keeps its state here"):
            EmbeddedAws.start(state=tmp_path)
    with EmbeddedAws.start(state=tmp_path) as second:
        assert second.clock.now() >= left_at
        assert second.stacks() == {"eu-west-1": {"kept": "CREATE_COMPLETE"}}
        assert len(clients_of(second)("sns").list_topics()["Topics"]) == 1
        assert clients_of(second)("s3").get_object(Bucket="kept", Key="key")["Body"].read() == b"value"


def test_the_upstream_emulator_ends_with_a_server_that_is_killed() -> None:
    code = (
        "import time\n"
        "from drgen.local.server import EmbeddedAws\n"
        "aws = EmbeddedAws.start()\n"
        "print(aws.upstream_pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    emulator = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    for _ in range(500):
        if not _running(emulator):
            return
        time.sleep(0.02)
    os.kill(emulator, signal.SIGKILL)
    pytest.fail("the emulator outlived its server")


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_no_process_of_a_function_outlives_the_server(clients_of: Callable[[EmbeddedAws], Clients]) -> None:
    with EmbeddedAws.start() as aws:
        group = aws.upstream_pid
        clients = clients_of(aws)
        clients("lambda").create_function(
            FunctionName="idle",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/any",
            Handler="index.handler",
            Code={"ZipFile": zipped("def handler(event, context):\n    return 1\n")},
        )
        clients("lambda").invoke(FunctionName="idle")
        assert len(of_group(group)) >= 2
    assert of_group(group) == []


def zipped(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()


def of_group(group: int) -> list[str]:
    """The processes of one process group that still run."""
    if Path("/proc/self/stat").exists():
        stats = [text for path in Path("/proc").glob("[0-9]*/stat") if (text := read(path))]
        shown = [(fields[2], fields[0], text) for text in stats if (fields := text.rpartition(")")[2].split())]
    else:
        listing = subprocess.run(["ps", "-ax", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
        shown = [(line.split()[0], line.split()[1], line) for line in listing.stdout.splitlines()]
    return [line for its_group, state, line in shown if its_group == str(group) and not state.startswith("Z")]


def read(path: Path) -> str:
    """The text of a file of a process; empty if the process has just ended."""
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
