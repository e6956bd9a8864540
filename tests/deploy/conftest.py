"""An embedded AWS for all tests of this folder, and the workload they deploy to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shop_world import World, parameter, template

from drgen.local.server import EmbeddedAws

SPEED = 600.0


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(speed=SPEED) as aws:
        yield aws


@pytest.fixture
def aws(server: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """The server, healthy before and after, and an environment that points at it and at nothing else."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("DRGEN_POLL_SECONDS", "0.05")
    yield server
    server.faults.clear()
    server.clock.set_speed(SPEED)


@pytest.fixture
def world(aws: EmbeddedAws, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    prefix = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))[:40].strip("-")
    folder = tmp_path / "shop"
    folder.mkdir()
    return World(folder, aws, prefix)


@pytest.fixture
def shop(world: World) -> World:
    """Three stacks: `base` and `data` in us-east-1, `copy` in eu-west-1 with an output of `data`, and late back."""
    pre = world.prefix
    base = template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{pre}-topic"}}})
    base["Parameters"] = {"Peer": {"Type": "String", "Default": ""}}
    base["Conditions"] = {"HasPeer": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Peer"}, ""]}]}}
    base["Resources"]["PeerName"] = parameter(f"/{pre}/peer", {"Ref": "Peer"}, Condition="HasPeer")
    base["Outputs"] = {"TopicArn": {"Value": {"Ref": "Topic"}}}
    data = template({"Name": parameter(f"/{pre}/data", {"Ref": "TopicArn"})}, parameters=("TopicArn",))
    data["Outputs"] = {"DataName": {"Value": {"Ref": "Name"}}}
    copy = template({"Copy": parameter(f"/{pre}/copy", {"Ref": "DataName"})}, parameters=("DataName",))
    copy["Outputs"] = {"CopyName": {"Value": {"Ref": "Copy"}}}

    def output(stack: str, name: str) -> dict[str, Any]:
        return {"stack": world.name(stack), "output": name}

    late = {"Peer": {"from": output("copy", "CopyName"), "late": True}}
    world.add("base", "us-east-1", base, stage="primary", parameters=late)
    world.add("data", "us-east-1", data, stage="primary", parameters={"TopicArn": {"from": output("base", "TopicArn")}})
    source = {"DataName": {"from": output("data", "DataName")}}
    world.add("copy", "eu-west-1", copy, stage="recovery", parameters=source)
    return world
