"""Subnet groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds.checks import subnet_group_name, tags
from drgen.local.rds.context import Context, page
from drgen.local.rds.records import Record
from drgen.local.rds.surroundings import default_subnet_group, subnets, vpc_of_subnets


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "TagList"}


def create_subnet_group(ctx: Context) -> Mapping[str, Any]:
    name = subnet_group_name(ctx.params["DBSubnetGroupName"])
    ids = ctx.params["SubnetIds"]
    record: Record = {
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": ctx.params["DBSubnetGroupDescription"],
        "Subnets": subnets(ctx, ids),
        "VpcId": vpc_of_subnets(ctx, ids),
        "SubnetGroupStatus": "Complete",
        "DBSubnetGroupArn": ctx.arn("subgrp", name),
        "SupportedNetworkTypes": ["IPV4"],
        "TagList": tags(ctx.params.get("Tags")),
    }
    with ctx.lock:
        if name in ctx.state.subnet_groups:
            raise ApiError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
        ctx.state.subnet_groups[name] = record
    return {"DBSubnetGroup": _public(record)}


def subnet_group(ctx: Context, name: str | None) -> Record:
    """The group of that name; the default VPC's own for None or "default"."""
    if name is None or name.lower() == "default":
        return default_subnet_group(ctx)
    found = ctx.state.subnet_groups.get(name.lower())
    if found is None:
        raise ApiError("DBSubnetGroupNotFoundFault", f"DBSubnetGroup '{name}' not found.", status=404)
    return _public(found)


def modify_subnet_group(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params["DBSubnetGroupName"].lower()
    before = subnet_group(ctx, name)
    ids = ctx.params["SubnetIds"]
    changed = {"Subnets": subnets(ctx, ids), "VpcId": vpc_of_subnets(ctx, ids)}
    dropped = {entry["SubnetIdentifier"] for entry in before["Subnets"]} - set(ids)
    users = [
        entry for entry in ctx.state.instances.values() if entry.record["DBSubnetGroup"]["DBSubnetGroupName"] == name
    ]
    if dropped and changed["VpcId"] != before["VpcId"] and (users or _clusters_in(ctx, name)):
        raise ApiError(
            "SubnetAlreadyInUse", f"Some of the subnets to be deleted are currently in use: {sorted(dropped)}"
        )
    description = ctx.params.get("DBSubnetGroupDescription")
    with ctx.lock:
        record = ctx.state.subnet_groups[name]
        record.update(changed, DBSubnetGroupDescription=description or record["DBSubnetGroupDescription"])
        for user in users:
            ctx.world.put(user.with_fields({"DBSubnetGroup": _public(record)}))
    return {"DBSubnetGroup": _public(record)}


def _clusters_in(ctx: Context, group: str) -> list[str]:
    return [name for name, cluster in ctx.state.clusters.items() if cluster.record["DBSubnetGroup"] == group]


def describe_subnet_groups(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params.get("DBSubnetGroupName")
    found: Sequence[Record] = (
        [subnet_group(ctx, name)] if name else [_public(r) for r in ctx.state.subnet_groups.values()]
    )
    entries, marker = page(found, ctx.params, lambda record: str(record["DBSubnetGroupName"]))
    return {"DBSubnetGroups": entries, **marker}


def delete_subnet_group(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params["DBSubnetGroupName"].lower()
    with ctx.lock:
        subnet_group(ctx, name)
        for instance in ctx.state.instances.values():
            if instance.record["DBSubnetGroup"]["DBSubnetGroupName"] == name:
                raise ApiError(
                    "InvalidDBSubnetGroupStateFault",
                    f"Cannot delete the subnet group '{name}' because at least one database instance: "
                    f"{instance.name} is still using it.",
                )
        if clusters := _clusters_in(ctx, name):
            raise ApiError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database cluster: {clusters[0]} is "
                "still using it.",
            )
        ctx.state.subnet_groups.pop(name, None)
    return {}


OPERATIONS = {
    "CreateDBSubnetGroup": create_subnet_group,
    "ModifyDBSubnetGroup": modify_subnet_group,
    "DescribeDBSubnetGroups": describe_subnet_groups,
    "DeleteDBSubnetGroup": delete_subnet_group,
}
