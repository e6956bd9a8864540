"""DR64x: who may call what: functions, queues, machines and roles of one stack, called by services of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.policies import is_readable, permissions, role_of, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import before
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
QUEUE = "AWS::SQS::Queue"
TOPIC = "AWS::SNS::Topic"
CALLING = ("AWS::Events::Rule", "AWS::S3::Bucket", TOPIC)
"""Types that call in their own name, so that a policy can name them as source."""


@dataclass(frozen=True)
class Caller:
    """A type whose resources make a service call what `path` names. `at_creation`: the service tries it when it is
    made.
    """

    type: str
    path: str
    service: str
    at_creation: bool = False


CALLERS = (
    Caller("AWS::SecretsManager::RotationSchedule", "RotationLambdaARN", "secretsmanager.amazonaws.com", True),
    Caller("AWS::S3::Bucket", "NotificationConfiguration.LambdaConfigurations.Function", "s3.amazonaws.com", True),
    Caller("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations.Queue", "s3.amazonaws.com", True),
    Caller("AWS::Events::Rule", "Targets.Arn", "events.amazonaws.com"),
    Caller("AWS::Events::Rule", "Targets.DeadLetterConfig.Arn", "events.amazonaws.com"),
    Caller("AWS::SNS::Subscription", "Endpoint", "sns.amazonaws.com"),
    Caller("AWS::SNS::Subscription", "RedrivePolicy.deadLetterTargetArn", "sns.amazonaws.com"),
    Caller("AWS::SNS::Topic", "Subscription.Endpoint", "sns.amazonaws.com"),
    Caller("AWS::Logs::SubscriptionFilter", "DestinationArn", "logs.amazonaws.com", True),
    Caller("AWS::CloudWatch::Alarm", "AlarmActions", "lambda.alarms.cloudwatch.amazonaws.com"),
    Caller("AWS::CloudWatch::CompositeAlarm", "AlarmActions", "lambda.alarms.cloudwatch.amazonaws.com"),
    Caller("AWS::ElasticLoadBalancingV2::TargetGroup", "Targets.Id", "elasticloadbalancing.amazonaws.com", True),
    Caller("AWS::ApiGatewayV2::Api", "Target", "apigateway.amazonaws.com"),
    Caller("AWS::IoT::TopicRule", "TopicRulePayload.Actions.Lambda.FunctionArn", "iot.amazonaws.com"),
    Caller("AWS::Config::ConfigRule", "Source.SourceIdentifier", "config.amazonaws.com", True),
    Caller("AWS::ApiGatewayV2::Integration", "IntegrationUri", "apigateway.amazonaws.com"),
    Caller("AWS::ApiGateway::Method", "Integration.Uri", "apigateway.amazonaws.com"),
    Caller("AWS::ApiGateway::Authorizer", "AuthorizerUri", "apigateway.amazonaws.com"),
    Caller("AWS::Cognito::UserPool", "LambdaConfig.PostConfirmation", "cognito-idp.amazonaws.com"),
    Caller("AWS::Cognito::UserPool", "LambdaConfig.PreSignUp", "cognito-idp.amazonaws.com"),
)
"""Source: user guides of the services, "using AWS Lambda with ..."; they call with a resource policy and no role."""


@dataclass(frozen=True)
class Call:
    """`caller` makes `service` call `target`."""

    caller: Resource
    path: str
    service: str
    target: Resource
    at_creation: bool


def calls(world: World, *target_types: str) -> Iterator[Call]:
    """Every call that a service makes by itself to a function or queue of the world, without a role of its own."""
    for row in CALLERS:
        for caller in world.resources(row.type):
            for value in caller.values(row.path):
                target = world.target(value, *target_types)
                near = target is not None and (target.region == caller.region or row.service == "sns.amazonaws.com")
                if target is not None and near and not _has_role(caller, row.path):
                    yield Call(caller, row.path, row.service, target, row.at_creation)


def _has_role(caller: Resource, path: str) -> bool:
    """True if the caller brings a role with which its service calls the target."""
    beside = {"Integration.Uri": "Integration.Credentials", "IntegrationUri": "CredentialsArn",
              "AuthorizerUri": "AuthorizerCredentials"}  # fmt: skip
    return path in beside and caller.has(beside[path])


@rule(
    "DR640",
    "A function lets the services that call it invoke it",
    source="AWS Lambda Developer Guide, Granting other services access to Lambda functions",
)
def function_lets_in(world: World) -> Found:
    """A service calls a function with the function's own policy. Without an AWS::Lambda::Permission for it, rotation,
    log and bucket notifications are refused when they are made; rules, topics, APIs and alarms are accepted and then
    do nothing.

    Fix: add an AWS::Lambda::Permission with the service as Principal, in the stack of the function or of the caller.
    """
    for call in calls(world, FUNCTION):
        granted = [
            permission
            for permission in world.resources(PERMISSION)
            if any(world.target(value, FUNCTION) is call.target for value in permission.values("FunctionName"))
        ]
        fitting = [permission for permission in granted if _principal_fits(permission, call.service)]
        if not fitting:
            message = f"{call.service} may not invoke {call.target}"
            severity = None if call.at_creation else Severity.WARNING
            fix = f"add an AWS::Lambda::Permission for {call.service}"
            yield Fault(call.caller.place(call.path), message, fix, severity)
        elif all(_excludes(world, permission, call.caller) for permission in fitting):
            message = f"the permission of {call.target.logical_id} names another source than {call.caller.logical_id}"
            yield Fault(call.caller.place(call.path), message, "correct SourceArn of the permission", Severity.WARNING)
        elif call.at_creation and not any(_earlier(permission, call.caller) for permission in fitting):
            if call.caller.type == "AWS::S3::Bucket":
                continue
            message = f"{fitting[0].logical_id} lets it in, but may be made after {call.caller.logical_id}"
            yield Fault(call.caller.place(), message, f"add DependsOn: {fitting[0].logical_id}", Severity.WARNING)


def _principal_fits(permission: Resource, service: str) -> bool:
    principal = permission.text("Principal")
    regional = service.replace(".amazonaws.com", f".{permission.region}.amazonaws.com")
    return principal is None or principal in (service, regional, "*")


def _earlier(permission: Resource, caller: Resource) -> bool:
    if permission.stack is caller.stack:
        return permission.logical_id in before(caller)
    return permission.stack.position < caller.stack.position


def sender(world: World, caller: Resource) -> Resource | None:
    """The resource in whose name `caller` makes its service call: for a subscription its topic."""
    if caller.type != "AWS::SNS::Subscription":
        return caller
    return next((topic for value in caller.values("TopicArn") if (topic := world.target(value, TOPIC))), None)


def _excludes(world: World, permission: Resource, caller: Resource) -> bool:
    """True if SourceArn is known to name another resource than the one that calls, or one of another region."""
    return any(names_another(world, value, sender(world, caller)) for value in permission.values("SourceArn"))


def names_another(world: World, value: Resolved, calling: Resource | None) -> bool:
    """True if `value`, the ARN of who may call, is known to be another than that of `calling`."""
    if calling is None or calling.type not in CALLING:
        return False
    source = world.target(value, calling.type)
    whole = arn(value)
    if source is not None and source is not calling:
        return True
    return source is None and whole is not None and whole.region not in ("", "*", calling.region)


TRUST = {
    ("AWS::Lambda::Function", "Role"): "lambda.amazonaws.com",
    ("AWS::StepFunctions::StateMachine", "RoleArn"): "states.amazonaws.com",
    ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"): "ecs-tasks.amazonaws.com",
    ("AWS::ECS::TaskDefinition", "TaskRoleArn"): "ecs-tasks.amazonaws.com",
    ("AWS::Events::Rule", "Targets.RoleArn"): "events.amazonaws.com",
    ("AWS::Events::Rule", "RoleArn"): "events.amazonaws.com",
    ("AWS::Events::Endpoint", "RoleArn"): "events.amazonaws.com",
    ("AWS::Scheduler::Schedule", "Target.RoleArn"): "scheduler.amazonaws.com",
    ("AWS::Pipes::Pipe", "RoleArn"): "pipes.amazonaws.com",
    ("AWS::RDS::DBInstance", "MonitoringRoleArn"): "monitoring.rds.amazonaws.com",
    ("AWS::RDS::DBCluster", "MonitoringRoleArn"): "monitoring.rds.amazonaws.com",
    ("AWS::RDS::DBProxy", "RoleArn"): "rds.amazonaws.com",
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn"): "vpc-flow-logs.amazonaws.com",
    ("AWS::Synthetics::Canary", "ExecutionRoleArn"): "lambda.amazonaws.com",
    ("AWS::Backup::BackupSelection", "BackupSelection.IamRoleArn"): "backup.amazonaws.com",
    ("AWS::Backup::RestoreTestingSelection", "IamRoleArn"): "backup.amazonaws.com",
    ("AWS::CloudTrail::Trail", "CloudWatchLogsRoleArn"): "cloudtrail.amazonaws.com",
    ("AWS::ApiGateway::Account", "CloudWatchRoleArn"): "apigateway.amazonaws.com",
    ("AWS::KinesisFirehose::DeliveryStream", "ExtendedS3DestinationConfiguration.RoleARN"): "firehose.amazonaws.com",
    ("AWS::Config::ConfigurationRecorder", "RoleARN"): "config.amazonaws.com",
    ("AWS::EKS::Cluster", "RoleArn"): "eks.amazonaws.com",
    ("AWS::CodeBuild::Project", "ServiceRole"): "codebuild.amazonaws.com",
    ("AWS::CodePipeline::Pipeline", "RoleArn"): "codepipeline.amazonaws.com",
    ("AWS::DataSync::LocationS3", "S3Config.BucketAccessRoleArn"): "datasync.amazonaws.com",
    ("AWS::ARCRegionSwitch::Plan", "ExecutionRole"): "arc-region-switch.amazonaws.com",
    ("AWS::Logs::SubscriptionFilter", "RoleArn"): "logs.amazonaws.com",
    ("AWS::CloudWatch::MetricStream", "RoleArn"): "streams.metrics.cloudwatch.amazonaws.com",
    ("AWS::DLM::LifecyclePolicy", "ExecutionRoleArn"): "dlm.amazonaws.com",
    ("AWS::SSM::MaintenanceWindowTask", "ServiceRoleArn"): "ssm.amazonaws.com",
}
"""Which service assumes the role that a property names. Source: user guides of the services, service principals."""


@rule(
    "DR642",
    "A role trusts the service that runs with it",
    source="IAM User Guide, Create a role for an AWS service; user guides of the services",
)
def role_trusts_service(world: World) -> Found:
    """The role stands in a stack of roles, its user in another. A service that the trust policy does not name cannot
    assume it: functions and machines are refused, plans and schedules fail when they should run.

    Fix: add the service to the Principal of AssumeRolePolicyDocument.
    """
    for (resource_type, path), service in TRUST.items():
        for user in world.resources(resource_type):
            role = role_of(world, user, path)
            if role is None:
                continue
            document = role.properties.get("AssumeRolePolicyDocument")
            trusted = list(statements(document))
            if trusted and is_readable(document) and not any(found.allows_service(service) for found in trusted):
                message = f"it runs with role {role}, which does not trust {service}"
                yield Fault(user.place(path), message, f"let {service} assume the role")


LOG_DELIVERY = (
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
)  # fmt: skip


@dataclass(frozen=True)
class Needs:
    """What the role at `role` must be allowed where the property `given` is set. `tried`: when the resource is made."""

    type: str
    given: str
    role: str
    actions: tuple[str, ...]
    tried: bool = True


NEEDS = (
    Needs("AWS::StepFunctions::StateMachine", "LoggingConfiguration.Destinations", "RoleArn", LOG_DELIVERY),
    Needs("AWS::Lambda::Function", "DeadLetterConfig.TargetArn", "Role", ()),
    Needs("AWS::EC2::FlowLog", "DeliverLogsPermissionArn", "DeliverLogsPermissionArn",
          ("logs:CreateLogStream", "logs:PutLogEvents"), False),
    Needs("AWS::ECS::TaskDefinition", "ContainerDefinitions.Secrets", "ExecutionRoleArn", (), False),
    Needs("AWS::CloudTrail::Trail", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn",
          ("logs:CreateLogStream", "logs:PutLogEvents")),
    Needs("AWS::Lambda::Function", "FileSystemConfigs", "Role", ("elasticfilesystem:ClientMount",)),
)  # fmt: skip
"""Source: Step Functions Developer Guide, Logging using CloudWatch Logs; Amazon VPC User Guide, IAM role for
publishing flow logs; AWS CloudTrail User Guide; AWS Lambda Developer Guide, dead-letter queues and file systems;
Amazon ECS Developer Guide, Pass sensitive data.
"""

READ_FROM = {
    "AWS::SQS::Queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "AWS::Kinesis::Stream": ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
    "AWS::DynamoDB::Table": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    "AWS::DynamoDB::GlobalTable": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
}
"""What the role of a function needs for an event source mapping. Source: AWS Lambda Developer Guide, event sources."""

SEND_TO = {"AWS::SQS::Queue": "sqs:SendMessage", "AWS::SNS::Topic": "sns:Publish"}
STORES = {"AWS::SecretsManager::Secret": "secretsmanager", "AWS::SSM::Parameter": "ssm"}
SECRETS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameters"}


@rule(
    "DR643",
    "A role is allowed what its user's settings need",
    source="User guides of the services; see the tables in rules/invocations.py",
)
def role_is_allowed(world: World) -> Found:
    """The setting was added, its permission was not: state machines with logs, functions with queues and streams, are
    refused; tasks with secrets do not start.

    Fix: allow what the message lists in a policy of the role.
    """
    for user, path, role, actions, tried in _needed(world):
        allowed = permissions(world, role)
        missing = allowed.lacks(actions)
        if not missing:
            continue
        if not allowed.known:
            yield NotDecided(user.place(path), f"what the policies of {role.logical_id} allow is not wholly known")
        else:
            message = f"role {role} lacks {', '.join(missing)}"
            severity = None if tried else Severity.WARNING
            yield Fault(user.place(path), message, "allow it in a policy of the role", severity)


def _needed(world: World) -> Iterator[tuple[Resource, str, Resource, tuple[str, ...], bool]]:
    for row in NEEDS:
        for user in world.resources(row.type):
            role = role_of(world, user, row.role) if user.has(row.given) else None
            if role is not None:
                yield user, row.given, role, row.actions or _by_target(world, user, row.given), row.tried
    for mapping in world.resources("AWS::Lambda::EventSourceMapping"):
        function = next((f for v in mapping.values("FunctionName") if (f := world.target(v, FUNCTION))), None)
        role = role_of(world, function, "Role") if function is not None else None
        for value in mapping.values("EventSourceArn"):
            source = world.target(value, *READ_FROM)
            if source is not None and role is not None:
                yield mapping, "FunctionName", role, READ_FROM[source.type], True


def _by_target(world: World, user: Resource, path: str) -> tuple[str, ...]:
    """The action that sends to the target of a dead-letter setting, or that reads the secrets of a container."""
    if path == "ContainerDefinitions.Secrets":
        services = {_service(world, value) for value in user.values(f"{path}.ValueFrom")}
        return tuple(sorted(SECRETS[service] for service in services if service in SECRETS))
    targets = [target for value in user.values(path) if (target := world.target(value, *SEND_TO)) is not None]
    return tuple(SEND_TO[target.type] for target in targets)


def _service(world: World, value: Resolved) -> str:
    """Which service keeps what a container's secret comes from."""
    kept = world.target(value, *STORES)
    if kept is not None:
        return STORES[kept.type]
    text = pattern(value) or ""
    whole = arn(text)
    return whole.service if whole is not None else "ssm" if text.startswith("/") else ""
