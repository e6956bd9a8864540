"""The folder of a workload, built as `drgen build` does and read back as `drgen check` does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.cli.world import Folder, load_folder
from drgen.files.stacks import written
from drgen.files.workload import WORKLOAD, parse_workload
from drgen.model.deployment import Artifact, Intent


def built(file: dict[str, Any]) -> Folder:
    """The files of the workload, written and read back."""
    workload = parse_workload(yaml.safe_dump(file).encode(), file=WORKLOAD)
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    intent = Intent(workload.regions.primary.name, tuple(side.name for side in workload.regions.recovery))
    drafts = assemble(workload, packages)
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name, content in written(drafts, intent=intent, tags=workload.stack_tags, source=WORKLOAD).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return load_folder(folder)
