"""The reviewed templates, read once and held against the manifest before anything is asked of AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drgen.errors import Refused, UsageError
from drgen.model.deployment import StackEntry
from drgen.model.plan import Step, Work
from drgen.planning.replicas import Replicas, replicas
from drgen.template.load import load


@dataclass(frozen=True)
class TemplateText:
    """`parameters` is the Parameters section; `resources` are types by logical id; `replicas` those of its tables."""

    text: str
    size: int
    sha256: str
    parameters: Mapping[str, Any]
    resources: Mapping[str, str]
    replicas: Replicas

    @property
    def has_nested_stacks(self) -> bool:
        return "AWS::CloudFormation::Stack" in self.resources.values()


def read_templates(folder: Path, steps: Iterable[Step]) -> Mapping[str, TemplateText]:
    """The templates of the steps by step id.

    Raises UsageError where a file is missing, InputErrors where it is no template, and Refused where its bytes are not
    those the manifest was made for.
    """
    return {step.id: _read(folder, step.entry) for step in steps if step.work is Work.DEPLOY}


def read_artifact(folder: Path, entry: StackEntry, name: str) -> bytes:
    """The bytes of one artifact of `entry`; raises UsageError if the file is missing."""
    path = folder / next(item.path for item in entry.artifacts if item.name == name)
    if not path.is_file():
        raise UsageError(f"artifact {name} of stack {entry.stack} is missing", at=str(path), fix="run `drgen build`")
    return path.read_bytes()


def _read(folder: Path, entry: StackEntry) -> TemplateText:
    path = folder / entry.template
    if not path.is_file():
        fix = "run `drgen build`, or correct `template:` in the manifest"
        raise UsageError(f"the template of stack {entry.stack} is missing", at=str(path), fix=fix)
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if entry.sha256 and entry.sha256 != digest:
        raise Refused(
            f"the template of stack {entry.stack} was edited after the build: it is not what the manifest names",
            at=str(path),
            fix="run `drgen build` and review what it writes; changes belong into the workload file",
        )
    template = load(data, file=str(path))
    resources = {name: str(resource["Type"]) for name, resource in template.resources.items()}
    text = data.decode("utf-8-sig")
    tables = replicas(template, region=entry.region)
    return TemplateText(text, len(text.encode()), digest, template.section("Parameters"), resources, tables)
