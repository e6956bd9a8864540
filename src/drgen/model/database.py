"""Section `database`: what `engine` names decides which keys it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from drgen.model.fields import Elsewhere, Port, RetentionDays, Section

if TYPE_CHECKING:
    from drgen.model.monitoring import Monitoring
else:
    Monitoring = Annotated[Any, Elsewhere("drgen.model.monitoring", "Monitoring")]


class DatabaseSection(Section):
    """What every engine takes."""

    engine: str
    """The engine."""
    version: Annotated[str, Field(pattern=r"^\d+\.\d+$", examples=["16.9"])]
    """The full engine version, in quotes."""
    instance_class: Annotated[str, Field(pattern=r"^db\.[a-z0-9-]+\.[a-z0-9]+$", examples=["db.r6g.large"])]
    """The instance class, on both sides: a smaller copy falls behind, and serves badly after a failover."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 7
    """How long automated backups are kept. A replica needs a source with backups."""
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "app"
    """The database made at birth."""
    username: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "dba"
    """The master user."""
    port: Port = 5432
    """The port."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """More parameters for the parameter group (of Aurora: of the cluster), on both sides. TLS is always forced."""
    monitoring: Monitoring | None = None
    """Alarms on connections and latency in each region, and one alarm that says whether the database is impaired."""
    log_days: RetentionDays = 30
    """How long PostgreSQL's logs are kept, in days."""


class MultiAz(Section):
    """Whether a standby instance runs in a second zone."""

    primary: bool = True
    """In the primary region."""
    recovery: bool = False
    """In the recovery region, also while it is a replica."""


class Postgres(DatabaseSection):
    """An RDS for PostgreSQL instance with a read replica in the recovery region."""

    engine: Literal["postgres"]
    """The engine."""
    storage_gib: Annotated[int, Field(ge=20, le=399)] = 100
    """gp3 storage in GiB. Below 400 GiB RDS fixes its throughput."""
    multi_az: MultiAz = MultiAz()
    """Standby instances."""


class Instances(Section):
    """How many instances a cluster has. One of them writes where the cluster is the writer, the others read."""

    primary: Annotated[int, Field(ge=1, le=15)] = 2
    """In the primary region."""
    recovery: Annotated[int, Field(ge=1, le=16)] = 2
    """In a recovery region. With strategy pilot-light none of them runs: the stack of its database has the parameter
    DatabaseCapacity, which adds them when it is set to running. That update is the step before a failover. With
    warm-standby they run from the start, and read."""


class Aurora(DatabaseSection):
    """An Aurora PostgreSQL global database: a cluster in the primary region, and one in each recovery region that
    follows it."""

    engine: Literal["aurora-postgresql"]
    """The engine."""
    instances: Instances = Instances()
    """Instances by region."""
    storage: Literal["aurora", "aurora-iopt1"] = "aurora"
    """How storage is paid for. aurora: each request. aurora-iopt1: a higher price for what is stored, none for
    requests."""
    instance_parameters: dict[str, str] = Field(default_factory=dict)
    """Parameters for the parameter group of the instances, on both sides, for what a cluster's group does not take."""


ENGINES: Mapping[str, type[DatabaseSection]] = {"postgres": Postgres, "aurora-postgresql": Aurora}
"""What a section `database` holds, by its key `engine`."""


def _engine(value: Any) -> str:
    """The engine that is asked for, or the likeliest: then the section's other problems show, too."""
    asked = value.get("engine") if isinstance(value, dict) else getattr(value, "engine", None)
    return "aurora-postgresql" if isinstance(asked, str) and asked.startswith("aurora") else "postgres"


Database = Annotated[
    Annotated[Postgres, Tag("postgres")] | Annotated[Aurora, Tag("aurora-postgresql")], Discriminator(_engine)
]
