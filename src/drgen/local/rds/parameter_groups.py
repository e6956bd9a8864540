"""Parameter groups, of instances and of clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import catalog
from drgen.local.rds.checks import bad_combination, bad_value, identifier, tags
from drgen.local.rds.context import Context, Operation, page
from drgen.local.rds.records import Instance, Record

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


@dataclass(frozen=True)
class Kind:
    """Groups of instances or of clusters: RDS names them apart in every key, and refuses them with the same codes.

    `users` gives the instances that read the group, `waiting` the fields in which each says that it has not yet.
    """

    noun: str
    arn: str
    held: Callable[[Context], dict[str, Record]]
    users: Callable[[Context, str], list[Instance]]
    waiting: Callable[[str], Record]
    is_used: Callable[[Context, str], bool]

    @property
    def name(self) -> str:
        return f"{self.noun}Name"

    def create(self, ctx: Context) -> Mapping[str, Any]:
        name = identifier(self.name, ctx.params[self.name], longest=255)
        family = ctx.params["DBParameterGroupFamily"]
        if family not in catalog.families():
            raise bad_value(f"ParameterGroupFamily {family} is not a valid parameter group family")
        record: Record = {
            self.name: name,
            "DBParameterGroupFamily": family,
            "Description": ctx.params["Description"],
            f"{self.noun}Arn": ctx.arn(self.arn, name),
            "TagList": tags(ctx.params.get("Tags")),
            "Parameters": {},
        }
        with ctx.lock:
            if name in self.held(ctx):
                raise ApiError("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
            self.held(ctx)[name] = record
        return {self.noun: _public(record)}

    def group(self, ctx: Context, name: str) -> Record:
        """The group of that name. default.<family> exists for every family and belongs to RDS."""
        family = name.lower().removeprefix("default.")
        if name.lower().startswith("default.") and family in catalog.families():
            return {
                self.name: name.lower(),
                "DBParameterGroupFamily": family,
                "Description": f"Default parameter group for {family}",
                f"{self.noun}Arn": ctx.arn(self.arn, name.lower()),
                "Parameters": {},
            }
        found = self.held(ctx).get(name.lower())
        if found is None:
            raise ApiError("DBParameterGroupNotFound", f"{self.noun} not found: {name}", status=404)
        return found

    def fitting(self, ctx: Context, name: str | None, engine: str, version: str) -> str:
        """The name of a group that fits the version: `name`, or the family's default."""
        family = catalog.family(engine, version)
        if name is None:
            return f"default.{family}"
        found = self.group(ctx, name)
        if found["DBParameterGroupFamily"] != family:
            raise bad_combination(
                f"The parameter group {found[self.name]} with DBParameterGroupFamily "
                f"{found['DBParameterGroupFamily']} can't be used for this instance. "
                f"Please use a parameter group with DBParameterGroupFamily {family}"
            )
        return str(found[self.name])

    def _own(self, ctx: Context) -> Record:
        name = ctx.params[self.name]
        found = self.group(ctx, name)
        if found[self.name].startswith("default."):
            raise ApiError("InvalidDBParameterGroupState", f"Default parameter group cannot be modified: {name}")
        return found

    def modify(self, ctx: Context) -> Mapping[str, Any]:
        """Sets at most 20 parameters. Source: botocore, ModifyDBParameterGroupMessage."""
        record = self._own(ctx)
        wanted = ctx.params["Parameters"]
        if len(wanted) > 20:
            raise bad_value("A maximum of 20 parameters can be modified in a single request.")
        for entry in wanted:
            if entry["ParameterName"] in STATIC_PARAMETERS and entry.get("ApplyMethod") != "pending-reboot":
                raise bad_combination("cannot use immediate apply method for static parameter")
        with ctx.lock:
            changed = {entry["ParameterName"]: dict(entry) for entry in wanted}
            record["Parameters"] = {**record["Parameters"], **changed}
            self._mark_users(ctx, record, wanted)
        return {self.name: record[self.name]}

    def reset(self, ctx: Context) -> Mapping[str, Any]:
        record = self._own(ctx)
        wanted = ctx.params.get("Parameters") or ()
        if not ctx.params.get("ResetAllParameters", True) and not wanted:
            raise bad_combination("Parameters must be specified when ResetAllParameters is false.")
        with ctx.lock:
            names = {entry["ParameterName"] for entry in wanted} or set(record["Parameters"])
            dropped = [entry for name, entry in record["Parameters"].items() if name in names]
            record["Parameters"] = {name: entry for name, entry in record["Parameters"].items() if name not in names}
            self._mark_users(ctx, record, dropped)
        return {self.name: record[self.name]}

    def _mark_users(self, ctx: Context, record: Mapping[str, Any], changed: Sequence[Mapping[str, Any]]) -> None:
        if any(entry.get("ApplyMethod") == "pending-reboot" for entry in changed):
            name = record[self.name]
            for user in self.users(ctx, name):
                ctx.state.instances[user.name] = replace(user, record={**user.record, **self.waiting(name)})

    def describe(self, ctx: Context) -> Mapping[str, Any]:
        name = ctx.params.get(self.name)
        found = [self.group(ctx, name)] if name else list(self.held(ctx).values())
        entries, marker = page(found, ctx.params, lambda record: str(record[self.name]))
        return {f"{self.noun}s": [_public(entry) for entry in entries], **marker}

    def describe_parameters(self, ctx: Context) -> Mapping[str, Any]:
        """The parameters that a person set; the engine's own defaults are not known here."""
        record = self.group(ctx, ctx.params[self.name])
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

    def delete(self, ctx: Context) -> Mapping[str, Any]:
        name = self._own(ctx)[self.name]
        with ctx.lock:
            if self.is_used(ctx, name):
                raise ApiError(
                    "InvalidDBParameterGroupState",
                    "One or more database instances are still members of this parameter group "
                    f"{name}, so the group cannot be deleted",
                )
            self.held(ctx).pop(name, None)
        return {}


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("TagList", "Parameters")}


def _instances_with(ctx: Context, name: str) -> list[Instance]:
    return [
        one
        for one in ctx.state.instances.values()
        if one.record["DBParameterGroups"][0]["DBParameterGroupName"] == name
    ]


def _members_with(ctx: Context, name: str) -> list[Instance]:
    clusters = [one for one in ctx.state.clusters.values() if one.record["DBClusterParameterGroup"] == name]
    return [instance for cluster in clusters for instance in ctx.world.instances_of(cluster)]


INSTANCE_GROUPS = Kind(
    noun="DBParameterGroup",
    arn="pg",
    held=lambda ctx: ctx.state.parameter_groups,
    users=_instances_with,
    waiting=lambda name: {
        "DBParameterGroups": [{"DBParameterGroupName": name, "ParameterApplyStatus": "pending-reboot"}]
    },
    is_used=lambda ctx, name: bool(_instances_with(ctx, name)),
)
CLUSTER_GROUPS = Kind(
    noun="DBClusterParameterGroup",
    arn="cluster-pg",
    held=lambda ctx: ctx.state.cluster_parameter_groups,
    users=_members_with,
    waiting=lambda _: {"ClusterParameters": "pending-reboot"},
    is_used=lambda ctx, name: any(one.record["DBClusterParameterGroup"] == name for one in ctx.state.clusters.values()),
)

OPERATIONS: Mapping[str, Operation] = {
    operation.format(noun): answer
    for noun, parameters, kind in (
        ("DBParameterGroup", "DBParameters", INSTANCE_GROUPS),
        ("DBClusterParameterGroup", "DBClusterParameters", CLUSTER_GROUPS),
    )
    for operation, answer in (
        ("Create{}", kind.create),
        ("Modify{}", kind.modify),
        ("Reset{}", kind.reset),
        ("Describe{}s", kind.describe),
        (f"Describe{parameters}", kind.describe_parameters),
        ("Delete{}", kind.delete),
    )
}
