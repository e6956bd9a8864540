"""A workload folder of small stacks that the tests change, and deploy with the real command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from drgen.cli.main import main
from drgen.local.server import EmbeddedAws

US, EU = "us-east-1", "eu-west-1"


@dataclass(frozen=True)
class Ended:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a command run with --json."""
        return [json.loads(line) for line in self.out.splitlines()]

    def outcome(self, step: str) -> str:
        (end,) = [event for event in self.events if event["event"] == "step-ended" and event["step"] == step]
        return str(end["outcome"])

    def detail(self, step: str) -> str:
        (end,) = [event for event in self.events if event["event"] == "step-ended" and event["step"] == step]
        return f"{end['detail']} | {end['fix']}"


class World:
    """A workload `shop` in a folder of its own; `prefix` keeps its names apart from those of other tests."""

    def __init__(self, folder: Path, aws: EmbeddedAws, prefix: str) -> None:
        self.folder = folder
        self.aws = aws
        self.prefix = prefix
        self.stacks: list[dict[str, Any]] = []

    def name(self, stack: str) -> str:
        return f"{self.prefix}-{stack}"

    def add(self, stack: str, region: str, template: Mapping[str, Any], **more: Any) -> None:
        """Lists the stack (named with the test's own prefix) with its template."""
        self.write(stack, template)
        listed = {"stack": self.name(stack), "template": f"{stack}.yaml", "region": region, **more}
        self.stacks = [entry for entry in self.stacks if entry["stack"] != listed["stack"]] + [listed]
        self.manifest()

    def write(self, stack: str, template: Mapping[str, Any]) -> None:
        (self.folder / f"{stack}.yaml").write_text(yaml.safe_dump(dict(template)), "utf-8")

    def slow_down(self, stack: str) -> None:
        """Adds a resource to the template that is not ready before the virtual clock moves."""
        body = yaml.safe_load((self.folder / f"{stack}.yaml").read_text("utf-8"))
        body["Resources"]["Slow"] = slow(f"{self.prefix}-{stack}")
        self.write(stack, body)

    def manifest(self) -> None:
        (self.folder / "deploy.yaml").write_text(yaml.safe_dump({"stacks": self.stacks}), "utf-8")

    def drgen(self, verb: str, *options: str) -> Ended:
        """Runs the command; a deployment without the offline check, which has tests of its own."""
        options = (*options, *_WITHOUT_CHECK.get(verb, ()))
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main([verb, str(self.folder), *options])
        return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def client(self, service: str, region: str) -> Any:
        client: Any = boto3.client
        return client(service, region_name=region)

    def stack(self, stack: str, region: str) -> dict[str, Any]:
        answer = self.client("cloudformation", region).describe_stacks(StackName=self.name(stack))
        found: dict[str, Any] = answer["Stacks"][0]
        return found

    def status(self, stack: str, region: str) -> str:
        return str(self.stack(stack, region)["StackStatus"])

    def calls(self, mark: int, *, region: str = "", operation: str = "") -> list[str]:
        """Operations of the clients since `mark`."""
        return [
            call.operation
            for call in self.aws.calls.since(mark)
            if region in ("", call.region) and operation in ("", call.operation) and call.source == "client"
        ]


_WITHOUT_CHECK = {"deploy": ("--no-check",)}


def parameter(name: Any, value: Any = "v", **attributes: Any) -> dict[str, Any]:
    """A resource without neighbours: an SSM parameter."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}, **attributes}


def slow(name: str, description: str = "") -> dict[str, Any]:
    """A resource of a type that takes virtual time to create and to change."""
    return {"Type": "AWS::ResourceGroups::Group", "Properties": {"Name": name, "Description": description}}


def template(
    resources: Mapping[str, Any], *, parameters: tuple[str, ...] = (), outputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A template whose parameters are texts without default."""
    body: dict[str, Any] = {"Resources": dict(resources)}
    if parameters:
        body["Parameters"] = {name: {"Type": "String"} for name in parameters}
    if outputs:
        body["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return body


def until(done: Callable[[], bool]) -> None:
    """Returns when `done`; fails after a minute of real time."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.05)


@contextmanager
def running(world: World, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, where signals can reach it; ended at the latest with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "drgen", *words[:1], str(world.folder), "--no-check", *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def in_background(world: World, *words: str) -> tuple[threading.Thread, list[Ended]]:
    ends: list[Ended] = []

    def run() -> None:
        with running(world, *words) as process:
            out, err = process.communicate(timeout=60)
            ends.append(Ended(process.returncode, out, err))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, ends


def status_of(world: World, stack: str, region: str) -> str:
    """The stack's status; empty while it does not exist."""
    listed = world.client("cloudformation", region).list_stacks()["StackSummaries"]
    return next((str(s["StackStatus"]) for s in listed if s["StackName"] == world.name(stack)), "")
