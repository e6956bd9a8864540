"""Resources made by providers on the shared server, with names that no other test uses."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from drgen.local.providers import PROVIDERS
from drgen.local.providers.provider import Desired, Physical, ResourceFailed
from drgen.local.server import EmbeddedAws

ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}


class Stacks:
    """What CloudFormation would ask of the providers, without CloudFormation."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._env = aws.environment
        self._made: list[tuple[Desired, Physical]] = []
        self._count = itertools.count()
        self.unique = uuid.uuid4().hex[:8]

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self._env.client(service, region)

    def make(self, kind: str, properties: Mapping[str, Any], *, region: str = "us-east-1") -> Physical:
        desired = Desired(kind, f"R{next(self._count)}", f"t-{self.unique}", "arn:stack", region, dict(properties))
        made = PROVIDERS[kind].create(self._env, desired)
        self._made.append((desired, made))
        return made

    def change(self, resource: Physical, properties: Mapping[str, Any]) -> Physical:
        index = next(i for i, (_, made) in enumerate(self._made) if made is resource)
        old, current = self._made[index]
        new = Desired(
            old.type, old.logical_id, old.stack_name, old.stack_id, old.region, dict(properties), old.properties
        )
        changed = PROVIDERS[old.type].update(self._env, new, current)
        self._made[index] = (new, changed)
        return changed

    def remove(self, resource: Physical) -> None:
        desired, made = next(pair for pair in self._made if pair[1] is resource)
        PROVIDERS[desired.type].delete(self._env, desired, made)

    def network(self, cidr: str, *, region: str = "us-east-1") -> str:
        return self.make("AWS::EC2::VPC", {"CidrBlock": cidr}, region=region).id

    def key(self, *statements: Mapping[str, Any], region: str = "us-east-1") -> str:
        policy = {"Version": "2012-10-17", "Statement": [ROOT, *statements]}
        return str(self.make("AWS::KMS::Key", {"KeyPolicy": policy}, region=region).attributes["Arn"])

    def role(self, service: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        return str(self.make("AWS::IAM::Role", {"AssumeRolePolicyDocument": trust}).attributes["Arn"])

    def clear(self) -> None:
        """Deletes what is left, newest first; what a test has made undeletable stays."""
        for desired, made in reversed(self._made):
            try:
                PROVIDERS[desired.type].delete(self._env, desired, made)
            except ResourceFailed:
                continue


@pytest.fixture
def stacks(aws: EmbeddedAws) -> Iterator[Stacks]:
    made = Stacks(aws)
    yield made
    aws.faults.clear()
    made.clear()


@pytest.fixture
def fails() -> Callable[..., ResourceFailed]:
    """Runs what must fail and gives the failure."""

    def run(action: Callable[..., Any], *values: Any, **more: Any) -> ResourceFailed:
        with pytest.raises(ResourceFailed) as failure:
            action(*values, **more)
        return failure.value

    return run
