"""Services on Fargate: in every region the same containers, as many as the region's role needs."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import cluster as ecs
from drgen.builders.load_balancer import load_balancer
from drgen.builders.service import Capacity, Container, service, task
from drgen.builders.service_watch import alarms, autoscaling
from drgen.model.services import Service

LAYER = "services"
"""Apart from the layer of functions: both would not fit into one template."""


def services(system: System) -> None:
    """A stack per region with a cluster, and in it a task, a load balancer and a service for each section."""
    wanted = system.workload.services
    if not wanted:
        return
    for site in system.sites:
        stack = system.stack(site, LAYER, "Containers on Fargate behind internal load balancers.")
        ecs.service_role(stack, default="active" if site.is_primary else "standby")
        around, days = _around(system, site), max(each.log_days for each in wanted)
        shared = ecs.cluster(stack, system.names, around, services=[each.name for each in wanted], log_days=days)
        for each in wanted:
            _service(system, site, around, shared, each)
        if not site.is_primary:
            ecs.activation(stack)


def _around(system: System, site: Site) -> ecs.Around:
    base, database = system.foundation(site), system.workload.database
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
        database_port=database.port if database is not None else None,
    )


def _service(system: System, site: Site, around: ecs.Around, shared: ecs.Cluster, wanted: Service) -> None:
    stack, names = system.stack(site, LAYER), system.names
    capacity = Capacity(wanted.count.primary, wanted.count.recovery, wanted.max_count)
    container = _container(wanted)
    definition = task(stack, names, around, container)
    balancer = load_balancer(
        stack,
        names,
        around,
        shared,
        service=wanted.name,
        port=wanted.port,
        health_path=wanted.health_path,
        certificate=wanted.certificates.get(site.name, ""),
    )
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
    stack.output(balancer.endpoint)


def _container(wanted: Service) -> Container:
    return Container(
        service=wanted.name,
        image=wanted.image,
        port=wanted.port,
        cpu=wanted.cpu,
        memory=wanted.memory,
        architecture=wanted.architecture,
        user=wanted.user or "",
        writable=wanted.writable,
        environment=wanted.environment,
        secrets=wanted.secrets,
        log_days=wanted.log_days,
    )
