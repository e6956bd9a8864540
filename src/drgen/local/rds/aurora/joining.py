"""What a cluster must be to become a member of a global database, as its primary or as a secondary.

Sources: Aurora guide, "Configuration requirements of an Amazon Aurora global database", "Adding an AWS Region to an
Amazon Aurora global database" and "Limitations of Amazon Aurora global databases". Wordings as users of RDS have
published them; BEHAVIOUR.md marks those that are inferred.
"""

from __future__ import annotations

from drgen.local.api import ApiError
from drgen.local.rds import catalog, surroundings
from drgen.local.rds.checks import bad_combination
from drgen.local.rds.context import Context
from drgen.local.rds.records import Cluster, GlobalCluster

_SECONDARIES = 10
_PASSWORD = "password"
_REFUSED = {
    "MasterUsername": "user name",
    "MasterUserPassword": _PASSWORD,
    "ManageMasterUserPassword": _PASSWORD,
    "DatabaseName": "database name",
}


def joined(ctx: Context) -> GlobalCluster | None:
    """The global cluster that the new cluster asks for. Raises GlobalClusterNotFoundFault."""
    wanted = ctx.params.get("GlobalClusterIdentifier")
    return ctx.global_cluster(wanted) if wanted else None


def check(ctx: Context, group: GlobalCluster, name: str) -> None:
    """Nothing, if a new cluster of that identifier can join now."""
    if group.status != "available":
        raise ApiError("InvalidGlobalClusterStateFault", f"Global cluster {group.name} is not in available state.")
    members = ctx.world.members_of(group)
    for one in ctx.world.clusters():
        if one.name == name:
            raise ApiError(
                "DBClusterAlreadyExistsFault",
                f"A DB cluster with the identifier {name} already exists in {one.region}. The clusters of a global "
                "database need identifiers that no other region has.",
            )
    if any(one.region == ctx.region for one in members):
        raise ApiError(
            "InvalidGlobalClusterStateFault", f"Global cluster {group.name} already has a member in {ctx.region}."
        )
    if len(members) > _SECONDARIES:
        raise ApiError(
            "InvalidGlobalClusterStateFault", f"A global cluster has at most {_SECONDARIES} secondary clusters."
        )
    _check_engine(ctx, group)
    if ctx.params.get("ManageMasterUserPassword"):
        raise managed_password()
    if primary := ctx.world.primary_of(group):
        _check_secondary(ctx, primary)
    elif bool(ctx.params.get("StorageEncrypted")) != group.record["StorageEncrypted"]:
        raise bad_combination(
            f"The storage encryption of the cluster differs from that of the global cluster {group.name}."
        )


def join(ctx: Context, group: GlobalCluster, primary: Cluster | None, cluster: Cluster) -> Cluster:
    """The cluster as a member of the group, and as its primary where it has none. Hold the lock.

    `primary` is the one that `check` saw: raises InvalidGlobalClusterStateFault where another call was faster.
    """
    group = ctx.global_cluster(group.name)
    present = ctx.world.primary_of(group)
    if (present and present.arn) != (primary and primary.arn):
        raise ApiError("InvalidGlobalClusterStateFault", f"Global cluster {group.name} has just got another primary.")
    if present is None:
        ctx.world.put_global(group.with_fields({"Primary": cluster.arn, "Resolved": cluster.arn}))
    return cluster.with_fields({"Global": group.id, "Joined": ctx.now})


def managed_password() -> ApiError:
    return bad_combination(
        "The master user password of a cluster of a global database can't be managed in Secrets Manager."
    )


def _check_engine(ctx: Context, group: GlobalCluster) -> None:
    wanted, version = ctx.params["Engine"], ctx.params.get("EngineVersion")
    if wanted != group.record["Engine"]:
        raise bad_combination(
            f"The engine {wanted} doesn't match the engine {group.record['Engine']} of the global cluster {group.name}."
        )
    if version and catalog.resolve_version(wanted, version) != group.record["EngineVersion"]:
        raise bad_combination(
            f"The engine version {version} doesn't match the engine version {group.record['EngineVersion']} of the "
            f"global cluster {group.name}."
        )


def _check_secondary(ctx: Context, primary: Cluster) -> None:
    for name, words in _REFUSED.items():
        if ctx.params.get(name):
            raise bad_combination(f"Cannot specify {words} for cross region replication cluster")
    if not surroundings.is_reachable(ctx.env, primary.region):
        raise ApiError("InternalFailure", f"The primary region {primary.region} could not be reached.", status=500)
    if primary.status != "available" or not primary.record.get("Writer"):
        raise ApiError(
            "InvalidDBClusterStateFault",
            f"Source cluster: {primary.arn} is in a state which is not valid for physical replication",
        )
    encrypted, key = bool(ctx.params.get("StorageEncrypted")), ctx.params.get("KmsKeyId")
    if primary.record["StorageEncrypted"]:
        if not key:
            raise bad_combination("For encrypted cross-region replica, kmsKeyId should be explicitly specified")
        if not encrypted:
            raise bad_combination("Cannot create an unencrypted cross-region replica from an encrypted cluster.")
    elif encrypted or key:
        raise bad_combination("Cannot create an encrypted cross-region replica from an unencrypted cluster.")


def check_version(engine: str, version: str) -> None:
    if not catalog.is_for_global(engine, version):
        raise ApiError(
            "InvalidParameterValue",
            "The requested engine version was not found or does not support global functionality",
        )


def check_class(instance_class: str) -> None:
    """Only memory-optimised and serverless classes. Source: guide, "Configuration requirements ..."."""
    if instance_class.startswith("db.t"):
        raise bad_combination(f"The requested instance class is not supported by global databases: {instance_class}")
