"""Global tables: replicas in every region, made by one stack of the recovery region; alarms in each region."""

from __future__ import annotations

from drgen.assembly.system import System
from drgen.builders import table as dynamodb
from drgen.builders.table_watch import table_alarms
from drgen.model.tables import Table


def tables(system: System) -> None:
    """All tables in one stack of the first recovery region, which can be updated while the primary region is dark."""
    if not system.workload.tables:
        return
    home = system.recovery[0]
    stack = system.stack(home, "tables", "Global tables: this stack makes the replicas of every region.")
    keys = {site.name: system.foundation(site).keys.data for site in (home, *system.sites)}
    for wanted in system.workload.tables:
        made = dynamodb.global_table(
            stack, system.names, wanted.name, _schema(wanted), replicas=keys, tags=system.workload.stack_tags
        )
        system.made.tables[wanted.name] = made
    _watch(system)


def _schema(wanted: Table) -> dynamodb.Schema:
    return dynamodb.Schema(
        key=(wanted.key, wanted.key_type),
        sort_key=None if wanted.sort_key is None else (wanted.sort_key, wanted.sort_key_type),
        time_to_live=wanted.time_to_live,
        recovery_days=wanted.recovery_days if wanted.point_in_time_recovery else None,
    )


def _watch(system: System) -> None:
    """A stack of alarms per region, apart from the tables: an update that adds a replica should change nothing else."""
    for site in system.sites:
        stack = system.stack(site, "table-alarms", "Alarms of the replicas in this region.")
        others = tuple(other.name for other in system.sites if other is not site)
        for wanted in system.workload.tables:
            table_alarms(
                stack,
                system.names,
                wanted.name,
                others=others,
                topic=system.foundation(site).alerts.topic_arn,
                rpo=system.workload.objectives.rpo,
            )
