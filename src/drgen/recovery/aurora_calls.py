"""An Aurora global database, as AWS is asked about it and told to move its writer.

Source: botocore, rds DescribeGlobalClusters, SwitchoverGlobalCluster and FailoverGlobalCluster; Aurora User Guide,
"Using switchover or failover in Amazon Aurora Global Database", for the region each is asked in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.aurora_facts import AuroraFacts, Cluster, GlobalCluster, Member, Move, Node
from drgen.recovery.clients import Clients, explain, refused
from drgen.recovery.config import AuroraSettings, Config
from drgen.recovery.facts import Absent, Lag, NotObserved
from drgen.recovery.names import PRIMARY_REACHABLE
from drgen.recovery.probe import ask_probe, describe_secret
from drgen.recovery.record import Delegated, Record
from drgen.recovery.services_calls import describe_services
from drgen.recovery.signals import Run, clock_of, describe_alarms, last_good, older_run, samples
from drgen.recovery.stacks import describe_stack, may_pass, set_parameter
from drgen.recovery.turns import QUICK_S, Turn, again, waits

RPO_LAG = "AuroraGlobalDBRPOLag"
"""In milliseconds, and in the regions of secondaries only. Source: Aurora User Guide, "Amazon CloudWatch metrics for
Amazon Aurora"."""
RUNNING = "running"


def observe_aurora(config: Config, aurora: AuroraSettings, clients: Clients, run: Run) -> AuroraFacts:
    """The facts at this moment. `now` is the clock of RDS in the target region."""
    here, there = clients.target("rds"), clients.primary("rds")
    target, now = describe_cluster(here, aurora.recovery_cluster, clients.clock())
    primary, _ = describe_cluster(there, aurora.primary_cluster, now)
    answers = ask_probe(aurora.probe_function, clients, "ask")
    cloudformation = clients.target("cloudformation")
    return AuroraFacts(
        now=now,
        database=describe_global(here, aurora.global_cluster),
        target=target,
        primary=primary,
        target_sql=answers.replica,
        primary_sql=answers.primary,
        lag=_lag(config, aurora, clients),
        stack=describe_stack(cloudformation, aurora.stack, aurora.capacity_parameter, logical_id=aurora.logical_id),
        secret=describe_secret(aurora.secret, clients, read=answers.secret_read),
        alarms=describe_alarms(config, clients),
        services=describe_services(config, clients),
        older_run=older_run(config, clients, run),
    )


def describe_global(rds: Any, identifier: str) -> GlobalCluster | Absent | NotObserved:
    try:
        shown = rds.describe_global_clusters(GlobalClusterIdentifier=identifier)["GlobalClusters"][0]
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "GlobalClusterNotFoundFault"
        return Absent() if missing else NotObserved(explain(error), refused(error))
    except BotoCoreError as error:
        return NotObserved(explain(error))
    return global_cluster(shown)


def global_cluster(shown: Mapping[str, Any]) -> GlobalCluster:
    """A GlobalCluster of the RDS API as a fact."""
    state = shown.get("FailoverState") or {}
    members = (
        Member(m["DBClusterArn"], bool(m.get("IsWriter")), m.get("SynchronizationStatus", ""))
        for m in shown.get("GlobalClusterMembers", [])
    )
    return GlobalCluster(
        identifier=shown["GlobalClusterIdentifier"],
        status=shown.get("Status", ""),
        version=shown.get("EngineVersion", ""),
        members=tuple(members),
        move=Move(state["Status"], state.get("ToDbClusterArn", "")) if state.get("Status") else None,
    )


def describe_cluster(rds: Any, identifier: str, default_now: float) -> tuple[Cluster | Absent | NotObserved, float]:
    """The cluster with its instances, and AWS's clock."""
    try:
        answer = rds.describe_db_clusters(DBClusterIdentifier=identifier)
        shown = answer["DBClusters"][0]
        writers = {m["DBInstanceIdentifier"] for m in shown.get("DBClusterMembers", []) if m.get("IsClusterWriter")}
        nodes: tuple[Node, ...] = ()
        if shown.get("DBClusterMembers"):
            only = [{"Name": "db-cluster-id", "Values": [identifier]}]
            instances = rds.describe_db_instances(Filters=only)["DBInstances"]
            named = ((each["DBInstanceIdentifier"], each.get("DBInstanceStatus", "")) for each in instances)
            nodes = tuple(sorted((Node(n, s, n in writers) for n, s in named), key=lambda node: node.identifier))
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "DBClusterNotFoundFault"
        return (Absent() if missing else NotObserved(explain(error), refused(error))), default_now
    except BotoCoreError as error:
        return NotObserved(explain(error)), default_now
    found = Cluster(shown["DBClusterIdentifier"], shown["DBClusterArn"], shown["Status"], shown["EngineVersion"], nodes)
    return found, clock_of(answer, default_now)


def _lag(config: Config, aurora: AuroraSettings, clients: Clients) -> Lag | NotObserved:
    workload = [{"Name": "Workload", "Value": config.workload}]
    cluster = [{"Name": "DBClusterIdentifier", "Value": aurora.recovery_cluster}]
    try:
        alive = samples(clients, config.namespace, PRIMARY_REACHABLE, workload)
        reported = samples(clients, "AWS/RDS", RPO_LAG, cluster)
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    return last_good(alive, {RPO_LAG: [(at, value / 1000) for at, value in reported]}, clients)


def add_instances(now: float, record: Record, aurora: AuroraSettings, clients: Clients) -> Turn:
    """Asks CloudFormation for the instances of a headless cluster: every other parameter keeps its value."""
    token = f"instances-{record.request.incident}"
    try:
        set_parameter(clients.target("cloudformation"), aurora.stack, aurora.capacity_parameter, RUNNING, token)
    except BotoCoreError as error:
        return waits(record, now, "promote", f"CloudFormation did not answer ({explain(error)})", wait_s=QUICK_S)
    except ClientError as error:
        text = f"CloudFormation did not take the update ({explain(error)})"
        if may_pass(error):
            return waits(record, now, "promote", text)
        return again(replace(record, giving_up=text), now, "promote", text)
    text = f"{aurora.stack} is updated with {aurora.capacity_parameter} {RUNNING}"
    return waits(record.marked("adding", now), now, "promote", text)


def leave_fence(now: float, record: Record, reason: str) -> Turn:
    left = replace(record, fence=Delegated(now, reason))
    return again(left, now, "fence", f"left to Aurora: {reason}")


def switch_over(facts: AuroraFacts, record: Record, aurora: AuroraSettings, clients: Clients) -> Turn:
    """Asked in the region that writes now: it must answer, because it stops the writes."""
    text = f"Aurora switches {aurora.global_cluster} over to {aurora.recovery_cluster}"
    rds = clients.primary("rds")
    return _move(facts, record, lambda: rds.switchover_global_cluster(**_target(facts, aurora)), text)


def fail_over(facts: AuroraFacts, record: Record, aurora: AuroraSettings, clients: Clients) -> Turn:
    """Asked in the target region. Without AllowDataLoss it would be a switchover, and wait for the lost region."""
    text = f"Aurora fails {aurora.global_cluster} over to {aurora.recovery_cluster} and gives up what had not arrived"
    rds = clients.target("rds")
    return _move(facts, record, lambda: rds.failover_global_cluster(**_target(facts, aurora), AllowDataLoss=True), text)


def _target(facts: AuroraFacts, aurora: AuroraSettings) -> dict[str, str]:
    return {"GlobalClusterIdentifier": aurora.global_cluster, "TargetDbClusterIdentifier": facts.target_arn}


def _move(facts: AuroraFacts, record: Record, ask: Callable[[], object], text: str) -> Turn:
    now, ready = facts.now, record.marked("added", facts.now) if record.at("adding") is not None else record
    try:
        ask()
    except BotoCoreError as error:
        return waits(ready, now, "promote", f"RDS did not answer ({explain(error)})", wait_s=QUICK_S)
    except ClientError as error:
        refusal = f"RDS did not take it ({explain(error)})"
        if may_pass(error):
            return waits(ready, now, "promote", refusal)
        return again(replace(ready, giving_up=refusal), now, "promote", refusal)
    return waits(ready.marked("promoting", now), now, "promote", text)
