"""The system that a workload becomes: its sites, its stacks, and what components have put there.

A component is a function of the system (`components.py` lists them). It reads its own section of the workload, adds to
the stacks it needs, and leaves behind what later components use. A stack comes into being when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drgen.builders.network import title_of
from drgen.builders.scanners import of_template
from drgen.errors import LinkError
from drgen.model.deployment import Artifact
from drgen.model.names import Names
from drgen.model.stack import StackDraft, in_order
from drgen.model.workload import Region, Workload

if TYPE_CHECKING:
    from drgen.builders.alerts import Alerts
    from drgen.builders.aurora import Cluster
    from drgen.builders.buckets import Bucket
    from drgen.builders.buses import Bus
    from drgen.builders.database import Database, Primary
    from drgen.builders.http_api import HttpApi
    from drgen.builders.keys import Keys
    from drgen.builders.load_balancer import Balancer
    from drgen.builders.network import Network
    from drgen.builders.table import Table
    from drgen.model.value import Value

REPLICATION = "replication"

_LAYERS = (
    "foundation", "database", "tables", "table-alarms", "storage", "events", "app", "balancers", "services", "recovery",
)  # fmt: skip
"""The layers of a region, in the order in which they are deployed; layers not named here come behind them."""


@dataclass(frozen=True)
class Site:
    """One region of the workload. `side` begins the names of its values' parameters in other regions.

    It is Primary, Recovery for the first recovery region, and Recovery with the region's name for each further one.
    So a region that is added behind the others renames nothing: a late value under a new name would be empty in the
    first pass, and what hangs on it would be taken away until the second.
    """

    region: Region
    stage: str
    side: str

    @property
    def name(self) -> str:
        return self.region.name

    @property
    def is_primary(self) -> bool:
        return self.side == "Primary"


@dataclass(frozen=True)
class Foundation:
    """What every site has."""

    keys: Keys
    alerts: Alerts
    network: Network


@dataclass(frozen=True)
class Aurora:
    """The global database. `clusters` and `stacks`, the keys of the stacks that hold them, are by region.

    `capacity` is the parameter of the recovery regions' stacks that adds their instances; empty where they run.
    """

    global_id: str
    clusters: Mapping[str, Cluster]
    writer: Value
    capacity: str
    stacks: Mapping[str, str]


@dataclass
class Made:
    """What components have made so far, by region."""

    foundations: dict[str, Foundation] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    primary_database: Primary | None = None
    aurora: Aurora | None = None
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    """By region and name."""
    tables: dict[str, Table] = field(default_factory=dict)
    """By the name in the workload file: a table has the same name in every region."""
    buses: dict[str, Bus] = field(default_factory=dict)
    apis: dict[str, HttpApi] = field(default_factory=dict)
    balancers: dict[tuple[str, str], Balancer] = field(default_factory=dict)
    """By region and the name of the service."""


class System:
    """A workload on its way to stacks. `packages` are the function packages by the name of their folder."""

    def __init__(self, workload: Workload, packages: Mapping[str, Artifact]) -> None:
        self.workload = workload
        self.packages = packages
        self.primary = Site(workload.regions.primary, "primary", "Primary")
        self.recovery = tuple(
            Site(region, f"recovery-{region.name}", f"Recovery{title_of(region.name) if index else ''}")
            for index, region in enumerate(workload.regions.recovery)
        )
        self.made = Made()
        self._stacks: dict[str, StackDraft] = {}

    @property
    def names(self) -> Names:
        return self.workload.names

    @property
    def sites(self) -> tuple[Site, ...]:
        """The primary site, then the recovery sites."""
        return (self.primary, *self.recovery)

    @property
    def stages(self) -> tuple[str, ...]:
        """In deployment order: a stage for each site, and the one that ties them."""
        return (*(site.stage for site in self.sites), REPLICATION)

    def foundation(self, site: Site) -> Foundation:
        return self.made.foundations[site.name]

    def stack(self, site: Site, layer: str, about: str = "", *, stage: str = "") -> StackDraft:
        """The stack of `layer` in the region of `site`; `about` ends its Description when it is made.

        `stage` is the site's own unless it is the stage that ties regions.
        """
        stages = self.stages
        if stage and stage not in stages:
            raise LinkError(f"there is no stage {stage}", at=f"layer {layer}", fix=f"use one of {', '.join(stages)}")
        key = self.names.stack(layer, site.name)
        if key not in self._stacks:
            self._stacks[key] = self._draft(key, site, layer, about, stage or site.stage)
        draft = self._stacks[key]
        if stage and draft.stage != stage:
            raise LinkError(f"{key} is in stage {draft.stage}", fix=f"use another layer name for stage {stage}")
        return draft

    def _draft(self, key: str, site: Site, layer: str, about: str, stage: str) -> StackDraft:
        return StackDraft(
            key=key,
            region=site.name,
            stage=stage,
            layer=layer,
            side=site.side,
            description=f"{self.names.prefix}: {layer} in {site.name}, stage {stage}. {about}".strip(),
            protection=self.workload.protection,
        )

    def stacks(self) -> tuple[StackDraft, ...]:
        """Every stack, in deployment order: stage by stage, layer by layer, and each behind those it needs.

        Raises LinkError where stacks would need each other.
        """
        stages = self.stages

        def place(draft: StackDraft) -> tuple[int, int]:
            layer = _LAYERS.index(draft.layer) if draft.layer in _LAYERS else len(_LAYERS)
            return stages.index(draft.stage), layer

        drafts = in_order(sorted(self._stacks.values(), key=place))
        for draft in drafts:
            draft.metadata.update(of_template(draft.resources.values()))
        return drafts
