"""Functions, the API and its public name: what does not fit each other, or AWS."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from drgen.model.workload import API, Workload
from drgen.template.load import Path as At

if TYPE_CHECKING:
    from drgen.model.api import Api
    from drgen.model.functions import Function

Found = Iterator[tuple[At, str, str]]
OF_DRGEN = frozenset(
    {
        "api", "backup", "batch-replication", "canary", "database", "endpoints", "events", "failover",
        "failover-machine", "fence", "flow-logs", "forward-events", "lost-events", "monitoring", "probe", "restore",
        "restore-test",
    }
)  # fmt: skip
"""Names of functions, roles, alarms and security groups that other components make."""
LONGEST = timedelta(minutes=15)
"""Source: registry schema AWS::Lambda::Function, Timeout."""
LONGEST_BEHIND_API = timedelta(seconds=29)
"""Source: API Gateway Developer Guide, "Quotas for configuring and running an HTTP API" (integration timeout 30 s)."""


def check_functions(workload: Workload) -> Found:
    names = [function.name for function in workload.functions]
    for index, function in enumerate(workload.functions):
        at: At = ("functions", index)
        if function.name in OF_DRGEN or function.name.endswith("-replication"):
            yield (*at, "name"), f"{function.name} is a name that drgen gives to its own parts", "choose another name"
        if function.name in names[:index]:
            yield (*at, "name"), f"two functions are called {function.name}", "choose another name"
        elif function.name.replace("-", "") in (name.replace("-", "") for name in names[:index]):
            problem = f"{function.name} and another function differ by hyphens only, and would be one logical id"
            yield (*at, "name"), problem, "choose another name"
        yield from _long_names(workload, function, at)
        if function.timeout > LONGEST:
            yield (*at, "timeout"), "Lambda ends a call after 15 minutes", "use 15m or less"
        yield from _variables(function, at)
        yield from _paths(workload, function, at)
        tables = [table.name for table in workload.tables]
        for table in function.tables:
            if table not in tables:
                yield (*at, "tables", table), f"there is no table {table}", _near(table, tables, "declare it in tables")


def _long_names(workload: Workload, function: Function, at: At) -> Found:
    """Source: registry schemas AWS::IAM::Role, RoleName, and AWS::Events::Rule, Name: 64 characters each."""
    made = [("an IAM role", workload.names.everywhere(function.name, side.name)) for side in workload.sides()]
    if function.schedule is not None:
        made.append(("an EventBridge rule", workload.names.regional(f"{function.name}-schedule")))
    what, longest = max(made, key=lambda pair: len(pair[1]))
    if len(longest) > 64:
        problem = f"{what} would be called {longest!r}: {len(longest)} characters, AWS takes 64"
        yield (*at, "name"), problem, f"shorten it by {len(longest) - 64}"


def _variables(function: Function, at: At) -> Found:
    """Source: AWS Lambda Developer Guide, "Defined runtime environment variables"; cfn-lint,
    environment_variable_keys.json."""
    for name in function.environment:
        if name.startswith(("AWS_", "LAMBDA_")) or name == "SETTINGS_PARAMETER":
            owner = "drgen" if name == "SETTINGS_PARAMETER" else "Lambda"
            yield (*at, "environment", name), f"{name} is set by {owner}", "choose another name"
    size = sum(len(name.encode()) + len(text.encode()) for name, text in function.environment.items())
    if size > 4096:
        yield (*at, "environment"), f"{size} bytes of variables; Lambda takes 4,096", "move the largest to a parameter"


def _paths(workload: Workload, function: Function, at: At) -> Found:
    """A function in private subnets reaches what has an endpoint there, and nothing else."""
    if not function.vpc or workload.network.nat != "none":
        return
    answers = workload.api is not None and function.name in workload.api.functions()
    wanted = [("dynamodb", "its tables")] if function.tables else []
    wanted += [("ssm", "its settings")] if function.tables or answers else []
    for service, what in wanted:
        if service not in workload.network.endpoints:
            problem = f"the function runs in the VPC and has no path to {what}"
            yield (*at, "vpc"), problem, f"add {service} to network.endpoints, or set vpc to false"


def check_api(workload: Workload) -> Found:
    api = workload.api
    if api is None:
        return
    functions = {function.name: index for index, function in enumerate(workload.functions)}
    used: list[tuple[At, str]] = [(("api", "health"), api.health)]
    used += [(("api", "routes", number, "function"), route.function) for number, route in enumerate(api.routes)]
    for at, name in used:
        if name not in functions:
            yield at, f"there is no function {name}", _near(name, functions, "declare it in functions")
    for name in api.functions():
        if name in functions and workload.functions[functions[name]].timeout > LONGEST_BEHIND_API:
            problem = "the API waits 30 seconds for an answer, and the function may take longer"
            yield ("functions", functions[name], "timeout"), problem, "use 29s or less"
    yield from _routes(api)
    yield from _certificates(workload, api)


def _routes(api: Api) -> Found:
    taken = {"GetHealth": "GET /health"}
    for number, route in enumerate(api.routes):
        if route.title in taken:
            problem = f"{route.key} cannot be told from {taken[route.title]}"
            yield ("api", "routes", number), problem, "give it another path or method"
        taken.setdefault(route.title, route.key)


def _certificates(workload: Workload, api: Api) -> Found:
    public = workload.public_target == API
    if api.certificate and not public:
        problem = "a certificate is for a public name, and the API has none"
        yield ("api", "certificate"), problem, "declare dns with private: false and target: api, or remove it"
    regions = [side.name for side in workload.sides()]
    for region in sorted(api.certificate.keys() - set(regions)):
        yield ("api", "certificate", region), f"{region} is no region of the workload", f"use {' and '.join(regions)}"
    for region in regions:
        arn = api.certificate.get(region)
        if public and arn is None:
            problem = f"there is no certificate for the public name in {region}; ACM's are regional"
            yield ("api", "certificate"), problem, f"add {region}: with the ARN of a certificate there"
        if arn is not None and arn.split(":")[3] != region:
            yield ("api", "certificate", region), f"{arn} is in {arn.split(':')[3]}", f"use a certificate of {region}"


def _near(name: str, known: Collection[str], fix: str) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else fix
