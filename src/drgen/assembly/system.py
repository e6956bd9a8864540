"""A workload as stacks, in deployment order."""

from __future__ import annotations

from drgen.assembly import region, replication
from drgen.model.deployment import RevokeDefaultSecurityGroup
from drgen.model.stack import StackDraft, in_order
from drgen.model.workload import Workload


def assemble(workload: Workload) -> tuple[StackDraft, ...]:
    """Every stack of the workload: stage primary, then recovery, then replication.

    Raises LinkError where stacks would need each other.
    """
    primary, (recovery,) = workload.regions.primary, workload.regions.recovery
    stage = f"recovery-{recovery.name}"
    home = region.foundation(workload, primary, stage="primary", side="Primary")
    away = region.foundation(workload, recovery, stage=stage, side="Recovery")
    for base in (home, away):
        _empty_default_security_group(base)
    region.add_secret(workload, home, away)
    home_stack, database = region.primary_database(workload, home)
    away_stack, copy = region.replica_database(workload, away, region=recovery, stage=stage, source=database)
    ties = replication.tie(workload, primary=region.Side(home, database), recovery=region.Side(away, copy))
    for stack, instance in ((home_stack, database), (away_stack, copy)):
        stack.output(instance.endpoint)
    return in_order((home.stack, home_stack, away.stack, away_stack, *ties))


def _empty_default_security_group(base: region.Foundation) -> None:
    """CloudFormation can only add rules to a VPC's default group; the deployer takes them away, in plain sight."""
    base.stack.output(base.network.vpc_id)
    base.stack.after.append(RevokeDefaultSecurityGroup(base.network.vpc_id.name))
