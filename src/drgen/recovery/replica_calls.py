"""An RDS instance and its replica, as AWS is asked about them and told what to do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain, refused
from drgen.recovery.config import Config, ReplicaSettings
from drgen.recovery.facts import Absent, Lag, NotObserved
from drgen.recovery.names import HEARTBEAT_LAG, PRIMARY_REACHABLE
from drgen.recovery.others import Copy, machine_in, older
from drgen.recovery.probe import ask_probe, describe_secret
from drgen.recovery.record import Fenced, Fencing, Record, Released, Unverified
from drgen.recovery.replica_facts import Instance, Other, ReplicaFacts
from drgen.recovery.services_calls import describe_services
from drgen.recovery.signals import Run, clock_of, describe_alarms, last_good, older_run, running, samples
from drgen.recovery.stacks import describe_stack, may_pass, set_parameter
from drgen.recovery.steps import ReleasePrimary
from drgen.recovery.turns import QUICK_S, Next, Turn, again, waits


def observe_replica(config: Config, pair: ReplicaSettings, clients: Clients, run: Run) -> ReplicaFacts:
    """The facts at this moment. `now` is the clock of RDS in the target region."""
    replica, now = _describe(clients.target("rds"), pair.recovery_database, clients.clock())
    primary, _ = _describe(clients.primary("rds"), pair.primary_database, now)
    answers = ask_probe(pair.probe_function, clients, "ask")
    cloudformation = clients.target("cloudformation")
    return ReplicaFacts(
        now=now,
        replica=replica,
        primary=primary,
        replica_sql=answers.replica,
        primary_sql=answers.primary,
        lag=_lag(config, pair, clients),
        stack=describe_stack(cloudformation, pair.stack, pair.role_parameter, logical_id=pair.logical_id),
        secret=describe_secret(pair.secret, clients, read=answers.secret_read),
        alarms=describe_alarms(config, clients),
        services=describe_services(config, clients),
        older_run=older_run(config, clients, run),
        others=tuple(_other(copy, config, clients, run) for copy in pair.others),
    )


def _other(copy: Copy, config: Config, clients: Clients, run: Run) -> Other:
    """Its database, and a failover that was started there before this one; both must answer to count as observed."""
    database, _ = _describe(clients.other("rds", copy.region), copy.identifier, 0)
    if isinstance(database, NotObserved) or not run.arn:
        return Other(copy.region, database)
    try:
        found = running(clients.other("stepfunctions", copy.region), machine_in(config.machine, copy.region))
    except (BotoCoreError, ClientError) as error:
        return Other(copy.region, NotObserved(explain(error)))
    return Other(copy.region, database, older(found, than=run.at, arn=run.arn))


def describe_primary(pair: ReplicaSettings, clients: Clients) -> Instance | Absent | NotObserved:
    return _describe(clients.primary("rds"), pair.primary_database, 0)[0]


def describe_replica(pair: ReplicaSettings, clients: Clients) -> Instance | Absent | NotObserved:
    return _describe(clients.target("rds"), pair.recovery_database, 0)[0]


def _describe(rds: Any, name: str, default_now: float) -> tuple[Instance | Absent | NotObserved, float]:
    try:
        answer = rds.describe_db_instances(DBInstanceIdentifier=name)
    except ClientError as error:
        code = error.response["Error"].get("Code")
        return (Absent() if code == "DBInstanceNotFound" else NotObserved(explain(error), refused(error))), default_now
    except BotoCoreError as error:
        return NotObserved(explain(error)), default_now
    return instance(answer["DBInstances"][0]), clock_of(answer, default_now)


def instance(shown: Mapping[str, Any]) -> Instance:
    """A DBInstance of the RDS API as a fact."""
    groups = shown.get("VpcSecurityGroups", [])
    infos = shown.get("StatusInfos", [])
    return Instance(
        identifier=shown["DBInstanceIdentifier"],
        status=shown.get("DBInstanceStatus", ""),
        source=shown.get("ReadReplicaSourceDBInstanceIdentifier", ""),
        replication=tuple(sorted(i["Status"] for i in infos if i.get("StatusType") == "read replication")),
        groups=tuple(sorted(group["VpcSecurityGroupId"] for group in groups)),
        groups_settled=all(group.get("Status") == "active" for group in groups),
    )


def _lag(config: Config, pair: ReplicaSettings, clients: Clients) -> Lag | NotObserved:
    """The heartbeat's lag where there is one, else RDS's own."""
    workload = [{"Name": "Workload", "Value": config.workload}]
    replica = [{"Name": "DBInstanceIdentifier", "Value": pair.recovery_database}]
    try:
        alive = samples(clients, config.namespace, PRIMARY_REACHABLE, workload)
        beats = samples(clients, config.namespace, HEARTBEAT_LAG, workload)
        reported = samples(clients, "AWS/RDS", "ReplicaLag", replica)
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    return last_good(alive, {HEARTBEAT_LAG: beats, "ReplicaLag": reported}, clients, prefer=HEARTBEAT_LAG)


def cut_off(facts: ReplicaFacts, record: Record, pair: ReplicaSettings, clients: Clients) -> Turn:
    now = facts.now
    before = facts.primary.groups if isinstance(facts.primary, Instance) else ()
    already = before == (pair.fence_group,)
    if not already:
        problem = _set_groups(pair, clients, (pair.fence_group,))
        if problem:
            reason = f"the fence group could not be set ({problem})"
            return Turn(unverified(now, record, reason, tried=False), Next.AGAIN)
    first = Fencing(() if already else before, now)
    fencing = record.fence if isinstance(record.fence, Fencing) else first
    text = f"{pair.primary_database} is only in {pair.fence_group}, which lets nobody in"
    return again(replace(record, fence=fencing).marked("fencing", now), now, "fence", text)


def unverified(now: float, record: Record, reason: str, *, tried: bool) -> Record:
    """The record with a fence that nobody could confirm."""
    found = replace(record, fence=Unverified(now, reason, tried), unseen_since=None)
    return found.marked("fencing", now).marked("fenced", now).noted(now, "fence", f"unverified: {reason}")


def _set_groups(pair: ReplicaSettings, clients: Clients, groups: tuple[str, ...]) -> str:
    """Gives the primary these security groups; "" or why it could not."""
    try:
        clients.primary("rds").modify_db_instance(
            DBInstanceIdentifier=pair.primary_database, VpcSecurityGroupIds=list(groups), ApplyImmediately=True
        )
    except (BotoCoreError, ClientError) as error:
        return explain(error)
    return ""


def reboot(now: float, record: Record, pair: ReplicaSettings, clients: Clients) -> Turn:
    """Reboots the primary once it is available; RDS refuses it before, and then the next turn tries again."""
    assert isinstance(record.fence, Fencing)
    try:
        clients.primary("rds").reboot_db_instance(DBInstanceIdentifier=pair.primary_database)
    except (BotoCoreError, ClientError) as error:
        return waits(record, now, "fence", f"the reboot has to wait ({explain(error)})")
    rebooted = replace(record, fence=replace(record.fence, rebooted=True))
    return waits(rebooted, now, "fence", "rebooting, to end open sessions")


def release(step: ReleasePrimary, now: float, record: Record, pair: ReplicaSettings, clients: Clients) -> Turn:
    groups = record.fence.groups_before if isinstance(record.fence, Fencing | Fenced) else ()
    problem = _set_groups(pair, clients, groups) if groups else ""
    by_hand = f"{problem}; give {pair.primary_database} the groups {', '.join(groups)} by hand" if problem else ""
    released = replace(record, fence=Released(now, by_hand), giving_up=step.reason, refused=step.refused)
    text = f"still up: {by_hand}" if problem else f"taken down: {pair.primary_database} gets its security groups back"
    return again(released, now, "fence", text)


def promote(now: float, record: Record, pair: ReplicaSettings, clients: Clients) -> Turn:
    """Asks CloudFormation to promote: every parameter keeps its value but the role, and nothing is rolled back.

    A rollback would put the source back, which CloudFormation can only do by replacing the instance.
    """
    token = f"promote-{record.request.incident}"
    try:
        set_parameter(clients.target("cloudformation"), pair.stack, pair.role_parameter, "standalone", token)
    except BotoCoreError as error:
        return waits(record, now, "promote", f"CloudFormation did not answer ({explain(error)})", wait_s=QUICK_S)
    except ClientError as error:
        text = f"CloudFormation did not take the update ({explain(error)})"
        if may_pass(error):
            return waits(record, now, "promote", text)
        return again(replace(record, giving_up=text), now, "promote", text)
    text = f"{pair.stack} is updated with {pair.role_parameter} standalone"
    return waits(record.marked("promoting", now), now, "promote", text)
