"""The application: functions in every region, and the HTTP API that they answer.

Both regions get the same. A region that waits costs nothing here, and one that serves can be compared with it by eye.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drgen.assembly.system import Site, System
from drgen.builders import app_functions, http_api
from drgen.builders.access import TableUse
from drgen.builders.app_functions import AppFunction
from drgen.model.api import Api
from drgen.model.functions import Function

ABOUT = "Functions, and the HTTP API that they answer."


def application(system: System) -> None:
    """The layer `app` of each site."""
    for site in system.sites:
        made = {wanted.name: _function(system, site, wanted) for wanted in system.workload.functions}
        if system.workload.api is not None:
            system.made.apis[site.name] = _api(system, site, system.workload.api, made)
        for wanted in system.workload.functions:
            if content := _settings(system, site, wanted):
                stack = system.stack(site, "app", ABOUT)
                app_functions.settings(stack, system.names, made[wanted.name], text=json.dumps(content))


def _function(system: System, site: Site, wanted: Function) -> AppFunction:
    base = system.foundation(site)
    declared = app_functions.Wanted(
        name=wanted.name,
        about=wanted.about,
        package=system.packages[wanted.source],
        timeout_s=int(wanted.timeout.total_seconds()),
        memory_mib=wanted.memory,
        log_days=wanted.log_days,
        reserved_concurrency=wanted.reserved_concurrency,
        schedule=wanted.schedule,
        environment=wanted.environment,
        tables=[
            TableUse(name, system.made.tables[name].arn(site.name), access == "read-write")
            for name, access in wanted.tables.items()
        ],
        reads_settings=bool(_settings(system, site, wanted)),
        in_vpc=wanted.vpc,
    )
    around = app_functions.Around(base.network, base.alerts.topic_arn, base.keys.data, base.keys.operations)
    return app_functions.app_function(system.stack(site, "app", ABOUT), system.names, declared, around)


def _settings(system: System, site: Site, wanted: Function) -> Mapping[str, Any]:
    """What the function must know of its region; nothing where it uses no table and answers no route.

    The names of tables come from the stack that makes them, so that no function runs before its table is there.
    """
    api = system.workload.api
    content: dict[str, Any] = {}
    if api is not None and wanted.name in api.functions():
        name = system.workload.api_name
        content["endpoint"] = f"https://{name}" if name else "${Api.ApiEndpoint}"
    if wanted.tables:
        stack = system.stack(site, "app", ABOUT)
        names = {name: stack.use(system.made.tables[name].made).data["Ref"] for name in wanted.tables}
        content["tables"] = {name: f"${{{parameter}}}" for name, parameter in names.items()}
    return content


def _api(system: System, site: Site, wanted: Api, made: dict[str, AppFunction]) -> http_api.HttpApi:
    base = system.foundation(site)
    authorization = {"iam": "AWS_IAM", "none": "NONE"}[wanted.authorization]
    endpoints = [http_api.Endpoint("Health", http_api.HEALTH, made[wanted.health], "NONE")]
    endpoints += [
        http_api.Endpoint(route.title, route.key, made[route.function], authorization) for route in wanted.routes
    ]
    name = system.workload.api_name
    return http_api.http_api(
        system.stack(site, "app", ABOUT),
        system.names,
        endpoints=endpoints,
        limits=http_api.Limits(wanted.throttle.rate, wanted.throttle.burst),
        origins=wanted.cors.origins if wanted.cors is not None else (),
        headers=wanted.cors.headers if wanted.cors is not None else (),
        logs_key=base.keys.operations,
        log_days=wanted.log_days,
        topic=base.alerts.topic_arn,
        domain=http_api.Domain(name, wanted.certificate[site.name]) if name else None,
    )
