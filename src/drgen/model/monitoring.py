"""The section `monitoring` of a database: from which values on it counts as impaired."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drgen.model.fields import Section


class Monitoring(Section):
    """Alarms on connections and latency in each region, and one alarm that says whether the database is impaired."""

    connections: Annotated[int, Field(ge=1)] = 500
    """Connections at once. Keep it below max_connections, which RDS derives from the memory of the instance class."""
    read_latency_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Average time of a disk read, in milliseconds."""
    write_latency_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Average time of a disk write, in milliseconds."""
