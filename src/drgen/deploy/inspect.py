"""Looks at what is deployed. Every region is asked with short time-outs, and a dark one only once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drgen.aws import ec2, rds
from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import CallFailed, RegionUnreachable
from drgen.aws.session import Session
from drgen.deploy.clouds import Clouds
from drgen.model.deployment import Deployment, FromOutput, RevokeDefaultSecurityGroup, StackEntry
from drgen.model.live import LiveStack
from drgen.model.status import DatabaseState, GroupState, Ingress, StackState, Stale, WorkloadState
from drgen.planning.statuses import exists

_DATABASES = {"AWS::RDS::DBCluster": rds.cluster, "AWS::RDS::DBInstance": rds.database}
"""How to ask for a database, by its resource type."""


def live_stacks(deployment: Deployment, clouds: Clouds) -> Mapping[str, LiveStack | RegionUnreachable | None]:
    """By stack key: the stack, None where there is none, or why its region could not be asked."""
    found: dict[str, LiveStack | RegionUnreachable | None] = {}
    for entry in deployment.stacks:
        if entry.stack in found or entry.action == "delete":
            continue
        try:
            live = clouds.peek(entry.region, entry.stack_name)
            found[entry.stack] = live if live and live.status != "DELETE_COMPLETE" else None
        except RegionUnreachable as error:
            found[entry.stack] = error
    return found


def inspect(deployment: Deployment, clouds: Clouds) -> WorkloadState:
    """What is deployed, which values are stale, and which databases take writes."""
    found = live_stacks(deployment, clouds)
    states = [_state(deployment.entry(stack), live, found, clouds) for stack, live in found.items()]
    dark = dict.fromkeys(live.region for live in found.values() if isinstance(live, RegionUnreachable))
    return WorkloadState(deployment.name, tuple(states), tuple(dark))


def _state(
    entry: StackEntry,
    live: LiveStack | RegionUnreachable | None,
    found: Mapping[str, LiveStack | RegionUnreachable | None],
    clouds: Clouds,
) -> StackState:
    if live is None or isinstance(live, RegionUnreachable):
        unreachable = live.problem if live else ""
        return StackState(entry.stack, entry.region, entry.stage, unreachable=unreachable)
    return StackState(
        entry.stack,
        entry.region,
        entry.stage,
        live=live,
        stale=_stale(entry, live, found),
        default_group=_default_group(entry, live, clouds),
        databases=_databases(entry, live, clouds),
    )


def _stale(
    entry: StackEntry, live: LiveStack, found: Mapping[str, LiveStack | RegionUnreachable | None]
) -> tuple[Stale, ...]:
    stale = []
    for name, source in entry.parameters.items():
        producer = found.get(source.stack) if isinstance(source, FromOutput) else None
        if not isinstance(source, FromOutput) or not isinstance(producer, LiveStack) or name not in live.parameters:
            continue
        has, now = live.parameters[name], producer.outputs.get(source.output)
        if now is not None and has not in (now, "****"):
            stale.append(Stale(name, source.stack, source.output, has, now))
    return tuple(stale)


def _default_group(entry: StackEntry, live: LiveStack, clouds: Clouds) -> GroupState | None:
    states = [
        _group_state(entry, live.outputs.get(step.vpc_output, ""), clouds)
        for step in entry.after
        if isinstance(step, RevokeDefaultSecurityGroup)
    ]
    return max(states, key=list(GroupState).index) if states else None


def _group_state(entry: StackEntry, vpc_id: str, clouds: Clouds) -> GroupState:
    def group(session: Session) -> ec2.DefaultGroup | None:
        return ec2.default_group(session.ec2(entry.region), region=entry.region, vpc_id=vpc_id)

    found = clouds.answering(entry.region, group) if vpc_id else None
    if found is None:
        return GroupState.UNKNOWN
    return GroupState.EMPTY if found.is_empty else GroupState.HAS_RULES


def _databases(entry: StackEntry, live: LiveStack, clouds: Clouds) -> tuple[DatabaseState, ...]:
    if not exists(live):
        return ()

    def found(session: Session) -> tuple[DatabaseState, ...]:
        resources = CloudFormation(entry.region, session.cloudformation(entry.region)).resources(live.stack_id)
        wanted = [(r.physical_id, ask) for r in resources if r.physical_id and (ask := _DATABASES.get(r.type))]
        states = [ask(session.rds(entry.region), region=entry.region, identifier=name) for name, ask in wanted]
        return tuple(replace(state, ingress=_ingress(state, session, entry.region)) for state in states if state)

    return clouds.answering(entry.region, found)


def _ingress(database: DatabaseState, session: Session, region: str) -> Ingress:
    if not database.groups:
        return Ingress.UNKNOWN
    try:
        is_open = ec2.lets_anybody_in(session.ec2(region), database.groups, region=region)
    except CallFailed:
        # Whoever may look at databases need not be allowed to look at security groups.
        return Ingress.UNKNOWN
    return Ingress.OPEN if is_open else Ingress.FENCED
