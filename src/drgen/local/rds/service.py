"""The RDS control plane of the embedded AWS: instances, replicas, Aurora, snapshots, groups, events, subscriptions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import Call
from drgen.local.providers.provider import Environment
from drgen.local.rds import (
    catalog,
    events,
    groups,
    instances,
    metrics,
    modify,
    parameter_groups,
    replicas,
    snapshots,
    subscriptions,
    tags,
)
from drgen.local.rds.aurora import clusters, global_clusters, names, resync, roles
from drgen.local.rds.aurora import metrics as aurora_metrics
from drgen.local.rds.aurora import modify as aurora_modify
from drgen.local.rds.aurora import snapshots as aurora_snapshots
from drgen.local.rds.context import Context, Operation
from drgen.local.rds.replication import replica_regions, source_regions, watch
from drgen.local.rds.state import World

OPERATIONS: Mapping[str, Operation] = {
    **aurora_modify.OPERATIONS,
    **aurora_snapshots.OPERATIONS,
    **catalog.OPERATIONS,
    **clusters.OPERATIONS,
    **events.OPERATIONS,
    **global_clusters.OPERATIONS,
    **groups.OPERATIONS,
    **instances.OPERATIONS,
    **modify.OPERATIONS,
    **parameter_groups.OPERATIONS,
    **replicas.OPERATIONS,
    **roles.OPERATIONS,
    **snapshots.OPERATIONS,
    **subscriptions.OPERATIONS,
    **tags.OPERATIONS,
}


_METRICS_REAL_S = 5.0
_METRICS_VIRTUAL_S = 60.0


def _real_time() -> datetime:
    return datetime.now(UTC)


class Rds:
    """Answers RDS's operations for instances and Aurora; what it does not list (proxies, restores) goes upstream.

    No lock is held while another service is called: such a call may come back here.
    """

    def __init__(self, env: Environment, *, real_time: Callable[[], datetime] = _real_time) -> None:
        self._env = env
        self._real_time = real_time
        self._world = World()
        self._lock = threading.RLock()
        self._published = (float("-inf"), float("-inf"))

    def operations(self) -> frozenset[str]:
        return frozenset(OPERATIONS)

    def handle(self, call: Call) -> Mapping[str, Any]:
        now = self._settle()
        return OPERATIONS[call.operation](Context(self._env, self._world, self._lock, call, now))

    def _settle(self) -> float:
        now = self._env.now()
        with self._lock:
            self._world.settle(now, events.log_event)
        return now

    def leads_to(self, name: str) -> tuple[str, ...] | None:
        """The names that an endpoint of Aurora leads to; None for a name that is no endpoint of RDS."""
        self._settle()
        with self._lock:
            return names.targets(self._world, name)

    def tick(self) -> None:
        """Follows replication, tells of events, publishes metrics. Call it every few seconds."""
        now = self._settle()
        everyone = self._world.instances()
        regions = source_regions(everyone) | replica_regions(everyone)
        watch(self._env, self._world, self._lock, now, regions | resync.member_regions(self._world))
        resync.begin(self._world, self._lock, now)
        with self._lock:
            pending = [
                delivery
                for region, state in list(self._world.regions.items())
                for delivery in events.take_deliveries(region, state)
            ]
        for delivery in pending:
            events.deliver(self._env, delivery)
        real, virtual = self._published
        if self._real_time().timestamp() - real >= _METRICS_REAL_S or now - virtual >= _METRICS_VIRTUAL_S:
            self.publish_metrics()

    def publish_metrics(self) -> None:
        """One data point of every metric of every instance and secondary, in its region; none in a dark region."""
        now = self._settle()
        at = self._real_time()
        self._published = (at.timestamp(), now)
        for region in sorted(list(self._world.regions)):
            with self._lock:
                state = self._world.region(region)
                points = [
                    *(p for one in state.instances.values() for p in metrics.points(self._world, one, now, at)),
                    *(
                        p
                        for one in state.clusters.values()
                        for p in aurora_metrics.of_cluster(self._world, one, now, at)
                    ),
                ]
            if not points:
                continue
            try:
                self._env.client("cloudwatch", region).put_metric_data(Namespace="AWS/RDS", MetricData=points)
            except (BotoCoreError, ClientError):
                # A dark region takes no metrics; its gap is what alarms on missing data are for.
                continue

    def dump(self) -> Any:
        with self._lock:
            return self._world.dump()

    def restore(self, state: Any) -> None:
        with self._lock:
            self._world = World.load(state)
