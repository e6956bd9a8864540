"""Read-only questions to an account: quotas and what is in use, stacks, regions, roles of services, names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from drgen.aws.failures import CallFailed, RegionUnreachable, asking
from drgen.aws.session import Session
from drgen.errors import DrgenError
from drgen.model.account import Look, Unanswered, Wanted

QUOTA = "service-quotas.get_service_quota"
AT_ONCE = 8
"""Calls at the same time: enough to hide the way to a far region, and few enough not to be throttled."""

COUNTED: Mapping[str, tuple[str, str, str, str]] = {
    "elastic_ips": ("ec2", "describe_addresses", "Addresses", "ec2"),
    "vpcs": ("ec2", "describe_vpcs", "Vpcs", "vpc"),
    "internet_gateways": ("ec2", "describe_internet_gateways", "InternetGateways", "vpc"),
    "security_groups": ("ec2", "describe_security_groups", "SecurityGroups", "vpc"),
    "db_instances": ("rds", "describe_db_instances", "DBInstances", "rds"),
    "db_clusters": ("rds", "describe_db_clusters", "DBClusters", "rds"),
    "db_subnet_groups": ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "rds"),
    "db_proxies": ("rds", "describe_db_proxies", "DBProxies", "rds"),
    "load_balancers": ("elbv2", "describe_load_balancers", "LoadBalancers", "elasticloadbalancing"),
}
"""How what is in use is counted: client, operation, the list in its answer, and the service in Service Quotas.

Not here are quotas per zone (NAT gateways) and those of one kind of a type (gateway endpoints)."""

NAMED: Mapping[str, tuple[str, str, str]] = {
    "buckets": ("s3", "head_bucket", "Bucket"),
    "roles": ("iam", "get_role", "RoleName"),
    "secrets": ("secretsmanager", "describe_secret", "SecretId"),
    "tables": ("dynamodb", "describe_table", "TableName"),
    "databases": ("rds", "describe_db_instances", "DBInstanceIdentifier"),
    "clusters": ("rds", "describe_db_clusters", "DBClusterIdentifier"),
    "functions": ("lambda", "get_function", "FunctionName"),
    "queues": ("sqs", "get_queue_url", "QueueName"),
    "log_groups": ("logs", "describe_log_groups", "logGroupNamePrefix"),
}
"""How a name is looked up: client, operation, and the parameter that takes it."""

FREE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "404")
"""What the codes of answers hold that say that there is no such thing."""


@dataclass
class _Account:
    session: Session
    state: dict[str, Any] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    unanswered: list[Unanswered] = field(default_factory=list)
    dark: dict[str, RegionUnreachable] = field(default_factory=dict)
    """Regions that gave no answer: they are not asked again, because each silence takes seconds."""

    def all(self, rule: str, questions: list[tuple[str, str, Callable[[], Any]]]) -> list[Any]:
        """The answers in the order of the questions (operation, region, call); None where there was none."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(self._ask, region, call) for _, region, call in questions]
        answers: list[Any] = []
        for (operation, region, _), future in zip(questions, waiting, strict=True):
            self.asked[region] += 1
            error = future.exception()
            if isinstance(error, DrgenError):
                self.unanswered.append(Unanswered(rule, operation, region, str(error).splitlines()[0]))
            elif error is not None:
                raise error
            answers.append(None if error else future.result())
        return answers

    def _ask(self, region: str, call: Callable[[], Any]) -> Any:
        if region in self.dark:
            raise self.dark[region]
        try:
            return call()
        except RegionUnreachable as error:
            self.dark[region] = error
            raise

    def listed(self, service: str, operation: str, found: str, region: str, **parameters: Any) -> list[Any]:
        """All items of a list, over all pages. Raises DrgenError."""
        client = self.session.client(service, region)
        with asking(f"{service}.{operation}", region):
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**parameters)
                return [item for page in pages for item in page[found]]
            return list(getattr(client, operation)(**parameters)[found])


def look(session: Session, wanted: Wanted) -> Look:
    """What the account says about a deployment. What it does not answer is told, and is no error.

    Raises CredentialsMissing.
    """
    session.require_credentials()
    account = _Account(session)
    owned = _stacks(account, wanted)
    _room(account, wanted, owned)
    _names(account, wanted, owned)
    _regions_and_roles(account, wanted.regions[0])
    return Look(account.state, dict(account.asked), tuple(account.unanswered))


Owned = frozenset[tuple[str, str, str]]
"""Type, physical id and region of everything the deployment's own stacks hold."""


def _stacks(account: _Account, wanted: Wanted) -> Owned:
    list_ = "list_stack_resources"
    answers = account.all(
        "DR722", [("cloudformation.describe_stacks", r, partial(_status, account, n, r)) for n, r in wanted.stacks]
    )
    there = [(name, region, status) for (name, region), status in zip(wanted.stacks, answers, strict=True) if status]
    account.state["stacks"] = [{"name": name, "region": region, "status": status} for name, region, status in there]
    held = account.all(
        "DR722",
        [
            (
                f"cloudformation.{list_}",
                region,
                partial(account.listed, "cloudformation", list_, "StackResourceSummaries", region, StackName=name),
            )
            for name, region, _ in there
        ],
    )
    return frozenset(
        (item["ResourceType"], item.get("PhysicalResourceId", ""), region)
        for (_, region, _), items in zip(there, held, strict=True)
        for item in items or ()
    )


def _status(account: _Account, name: str, region: str) -> str:
    """The status of a stack; empty if there is none. Raises DrgenError."""
    try:
        found = account.listed("cloudformation", "describe_stacks", "Stacks", region, StackName=name)
    except CallFailed as error:
        if error.code == "ValidationError":
            return ""
        raise
    return str(found[0]["StackStatus"]) if found else ""


def _room(account: _Account, wanted: Wanted, owned: Owned) -> None:
    rows = [row for row in wanted.room if row[0] in COUNTED]
    counting = [(*COUNTED[kind], region) for kind, _, _, region in rows]
    counts = account.all(
        "DR720",
        [
            (f"{service}.{operation}", region, partial(account.listed, service, operation, found, region))
            for service, operation, found, _, region in counting
        ],
    )
    quotas = account.all(
        "DR720",
        [
            (
                f"service-quotas.get_service_quota {code}",
                region,
                partial(_quota, account, COUNTED[kind][3], code, region),
            )
            for kind, _, code, region in rows
        ],
    )
    for (kind, resource_type, _, region), items, quota in zip(rows, counts, quotas, strict=True):
        if items is not None and quota is not None:
            own = sum(1 for held in owned if (held[0], held[2]) == (resource_type, region))
            numbers = {"used": max(0, len(items) - own), "quota": quota}
            account.state.setdefault(kind, {})[region] = numbers


def _quota(account: _Account, service: str, code: str, region: str) -> int:
    """The applied quota, else the default one. Raises DrgenError."""
    client = account.session.client("service-quotas", region)
    try:
        with asking(QUOTA, region):
            answer = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except CallFailed as error:
        if "NoSuchResource" not in error.code:
            raise
        with asking("service-quotas.get_aws_default_service_quota", region):
            answer = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return int(answer["Quota"]["Value"])


def _names(account: _Account, wanted: Wanted, owned: Owned) -> None:
    ids = {(physical, region) for _, physical, region in owned}
    rows = [row for row in wanted.names if row[0] in NAMED and (row[1], row[2]) not in ids]
    answers = account.all(
        "DR724", [(".".join(NAMED[kind][:2]), region, partial(_exists, account, *row)) for row in rows
                  for kind, _, region in [row]]
    )  # fmt: skip
    for (kind, name, region), exists in zip(rows, answers, strict=True):
        if exists:
            account.state.setdefault(kind, []).append({"name": name, "region": region})


def _exists(account: _Account, kind: str, name: str, region: str) -> bool:
    """Whether something has that name. Raises DrgenError."""
    service, operation, parameter = NAMED[kind]
    client = account.session.client(service, region)
    try:
        with asking(f"{service}.{operation}", region):
            answer = getattr(client, operation)(**{parameter: name})
    except CallFailed as error:
        if any(part in error.code for part in FREE):
            return False
        if kind == "buckets" and error.code == "403":
            return True
        raise
    return kind != "log_groups" or any(group["logGroupName"] == name for group in answer["logGroups"])


def _regions_and_roles(account: _Account, home: str) -> None:
    (regions,) = account.all(
        "DR721", [("ec2.describe_regions", home, partial(account.listed, "ec2", "describe_regions", "Regions", home))]
    )
    if regions is not None:
        opted_in = [item["RegionName"] for item in regions if item.get("OptInStatus") == "opted-in"]
        account.state["enabled_opt_in_regions"] = opted_in
    prefix = "/aws-service-role/"
    ask = partial(account.listed, "iam", "list_roles", "Roles", home, PathPrefix=prefix)
    (roles,) = account.all("DR723", [("iam.list_roles", home, ask)])
    if roles is not None:
        services = sorted({role["Path"].removeprefix(prefix).strip("/") for role in roles})
        account.state["service_linked_roles"] = services
