"""Subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import catalog
from drgen.local.rds.checks import bad_combination, bad_value, identifier, subnet_group_name, tags
from drgen.local.rds.context import Context, page
from drgen.local.rds.state import Record
from drgen.local.rds.surroundings import default_subnet_group, subnets, vpc_of_subnets

# Parameters that PostgreSQL reads only at its start. The list is not complete: others are taken as dynamic.
# Source: PostgreSQL documentation, "Server Configuration" ("This parameter can only be set at server start");
# rds.logical_replication: RDS guide, "Performing logical replication for Amazon RDS for PostgreSQL".
STATIC_PARAMETERS = frozenset(
    {
        "autovacuum_freeze_max_age",
        "autovacuum_max_workers",
        "huge_pages",
        "max_connections",
        "max_files_per_process",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_replication_slots",
        "max_wal_senders",
        "max_worker_processes",
        "rds.logical_replication",
        "shared_buffers",
        "shared_preload_libraries",
        "track_activity_query_size",
        "wal_buffers",
    }
)


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("TagList", "Parameters")}


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
    if dropped and changed["VpcId"] != before["VpcId"] and users:
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
        ctx.state.subnet_groups.pop(name, None)
    return {}


def create_parameter_group(ctx: Context) -> Mapping[str, Any]:
    name = identifier("DBParameterGroupName", ctx.params["DBParameterGroupName"], longest=255)
    family = ctx.params["DBParameterGroupFamily"]
    if family not in catalog.families():
        raise bad_value(f"ParameterGroupFamily {family} is not a valid parameter group family")
    record: Record = {
        "DBParameterGroupName": name,
        "DBParameterGroupFamily": family,
        "Description": ctx.params["Description"],
        "DBParameterGroupArn": ctx.arn("pg", name),
        "TagList": tags(ctx.params.get("Tags")),
        "Parameters": {},
    }
    with ctx.lock:
        if name in ctx.state.parameter_groups:
            raise ApiError("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
        ctx.state.parameter_groups[name] = record
    return {"DBParameterGroup": _public(record)}


def parameter_group(ctx: Context, name: str) -> Record:
    """The group of that name. default.<family> exists for every family and belongs to RDS."""
    family = name.lower().removeprefix("default.")
    if name.lower().startswith("default.") and family in catalog.families():
        return {
            "DBParameterGroupName": name.lower(),
            "DBParameterGroupFamily": family,
            "Description": f"Default parameter group for {family}",
            "DBParameterGroupArn": ctx.arn("pg", name.lower()),
            "Parameters": {},
        }
    found = ctx.state.parameter_groups.get(name.lower())
    if found is None:
        raise ApiError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", status=404)
    return found


def fitting_parameter_group(ctx: Context, name: str | None, engine: str, version: str) -> str:
    """The name of a group that fits the version: `name`, or the family's default."""
    family = catalog.family(engine, version)
    if name is None:
        return f"default.{family}"
    found = parameter_group(ctx, name)
    if found["DBParameterGroupFamily"] != family:
        raise bad_combination(
            f"The parameter group {found['DBParameterGroupName']} with DBParameterGroupFamily "
            f"{found['DBParameterGroupFamily']} can't be used for this instance. "
            f"Please use a parameter group with DBParameterGroupFamily {family}"
        )
    return str(found["DBParameterGroupName"])


def _own_parameter_group(ctx: Context) -> Record:
    name = ctx.params["DBParameterGroupName"]
    found = parameter_group(ctx, name)
    if found["DBParameterGroupName"].startswith("default."):
        raise ApiError("InvalidDBParameterGroupState", f"Default parameter group cannot be modified: {name}")
    return found


def modify_parameter_group(ctx: Context) -> Mapping[str, Any]:
    """ModifyDBParameterGroup takes at most 20 parameters. Source: botocore, ModifyDBParameterGroupMessage."""
    record = _own_parameter_group(ctx)
    wanted = ctx.params["Parameters"]
    if len(wanted) > 20:
        raise bad_value("A maximum of 20 parameters can be modified in a single request.")
    for entry in wanted:
        if entry["ParameterName"] in STATIC_PARAMETERS and entry.get("ApplyMethod") != "pending-reboot":
            raise bad_combination("cannot use immediate apply method for static parameter")
    with ctx.lock:
        changed = {entry["ParameterName"]: dict(entry) for entry in wanted}
        record["Parameters"] = {**record["Parameters"], **changed}
        _mark_users(ctx, record, wanted)
    return {"DBParameterGroupName": record["DBParameterGroupName"]}


def reset_parameter_group(ctx: Context) -> Mapping[str, Any]:
    record = _own_parameter_group(ctx)
    wanted = ctx.params.get("Parameters") or ()
    if not ctx.params.get("ResetAllParameters", True) and not wanted:
        raise bad_combination("Parameters must be specified when ResetAllParameters is false.")
    with ctx.lock:
        names = {entry["ParameterName"] for entry in wanted} or set(record["Parameters"])
        dropped = [entry for name, entry in record["Parameters"].items() if name in names]
        record["Parameters"] = {name: entry for name, entry in record["Parameters"].items() if name not in names}
        _mark_users(ctx, record, dropped)
    return {"DBParameterGroupName": record["DBParameterGroupName"]}


def _mark_users(ctx: Context, record: Mapping[str, Any], changed: Sequence[Mapping[str, Any]]) -> None:
    if not any(entry.get("ApplyMethod") == "pending-reboot" for entry in changed):
        return
    waiting = {"DBParameterGroupName": record["DBParameterGroupName"], "ParameterApplyStatus": "pending-reboot"}
    for name, instance in list(ctx.state.instances.items()):
        used = instance.record["DBParameterGroups"][0]["DBParameterGroupName"]
        if used == record["DBParameterGroupName"]:
            ctx.state.instances[name] = replace(instance, record={**instance.record, "DBParameterGroups": [waiting]})


def describe_parameter_groups(ctx: Context) -> Mapping[str, Any]:
    name = ctx.params.get("DBParameterGroupName")
    found = [parameter_group(ctx, name)] if name else list(ctx.state.parameter_groups.values())
    entries, marker = page(found, ctx.params, lambda record: str(record["DBParameterGroupName"]))
    return {"DBParameterGroups": [_public(entry) for entry in entries], **marker}


def describe_parameters(ctx: Context) -> Mapping[str, Any]:
    """The parameters that a person set; the engine's own defaults are not known here."""
    record = parameter_group(ctx, ctx.params["DBParameterGroupName"])
    found = [
        {
            "ParameterName": name,
            "ParameterValue": entry.get("ParameterValue", ""),
            "Source": "user",
            "ApplyType": "static" if name in STATIC_PARAMETERS else "dynamic",
            "ApplyMethod": entry.get("ApplyMethod", "immediate"),
            "IsModifiable": True,
        }
        for name, entry in record["Parameters"].items()
        if ctx.params.get("Source") in (None, "", "user")
    ]
    entries, marker = page(found, ctx.params, lambda entry: str(entry["ParameterName"]))
    return {"Parameters": entries, **marker}


def delete_parameter_group(ctx: Context) -> Mapping[str, Any]:
    record = _own_parameter_group(ctx)
    name = record["DBParameterGroupName"]
    with ctx.lock:
        if any(
            entry.record["DBParameterGroups"][0]["DBParameterGroupName"] == name
            for entry in ctx.state.instances.values()
        ):
            raise ApiError(
                "InvalidDBParameterGroupState",
                "One or more database instances are still members of this parameter group "
                f"{name}, so the group cannot be deleted",
            )
        ctx.state.parameter_groups.pop(name, None)
    return {}


OPERATIONS = {
    "CreateDBSubnetGroup": create_subnet_group,
    "ModifyDBSubnetGroup": modify_subnet_group,
    "DescribeDBSubnetGroups": describe_subnet_groups,
    "DeleteDBSubnetGroup": delete_subnet_group,
    "CreateDBParameterGroup": create_parameter_group,
    "ModifyDBParameterGroup": modify_parameter_group,
    "ResetDBParameterGroup": reset_parameter_group,
    "DescribeDBParameterGroups": describe_parameter_groups,
    "DescribeDBParameters": describe_parameters,
    "DeleteDBParameterGroup": delete_parameter_group,
}
