"""Switchover and failover of a global database: who writes, from when on, and what everybody sees meanwhile.

Source: Aurora guide, "Using switchover or failover in an Amazon Aurora global database"; botocore,
SwitchoverGlobalClusterMessage, FailoverGlobalClusterMessage and FailoverState.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import durations, surroundings
from drgen.local.rds.aurora import resync
from drgen.local.rds.aurora.global_clusters import member_named, require_available
from drgen.local.rds.aurora.shown import global_answer
from drgen.local.rds.checks import bad_combination
from drgen.local.rds.context import Context, Operation
from drgen.local.rds.records import Cluster, GlobalCluster, Record, Step

_SWITCHING, _FAILING = "switching-over", "failing-over"


def switch_over(ctx: Context) -> Mapping[str, Any]:
    """SwitchoverGlobalCluster: nothing is lost, so everybody must answer. Called in the primary's region."""
    group, primary, target = _chosen(ctx)
    if ctx.region != primary.region:
        raise ApiError(
            "InvalidGlobalClusterStateFault",
            f"Switch over in the region of the primary cluster {primary.arn}, not in {ctx.region}.",
        )
    if not surroundings.is_reachable(ctx.env, target.region):
        raise ApiError("InvalidGlobalClusterStateFault", f"The region {target.region} could not be reached.")
    if target.record["EngineVersion"] != primary.record["EngineVersion"]:
        raise ApiError(
            "InvalidDBClusterStateFault",
            f"The engine version of {target.name} ({target.record['EngineVersion']}) differs from that of the primary "
            f"({primary.record['EngineVersion']}).",
        )
    with ctx.lock:
        group, primary, target = _chosen(ctx)
        _require_ready(ctx, target)
        if primary.status != "available":
            raise ApiError("InvalidDBClusterStateFault", f"DB cluster {primary.name} is not in available state.")
        _switch(ctx, group, primary, target)
    return global_answer(ctx, ctx.global_cluster(group.name))


def fail_over(ctx: Context) -> Mapping[str, Any]:
    """FailoverGlobalCluster: a switchover unless it allows data loss. Then it is called in the target's region."""
    loss = bool(ctx.params.get("AllowDataLoss"))
    if loss and ctx.params.get("Switchover"):
        raise bad_combination("AllowDataLoss and Switchover can't be specified together.")
    if not loss:
        return switch_over(ctx)
    group, _, target = _chosen(ctx)
    if ctx.region != target.region:
        raise ApiError(
            "InvalidGlobalClusterStateFault",
            f"Fail over in the region of the cluster to promote, {target.arn}, not in {ctx.region}.",
        )
    with ctx.lock:
        group, primary, target = _chosen(ctx)
        _require_ready(ctx, target)
        _fail(ctx, group, primary, target)
    return global_answer(ctx, ctx.global_cluster(group.name))


def _chosen(ctx: Context) -> tuple[GlobalCluster, Cluster, Cluster]:
    """The global cluster, its primary, and the secondary that the call names."""
    group = ctx.global_cluster(ctx.params["GlobalClusterIdentifier"])
    require_available(group)
    target = member_named(ctx, group, ctx.params["TargetDbClusterIdentifier"])
    primary = ctx.world.primary_of(group)
    if primary is None or primary.arn == target.arn:
        raise ApiError("InvalidDBClusterStateFault", f"DB cluster {target.name} isn't a secondary of {group.name}.")
    return group, primary, target


def _require_ready(ctx: Context, target: Cluster) -> None:
    """Source: guide, "Creating a headless Aurora DB cluster in a secondary Region" (an instance first)."""
    if target.status != "available" or target.record.get("Resync"):
        raise ApiError("InvalidDBClusterStateFault", f"DB cluster {target.name} is not in available state.")
    if not any(one.status == "available" for one in ctx.world.instances_of(target)):
        raise ApiError(
            "InvalidDBClusterStateFault",
            f"DB cluster {target.name} has no available DB instances. Add a DB instance before you promote it.",
        )


def _state(status: str, primary: Cluster, target: Cluster, *, loss: bool) -> Record:
    return {
        "FailoverState": {
            "Status": status,
            "FromDbClusterArn": primary.arn,
            "ToDbClusterArn": target.arn,
            "IsDataLossAllowed": loss,
        }
    }


def _switch(ctx: Context, group: GlobalCluster, primary: Cluster, target: Cluster) -> None:
    began = ctx.now + durations.ROLES_VERIFIED_S
    shut, promoted = ctx.now + durations.SWITCHOVER_SHUT_S, ctx.now + durations.SWITCHOVER_PROMOTED_S
    end = ctx.now + durations.SWITCHOVER_S
    ctx.world.put_global(
        group.with_fields({"Status": _SWITCHING, **_state("pending", primary, target, loss=False)}).then(
            Step(began, _SWITCHING, _state(_SWITCHING, primary, target, loss=False)),
            Step(promoted, _SWITCHING, {"Primary": target.arn}),
            Step(end, "available", {"FailoverState": None, "Resolved": target.arn}),
        )
    )
    ctx.world.put_cluster(
        primary.then(
            Step(began, _SWITCHING),
            Step(shut, _SWITCHING, {}, "0182"),
            Step(end, "available"),
        )
    )
    ctx.world.put_cluster(
        target.then(
            Step(began, _SWITCHING, {}, "0181"),
            Step(promoted, _SWITCHING, {}, "0184"),
            Step(end, "available", {}, "0185"),
            Step(end, "available", {}, "0397"),
        )
    )


def _fail(ctx: Context, group: GlobalCluster, primary: Cluster, target: Cluster) -> None:
    began = ctx.now + durations.ROLES_VERIFIED_S
    promoted, end = ctx.now + durations.FAILOVER_PROMOTED_S, ctx.now + durations.FAILOVER_S
    ctx.world.put_global(
        group.with_fields({"Status": _FAILING, **_state("pending", primary, target, loss=True)}).then(
            Step(began, _FAILING, _state(_FAILING, primary, target, loss=True)),
            Step(promoted, _FAILING, {"Primary": target.arn}),
            Step(end, "available", {"FailoverState": None, "Resolved": target.arn}),
        )
    )
    ctx.world.put_cluster(
        target.then(
            Step(began, _FAILING),
            Step(end, "available", {}, "0238"),
            Step(end, "available", {}, "0397"),
        )
    )
    for member in ctx.world.members_of(group):
        if member.arn != target.arn:
            what = resync.OLD_PRIMARY if member.arn == primary.arn else resync.SECONDARY
            # What it had begun to follow before is no longer what it is to follow.
            waiting = replace(member, steps=()) if member.record.get("Resync") else member
            ctx.world.put_cluster(waiting.then(Step(promoted, "available", {"Resync": what})))


OPERATIONS: Mapping[str, Operation] = {
    "SwitchoverGlobalCluster": switch_over,
    "FailoverGlobalCluster": fail_over,
}
