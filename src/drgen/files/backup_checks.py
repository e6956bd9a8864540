"""What a single field of section `backup` cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.backup import Backup
from drgen.model.workload import Workload
from drgen.template import bundled
from drgen.template.load import Path as At


def backup(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """Backups of nothing, tests without copies, and locks that refuse the plan's own backups."""
    wanted = workload.backup
    if wanted is None:
        return
    if workload.database is None and not workload.tables:
        yield ("backup",), "there is nothing to back up", "declare a database or tables, or remove backup"
    if wanted.restore_test != "none" and not wanted.copy_to_recovery:
        problem = "copies are restored to test them, and there are none"
        yield ("backup", "restore_test"), problem, "set it to none, or set copy_to_recovery to true"
    elif wanted.restore_test != "none":
        yield from _untestable(workload)
    if wanted.lock == "none":
        yield from _without_lock(wanted)
    else:
        yield from _limits(wanted)
    if wanted.lock == "compliance":
        yield from _compliance(workload, wanted)
    elif wanted.lock_grace_days is not None and wanted.lock == "governance":
        problem = "a governance lock can be taken away at any time"
        yield ("backup", "lock_grace_days"), problem, "remove it"


def _untestable(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """Source: the registry schemas of each region, AWS::Backup::RestoreTestingPlan."""
    for region in workload.regions.recovery:
        offered = bundled.resource_types(region.name)
        if offered and "AWS::Backup::RestoreTestingPlan" not in offered:
            problem = f"CloudFormation has no restore testing plans in {region.name}"
            yield ("backup", "restore_test"), problem, "set it to none, and restore a copy by hand now and then"


def _without_lock(wanted: Backup) -> Iterator[tuple[At, str, str]]:
    for name in ("lock_min_days", "lock_max_days", "lock_grace_days"):
        if getattr(wanted, name) is not None:
            yield ("backup", name), "there is no lock", "set lock to governance, or remove it"


def _limits(wanted: Backup) -> Iterator[tuple[At, str, str]]:
    """Source: AWS Backup API, PutBackupVaultLockConfiguration: a job outside the limits fails."""
    least, most, kept = wanted.lock_min_days or 1, wanted.lock_max_days, wanted.keep_days
    if least > kept:
        problem = f"backups are kept for {kept} days, and the lock refuses those kept for less than {least}"
        yield ("backup", "lock_min_days"), problem, f"use {kept} or less"
    if most is not None and most < kept:
        problem = f"backups are kept for {kept} days, and the lock refuses those kept for more than {most}"
        yield ("backup", "lock_max_days"), problem, f"use {kept} or more"


def _compliance(workload: Workload, wanted: Backup) -> Iterator[tuple[At, str, str]]:
    """Source: AWS Backup Developer Guide, "AWS Backup Vault Lock"."""
    if wanted.lock_grace_days is None:
        problem = "a compliance lock is for ever: after its grace days nobody, nor AWS, can delete a backup or the lock"
        yield ("backup", "lock"), problem, "use governance; or set lock_grace_days to 3 or more, if this is wanted"
    if not workload.protection:
        problem = "a compliance lock outlives every wish to delete the stack, and protection is off"
        yield ("backup", "lock"), problem, "use governance, or set protection to true"
