"""DR39x: backup plans that AWS Backup refuses, or whose jobs fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_true, leaves, number
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
PLAN = "AWS::Backup::BackupPlan"
VAULT = "AWS::Backup::BackupVault"
RULES = "BackupPlan.BackupPlanRule"


def plan_rules(world: World) -> Iterator[tuple[Resource, Mapping[str, Resolved]]]:
    for plan in world.resources(PLAN):
        for leaf in plan.values(RULES):
            if isinstance(leaf, Mapping):
                yield plan, leaf


def _days(mapping: Mapping[str, Resolved], path: str) -> float | None:
    return next((number(value) for value in at(mapping, path)), None)


@rule("DR390", "Continuous backups are kept for 35 days or less",
      source="AWS Backup Developer Guide, Continuous backups and point-in-time recovery (PITR)",
      alone=True)  # fmt: skip
def continuous_retention(world: World) -> Found:
    """AWS Backup keeps continuous backups for up to 35 days, and refuses a plan that wants longer.

    Fix: set DeleteAfterDays to 35 or less, and make a second rule for snapshots that are kept longer.
    """
    for plan, entry in plan_rules(world):
        kept = _days(entry, "Lifecycle.DeleteAfterDays")
        if is_true(entry.get("EnableContinuousBackup")) and kept is not None and kept > 35:
            yield Fault(plan.place(RULES), f"continuous backups are kept for {kept:g} days", "keep them 35 days")


@rule("DR391", "What a plan keeps, the vault's lock allows",
      source="AWS Backup Developer Guide, AWS Backup Vault Lock", severity=Severity.WARNING)  # fmt: skip
def lock_allows_retention(world: World) -> Found:
    """A locked vault takes only recovery points that are kept between its two limits. The plan is accepted; every job
    of the rule fails, and there is no backup.

    Fix: set DeleteAfterDays between MinRetentionDays and MaxRetentionDays of the vault.
    """
    for plan, entry in plan_rules(world):
        copies = [copy for copy in leaves(entry.get("CopyActions")) if isinstance(copy, Mapping)]
        for part, named in ((entry, "TargetBackupVault"), *((copy, "DestinationBackupVaultArn") for copy in copies)):
            vault = next((found for value in leaves(part.get(named)) if (found := world.target(value, VAULT))), None)
            kept = _days(part, "Lifecycle.DeleteAfterDays")
            if vault is None or kept is None:
                continue
            least = number(vault.value("LockConfiguration.MinRetentionDays"))
            most = number(vault.value("LockConfiguration.MaxRetentionDays"))
            if (least is not None and kept < least) or (most is not None and kept > most):
                message = f"{kept:g} days are outside the lock of {vault}"
                yield Fault(plan.place(RULES), message, "keep them as long as the lock wants")
