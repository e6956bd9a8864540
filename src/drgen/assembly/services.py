"""Services on Fargate: in every region the same containers, as many as the region's role needs."""

from __future__ import annotations

from drgen.assembly.surroundings import surroundings
from drgen.assembly.system import Site, System
from drgen.builders import cluster as ecs
from drgen.builders.balancer_logs import access_logs
from drgen.builders.load_balancer import Balancer, Front, load_balancer
from drgen.builders.service import Capacity, Container, service, task
from drgen.builders.service_watch import alarms, autoscaling
from drgen.builders.web_acl import web_acl
from drgen.model.services import Service

BALANCERS, LAYER = "balancers", "services"
"""Two layers, and both apart from that of functions: together they would not fit into one template."""


def services(system: System) -> None:
    """Two stacks per region: the load balancers, then a cluster with a task and a service for each section."""
    wanted = system.workload.services
    if not wanted:
        return
    for site in system.sites:
        around, days = _around(system, site), max(each.log_days for each in wanted)
        _balancers(system, site, around, log_days=days)
        stack = system.stack(site, LAYER, "Containers on Fargate behind load balancers.")
        all_serve = system.workload.all_serve
        ecs.service_role(stack, default="active" if site.is_primary or all_serve else "standby", always=all_serve)
        shared = ecs.cluster(stack, system.names, around, log_days=days)
        for each in wanted:
            _service(system, site, around, shared, each)
        if not site.is_primary and not all_serve:
            ecs.activation(stack)


def _around(system: System, site: Site) -> ecs.Around:
    base = system.foundation(site)
    return ecs.Around(
        network=base.network,
        clients=[
            (other.name, other.region.cidr)
            for other in system.sites
            if other is site or system.workload.network.peering
        ],
        data_key=base.keys.data,
        operations_key=base.keys.operations,
        topic=base.alerts.topic_arn,
    )


def _balancers(system: System, site: Site, around: ecs.Around, *, log_days: int) -> None:
    stack = system.stack(site, BALANCERS, "Load balancers of the services, and who may call them.")
    wanted = system.workload.services
    logs = access_logs(stack, prefixes=[each.name for each in wanted], days=log_days)
    for each in wanted:
        made = load_balancer(stack, system.names, around, _front(system, site, each), access_logs=logs)
        system.made.balancers[site.name, each.name] = made
        if each.public:
            _guard(system, site, each, made)


def _front(system: System, site: Site, wanted: Service) -> Front:
    database = system.workload.database
    return Front(
        service=wanted.name,
        port=wanted.port,
        health_path=wanted.health_path,
        certificate=wanted.certificates.get(site.name, ""),
        public=wanted.public,
        database_port=database.port if database is not None and wanted.database else None,
    )


def _guard(system: System, site: Site, wanted: Service, balancer: Balancer) -> None:
    web_acl(
        system.stack(site, BALANCERS),
        system.names,
        balancer,
        service=wanted.name,
        per_address=wanted.requests_per_address,
        logs_key=system.foundation(site).keys.operations,
        log_days=wanted.log_days,
    )


def _service(system: System, site: Site, around: ecs.Around, shared: ecs.Cluster, wanted: Service) -> None:
    stack, names = system.stack(site, LAYER), system.names
    capacity = Capacity(wanted.count.primary, system.workload.standby(wanted), wanted.max_count)
    container, balancer = _container(system, site, wanted), system.made.balancers[site.name, wanted.name]
    definition = task(stack, names, around, container)
    made = service(
        stack,
        names,
        around,
        shared,
        balancer,
        container,
        definition,
        capacity=capacity,
        grace_s=wanted.health_grace_s,
    )
    autoscaling(stack, shared, made, service=wanted.name, capacity=capacity)
    alarms(stack, names, shared, balancer, service=wanted.name, capacity=capacity, topic=around.topic)


def _container(system: System, site: Site, wanted: Service) -> Container:
    found = surroundings(system, site, system.stack(site, LAYER), wanted)
    return Container(
        service=wanted.name,
        image=wanted.image,
        port=wanted.port,
        cpu=wanted.cpu,
        memory=wanted.memory,
        architecture=wanted.architecture,
        user=wanted.user or "",
        writable=wanted.writable,
        environment={**wanted.environment, **found.variables},
        statements=found.statements,
        log_days=wanted.log_days,
    )
