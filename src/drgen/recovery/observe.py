"""Looks at both regions and returns Facts. Nothing here changes anything, and nothing here needs the failed region."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients
from drgen.recovery.config import HEARTBEAT_LAG, PRIMARY_REACHABLE, Config
from drgen.recovery.facts import (
    Absent,
    Alarms,
    AlarmState,
    Answer,
    Facts,
    Instance,
    Lag,
    NotObserved,
    Other,
    Secret,
    Stack,
)
from drgen.recovery.others import Copy, machine_in, older

HISTORY = timedelta(hours=3)
"""How far back a last good sample of the lag is looked for."""
FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Run:
    """The execution that looks: its ARN and start; both empty outside an execution."""

    arn: str = ""
    started: str = ""


@dataclass(frozen=True)
class ProbeAnswer:
    """What the probe said about both databases. `secret_read`: it read the replicated secret in its own region."""

    primary: Answer | NotObserved
    replica: Answer | NotObserved
    secret_read: bool
    heartbeat_lag_s: float | None = None


def observe(config: Config, clients: Clients, run: Run) -> Facts:
    """The facts at this moment. `now` is the clock of RDS in the target region, from its answer's Date header."""
    replica, now = _describe(clients.target("rds"), config.recovery_database, clients.clock())
    primary, _ = _describe(clients.primary("rds"), config.primary_database, now)
    answers = ask_probe(config, clients, "ask")
    return Facts(
        now=now,
        replica=replica,
        primary=primary,
        replica_sql=answers.replica,
        primary_sql=answers.primary,
        lag=_lag(config, clients),
        stack=_stack(config, clients),
        secret=_secret(config, clients, read=answers.secret_read),
        alarms=_alarms(config, clients),
        older_run=_older_run(config, clients, run),
        others=tuple(_other(copy, config, clients, run) for copy in config.others),
    )


def describe_primary(config: Config, clients: Clients) -> Instance | Absent | NotObserved:
    return _describe(clients.primary("rds"), config.primary_database, 0)[0]


def describe_replica(config: Config, clients: Clients) -> Instance | Absent | NotObserved:
    return _describe(clients.target("rds"), config.recovery_database, 0)[0]


def explain(error: Exception) -> str:
    """One short sentence on why AWS did not give an answer."""
    if isinstance(error, ClientError):
        return f"{error.response['Error'].get('Code', '?')}: {error.response['Error'].get('Message', '')}".strip(": ")
    return type(error).__name__


def _describe(rds: Any, name: str, default_now: float) -> tuple[Instance | Absent | NotObserved, float]:
    try:
        answer = rds.describe_db_instances(DBInstanceIdentifier=name)
    except ClientError as error:
        code = error.response["Error"].get("Code")
        refused = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
        return (Absent() if code == "DBInstanceNotFound" else NotObserved(explain(error), refused)), default_now
    except BotoCoreError as error:
        return NotObserved(explain(error)), default_now
    return instance(answer["DBInstances"][0]), _date(answer, default_now)


def _date(answer: Mapping[str, Any], default: float) -> float:
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).timestamp() if text else default


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


def ask_probe(config: Config, clients: Clients, command: str) -> ProbeAnswer:
    """What the databases say over SQL, through the probe in the VPC. A probe that fails is an answer not observed."""
    payload = invoke_probe(config, clients, command)
    if isinstance(payload, NotObserved):
        return ProbeAnswer(payload, payload, secret_read=False)
    lag = payload.get("heartbeat_lag_s")
    return ProbeAnswer(
        primary=_answer(payload.get("primary")),
        replica=_answer(payload.get("recovery")),
        secret_read=bool(payload.get("secret_read")),
        heartbeat_lag_s=None if lag is None else float(lag),
    )


def invoke_probe(config: Config, clients: Clients, command: str) -> Mapping[str, Any] | NotObserved:
    """The probe's answer as it gave it."""
    try:
        request = json.dumps({"command": command}).encode()
        answer = clients.target("lambda").invoke(FunctionName=config.probe_function, Payload=request)
        payload = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        return NotObserved(f"the probe cannot be asked ({explain(error)})")
    if answer.get("FunctionError") or not isinstance(payload, dict):
        return NotObserved("the probe failed; see its log")
    return payload


def _answer(shown: Any) -> Answer | NotObserved:
    if not isinstance(shown, dict):
        return NotObserved("the probe said nothing about it")
    if shown.get("observed"):
        return Answer(in_recovery=bool(shown["in_recovery"]))
    return NotObserved(str(shown.get("reason", "no reason given")))


def _stack(config: Config, clients: Clients) -> Stack | Absent | NotObserved:
    cloudformation = clients.target("cloudformation")
    try:
        shown = cloudformation.describe_stacks(StackName=config.database_stack)["Stacks"][0]
        policy = cloudformation.get_stack_policy(StackName=config.database_stack).get("StackPolicyBody", "")
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "ValidationError"
        return Absent() if missing else NotObserved(explain(error))
    except BotoCoreError as error:
        return NotObserved(explain(error))
    roles = [p for p in shown.get("Parameters", []) if p["ParameterKey"] == config.role_parameter]
    failed = shown["StackStatus"].endswith("_FAILED") or "ROLLBACK" in shown["StackStatus"]
    return Stack(
        status=shown["StackStatus"],
        role=roles[0]["ParameterValue"] if roles else "",
        protected=denies_loss(policy),
        reason=_first_failure(cloudformation, shown) if failed else "",
    )


def _first_failure(cloudformation: Any, stack: Mapping[str, Any]) -> str:
    """The first failure of the stack's last operation: resource and reason. Later ones only follow from it."""
    reason = str(stack.get("StackStatusReason", ""))
    try:
        events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    except (BotoCoreError, ClientError):
        return reason
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED") and event["PhysicalResourceId"] != stack["StackId"]:
            reason = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        if event.get("ResourceStatusReason") == "User Initiated":
            break
    return reason


DATABASE = "LogicalResourceId/Database"
"""The replica in its stack's policy."""


def denies_loss(policy: str) -> bool:
    """Whether the text of a stack policy denies replacing and deleting the database. Anything in doubt does not count.

    A statement counts if it names the database or everything, without a condition.
    Source: CloudFormation User Guide, "Prevent updates to stack resources".
    """
    denied: set[str] = set()
    for statement in json.loads(policy).get("Statement", []) if policy else []:
        conditional = "Condition" in statement
        if statement.get("Effect") == "Deny" and not conditional and _names_database(statement.get("Resource", [])):
            actions = statement.get("Action", [])
            denied |= {actions} if isinstance(actions, str) else set(actions)
    return {"Update:Replace", "Update:Delete"} <= denied or "Update:*" in denied


def _names_database(resources: Any) -> bool:
    return any(fnmatchcase(DATABASE, pattern) for pattern in ([resources] if isinstance(resources, str) else resources))


def _secret(config: Config, clients: Clients, *, read: bool) -> Secret | Absent | NotObserved:
    try:
        shown = clients.target("secretsmanager").describe_secret(SecretId=config.secret)
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "ResourceNotFoundException"
        return Absent() if missing else NotObserved(explain(error))
    except BotoCoreError as error:
        return NotObserved(explain(error))
    return Absent() if shown.get("DeletedDate") else Secret(read)


def _alarms(config: Config, clients: Clients) -> Alarms | NotObserved:
    names = [config.withdrawn_alarm, config.writable_alarm]
    try:
        shown = clients.target("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    states = {alarm["AlarmName"]: AlarmState(alarm["StateValue"]) for alarm in shown}
    missing = [name for name in names if name not in states]
    if missing:
        return NotObserved(f"there is no alarm {missing[0]}")
    return Alarms(states[config.withdrawn_alarm], states[config.writable_alarm])


def gone_since(config: Config, clients: Clients) -> float | None:
    """How many seconds ago the alarm "primary is gone" went off; None if it has not, or nobody knows."""
    try:
        shown = clients.target("cloudwatch").describe_alarms(AlarmNames=[config.gone_alarm])["MetricAlarms"]
    except (BotoCoreError, ClientError):
        return None
    if not shown or shown[0]["StateValue"] != "ALARM":
        return None
    at: datetime = shown[0]["StateUpdatedTimestamp"]
    return max(0.0, clients.clock() - at.timestamp())


def _older_run(config: Config, clients: Clients, run: Run) -> str:
    """Name of a running execution that started before this one, or ""; of two with the same start the first by ARN."""
    if not run.arn:
        return ""
    running = list_running(config.machine, clients)
    started = datetime.fromisoformat(run.started.replace("Z", "+00:00"))
    mine = next((e["startDate"] for e in running if e["executionArn"] == run.arn), started)
    return older(running, than=mine, arn=run.arn)


def _other(copy: Copy, config: Config, clients: Clients, run: Run) -> Other:
    """Its database, and a failover that was started there before this one; both must answer to count as observed."""
    database, _ = _describe(clients.other("rds", copy.region), copy.identifier, 0)
    if isinstance(database, NotObserved) or not run.arn:
        return Other(copy.region, database)
    try:
        running = _running(clients.other("stepfunctions", copy.region), machine_in(config.machine, copy.region))
    except (BotoCoreError, ClientError) as error:
        return Other(copy.region, NotObserved(explain(error)))
    started = datetime.fromisoformat(run.started.replace("Z", "+00:00"))
    return Other(copy.region, database, older(running, than=started, arn=run.arn))


def list_running(machine: str, clients: Clients) -> list[Mapping[str, Any]]:
    """The running executions of the machine. They are at most a handful: one page."""
    return _running(clients.target("stepfunctions"), machine)


def _running(states: Any, machine: str) -> list[Mapping[str, Any]]:
    return list(states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])


def _lag(config: Config, clients: Clients) -> Lag | NotObserved:
    """The last good sample of the lag that was taken while the primary was last known to answer.

    A sample taken after the primary died measures the time since then, not what was lost. RDS reports -1 for "not
    active". Source: RDS User Guide, "Monitoring read replication".
    """
    workload = [{"Name": "Workload", "Value": config.workload}]
    replica = [{"Name": "DBInstanceIdentifier", "Value": config.recovery_database}]
    try:
        reachable = _samples(clients, config.namespace, PRIMARY_REACHABLE, workload)
        beats = _samples(clients, config.namespace, HEARTBEAT_LAG, workload)
        reported = _samples(clients, "AWS/RDS", "ReplicaLag", replica)
    except (BotoCoreError, ClientError) as error:
        return NotObserved(explain(error))
    alive = [at for at, value in reachable if value >= 1]
    until = max(alive) if alive else datetime.max.replace(tzinfo=UTC)
    now = datetime.fromtimestamp(clients.clock(), UTC)
    # Staleness counts from the primary's last sign of life: waiting for a decision does not make the sample worse.
    reference = min(now, until)
    good = {
        metric: max((at, value) for at, value in samples if value >= 0 and at <= until)
        for metric, samples in ((HEARTBEAT_LAG, beats), ("ReplicaLag", reported))
        if any(value >= 0 and at <= until for at, value in samples)
    }
    if not good:
        return NotObserved("no sample of the lag in the last three hours")
    # A heartbeat that stopped long before the last report of RDS is the poorer witness.
    newest = max(at for at, _ in good.values())
    metric = HEARTBEAT_LAG if HEARTBEAT_LAG in good and newest - good[HEARTBEAT_LAG][0] <= FRESH else "ReplicaLag"
    at, value = good[metric]
    return Lag(value, max(0.0, (reference - at).total_seconds()), metric)


def _samples(
    clients: Clients, namespace: str, metric: str, dimensions: list[dict[str, str]]
) -> list[tuple[datetime, float]]:
    now = datetime.fromtimestamp(clients.clock(), UTC)
    shown = clients.target("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=now - HISTORY,
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )
    return [(point["Timestamp"], point["Maximum"]) for point in shown["Datapoints"]]
