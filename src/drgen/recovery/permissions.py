"""What each role of the recovery layer may do, as data for the builder. No action is a wildcard.

Resources are ARN patterns with these fields, which `allowed` fills: partition, account, primary_region,
recovery_region, primary_database, recovery_database, database_stack, fence_group, secret, secret_key, topic, topic_key,
machine, failover_function, probe_function, log_group, approval, namespace. Keys are ARNs; the others are names.
"*" stands alone only where the service knows no narrower resource for the action.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_DB = "arn:{partition}:rds:{recovery_region}:{account}:db:{recovery_database}"
_PRIMARY_DB = "arn:{partition}:rds:{primary_region}:{account}:db:{primary_database}"
_STACK = "arn:{partition}:cloudformation:{recovery_region}:{account}:stack/{database_stack}/*"
_LOGS = "arn:{partition}:logs:{recovery_region}:{account}:log-group:{log_group}:*"
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

FAILOVER: tuple[Permission, ...] = (
    _WRITE_LOGS,
    Permission("Observe", "role and status of both databases", ("rds:DescribeDBInstances",), (_DB, _PRIMARY_DB)),
    Permission(
        "Fence",
        "takes the primary's clients away, and gives them back",
        ("rds:ModifyDBInstance", "rds:RebootDBInstance"),
        (_PRIMARY_DB,),
    ),
    Permission(
        "FenceGroups",
        "ModifyDBInstance looks at the security groups it is given; EC2 has no narrower resource for it",
        ("ec2:DescribeSecurityGroups",),
        ("*",),
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
    Permission(
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
    ),
    Permission(
        "ParameterTypes",
        "UpdateStack holds parameters of EC2 types against the account; EC2 has no narrower resource for it",
        ("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        ("*",),
    ),
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
)
"""The failover function. Handler reads: cfn-lint's bundled schema of AWS::RDS::DBInstance, handlers.update.permissions,
less what creation, roles and replicated backups need. Parameter types: CloudFormation User Guide, "Specify existing
resources at runtime with CloudFormation-supplied parameter types"."""

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
"""The state machine. Logging of executions needs its own statements where it is switched on."""


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
