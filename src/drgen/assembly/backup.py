"""AWS Backup of the data stores: a vault in every region, the plan in the primary region, tests in the others."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import backup as aws_backup
from drgen.builders.keys import backup_key
from drgen.model.backup import Backup


def backup(system: System) -> None:
    """A stack per region. The primary region's copies wait for the other vaults: a late value."""
    wanted = system.workload.backup
    if wanted is None:
        return
    names = system.names
    vaults = {site.name: _vault(system, wanted, site) for site in system.sites if _has_vault(wanted, site)}
    aws_backup.plan(
        system.stack(system.primary, "backup"),
        names,
        vaults[system.primary.name],
        kinds=_kinds(system),
        copies=[vaults[site.name] for site in system.recovery if site.name in vaults],
        keep_days=wanted.keep_days,
        topic=system.foundation(system.primary).alerts.topic_arn,
    )
    for site in system.recovery:
        if wanted.restore_test != "none":
            base, stack = system.foundation(site), system.stack(site, "backup")
            aws_backup.restore_test(
                stack,
                names,
                vaults[site.name],
                base.network,
                kinds=_kinds(system),
                how_often=wanted.restore_test,
                topic=base.alerts.topic_arn,
            )


def _kinds(system: System) -> tuple[str, ...]:
    """Buckets are not among them: they keep their versions, and replicas of them are copies already."""
    workload = system.workload
    has = {"Aurora": workload.aurora, "DynamoDB": workload.tables, "RDS": workload.postgres}
    return tuple(kind for kind, present in has.items() if present)


def _has_vault(wanted: Backup, site: Site) -> bool:
    return site.is_primary or wanted.copy_to_recovery


def _vault(system: System, wanted: Backup, site: Site) -> aws_backup.Vault:
    about = "Vault and daily plan." if site.is_primary else "Vault of the copies, and the tests that restore one."
    stack = system.stack(site, "backup", about)
    lock = None
    if wanted.lock != "none":
        lock = aws_backup.Lock(wanted.lock_min_days or 1, wanted.lock_max_days, wanted.lock_grace_days)
    return aws_backup.vault(stack, system.names, key=backup_key(stack, system.names), lock=lock)
