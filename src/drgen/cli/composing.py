"""A workload's files, made from nothing but the workload: what `drgen build` writes, and the function packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.cli.building import CERTIFICATES
from drgen.files.stacks import written
from drgen.files.workload import WORKLOAD, read_workload
from drgen.model.deployment import Artifact, Intent
from drgen.packaging import package

PROBE = "probe"
"""The function that talks to databases, and so needs the certificates that they are verified with."""


@dataclass(frozen=True)
class Composed:
    """Files and function packages, each by its path below the workload's folder.

    `repeatable` is False where code outside drgen took part: nobody knows when that changes.
    """

    files: Mapping[str, bytes]
    artifacts: Mapping[str, bytes]
    repeatable: bool


def compose(folder: Path, lambdas: Path) -> Composed:
    """The files of the workload in `folder`, and its function packages.

    Raises InputErrors for a workload file with problems.
    """
    workload = read_workload(folder)
    certificates = {CERTIFICATES: path.read_bytes()} if (path := folder / CERTIFICATES).is_file() else {}
    packages = {name: package(lambdas / name, more=certificates if name == PROBE else {}) for name in needed(workload)}
    placed = {name: f"artifacts/{name}-{made.sha256[:16]}.zip" for name, made in packages.items()}
    drafts = assemble(workload, {name: Artifact(name, placed[name], made.key) for name, made in packages.items()})
    intent = Intent(workload.regions.primary.name, tuple(side.name for side in workload.regions.recovery))
    files = written(drafts, intent=intent, tags=workload.stack_tags, source=WORKLOAD)
    artifacts = {placed[name]: made.content for name, made in packages.items()}
    return Composed(files, artifacts, repeatable=not workload.extensions)
