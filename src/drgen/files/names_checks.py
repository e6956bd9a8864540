"""What a single field of section `dns` cannot show: names that lead nowhere, or to two things."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from drgen.model.workload import API, Dns, Workload
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]

LONGEST_PATH = 255
"""Source: Route 53 API, HealthCheckConfig, ResourcePath."""


def names(workload: Workload) -> Found:
    dns = workload.dns
    if dns is not None:
        yield from _private(workload, dns) if dns.private else _public(workload, dns)


def _private(workload: Workload, dns: Dns) -> Found:
    internal = workload.internal_services
    if workload.database is None and not internal:
        problem = "a private name points at the database or at internal services, and there are none"
        yield ("dns",), problem, "declare a database or a service, or remove dns"
    if workload.database is None and dns.record is not None:
        yield ("dns", "record"), "it is the name of a database, and there is none", "remove it"
    if dns.zone_id is not None:
        yield ("dns", "zone_id"), "a private zone is made by drgen", "remove zone_id"
    if dns.target is not None:
        problem = "in a private zone everything has its own name"
        yield ("dns", "target"), problem, "remove it, or set private to false"
    if workload.aurora is not None and not internal and "policy" in dns.model_fields_set:
        problem = "an Aurora database has one record, and Aurora itself moves what it points at"
        yield ("dns", "policy"), problem, "remove it"
    for service in internal:
        if f"{service.name}.{dns.zone}" == workload.database_name:
            problem = f"{workload.database_name} would be the database and the service {service.name}"
            yield ("dns", "record"), problem, "give the database another record"


def _public(workload: Workload, dns: Dns) -> Found:
    if workload.postgres is not None:
        problem = "the database needs a private name, and a workload has one zone"
        yield ("dns", "private"), problem, "set it to true; give the API or the service its public name elsewhere"
    yield from _target(workload, dns)
    for index, service in enumerate(workload.services):
        if service.name == API and workload.api is not None:
            problem = f"as the target of a public name, {API} is the HTTP API"
            yield ("services", index, "name"), problem, "choose another name"
        elif service.name == workload.public_target and len(service.health_path) > LONGEST_PATH:
            problem = f"Route 53 asks for paths of at most {LONGEST_PATH} characters"
            yield ("services", index, "health_path"), problem, "use a shorter one"


def _target(workload: Workload, dns: Dns) -> Found:
    known = workload.public_targets
    listed = " and ".join(["the API" if each == API else f"service {each}" for each in known])
    if not known:
        problem = "a public name points at the API or at a public service, and there are none"
        yield ("dns",), problem, "declare api, set public of a service to true, or remove dns"
    elif dns.target is None and len(known) > 1:
        problem = f"the public name could lead to {listed}"
        yield ("dns",), problem, f"choose one, for example target: {known[-1]}"
    elif dns.target is not None and dns.target not in known:
        near = difflib.get_close_matches(dns.target, known, n=1)
        problem = f"{dns.target} is neither the API nor a public service"
        yield ("dns", "target"), problem, f"did you mean {near[0]}?" if near else f"use {' or '.join(known)}"
