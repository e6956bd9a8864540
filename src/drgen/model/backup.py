"""Section `backup` of the workload file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import Section

Days = Annotated[int, Field(ge=1, le=36500)]
"""Source: AWS Backup API, Lifecycle.DeleteAfterDays and PutBackupVaultLockConfiguration: at most 36,500 days."""


class Backup(Section):
    """AWS Backup of databases and tables: a vault in each region, backups in the primary region, copies in the others.

    The primary region's data is backed up, never a replica. A failover does not move the plan; RDS keeps the
    promoted instance's own backups for as many days as `database.backup_days` says.
    """

    daily: Literal[True] = True
    """One backup a day, at 06:00 UTC: RDS backs up and maintains before that."""
    keep_days: Days = 35
    """How long backups and their copies are kept, in days."""
    copy_to_recovery: bool = True
    """Copy each backup to the vault of the recovery region, under that region's key."""
    restore_test: Literal["none", "weekly", "monthly"] = "monthly"
    """How often the latest copy is restored in the recovery region, out of everybody's reach, and deleted again."""
    lock: Literal["none", "governance", "compliance"] = "none"
    """governance: only who may change the lock can end a backup early. compliance: nobody can."""
    lock_min_days: Days | None = None
    """The shortest life that the lock allows. Default: 1."""
    lock_max_days: Days | None = None
    """The longest life that the lock allows. Default: no limit."""
    lock_grace_days: Annotated[int, Field(ge=3, le=36500)] | None = None
    """Only with compliance, and required there: for so many days the lock can still be taken away. Then never again."""
