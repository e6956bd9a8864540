"""The calls that Python code makes through boto3, as the IAM actions they need."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PREFIXES: Mapping[str, str] = {
    **{name: name for name in (
        "application-autoscaling", "autoscaling", "backup", "cloudformation", "cloudwatch", "dynamodb", "ec2", "ecs",
        "eks", "elasticache", "events", "globalaccelerator", "kms", "lambda", "logs", "rds", "route53",
        "scheduler", "secretsmanager", "sns", "sqs", "ssm",
    )},
    "docdb": "rds", "efs": "elasticfilesystem", "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing",
    "neptune": "rds", "stepfunctions": "states",
}  # fmt: skip
"""Services whose operations are IAM actions of the same name, by the name of their client, with the prefix of the
actions.

Source: Service Authorization Reference, Actions, resources, and condition keys for AWS services.
"""

_RENAMED = {
    ("lambda", "invoke"): "InvokeFunction", ("sqs", "send_message_batch"): "SendMessage",
    ("sqs", "delete_message_batch"): "DeleteMessage", ("sns", "publish_batch"): "Publish",
}  # fmt: skip
"""Operations whose action has another name. Source: Service Authorization Reference."""

_NO_ACTION = ("can_paginate", "close", "get_waiter", "re_encrypt", "transact_", "execute_", "generate_db_auth_token",
              "generate_presigned")  # fmt: skip
"""How methods begin that call nothing, or whose actions depend on their arguments."""


@dataclass(frozen=True)
class SdkCall:
    """`action` as IAM knows it (its case may differ); `region` is what the client is made for, "" if nothing says it,
    None if it is not known."""

    action: str
    region: str | None


@dataclass(frozen=True)
class _Client:
    service: str
    region: str | None


def sdk_calls(code: str) -> Iterator[SdkCall]:
    """Every call of a boto3 client whose service and method can be read; none if the code is no Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    clients = _clients(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        holder = node.func.value
        client = clients.get(holder.id) if isinstance(holder, ast.Name) else _made(holder)
        method = _method(node)
        if client is not None and method and client.service in _PREFIXES and not method.startswith(_NO_ACTION):
            name = _RENAMED.get((client.service, method)) or "".join(word.title() for word in method.split("_"))
            yield SdkCall(f"{_PREFIXES[client.service]}:{name}", client.region)


def _clients(tree: ast.Module) -> Mapping[str, _Client]:
    """The clients that names stand for; a name that stands for several is left out."""
    found: dict[str, set[_Client | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, set()).add(_made(node.value))
    return {name: made for name, all_made in found.items() if len(all_made) == 1 and (made := next(iter(all_made)))}


def _made(node: ast.expr) -> _Client | None:
    """The client that `boto3.client("ecs", region_name=...)` makes; None if the expression is something else."""
    made = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
    if not isinstance(node, ast.Call) or not made or not node.args or not isinstance(node.args[0], ast.Constant):
        return None
    stated = [keyword.value for keyword in node.keywords if keyword.arg in ("region_name", None)] + node.args[1:2]
    region = "" if not stated else stated[0].value if isinstance(stated[0], ast.Constant) else None
    return _Client(str(node.args[0].value), region if isinstance(region, str) else None)


def _method(node: ast.Call) -> str:
    """The method that `node` calls; of a paginator, the one it repeats."""
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if method == "get_paginator":
        first = node.args[0] if node.args else None
        return str(first.value) if isinstance(first, ast.Constant) else ""
    return method
