"""The names that templates and the functions of the recovery layer share. Nothing else is imported here."""

from __future__ import annotations

from collections.abc import Iterable

PRIMARY_REACHABLE = "PrimaryReachable"
HEARTBEAT_LAG = "HeartbeatLag"
PRIMARY_WITHDRAWN = "PrimaryWithdrawn"
RECOVERY_WRITABLE = "RecoveryWritable"
"""The metrics of a workload. All are published in the recovery region once a minute, dimension Workload.

Their alarms use a period of 60 seconds, one evaluation period, the statistic Maximum, and treat missing data as
`ignore`, so that a watch that is late does not move traffic. PrimaryReachable's alarm takes several periods.
Only the watch of a workload with an RDS replica repeats PrimaryWithdrawn and knows HeartbeatLag; RecoveryWritable is
published where a record waits for it.
"""


def copies_text(copies: Iterable[tuple[str, str]]) -> str:
    """Regions and databases of the other recovery regions, as one environment variable holds them."""
    return ",".join(f"{region}:{identifier}" for region, identifier in copies)


def approval_parameter(machine: str) -> str:
    """Name of the SSM parameter that holds the task token while a run of `machine` (an ARN) waits for approval."""
    return f"/{machine.rsplit(':', 1)[-1]}/approval"
