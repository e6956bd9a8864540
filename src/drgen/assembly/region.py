"""What each region gets: foundation and database, in the primary and in the recovery region."""

from __future__ import annotations

from dataclasses import dataclass

from drgen.builders import alerts, database, database_watch, keys, network, secret
from drgen.model.stack import StackDraft
from drgen.model.workload import Region, Workload


@dataclass(frozen=True)
class Foundation:
    stack: StackDraft
    keys: keys.Keys
    alerts: alerts.Alerts
    network: network.Network


@dataclass(frozen=True)
class Side:
    """One region of the workload, as the other stacks need it."""

    foundation: Foundation
    database: database.Database


def draft(workload: Workload, *, stage: str, layer: str, region: str, side: str, about: str) -> StackDraft:
    """An open stack with its name and its Description: workload, layer, region, stage, and what it holds."""
    prefix = workload.names.prefix
    return StackDraft(
        key=workload.names.stack(layer, region),
        region=region,
        stage=stage,
        layer=layer,
        side=side,
        description=f"{prefix}: {layer} in {region}, stage {stage}. {about}",
        protection=workload.protection,
    )


def foundation(workload: Workload, region: Region, *, stage: str, side: str) -> Foundation:
    """Keys, alerts topic and network of one region."""
    about = "VPC, keys, alerts topic."
    stack = draft(workload, stage=stage, layer="foundation", region=region.name, side=side, about=about)
    names = workload.names
    pair = keys.keys(stack, names)
    topic = alerts.alerts(stack, names, key=pair.operations, emails=workload.alerts.emails)
    vpc = network.network(
        stack,
        names,
        cidr=region.cidr,
        zones=workload.zones(region),
        endpoints=workload.network.endpoints,
        key=pair.operations,
        flow_log_days=workload.network.flow_log_days,
    )
    return Foundation(stack, pair, topic, vpc)


def settings(workload: Workload) -> database.Postgres:
    wanted = workload.database
    return database.Postgres(
        version=wanted.version,
        instance_class=wanted.instance_class,
        storage_gib=wanted.storage_gib,
        port=wanted.port,
        backup_days=wanted.backup_days,
        log_days=wanted.log_days,
        database_name=wanted.name,
        parameters=wanted.parameters,
    )


def _surroundings(workload: Workload, base: Foundation) -> database.Surroundings:
    return database.Surroundings(
        network=base.network,
        clients=[(side.name, side.cidr) for side in workload.sides()],
        data_key=base.keys.data,
        operations_key=base.keys.operations,
    )


def primary_database(workload: Workload, base: Foundation) -> tuple[StackDraft, database.Primary]:
    """The stack of the instance that is written to."""
    region = workload.regions.primary.name
    about = "PostgreSQL, the primary instance."
    stack = draft(workload, stage="primary", layer="database", region=region, side="Primary", about=about)
    names, wanted = workload.names, workload.database
    made = database.primary(
        stack, names, settings(workload), _surroundings(workload, base), multi_az=wanted.multi_az.primary
    )
    topic = base.alerts.topic_arn
    database_watch.instance_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    database_watch.source_alarms(stack, names, made.instance, topic=topic, storage_gib=wanted.storage_gib)
    database_watch.event_rule(stack, names, made.instance, topic=topic)
    return stack, made


def replica_database(
    workload: Workload, base: Foundation, *, region: Region, stage: str, source: database.Database
) -> tuple[StackDraft, database.Database]:
    """The stack of the replica in `region`."""
    about = "PostgreSQL, the read replica that a failover promotes."
    stack = draft(workload, stage=stage, layer="database", region=region.name, side="Recovery", about=about)
    names, wanted = workload.names, workload.database
    made = database.replica(
        stack,
        names,
        settings(workload),
        _surroundings(workload, base),
        source=source,
        multi_az=wanted.multi_az.recovery,
    )
    topic = base.alerts.topic_arn
    database_watch.instance_alarms(stack, names, made, topic=topic, storage_gib=wanted.storage_gib)
    database_watch.replica_alarms(stack, names, made, topic=topic, rpo=workload.objectives.rpo)
    database_watch.event_rule(stack, names, made, topic=topic)
    return stack, made


def add_secret(workload: Workload, base: Foundation, recovery: Foundation) -> secret.Secret:
    """The secret of the primary region, with its late replica in the recovery region."""
    return secret.database_secret(
        base.stack,
        workload.names,
        username=workload.database.username,
        key=base.keys.data,
        recovery={recovery.stack.region: recovery.keys.data},
    )
