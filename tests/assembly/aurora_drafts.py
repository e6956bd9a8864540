"""The stacks of a workload with an Aurora database."""

from __future__ import annotations

from typing import Any

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft

SOURCE = """
name: shop
environment: prod
strategy: warm-standby
objectives: {rto: 15m, rpo: 30s}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: us-east-2, cidr: 10.1.0.0/16}]
database:
  engine: aurora-postgresql
  version: "16.9"
  instance_class: db.r6g.large
  parameters: {log_statement: ddl}
dns: {zone: shop.internal}
"""

HEADLESS = SOURCE.replace("warm-standby", "pilot-light")


def drafts(text: str = SOURCE) -> dict[str, StackDraft]:
    workload = parse_workload(text.encode(), file="workload.yaml")
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    return {f"{draft.stage}/{draft.layer}": draft for draft in assemble(workload, packages)}


def bodies(text: str = SOURCE) -> dict[str, Any]:
    return {name: draft.template().body for name, draft in drafts(text).items()}
