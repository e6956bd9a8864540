"""What a single threshold of section `monitoring` cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.workload import Workload
from drgen.template.load import Path as At


def monitoring(workload: Workload) -> Iterator[tuple[At, str, str]]:
    """An alarm on connections that could never go off."""
    database = workload.database
    if database is None or database.monitoring is None:
        return
    limit, most = database.monitoring.connections, database.parameters.get("max_connections", "")
    if most.isdecimal() and limit >= int(most):
        problem = f"the alarm needs more than {limit} connections, and max_connections lets {most} in"
        yield ("database", "monitoring", "connections"), problem, f"choose less than {most}"
