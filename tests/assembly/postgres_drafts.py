"""The stacks of the committed workload postgres-dr, or of a changed copy of it."""

from __future__ import annotations

from pathlib import Path

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload

SOURCE = (Path(__file__).parents[2] / "templates/postgres-dr/workload.yaml").read_text("utf-8")

PACKAGES = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in ("failover", "probe")}


def drafts(text: str = SOURCE) -> dict[str, StackDraft]:
    workload: Workload = parse_workload(text.encode(), file="workload.yaml")
    return {f"{draft.stage}/{draft.layer}": draft for draft in assemble(workload, PACKAGES)}
