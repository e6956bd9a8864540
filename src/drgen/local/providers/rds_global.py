"""AWS::RDS::GlobalCluster, as AWS's own handler goes about it.

Source: the public handlers of CloudFormation for RDS (aws-rds-globalcluster: BaseHandlerStd, UpdateHandler,
DeleteHandler, Translator); the registry schema of AWS::RDS::GlobalCluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.rds_live import pairs, retag, stays_away, wait_for
from drgen.local.providers.work import Resource, Work, call, tags_of


def _described(work: Work, name: str) -> Mapping[str, Any]:
    answer = work.api("rds").describe_global_clusters(GlobalClusterIdentifier=name)
    found: list[Mapping[str, Any]] = answer["GlobalClusters"]
    return found[0]


def _stabilize(work: Work, name: str) -> None:
    wait_for(work, "GlobalCluster", name, lambda: str(_described(work, name)["Status"]))


def _make(work: Work) -> str:
    """A source without a colon is an identifier of the stack's region, and is described there for its ARN."""
    name = work.name("GlobalClusterIdentifier", limit=63, lower=True).lower()
    source = str(work.properties.get("SourceDBClusterIdentifier") or "")
    if source and ":" not in source:
        found = work.api("rds").describe_db_clusters(DBClusterIdentifier=source)["DBClusters"]
        source = str(found[0]["DBClusterArn"])
    more = {"GlobalClusterIdentifier": name, "Tags": pairs(tags_of(work.desired))}
    if source:
        more["SourceDBClusterIdentifier"] = source
    call(work.api("rds"), "create_global_cluster", work.properties, more)
    return name


def _change(work: Work, name: str) -> None:
    sent = {key: work.properties.get(key) for key in ("DeletionProtection", "EngineVersion")}
    call(
        work.api("rds"),
        "modify_global_cluster",
        sent,
        GlobalClusterIdentifier=name,
        AllowMajorVersionUpgrade=True if sent["EngineVersion"] else None,
    )
    _stabilize(work, name)
    retag(work, work.arn("rds", f"global-cluster:{name}", region=""))


def _remove(work: Work, name: str) -> None:
    """A cluster that the template made the source leaves first."""
    live = _described(work, name)
    if live["Status"] != "deleting":
        members = [member["DBClusterArn"] for member in live["GlobalClusterMembers"]]
        source = str(work.properties.get("SourceDBClusterIdentifier") or "")
        leaving = [arn for arn in members if source and arn.rpartition(":")[2] == source.rpartition(":")[2]]
        for arn in leaving:
            work.api("rds").remove_from_global_cluster(GlobalClusterIdentifier=name, DbClusterIdentifier=arn)
            work.env.wait(lambda: not _described(work, name)["GlobalClusterMembers"], every=30.0, limit=7200.0)
        work.api("rds").delete_global_cluster(GlobalClusterIdentifier=name)
    stays_away(work, "GlobalCluster", name, lambda: _described(work, name))


def _read(work: Work, name: str) -> Mapping[str, Any]:
    return {"GlobalEndpoint.Address": _described(work, name)["Endpoint"]}


GLOBAL_CLUSTER = Resource(make=_make, settle=_stabilize, change=_change, read=_read, remove=_remove)
