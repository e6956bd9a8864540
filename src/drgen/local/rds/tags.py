"""The tags of everything that RDS holds here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds.checks import bad_value, tags
from drgen.local.rds.context import Context, Operation
from drgen.local.rds.records import Record

_Labels = list[dict[str, str]]


def _held(ctx: Context, arn: str) -> tuple[Mapping[str, Any], Callable[[_Labels], None]]:
    """The record of what the ARN names, and what gives it other tags. Raises as each kind does when it is not found."""
    parts = arn.split(":", 6)
    kind, name = parts[5:] if len(parts) == 7 else ("", "")
    if kind == "global-cluster" and parts[2:4] == ["rds", ""]:
        group = ctx.global_cluster(name)
        return group.record, lambda labels: ctx.world.put_global(group.with_fields({"TagList": labels}))
    if parts[2:4] != ["rds", ctx.region]:
        raise bad_value(f"Invalid resource name: {arn}")
    if kind == "db":
        instance = ctx.instance(name)
        return instance.record, lambda labels: ctx.world.put(instance.with_fields({"TagList": labels}))
    if kind == "cluster":
        cluster = ctx.cluster(name)
        return cluster.record, lambda labels: ctx.world.put_cluster(cluster.with_fields({"TagList": labels}))
    record = _plain(ctx, arn, kind, name)
    return record, lambda labels: record.update(TagList=labels)


def _plain(ctx: Context, arn: str, kind: str, name: str) -> Record:
    state = ctx.state
    kinds: Mapping[str, tuple[str, Mapping[str, Record]]] = {
        "cluster-pg": ("DBClusterParameterGroupNotFound", state.cluster_parameter_groups),
        "cluster-snapshot": ("DBClusterSnapshotNotFoundFault", state.cluster_snapshots),
        "es": ("SubscriptionNotFound", state.subscriptions),
        "pg": ("DBParameterGroupNotFound", state.parameter_groups),
        "snapshot": ("DBSnapshotNotFound", state.snapshots),
        "subgrp": ("DBSubnetGroupNotFoundFault", state.subnet_groups),
    }
    if kind not in kinds:
        raise bad_value(f"Invalid resource name: {arn}")
    code, held = kinds[kind]
    if name not in held:
        raise ApiError(code, f"{arn} not found", status=404)
    return held[name]


def add_tags(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        record, put = _held(ctx, ctx.params["ResourceName"])
        put(tags([*record.get("TagList", []), *ctx.params["Tags"]]))
    return {}


def remove_tags(ctx: Context) -> Mapping[str, Any]:
    with ctx.lock:
        record, put = _held(ctx, ctx.params["ResourceName"])
        put([entry for entry in record.get("TagList", []) if entry["Key"] not in ctx.params["TagKeys"]])
    return {}


def list_tags(ctx: Context) -> Mapping[str, Any]:
    return {"TagList": list(_held(ctx, ctx.params["ResourceName"])[0].get("TagList", []))}


OPERATIONS: Mapping[str, Operation] = {
    "AddTagsToResource": add_tags,
    "RemoveTagsFromResource": remove_tags,
    "ListTagsForResource": list_tags,
}
