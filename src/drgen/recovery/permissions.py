"""What each role of the recovery layer may do, as data for the builder. No action is a wildcard.

Resources are ARN patterns with these fields, which `allowed` fills: partition, account, primary_region,
recovery_region, primary_database, recovery_database, global_cluster, primary_cluster, recovery_cluster, database_stack,
services_stack, services_cluster, workload, secret, secret_key, topic, topic_key, machine,
failover_function, probe_function, log_group, approval, namespace. Keys are ARNs; the others are names.
"*" stands alone only where the service knows no narrower resource for the action.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_DB = "arn:{partition}:rds:{recovery_region}:{account}:db:{recovery_database}"
_PRIMARY_DB = "arn:{partition}:rds:{primary_region}:{account}:db:{primary_database}"
_STACK = "arn:{partition}:cloudformation:{recovery_region}:{account}:stack/{database_stack}/*"
_LOGS = "arn:{partition}:logs:{recovery_region}:{account}:log-group:{log_group}:*"
_CLUSTER = "arn:{partition}:rds:{recovery_region}:{account}:cluster:{recovery_cluster}"
_PRIMARY_CLUSTER = "arn:{partition}:rds:{primary_region}:{account}:cluster:{primary_cluster}"
_GLOBAL = "arn:{partition}:rds::{account}:global-cluster:{global_cluster}"
_PROBE_FUNCTION = "arn:{partition}:lambda:{recovery_region}:{account}:function:{probe_function}"
_INTERFACES = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")


@dataclass(frozen=True)
class Permission:
    """One statement: `why` is its reason, `condition` an IAM condition block, possibly with fields. It allows, or it is
    `denied`."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    denied: bool = False


_WRITE_LOGS = Permission("Logs", "its own log", ("logs:CreateLogStream", "logs:PutLogEvents"), (_LOGS,))

_HANDLER_READS = Permission(
    "HandlerReads",
    "CloudFormation's handler for AWS::RDS::DBInstance looks these up; none can be narrowed to this instance",
    (
        "rds:DescribeDBClusters",
        "rds:DescribeDBEngineVersions",
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeEvents",
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeVpcAttribute",
    ),
    ("*",),
)

REPLICA: tuple[Permission, ...] = (
    Permission("Observe", "role and status of both databases", ("rds:DescribeDBInstances",), (_DB, _PRIMARY_DB)),
    Permission(
        "Fence",
        "takes the primary's clients away, and gives them back",
        ("rds:ModifyDBInstance", "rds:RebootDBInstance"),
        (_PRIMARY_DB,),
    ),
    Permission(
        "Stack",
        "promotes through the stack, so that the template stays true",
        (
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:UpdateStack",
            "cloudformation:GetStackPolicy",
            "cloudformation:SetStackPolicy",
        ),
        (_STACK,),
    ),
    Permission(
        "Promote",
        "CloudFormation's handler promotes with the caller's permissions",
        ("rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RebootDBInstance", "rds:AddTagsToResource"),
        (_DB,),
    ),
    _HANDLER_READS,
)
"""Handler reads: cfn-lint's bundled schema of AWS::RDS::DBInstance, handlers.update.permissions, less what creation,
roles and replicated backups need."""

AURORA: tuple[Permission, ...] = (
    Permission(
        "Observe",
        "who writes, and how both clusters are",
        ("rds:DescribeGlobalClusters", "rds:DescribeDBClusters"),
        (_GLOBAL, _CLUSTER, _PRIMARY_CLUSTER),
    ),
    Permission(
        "ObserveInstances",
        "a description of the instances of one cluster is asked of all",
        ("rds:DescribeDBInstances",),
        ("arn:{partition}:rds:{primary_region}:{account}:db:*", "arn:{partition}:rds:{recovery_region}:{account}:db:*"),
    ),
    Permission(
        "Move",
        "a switchover is asked in the region that writes, a failover in this one",
        ("rds:SwitchoverGlobalCluster", "rds:FailoverGlobalCluster"),
        (_GLOBAL, _CLUSTER, _PRIMARY_CLUSTER),
    ),
    Permission(
        "Stack",
        "keeps the cluster from being replaced or deleted",
        (
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:GetStackPolicy",
            "cloudformation:SetStackPolicy",
        ),
        (_STACK,),
    ),
)
"""Source of the resources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS"."""

CAPACITY: tuple[Permission, ...] = (
    Permission("Capacity", "adds the instances of a headless cluster", ("cloudformation:UpdateStack",), (_STACK,)),
    Permission(
        "AddInstances",
        "CloudFormation's handler makes the instances with the caller's permissions",
        ("rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:AddTagsToResource", "rds:DescribeDBClusters"),
        (
            _CLUSTER,
            "arn:{partition}:rds:{recovery_region}:{account}:db:{recovery_cluster}-*",
            "arn:{partition}:rds:{recovery_region}:{account}:og:*",
            "arn:{partition}:rds:{recovery_region}:{account}:pg:*",
            "arn:{partition}:rds:{recovery_region}:{account}:subgrp:*",
        ),
    ),
    Permission(
        "KeyOfInstances",
        "Performance Insights of a new instance is encrypted",
        ("kms:DescribeKey", "kms:CreateGrant"),
        ("{secret_key}",),
    ),
    Permission(
        "MonitoringOfInstances",
        "hands the role of enhanced monitoring to RDS, and to nobody else",
        ("iam:PassRole",),
        ("arn:{partition}:iam::{account}:role/{workload}-monitoring-{recovery_region}",),
        {"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}},
    ),
    _HANDLER_READS,
)
"""Handler: cfn-lint's bundled schema of AWS::RDS::DBInstance, handlers.create.permissions, less what snapshots,
roles and replicated backups need."""

SERVICES: tuple[Permission, ...] = (
    Permission(
        "ServicesStack",
        "starts the services through their stack, so that the template stays true",
        ("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:UpdateStack"),
        ("arn:{partition}:cloudformation:{recovery_region}:{account}:stack/{services_stack}/*",),
    ),
    Permission(
        "ObserveServices",
        "how many tasks run, here and in the primary region",
        ("ecs:DescribeServices",),
        (
            "arn:{partition}:ecs:{primary_region}:{account}:service/{services_cluster}/*",
            "arn:{partition}:ecs:{recovery_region}:{account}:service/{services_cluster}/*",
        ),
    ),
    Permission(
        "UpdateServices",
        "CloudFormation's handlers change the services and what scales them with the caller's permissions",
        ("ecs:UpdateService", "ecs:ListServiceDeployments", "ecs:ListTagsForResource"),
        ("arn:{partition}:ecs:{recovery_region}:{account}:service/{services_cluster}/*",),
    ),
    Permission(
        "FollowServices",
        "CloudFormation's handler of a service looks at its deployments",
        ("ecs:DescribeServiceDeployments",),
        ("arn:{partition}:ecs:{recovery_region}:{account}:service-deployment/{services_cluster}/*",),
    ),
    Permission(
        "ScaleServices",
        "the least number of tasks follows the role; AWS gives a scalable target an id of its own",
        ("application-autoscaling:RegisterScalableTarget", "application-autoscaling:ListTagsForResource"),
        ("arn:{partition}:application-autoscaling:{recovery_region}:{account}:scalable-target/*",),
    ),
    Permission(
        "ScalingReads",
        "CloudFormation's handler looks these up; Application Auto Scaling has no narrower resource for them",
        ("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScheduledActions"),
        ("*",),
    ),
    Permission(
        "ServiceAlarms",
        "the alarm on missing tasks follows the role",
        ("cloudwatch:PutMetricAlarm", "cloudwatch:ListTagsForResource"),
        ("arn:{partition}:cloudwatch:{recovery_region}:{account}:alarm:{workload}-*-too-few-tasks",),
    ),
)
"""Handlers: cfn-lint's bundled schemas of AWS::ECS::Service, AWS::ApplicationAutoScaling::ScalableTarget and
AWS::CloudWatch::Alarm, handlers.update.permissions, less what tags, schedules and Lambda need."""

STACK_UPDATES: tuple[Permission, ...] = (
    Permission(
        "LookUpNetwork",
        "UpdateStack holds parameters of EC2 types against the account, and what changes a database looks at its "
        "security groups; EC2 has no narrower resource for it",
        ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        ("*",),
    ),
)
"""Source: CloudFormation User Guide, "Specify existing resources at runtime with CloudFormation-supplied parameter
types"."""

DATABASE: tuple[Permission, ...] = (
    Permission(
        "Probe",
        "asks the databases themselves",
        ("lambda:InvokeFunction",),
        (_PROBE_FUNCTION,),
    ),
    Permission(
        "Secret",
        "sees that the replicated secret exists; cannot read it",
        ("secretsmanager:DescribeSecret",),
        ("arn:{partition}:secretsmanager:{recovery_region}:{account}:secret:{secret}-??????",),
    ),
)

COMMON: tuple[Permission, ...] = (
    Permission(
        "PublishMetrics",
        "the metrics that alarms and DNS health checks follow",
        ("cloudwatch:PutMetricData",),
        ("*",),
        {"StringEquals": {"cloudwatch:namespace": "{namespace}"}},
    ),
    Permission(
        "ReadMetrics",
        "lag and reachability; CloudWatch has no narrower resource for either",
        ("cloudwatch:GetMetricStatistics", "cloudwatch:DescribeAlarms"),
        ("*",),
    ),
    Permission(
        "Tell",
        "messages to the operators",
        ("sns:Publish",),
        ("arn:{partition}:sns:{recovery_region}:{account}:{topic}",),
    ),
    Permission("TopicKey", "the topic is encrypted", ("kms:Decrypt", "kms:GenerateDataKey"), ("{topic_key}",)),
    Permission(
        "Runs",
        "one run at a time; starts one when the primary is gone",
        ("states:ListExecutions", "states:StartExecution"),
        ("arn:{partition}:states:{recovery_region}:{account}:stateMachine:{machine}",),
    ),
    Permission(
        "Approval",
        "leaves the task token for the operator",
        ("ssm:PutParameter",),
        ("arn:{partition}:ssm:{recovery_region}:{account}:parameter{approval}",),
    ),
    Permission(
        "Traces",
        "where the minutes of a failover go; X-Ray has no narrower resource",
        ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        ("*",),
    ),
)

FAILOVER = (_WRITE_LOGS, *REPLICA, *AURORA, *CAPACITY, *SERVICES, *STACK_UPDATES, *DATABASE, *COMMON)
"""Everything that the failover function may be allowed. A workload's function gets the groups of its own kind."""

WRITE_LOGS = (_WRITE_LOGS,)

PROBE: tuple[Permission, ...] = (
    _WRITE_LOGS,
    Permission(
        "Interfaces",
        "a function in a VPC; EC2 has no narrower resource for them at creation",
        _INTERFACES,
        ("*",),
    ),
    Permission(
        "NotByTheFunctionItself",
        "Lambda manages the interfaces with this role; the code in the function has no use for them",
        _INTERFACES,
        ("*",),
        {"ArnEquals": {"lambda:SourceFunctionArn": _PROBE_FUNCTION}},
        denied=True,
    ),
    Permission(
        "Password",
        "the replicated secret",
        ("secretsmanager:GetSecretValue",),
        ("arn:{partition}:secretsmanager:{recovery_region}:{account}:secret:{secret}-??????",),
    ),
    Permission("SecretKey", "the secret is encrypted", ("kms:Decrypt",), ("{secret_key}",)),
)
"""The probe function. Source of the interface actions: Lambda Developer Guide, "Giving Lambda functions access to
resources in an Amazon VPC"."""

MACHINE: tuple[Permission, ...] = (
    Permission(
        "Failover",
        "the only thing the machine calls",
        ("lambda:InvokeFunction",),
        ("arn:{partition}:lambda:{recovery_region}:{account}:function:{failover_function}",),
    ),
)
"""The state machine. Logging and tracing of executions need their own statements where they are switched on."""


def others(databases: Iterable[tuple[str, str]]) -> tuple[Permission, ...]:
    """What the failover function may look at where there are further recovery regions: region and database of each."""
    listed = tuple(databases)
    if not listed:
        return ()
    return (
        Permission(
            "OtherRegions",
            "sees whether another recovery region has taken over",
            ("rds:DescribeDBInstances",),
            tuple(f"arn:{{partition}}:rds:{region}:{{account}}:db:{name}" for region, name in listed),
        ),
        Permission(
            "OtherRuns",
            "one run at a time, in whichever region",
            ("states:ListExecutions",),
            tuple(f"arn:{{partition}}:states:{region}:{{account}}:stateMachine:{{machine}}" for region, _ in listed),
        ),
    )


def allowed(permissions: tuple[Permission, ...], values: Mapping[str, str]) -> tuple[Permission, ...]:
    """The permissions with every field filled from `values`. Raises KeyError for a field without a value."""
    return tuple(
        Permission(
            sid=p.sid,
            why=p.why,
            actions=p.actions,
            resources=tuple(resource.format_map(values) for resource in p.resources),
            condition={
                test: {key: text.format_map(values) for key, text in keys.items()} for test, keys in p.condition.items()
            },
            denied=p.denied,
        )
        for p in permissions
    )
