"""Functions of the application: a role made from what they declare, a queue for failed calls, alarms, a schedule.

A function learns what differs between regions from one SSM parameter of its own region, whose name is the same in all
of them: Parameter Store has no replication, and a template that is the same on both sides can be compared by eye.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import ArnEquals, Condition
from troposphere import GetAtt, Ref, Sub, awslambda, ec2, events, ssm

from drgen.builders import access
from drgen.builders.alarms import alarm
from drgen.builders.functions import SUPPORTED, Code, Placement, function
from drgen.builders.network import Network, tcp
from drgen.builders.policy import actions, allow, deny
from drgen.builders.queues import DeadLetters, dead_letters
from drgen.builders.scanners import CONCURRENCY, FUNCTION_IN_VPC, LATEST_RUNTIME, TARGET_DEAD_LETTERS, Concern, accepted
from drgen.model.deployment import Artifact
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

SETTINGS = "SETTINGS_PARAMETER"
"""The variable that names the function's SSM parameter."""


@dataclass(frozen=True)
class Wanted:
    """What a function declares. `memory_mib` is in MiB; `schedule` is an expression of EventBridge."""

    name: str
    about: str
    package: Artifact
    timeout_s: int
    memory_mib: int
    log_days: int
    reserved_concurrency: int | None
    schedule: str | None
    environment: Mapping[str, str]
    tables: Sequence[access.TableUse]
    reads_settings: bool
    in_vpc: bool

    @property
    def title(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("-")) + "Function"


@dataclass(frozen=True)
class Around:
    """What the region already has."""

    network: Network
    topic: Value
    data_key: Value
    operations_key: Value


@dataclass(frozen=True)
class AppFunction:
    """A function as routes and settings refer to it, inside its own stack."""

    name: str
    title: str
    ref: Any
    arn: Any
    timeout_s: int


def settings_name(names: Names, function_name: str) -> str:
    return f"/{names.prefix}/functions/{function_name}"


def app_function(stack: StackDraft, names: Names, wanted: Wanted, around: Around) -> AppFunction:
    """The function with its log group, role, dead letters, alarms and schedule."""
    failed = dead_letters(
        stack,
        names,
        title=f"{wanted.title}Failures",
        thing=f"{wanted.name}-failures",
        about=f"Asynchronous calls of {wanted.name} that failed three times",
        key=around.data_key,
        topic=around.topic,
    )
    environment = dict(wanted.environment)
    if wanted.reads_settings:
        environment[SETTINGS] = settings_name(names, wanted.name)
    code = Code(
        wanted.package, _statements(stack, names, wanted, around, failed), environment, wanted.timeout_s,
        wanted.memory_mib,
    )  # fmt: skip
    made = function(
        stack,
        names,
        thing=wanted.name,
        title=wanted.title,
        about=wanted.about or f"{wanted.name} of {names.prefix}",
        code=code,
        logs_key=around.operations_key,
        log_days=wanted.log_days,
        failures_to=failed.arn,
        placement=_placement(stack, names, wanted, around) if wanted.in_vpc else None,
        traced=True,
        why=_why(wanted),
    )
    made.KmsKeyArn = stack.use(around.data_key)
    if wanted.reserved_concurrency is not None:
        made.ReservedConcurrentExecutions = wanted.reserved_concurrency
    made.Metadata = accepted(_reasons(wanted))
    _alarms(stack, names, wanted, made, topic=around.topic)
    if wanted.schedule is not None:
        _schedule(stack, names, wanted, made)
    return AppFunction(wanted.name, wanted.title, Ref(made), GetAtt(made, "Arn"), wanted.timeout_s)


def settings(stack: StackDraft, names: Names, made: AppFunction, *, text: str) -> None:
    """The parameter that `made` reads when it starts. `text` is JSON, and may refer to resources of the stack."""
    parameter = ssm.Parameter(
        f"{made.title}Settings",
        Name=settings_name(names, made.name),
        Type="String",
        Description=f"What {made.name} must know of its region",
        Value=Sub(text) if "${" in text else text,
    )
    stack.add(parameter)


def _why(wanted: Wanted) -> str:
    return "" if wanted.in_vpc else "Outside the VPC: it calls AWS APIs only, and needs no path of its own to them."


def _reasons(wanted: Wanted) -> dict[Concern, str]:
    reasons = {LATEST_RUNTIME: SUPPORTED}
    if not wanted.in_vpc:
        reasons[FUNCTION_IN_VPC] = "The function calls AWS APIs only; nothing that it needs is in the VPC."
    if wanted.reserved_concurrency is None:
        reasons[CONCURRENCY] = (
            "No limit is declared: a reservation would take its share away from every other function of the account."
        )
    return reasons


def _statements(stack: StackDraft, names: Names, wanted: Wanted, around: Around, failed: DeadLetters) -> list[Any]:
    own_logs = names.log_group("aws", "lambda", names.regional(wanted.name))
    logs = Sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{own_logs}:*")
    key = stack.use(around.data_key)
    statements = [
        allow("WriteOwnLogs", actions("logs", "CreateLogStream", "PutLogEvents"), logs),
        allow("KeepFailedCalls", actions("sqs", "SendMessage"), failed.arn),
        allow("OwnVariablesAndFailedCalls", actions("kms", "Decrypt", "GenerateDataKey"), key),
        allow("TracesTakeNoResources", actions("xray", "PutTelemetryRecords", "PutTraceSegments"), "*"),
    ]
    if wanted.reads_settings:
        name = settings_name(names, wanted.name).lstrip("/")
        parameter = Sub(f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter/{name}")
        statements.append(allow("ReadSettings", actions("ssm", "GetParameter"), parameter))
    statements += access.tables(stack, wanted.tables, key=around.data_key)
    if wanted.in_vpc:
        statements += _interfaces(names.regional(wanted.name))
    return statements


def _interfaces(name: str) -> list[Any]:
    """Lambda manages the interfaces with the function's role; the code in the function is denied their use.

    Source: AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC".
    """
    named = actions("ec2", "CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces")
    code = Sub(f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}")
    own = Condition(ArnEquals({"lambda:SourceFunctionArn": code}))
    return [
        allow("InterfacesOfLambdaTakeNoResources", named, "*"),
        deny("NoInterfacesForTheCode", named, ["*"], Condition=own),
    ]


def _placement(stack: StackDraft, names: Names, wanted: Wanted, around: Around) -> Placement:
    reach = [tcp(443, str(around.network.cidr), "AWS APIs through interface endpoints")]
    if wanted.tables:
        reach = [tcp(443, "0.0.0.0/0", "DynamoDB by its gateway endpoint: routes decide")]
    group = ec2.SecurityGroup(
        f"{wanted.title}SecurityGroup",
        GroupName=names.regional(wanted.name),
        GroupDescription=f"Function {wanted.name}: HTTPS to AWS APIs",
        VpcId=stack.use(around.network.vpc_id),
        SecurityGroupEgress=reach,
    )
    stack.add(group)
    return Placement(around.network.subnet_ids, GetAtt(group, "GroupId"))


def _alarms(stack: StackDraft, names: Names, wanted: Wanted, made: Any, *, topic: Value) -> None:
    for metric, what in (("Errors", "ends in errors"), ("Throttles", "is refused because too many calls run")):
        alarm(
            stack,
            f"{wanted.title}{metric}Alarm",
            name=names.regional(f"{wanted.name}-{metric.lower()}"),
            description=f"Function {wanted.name} {what}",
            namespace="AWS/Lambda",
            metric=metric,
            dimensions={"FunctionName": Ref(made)},
            statistic="Sum",
            threshold=0,
            periods=1,
            topic=topic,
        )


def _schedule(stack: StackDraft, names: Names, wanted: Wanted, made: Any) -> None:
    rule = events.Rule(
        f"{wanted.title}Schedule",
        Name=names.regional(f"{wanted.name}-schedule"),
        Description=f"Calls {wanted.name}",
        ScheduleExpression=wanted.schedule,
        State="ENABLED",
        Targets=[events.Target(Id=wanted.name, Arn=GetAtt(made, "Arn"))],
        Metadata=accepted({TARGET_DEAD_LETTERS: "The next call comes by itself; one that failed is in the queue."}),
    )
    stack.add(rule)
    permission = awslambda.Permission(
        f"{wanted.title}SchedulePermission",
        Action="lambda:InvokeFunction",
        FunctionName=Ref(made),
        Principal="events.amazonaws.com",
        SourceArn=GetAtt(rule, "Arn"),
    )
    stack.add(permission)
