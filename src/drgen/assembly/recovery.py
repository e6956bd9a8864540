"""The recovery layer: what watches the primary region and takes over from it."""

from __future__ import annotations

from collections.abc import Mapping

from drgen.assembly.region import Foundation, draft
from drgen.builders import dashboard, failover
from drgen.builders.database import Database, Primary
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft
from drgen.model.workload import Workload

FUNCTIONS = ("failover", "probe")
"""The functions of the layer: folders under lambdas/."""


def recovery(
    workload: Workload,
    base: Foundation,
    *,
    stage: str,
    primary: Primary,
    replica: tuple[StackDraft, Database],
    packages: Mapping[str, Artifact],
) -> StackDraft:
    """The stack with the failover machine, the probe, their alarms and the dashboard."""
    about = "What watches the primary region and takes over from it."
    stack = draft(workload, stage=stage, layer="recovery", region=base.stack.region, side="Recovery", about=about)
    names, owner, copy = workload.names, *replica
    target = failover.Protected(
        primary=primary.instance,
        replica=copy,
        primary_cidr=workload.regions.primary.cidr,
        replica_stack=owner.key,
        fence_group=primary.fence_group,
        secret=names.secret,
        port=workload.database.port,
        database_name=workload.database.name,
        rto=workload.objectives.rto,
        rpo=workload.objectives.rpo,
        mode=workload.recovery.mode,
    )
    around = failover.Around(
        network=base.network,
        topic=base.alerts.topic_arn,
        data_key=base.keys.data,
        operations_key=base.keys.operations,
        log_days=workload.recovery.log_days,
    )
    failover.failover(stack, names, target, around, packages)
    dashboard.dashboard(stack, names, primary=primary.instance, replica=copy)
    return stack
