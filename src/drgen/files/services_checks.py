"""What a single field of section `services` cannot show."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from drgen.model.services import ECR, Service
from drgen.model.workload import Workload
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]

MEMORY: Mapping[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
"""MiB that Fargate takes with CPU units.

Source: cfn-lint, extensions/aws_ecs_taskdefinition/fargate_cpu_memory.json.
"""

PULL_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "s3")
"""What a private task needs to start. Source: Amazon ECR User Guide, "Amazon ECR interface VPC endpoints"."""

SMALLEST_BLOCK = 23
"""Subnets take a sixteenth of the VPC's block."""

ROLE_NAME = 64
ACCESS = "access"
"""A service of this name would have its log group called AccessLogs, as the bucket of the load balancers is."""


def services(workload: Workload) -> Found:
    """Images that cannot be pulled or may differ between regions, sizes that Fargate refuses, missing paths."""
    seen: dict[str, str] = {}
    for index, service in enumerate(workload.services):
        at: At = ("services", index)
        if service.name == ACCESS:
            yield (*at, "name"), "the bucket of access logs has this logical id", "choose another name"
        other = seen.setdefault(service.name.replace("-", ""), service.name)
        if other != service.name:
            problem = f"{service.name} and {other} differ by hyphens only, and would be one logical id"
            yield (*at, "name"), problem, "give one another name"
        elif any(earlier.name == other for earlier in workload.services[:index]):
            yield (*at, "name"), f"there are two services called {service.name}", "give one another name"
        yield from _image(workload, service, at)
        yield from _size(workload, service, at)
        yield from _names(workload, service, at)
        yield from _certificates(workload, service, at)
        yield from _uses(workload, service, at)
    if workload.services:
        yield from _paths(workload)
        yield from _blocks(workload)


def _image(workload: Workload, service: Service, at: At) -> Found:
    place, image = (*at, "image"), service.image
    if "@sha256:" not in image:
        problem = f"{image} has no digest; what a tag stands for may change between the regions and between restarts"
        yield place, problem, "write repository@sha256:... as the registry shows it"
    left = image.replace("{account}", "").replace("{region}", "")
    if "{" in left or "}" in left:
        yield place, "only {account} and {region} stand for something in an image", "remove the other braces"
    if ECR in image and f"{ECR}{{region}}." not in image:
        problem = "both regions would pull from one region's registry, and could not start while that one is dark"
        yield place, problem, "write {region} in place of the region, and let ECR replicate the repository"
    if ECR not in image and workload.network.nat == "none":
        problem = "the image is not in ECR, and private subnets have no way to another registry"
        yield place, problem, "set network.nat, or copy the image to ECR"


def _size(workload: Workload, service: Service, at: At) -> Found:
    allowed = MEMORY.get(service.cpu)
    if allowed is None:
        sizes = ", ".join(str(size) for size in MEMORY)
        yield (*at, "cpu"), f"Fargate has no tasks with {service.cpu} CPU units", f"use one of {sizes}"
    elif service.memory not in allowed:
        near = min(allowed, key=lambda size: abs(size - service.memory))
        problem = f"Fargate has no tasks with {service.cpu} CPU units and {service.memory} MiB"
        yield (*at, "memory"), problem, f"use {near}"
    least = max(service.count.primary, workload.standby(service))
    if service.max_count < least:
        problem = f"autoscaling may go to {service.max_count} tasks, and {least} run at least"
        yield (*at, "max_count"), problem, f"use {least} or more"


def _names(workload: Workload, service: Service, at: At) -> Found:
    longest = max((workload.names.service_role(service.name, side.name) for side in workload.sides()), key=len)
    if len(longest) > ROLE_NAME:
        problem = f"an IAM role name would be {longest!r}: {len(longest)} characters, AWS takes {ROLE_NAME}"
        yield (*at, "name"), problem, f"shorten it by {len(longest) - ROLE_NAME}"


def _certificates(workload: Workload, service: Service, at: At) -> Found:
    """Source: ACM User Guide, "Supported regions": a load balancer takes a certificate of its own region."""
    here = {side.name for side in workload.sides()}
    for region, arn in service.certificates.items():
        place = (*at, "certificates", region)
        if region not in here:
            yield place, f"the workload is not in {region}", f"use {' and '.join(sorted(here))}"
        elif arn.split(":")[3] != region:
            yield place, f"this certificate is in {arn.split(':')[3]}", f"use one of {region}"
    missing = sorted(here - set(service.certificates))
    if service.public and not service.certificates:
        problem = "a public service speaks HTTPS, and there is no certificate"
        yield (*at, "certificates"), problem, f"give one for {' and '.join(sorted(here))}, or set public to false"
    elif service.certificates and missing:
        problem = f"there is no certificate for {' and '.join(missing)}; clients would meet plain HTTP after a failover"
        yield (*at, "certificates"), problem, "give one for each region, or none"


def _uses(workload: Workload, service: Service, at: At) -> Found:
    """What the service uses must be in the workload, and its variables must not be taken."""
    known = {
        "tables": [table.name for table in workload.tables],
        "buckets": [bucket.name for bucket in workload.buckets],
    }
    for section, names in known.items():
        for name in getattr(service, section):
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                fix = f"did you mean {near[0]}?" if near else f"declare it in {section}"
                yield (*at, section, name), f"there is no {section.removesuffix('s')} {name}", fix
    if service.events and workload.events is None:
        yield (*at, "events"), "there is no event bus", "declare events"
    if service.database and workload.database is None:
        yield (*at, "database"), "there is no database", "declare database"
    for name in service.variables():
        if name in service.environment:
            yield (*at, "environment", name), f"{name} is set by drgen", "choose another name"


def _blocks(workload: Workload) -> Found:
    """Source: Elastic Load Balancing guide, "Application Load Balancers", Subnets (a /27 and 8 free addresses each)."""
    for index, side in enumerate(workload.sides()):
        if side.cidr.prefixlen > SMALLEST_BLOCK:
            at: At = ("regions", "primary") if index == 0 else ("regions", "recovery", index - 1)
            problem = f"the subnets of {side.cidr} are smaller than the /27 that a load balancer asks for"
            yield (*at, "cidr"), problem, f"use a /{SMALLEST_BLOCK} or a larger block"


def _paths(workload: Workload) -> Found:
    if workload.network.nat != "none":
        return
    services = workload.services
    needed = [*PULL_ENDPOINTS]
    if any(service.secrets or service.database for service in services):
        needed.append("secretsmanager")
    if any(service.tables for service in services):
        needed.append("dynamodb")
    if any(service.events for service in services):
        needed.append("events")
    missing = sorted(set(needed) - set(workload.network.endpoints))
    if missing:
        problem = f"tasks in private subnets have no path to {', '.join(missing)}"
        yield ("network", "endpoints"), problem, f"add {', '.join(missing)}, or set network.nat"
