"""DR50x: functions, what they can reach, and what invokes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.networks import SUBNET, has_way_out, services_reached
from drgen.preflight.policies import Permissions, permissions, role_of
from drgen.preflight.requirements import describe
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, leaves, parts, region_of, walk
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
FUNCTION = "AWS::Lambda::Function"
LAMBDA_GUIDE = "AWS Lambda Developer Guide, Giving Lambda functions access to resources in an Amazon VPC"

ENDPOINTS = {
    "cloudwatch": ("monitoring",), "dynamodb": ("dynamodb",), "ec2": ("ec2",), "ecs": ("ecs",), "events": ("events",),
    "lambda": ("lambda",), "rds": ("rds",), "s3": ("s3",), "secretsmanager": ("secretsmanager",), "sns": ("sns",),
    "sqs": ("sqs",), "ssm": ("ssm",), "states": ("states",), "sts": ("sts",), "cloudformation": ("cloudformation",),
    "elasticloadbalancing": ("elasticloadbalancing",), "kinesis": ("kinesis-streams",), "route53": (), "iam": (),
}  # fmt: skip
"""Which endpoint serves the API of an IAM action prefix; an empty row: only public addresses do.

Not here are prefixes that a function's own code does not call over its network interface: logs (the Lambda service
writes them), xray, kms (called on its behalf), rds-db. Source: AWS PrivateLink Guide, "AWS services that integrate with
AWS PrivateLink"; Route 53 has an endpoint in us-east-1 alone.
"""

PERFORMED_BY_SERVICE = re.compile(
    r"iam:passrole|sqs:(receivemessage|deletemessage|getqueueattributes|changemessagevisibility)"
    r"|(dynamodb|kinesis):(getrecords|getsharditerator|describestream(summary)?|liststreams|listshards)"
)
"""Actions of a role that the Lambda service performs itself, for event source mappings, or that are no call at all."""

NETWORK_ACTIONS = re.compile(
    r"ec2:(\*|[a-z]*networkinterfaces?|(un)?assignprivateipaddresses|describe(subnets|vpcs|securitygroups))$"
)


def services_called(allowed: Permissions, function: Resource) -> dict[tuple[str, str], str]:
    """Action prefixes that a function's own code may call, each with the region if it is another, and one action."""
    found: dict[tuple[str, str], str] = {}
    dead_letters = {"sqs:sendmessage", "sns:publish"} if function.has("DeadLetterConfig.TargetArn") else set()
    for statement in allowed.statements:
        regions = {region for value in statement.resources if (region := region_of(value)) and "*" not in region}
        abroad = min(regions) if regions and function.region not in regions else ""
        for action in statement.actions:
            lower = action.lower()
            prefix = lower.split(":")[0]
            ours = lower not in dead_letters and not PERFORMED_BY_SERVICE.fullmatch(lower)
            if ours and prefix in ENDPOINTS and not NETWORK_ACTIONS.fullmatch(lower):
                found.setdefault((prefix, abroad), action)
    return found


@rule("DR501", "A function in a VPC reaches every API that its role lets it call", source=LAMBDA_GUIDE)
def function_reaches_apis(world: World) -> Found:
    """A function in private subnets has no internet. Without a NAT gateway or an endpoint for the service, each call
    hangs until the timeout: the failover function can promote nothing, and its tests without a VPC never show it.

    Fix: take VpcConfig away from a function that only calls AWS APIs; or add interface endpoints, or a NAT gateway.
    """
    for function in world.resources(FUNCTION):
        subnets = list(function.values("VpcConfig.SubnetIds"))
        if not subnets:
            continue
        known = [subnet for value in subnets if (subnet := world.target(value, SUBNET))]
        role = role_of(world, function, "Role")
        place = function.place("VpcConfig")
        if role is None or len(known) < len(subnets):
            yield NotDecided(place, "the role or a subnet is made by no stack of this deployment")
        else:
            yield from _unreached(world, function, known, permissions(world, role))


def _unreached(world: World, function: Resource, subnets: list[Resource], allowed: Permissions) -> Found:
    if all(has_way_out(world, subnet) for subnet in subnets):
        return
    offered = frozenset.intersection(*(services_reached(world, subnet) for subnet in subnets))
    for (prefix, abroad), action in services_called(allowed, function).items():
        wanted = ENDPOINTS[prefix]
        if abroad or not wanted or not offered & set(wanted):
            where = f"in {abroad}" if abroad else "at its public address" if not wanted else f"(endpoint {wanted[0]})"
            message = f"its role calls {action}, but its subnets lead neither to NAT nor to {prefix} {where}"
            yield Fault(function.place("VpcConfig"), message, "remove VpcConfig, or open a path to the service")


@rule("DR502", "A function in a VPC may make its network interfaces", source=LAMBDA_GUIDE)
def role_makes_interfaces(world: World) -> Found:
    """Lambda makes network interfaces with the function's own role; without the permission the function is refused.

    Fix: attach AWSLambdaVPCAccessExecutionRole, or allow ec2:CreateNetworkInterface and its companions.
    """
    able = {"AWSLambdaVPCAccessExecutionRole", "AWSLambdaENIManagementAccess", "AdministratorAccess", "PowerUserAccess",
            "AmazonEC2FullAccess", "AWSLambda_FullAccess"}  # fmt: skip
    for function in world.resources(FUNCTION):
        role = role_of(world, function, "Role")
        if not function.has("VpcConfig.SubnetIds") or role is None:
            continue
        allowed = permissions(world, role)
        if able & set(allowed.managed) or allowed.allows("ec2:CreateNetworkInterface"):
            continue
        place = function.place("Role")
        if any("*" in name for name in allowed.managed) or not allowed.complete:
            yield NotDecided(place, "what a managed policy of the role allows is not known")
        else:
            message = f"role {role.logical_id} may not create network interfaces"
            yield Fault(place, message, "attach the managed policy AWSLambdaVPCAccessExecutionRole")


def before(resource: Resource) -> frozenset[str]:
    """Logical ids of everything in its stack that is made before `resource`."""
    found: set[str] = set()
    waiting = [resource.logical_id]
    while waiting:
        body = resource.stack.resources.get(waiting.pop())
        new = body.mentions - found if body else frozenset()
        found |= new
        waiting += new
    return frozenset(found)


@rule(
    "DR503", "A function's log group is made before the function runs", source="Registry schema AWS::Lambda::Function"
)
def log_group_first(world: World) -> Found:
    """The first run makes the log group itself, without retention or key. If that comes first, CloudFormation finds the
    name taken and rolls the stack back.

    Fix: give the log group its name as text and let the function depend on it (DependsOn), not the other way round.
    """
    for group in world.resources("AWS::Logs::LogGroup"):
        name = group.text("LogGroupName") or ""
        for function in group.stack.resources.values():
            if function.type != FUNCTION or not _logs_of(world, group, function, name):
                continue
            callers = [
                caller.logical_id
                for caller in group.stack.resources.values()
                if any(world.target(value, FUNCTION) is function for value in caller.values("ServiceToken"))
                and group.logical_id not in before(caller)
            ]
            fix = f"name the group as text, and let {function.logical_id} depend on {group.logical_id}"
            if callers:
                yield Fault(
                    group.place(), f"{callers[0]} runs {function.logical_id} before this log group is made", fix
                )
            elif function.logical_id in before(group):
                message = f"{function.logical_id} exists before its log group does"
                yield Fault(group.place(), message, fix, Severity.INFO)


def _logs_of(world: World, group: Resource, function: Resource, name: str) -> bool:
    if name:
        return name == f"/aws/lambda/{function.text('FunctionName')}"
    pieces = parts(group.value("LogGroupName"))
    return pieces[:1] == ("/aws/lambda/",) and world.target(pieces[-1], FUNCTION) is function


@rule(
    "DR504",
    "The handler of inline code is in index",
    source="Registry schema AWS::Lambda::Function, Code.ZipFile",
    alone=True,
)
def inline_handler(world: World) -> Found:
    """CloudFormation saves inline code as index.py or index.js; with another handler every invocation fails.

    Fix: set Handler to index.NAME.
    """
    for function in world.resources(FUNCTION):
        handler = function.text("Handler")
        if function.has("Code.ZipFile") and handler and not handler.startswith("index."):
            yield Fault(
                function.place("Handler"), f"inline code is in index, not in {handler}", "set Handler: index.NAME"
            )


@rule(
    "DR505",
    "Node.js code uses the SDK that its runtime has",
    source="AWS Lambda Developer Guide, Building Lambda functions with Node.js",
    severity=Severity.WARNING,
    alone=True,
)
def node_sdk(world: World) -> Found:
    """From nodejs18.x on, the runtime holds version 3 of the SDK only: `require('aws-sdk')` fails at the first run.

    Fix: use the clients of @aws-sdk, or pack the SDK with the code.
    """
    for function in world.resources(FUNCTION):
        runtime = re.fullmatch(r"nodejs(\d+)\.x", function.text("Runtime") or "")
        code = function.text("Code.ZipFile") or ""
        if runtime and int(runtime[1]) >= 18 and re.search(r"""(require\(|from )\s*['"]aws-sdk[/'"]""", code):
            yield Fault(
                function.place("Code.ZipFile"), f"{runtime[0]} has no aws-sdk (version 2)", "use @aws-sdk clients"
            )


@rule(
    "DR506",
    "A rule's target is in its region, or is an event bus",
    source="EventBridge User Guide, Sending and receiving events between AWS Regions",
)
def rule_target_region(world: World) -> Found:
    """EventBridge delivers to other regions through an event bus there, and needs a role for it; it refuses other
    targets.

    Fix: send to a bus of the other region with RoleArn, and let a rule there call the target.
    """
    for event_rule in world.resources("AWS::Events::Rule"):
        for target in event_rule.values("Targets"):
            for value in leaves(target.get("Arn")) if isinstance(target, dict) else ():
                region = region_of(value)
                if region is None or region == event_rule.region:
                    continue
                whole = arn(value)
                bus = isinstance(value, Attribute) and value.type == "AWS::Events::EventBus"
                if not (bus or (whole and whole.resource.startswith("event-bus/"))) or not target.get("RoleArn"):
                    message = f"{describe(value)} is in {region}, the rule in {event_rule.region}"
                    yield Fault(event_rule.place("Targets"), message, "send to an event bus there, with RoleArn")


@rule(
    "DR507",
    "A state machine calls functions and machines of its own region",
    source="Step Functions Developer Guide, Accessing resources in other AWS accounts (no cross-Region access)",
)
def machine_calls_own_region(world: World) -> Found:
    """Step Functions cannot call another region; the task fails when the failover reaches it.

    Fix: make the machine in the region of its functions, or the functions in the region of the machine.
    """
    callable_types = (FUNCTION, "AWS::StepFunctions::StateMachine", "AWS::SNS::Topic", "AWS::SQS::Queue")
    for machine in world.resources("AWS::StepFunctions::StateMachine"):
        for path, _, value in walk({k: v for k, v in machine.properties.items() if k.startswith("Definition")}):
            for leaf in leaves(value):
                for part in parts(leaf):
                    named = isinstance(part, Attribute) and part.type in callable_types
                    whole = arn(part)
                    named = named or bool(whole and whole.service in ("lambda", "states", "sns", "sqs"))
                    region = region_of(part) if named else None
                    if region is not None and region != machine.region:
                        message = f"{describe(part)} is in {region}, the machine in {machine.region}"
                        yield Fault(machine.place(path.split(".")[0]), message, f"make both in {machine.region}")
