"""One embedded AWS per module, and `drgen` as people run it, from a project with the committed workload."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.server import EmbeddedAws

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A folder with templates/ and an embedded AWS to deploy them to."""

    folder: Path
    aws: EmbeddedAws

    def drgen(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one command to its end, whatever its exit code."""
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "DRGEN_POLL_SECONDS": "0.1",
        }
        command = [sys.executable, "-m", "drgen", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=240
        )

    def succeeds(self, *arguments: str) -> str:
        """Runs one command that must end with 0; gives its stdout."""
        run = self.drgen(*arguments)
        assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
        return run.stdout

    def client(self, service: str, region: str) -> Any:
        """A plain boto3 client."""
        import boto3

        session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET)
        make: Any = session.client
        return make(service, region_name=region, endpoint_url=self.aws.endpoint)


Start = Callable[..., Project]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """`start(edit=..., workload=...)` gives a project with the committed workload after `edit`.

    Its server stops at the end.
    """
    running: list[EmbeddedAws] = []

    def begin(edit: Callable[[str], str] = lambda text: text, *, workload: str = "postgres-dr") -> Project:
        folder = tmp_path_factory.mktemp("project")
        target = folder / "templates" / workload
        shutil.copytree(ROOT / "templates" / workload, target)
        file = target / "workload.yaml"
        file.write_text(edit(file.read_text("utf-8")), "utf-8")
        aws = EmbeddedAws.start(speed=1500)
        running.append(aws)
        project = Project(folder, aws)
        project.succeeds("build")
        return project

    yield begin
    for aws in running:
        aws.stop()
