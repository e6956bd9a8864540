"""The failover machinery of the recovery region: a function that acts, a loop that drives it, a probe of databases.

Everything here lives in the recovery region and reaches the primary only where it answers. The function is outside the
VPC, so every AWS API it calls is in reach; a probe is inside, next to the databases, and calls Secrets Manager only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import ArnEquals, Condition, StringEquals
from troposphere import GetAtt, Ref, Sub, awslambda, ec2, events, stepfunctions

from drgen.builders import failover_target, failover_watch
from drgen.builders.dns import NAMESPACE
from drgen.builders.failover_target import Hosts, Protected, ReplicaTarget
from drgen.builders.functions import Code, Placement, function
from drgen.builders.logs import log_group
from drgen.builders.network import Network, tcp
from drgen.builders.policy import actions, allow, deny, role
from drgen.builders.scanners import TARGET_DEAD_LETTERS, accepted
from drgen.model.deployment import Artifact
from drgen.model.names import Names, partition_of
from drgen.model.stack import StackDraft
from drgen.model.value import TEXT, Value
from drgen.recovery import permissions
from drgen.recovery.names import approval_parameter
from drgen.recovery.statemachine import definition

NAME = "failover"
OTHER_PARTITION = {
    "cfn-lint": {"config": {"ignore_checks": ["E3601"]}},
    "reason": "cfn-lint knows the ARNs of integrations in partition aws only; here they begin otherwise.",
}
_TESTS = {"StringEquals": StringEquals, "ArnEquals": ArnEquals}


@dataclass(frozen=True)
class Around:
    """What the recovery region already has."""

    network: Network
    topic: Value
    data_key: Value
    operations_key: Value
    log_days: int


def failover(
    stack: StackDraft, names: Names, target: Protected, around: Around, packages: Mapping[str, Artifact]
) -> None:
    """The failover function with its schedule and alarms, the state machine, and the probe of a database."""
    fields = _fields(stack, names, target, around)
    functions = []
    if target.hosts is not None:
        functions.append(_probe(stack, names, target.hosts, target, around, packages["probe"], fields))
    acting = _acting(stack, names, target, around, packages["failover"], fields)
    _machine(stack, names, around, acting, fields)
    _schedule(stack, names, acting)
    heartbeat_s = int(target.rpo.total_seconds()) if isinstance(target.database, ReplicaTarget) else None
    watched = failover_watch.Watched(target.primary_region, heartbeat_s, (acting, *functions))
    failover_watch.alarms(stack, names, watched, topic=around.topic)


def _fields(stack: StackDraft, names: Names, target: Protected, around: Around) -> Mapping[str, str]:
    """What fills the ARN patterns of `recovery.permissions`."""
    machine = names.regional(NAME)
    return {
        "partition": "${AWS::Partition}",
        "account": "${AWS::AccountId}",
        "workload": names.prefix,
        "primary_region": target.primary_region,
        "recovery_region": stack.region,
        **failover_target.fields(stack, target, around.data_key),
        "topic": names.regional("alerts"),
        "topic_key": f"${{{stack.use(around.operations_key).data['Ref']}}}",
        "machine": machine,
        "failover_function": names.regional(NAME),
        "probe_function": names.regional("probe"),
        "approval": approval_parameter(machine),
        "namespace": NAMESPACE,
    }


def _statements(granted: Sequence[permissions.Permission], fields: Mapping[str, str]) -> list[Any]:
    statements = []
    for permission in permissions.allowed(tuple(granted), fields):
        tests = [
            _TESTS[test]({key: _expression(text) for key, text in keys.items()})
            for test, keys in permission.condition.items()
        ]
        more = {"Condition": Condition(tests)} if tests else {}
        named = [action.split(":", 1) for action in permission.actions]
        listed = [actions(service, action)[0] for service, action in named]
        say = deny if permission.denied else allow
        statements.append(say(permission.sid, listed, [_expression(text) for text in permission.resources], **more))
    return statements


def _expression(text: str) -> Any:
    """`${Name}` alone is a reference, text around it needs Fn::Sub, and plain text stays as it is."""
    if text.startswith("${") and text.find("}") == len(text) - 1:
        return Ref(text[2:-1])
    return Sub(text) if "${" in text else text


def _probe(
    stack: StackDraft,
    names: Names,
    hosts: Hosts,
    target: Protected,
    around: Around,
    package: Artifact,
    fields: Mapping[str, str],
) -> Any:
    group = ec2.SecurityGroup(
        "ProbeSecurityGroup",
        GroupName=names.regional("probe"),
        GroupDescription="The probe: PostgreSQL in both regions, HTTPS inside this VPC",
        VpcId=stack.use(around.network.vpc_id),
        SecurityGroupEgress=[
            tcp(hosts.port, str(hosts.primary_cidr), f"PostgreSQL in {target.primary_region}"),
            tcp(hosts.port, str(around.network.cidr), f"PostgreSQL in {stack.region}"),
            tcp(443, str(around.network.cidr), "Secrets Manager through its endpoint"),
        ],
    )
    stack.add(group)
    environment = {
        "WORKLOAD": names.prefix,
        "PRIMARY_HOST": stack.use(hosts.primary),
        "RECOVERY_HOST": stack.use(hosts.recovery),
        **({"RECOVERY_READER_HOST": stack.use(hosts.reader)} if hosts.reader is not None else {}),
        "DATABASE_PORT": str(hosts.port),
        "DATABASE_NAME": hosts.database_name,
        "SECRET": hosts.secret,
    }
    log = {"log_group": names.log_group("aws", "lambda", names.regional("probe"))}
    return function(
        stack,
        names,
        thing="probe",
        about="Asks both databases who takes writes, and how far behind the replica is",
        code=Code(package, _statements(permissions.PROBE, {**fields, **log}), environment, timeout_s=30),
        logs_key=around.operations_key,
        log_days=around.log_days,
        placement=Placement(around.network.subnet_ids, GetAtt(group, "GroupId")),
        why="In the VPC, next to the databases. Its one AWS call goes through the Secrets Manager endpoint.",
    )


def _acting(
    stack: StackDraft, names: Names, target: Protected, around: Around, package: Artifact, fields: Mapping[str, str]
) -> Any:
    machine = f"arn:${{AWS::Partition}}:states:{stack.region}:${{AWS::AccountId}}:stateMachine:{fields['machine']}"
    environment = {
        "WORKLOAD": names.prefix,
        "PRIMARY_REGION": target.primary_region,
        "RECOVERY_REGION": stack.region,
        **failover_target.settings(stack, names, target),
        "TOPIC_ARN": stack.use(around.topic),
        "MACHINE_ARN": Sub(machine),
        **failover_target.switch(names, target),
        "GONE_ALARM": names.primary_gone,
        "TRIGGER": target.mode,
        "RPO_SECONDS": str(int(target.rpo.total_seconds())),
        "RTO_SECONDS": str(int(target.rto.total_seconds())),
    }
    log = {"log_group": names.log_group("aws", "lambda", names.regional(NAME))}
    statements = _statements(failover_target.permitted(target), {**fields, **log})
    return function(
        stack,
        names,
        thing=NAME,
        about="Watches the primary region, and takes each step of a failover",
        code=Code(package, statements, environment, timeout_s=110),
        logs_key=around.operations_key,
        log_days=around.log_days,
        failures_to=stack.use(around.topic),
        traced=True,
        why='Outside the VPC: every API it calls is in reach. Resource "*" stands where a service knows nothing '
        "narrower: descriptions, and metrics, which the condition holds to one namespace.",
    )


def _machine(stack: StackDraft, names: Names, around: Around, acting: Any, fields: Mapping[str, str]) -> None:
    name = names.regional(NAME)
    logs = log_group(
        stack,
        "MachineLogs",
        name=names.log_group("aws", "vendedlogs", "states", name),
        key=around.operations_key,
        days=around.log_days,
    )
    identity = role(
        stack,
        "MachineRole",
        name=names.everywhere("failover-machine", stack.region),
        service="states.amazonaws.com",
        statements=[*_statements(permissions.MACHINE, fields), _log_delivery(), _tracing()],
        why="Log delivery and X-Ray know no resources.",
    )
    machine = stepfunctions.StateMachine(
        "Machine",
        StateMachineName=name,
        StateMachineType="STANDARD",
        RoleArn=GetAtt(identity, "Arn"),
        Definition=_in_partition(definition(), stack.region),
        DefinitionSubstitutions={"FailoverFunctionArn": GetAtt(acting, "Arn")},
        LoggingConfiguration=stepfunctions.LoggingConfiguration(
            Level="ALL",
            IncludeExecutionData=False,
            Destinations=[
                stepfunctions.LogDestination(
                    CloudWatchLogsLogGroup=stepfunctions.CloudWatchLogsLogGroup(LogGroupArn=GetAtt(logs, "Arn"))
                )
            ],
        ),
        TracingConfiguration=stepfunctions.TracingConfiguration(Enabled=True),
    )
    if partition_of(stack.region) != "aws":
        machine.Metadata = OTHER_PARTITION
    stack.add(machine, why="Execution data stays out of the log: the approval's task token would be in it.")
    stack.output(stack.value("FailoverMachineArn", Ref(machine), TEXT, "State machine that drives a failover"))
    stack.output(stack.value("FailoverFunctionName", Ref(acting), TEXT, "Function that takes each step"))


def _in_partition(states: Any, region: str) -> Any:
    """The definition with the partition written out: cfn-lint reads the ARNs of integrations, and so do people."""
    if isinstance(states, dict):
        return {key: _in_partition(item, region) for key, item in states.items()}
    if isinstance(states, list):
        return [_in_partition(item, region) for item in states]
    return states.replace("${Partition}", partition_of(region)) if isinstance(states, str) else states


def _log_delivery() -> Any:
    """Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history"."""
    names = (
        "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies", "GetLogDelivery",
        "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
    )  # fmt: skip
    return allow("LogDeliveryTakesNoResources", actions("logs", *names), "*")


def _tracing() -> Any:
    """Source: AWS Step Functions Developer Guide, "IAM policies for using AWS X-Ray with Step Functions"."""
    names = ("GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")
    return allow("TracesTakeNoResources", actions("xray", *names), "*")


def _schedule(stack: StackDraft, names: Names, acting: Any) -> None:
    rule = events.Rule(
        "WatchSchedule",
        Name=names.regional("watch"),
        Description="Looks at both databases once a minute",
        ScheduleExpression="rate(1 minute)",
        State="ENABLED",
        Targets=[events.Target(Id="watch", Arn=GetAtt(acting, "Arn"), Input='{"command": "watch"}')],
        Metadata=accepted(
            {TARGET_DEAD_LETTERS: "The next look follows in a minute; WatchSilentAlarm tells if none does."}
        ),
    )
    stack.add(rule)
    stack.add(
        awslambda.Permission(
            "WatchPermission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(acting),
            Principal="events.amazonaws.com",
            SourceArn=GetAtt(rule, "Arn"),
        )
    )
