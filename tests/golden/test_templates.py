"""The committed templates are what drgen builds, on every machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drgen.cli.building import build
from drgen.files.manifest import read_deployment

TEMPLATES = Path(__file__).parents[2] / "templates"
WORKLOADS = sorted(path.parent.name for path in TEMPLATES.glob("*/workload.yaml"))


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_committed_files_are_what_drgen_builds(workload: str) -> None:
    diff = build(TEMPLATES / workload).diff()
    assert diff == "", f"{diff}\nIf this is intended: drgen build {workload}, and review the diff."


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_manifest_names_the_bytes_of_every_template(workload: str) -> None:
    deployment = read_deployment(TEMPLATES / workload)
    for entry in deployment.stacks:
        data = (deployment.folder / entry.template).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry.sha256
        assert len(data) <= 51_200


PRINT_DIGEST = """
import hashlib, sys
from pathlib import Path
from drgen.cli.building import build
built = build(Path(sys.argv[1]))
print(hashlib.sha256(b"".join(name.encode() + data for name, data in sorted(built.files.items()))).hexdigest())
"""


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHASHSEED": "1", "LC_ALL": "C"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}],
)
def test_hash_seed_locale_and_time_zone_change_nothing(environment: dict[str, str]) -> None:
    workload = TEMPLATES / "postgres-dr"
    command = [sys.executable, "-c", PRINT_DIGEST, str(workload)]
    run = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    files = build(workload).files
    here = hashlib.sha256(b"".join(name.encode() + data for name, data in sorted(files.items()))).hexdigest()
    assert run.stdout.strip() == here
