"""A workload as stacks, in deployment order."""

from __future__ import annotations

from collections.abc import Mapping

from drgen.assembly import recovery, region, replication
from drgen.model.deployment import Artifact, RevokeDefaultSecurityGroup
from drgen.model.stack import StackDraft, in_order
from drgen.model.workload import Workload


def assemble(workload: Workload, packages: Mapping[str, Artifact]) -> tuple[StackDraft, ...]:
    """Every stack of the workload: stage primary, then recovery, then replication.

    `packages` are the function packages by the name of their folder. Raises LinkError where stacks need each other.
    """
    first, (second,) = workload.regions.primary, workload.regions.recovery
    stage = f"recovery-{second.name}"
    home = region.foundation(workload, first, stage="primary", side="Primary")
    away = region.foundation(workload, second, stage=stage, side="Recovery")
    for base in (home, away):
        _empty_default_security_group(base)
    region.add_secret(workload, home, away)
    home_stack, primary = region.primary_database(workload, home)
    away_stack, copy = region.replica_database(workload, away, region=second, stage=stage, source=primary.instance)
    for stack, instance in ((home_stack, primary.instance), (away_stack, copy)):
        stack.output(instance.endpoint)
    layer = recovery.recovery(
        workload, away, stage=stage, primary=primary, replica=(away_stack, copy), packages=packages
    )
    ties = replication.tie(workload, primary=region.Side(home, primary.instance), recovery=region.Side(away, copy))
    return in_order((home.stack, home_stack, away.stack, away_stack, layer, *ties))


def _empty_default_security_group(base: region.Foundation) -> None:
    """CloudFormation can only add rules to a VPC's default group; the deployer takes them away, in plain sight."""
    base.stack.output(base.network.vpc_id)
    base.stack.after.append(RevokeDefaultSecurityGroup(base.network.vpc_id.name))
