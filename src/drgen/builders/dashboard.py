"""One dashboard for both regions. Dashboards share one namespace in the account: the name carries the region."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troposphere import Ref, cloudwatch

from drgen.builders.database import Database
from drgen.builders.dns import NAMESPACE
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT
from drgen.recovery.names import HEARTBEAT_LAG, PRIMARY_REACHABLE, PRIMARY_WITHDRAWN, RECOVERY_WRITABLE

if TYPE_CHECKING:
    from drgen.builders.aurora import Cluster

WIDTH, HEIGHT = 12, 6


def dashboard(stack: StackDraft, names: Names, *, primary: Database, replica: Database) -> None:
    """How far behind the replica is, who takes writes, and how both instances are doing."""
    workload = ("Workload", names.prefix)
    widgets = [
        _graph("Lag, seconds", [
            _line(NAMESPACE, HEARTBEAT_LAG, workload, replica.region),
            _rds("ReplicaLag", replica),
        ]),
        _graph("Primary reachable, traffic switch", [
            _line(NAMESPACE, metric, workload, replica.region)
            for metric in (PRIMARY_REACHABLE, PRIMARY_WITHDRAWN, RECOVERY_WRITABLE)
        ]),
        _graph("CPU, percent", [_rds("CPUUtilization", primary), _rds("CPUUtilization", replica)]),
        _graph("Free storage, bytes", [_rds("FreeStorageSpace", primary), _rds("FreeStorageSpace", replica)]),
        _graph("Connections", [_rds("DatabaseConnections", primary), _rds("DatabaseConnections", replica)]),
        _graph("WAL kept for the replica, bytes", [
            _rds("OldestReplicationSlotLag", primary),
            _rds("TransactionLogsDiskUsage", primary),
        ]),
    ]  # fmt: skip
    _board(stack, names.everywhere("recovery", stack.region), widgets, about="Dashboard of both regions")


def clusters_dashboard(stack: StackDraft, names: Names, *, clusters: Sequence[Cluster]) -> None:
    """How far behind a cluster is that follows, and how all of them are doing. Their roles may change at any time."""
    widgets = [
        _graph(title, [
            _line("AWS/RDS", metric, ("DBClusterIdentifier", cluster.identifier), cluster.region)
            for metric in metrics
            for cluster in clusters
        ])
        for title, metrics in (
            ("Lag of whoever follows, milliseconds", ("AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag")),
            ("Lag between the instances of a cluster, milliseconds", ("AuroraReplicaLagMaximum",)),
            ("CPU, percent", ("CPUUtilization",)),
            ("Connections", ("DatabaseConnections",)),
            ("Time of a disk write, seconds", ("WriteLatency",)),
            ("Storage used, bytes", ("VolumeBytesUsed",)),
        )
    ]  # fmt: skip
    _board(stack, names.everywhere("database", stack.region), widgets, about="Dashboard of all clusters")


def _board(stack: StackDraft, name: str, widgets: Sequence[Mapping[str, Any]], *, about: str) -> None:
    board = cloudwatch.Dashboard("Dashboard", DashboardName=name, DashboardBody=_body(widgets, stack.region))
    stack.add(board)
    stack.output(stack.value("DashboardName", Ref(board), TEXT, about))


def _body(widgets: Sequence[Mapping[str, Any]], region: str) -> str:
    """The dashboard's JSON, one metric on a line: `indent` would spread it over hundreds of lines."""
    blocks = []
    for index, widget in enumerate(widgets):
        place = {"x": WIDTH * (index % 2), "y": HEIGHT * (index // 2), "width": WIDTH, "height": HEIGHT}
        head = json.dumps({"type": "metric", **place})[:-1]
        settings = json.dumps({"region": region, **{k: v for k, v in widget.items() if k != "metrics"}})[:-1]
        metrics = ",\n    ".join(json.dumps(metric) for metric in widget["metrics"])
        blocks.append(f'  {head}, "properties": {settings}, "metrics": [\n    {metrics}]}}}}')
    return '{"widgets": [\n' + ",\n".join(blocks) + "\n]}"


def _graph(title: str, lines: list[list[Any]]) -> dict[str, Any]:
    return {"title": title, "view": "timeSeries", "stat": "Maximum", "period": 60, "metrics": lines}


def _line(namespace: str, metric: str, dimension: tuple[str, str], region: str) -> list[Any]:
    return [namespace, metric, *dimension, {"region": region}]


def _rds(metric: str, database: Database) -> list[Any]:
    return _line("AWS/RDS", metric, ("DBInstanceIdentifier", database.identifier), database.region)
