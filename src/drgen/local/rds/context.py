"""What one operation of the RDS control plane has at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.providers.provider import Environment
from drgen.local.rds.records import Cluster, GlobalCluster, Instance
from drgen.local.rds.state import RegionState, World

_TIMES = frozenset(
    {
        "InstanceCreateTime",
        "LatestRestorableTime",
        "AutomaticRestartTime",
        "SnapshotCreateTime",
        "OriginalSnapshotCreateTime",
        "ClusterCreateTime",
        "EarliestRestorableTime",
        "Date",
        "ValidTill",
    }
)


@dataclass(frozen=True)
class Context:
    """`lock` guards `world`: hold it while deciding on state and changing it, never while calling another service."""

    env: Environment
    world: World
    lock: threading.RLock
    call: Call
    now: float

    @property
    def region(self) -> str:
        return self.call.region

    @property
    def state(self) -> RegionState:
        return self.world.region(self.call.region)

    @property
    def params(self) -> Mapping[str, Any]:
        return self.call.params

    def arn(self, kind: str, name: str, region: str = "") -> str:
        return f"arn:{self.env.partition}:rds:{region or self.region}:{self.env.account}:{kind}:{name}"

    def instance(self, name: str) -> Instance:
        """The instance of this region with that identifier or ARN. Raises DBInstanceNotFound."""
        found = self.state.instances.get(name.rpartition(":")[2].lower())
        if found is None or (name.startswith("arn:") and found.arn != name):
            raise ApiError("DBInstanceNotFound", f"DBInstance {name} not found.", status=404)
        return found

    def cluster(self, name: str) -> Cluster:
        """The cluster of this region with that identifier or ARN. Raises DBClusterNotFoundFault."""
        found = self.state.clusters.get(name.rpartition(":")[2].lower())
        if found is None or (name.startswith("arn:") and found.arn != name):
            raise ApiError("DBClusterNotFoundFault", f"DBCluster {name} not found.", status=404)
        return found

    def global_cluster(self, name: str) -> GlobalCluster:
        """The global cluster of that identifier. Raises GlobalClusterNotFoundFault."""
        found = self.world.global_clusters.get(name.rpartition(":")[2].lower())
        if found is None:
            raise ApiError("GlobalClusterNotFoundFault", f"Global cluster {name} not found.", status=404)
        return found


Operation = Callable[[Context], Mapping[str, Any]]


def page(
    records: Iterable[Mapping[str, Any]], params: Mapping[str, Any], key: Callable[[Mapping[str, Any]], str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One page of `records` in the order of `key`, and the marker of the next page, if there is one.

    Source: botocore, DescribeDBInstancesMessage.MaxRecords (20 to 100, default 100).
    """
    limit = int(params.get("MaxRecords", 100))
    if not 20 <= limit <= 100:
        raise ApiError("InvalidParameterValue", f"Invalid value {limit} for MaxRecords. Must be between 20 and 100")
    marker = params.get("Marker", "")
    rest = sorted((record for record in records if key(record) > marker), key=key)
    more = {"Marker": key(rest[limit - 1])} if len(rest) > limit else {}
    return [shown(record) for record in rest[:limit]], more


def shown(value: Any) -> Any:
    """`value` with every time as a datetime, which is what botocore's shape asks for."""
    if isinstance(value, Mapping):
        return {
            key: datetime.fromtimestamp(item, UTC) if key in _TIMES and isinstance(item, int | float) else shown(item)
            for key, item in value.items()
        }
    return [shown(item) for item in value] if isinstance(value, list | tuple) else value
