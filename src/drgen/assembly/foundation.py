"""What every site has: keys, alerts topic, network."""

from __future__ import annotations

from drgen.assembly.system import Foundation, System
from drgen.builders import alerts, keys, network
from drgen.model.deployment import RevokeDefaultSecurityGroup


def foundation(system: System) -> None:
    """The foundation stack of each site, with the emptied default security group of its VPC."""
    workload, names = system.workload, system.names
    for site in system.sites:
        stack = system.stack(site, "foundation", "VPC, keys, alerts topic.")
        pair = keys.keys(stack, names)
        topic = alerts.alerts(stack, names, key=pair.operations, emails=workload.alerts.emails)
        vpc = network.network(
            stack,
            names,
            cidr=site.region.cidr,
            zones=workload.zones(site.region),
            endpoints=workload.network.endpoints,
            key=pair.operations,
            flow_log_days=workload.network.flow_log_days,
            nat=workload.network.nat,
            public=any(service.public for service in workload.services),
            images=any(service.pulls_from_ecr for service in workload.services),
        )
        # CloudFormation can only add rules to a VPC's default group; the deployer takes them away, in plain sight.
        stack.output(vpc.vpc_id)
        stack.after.append(RevokeDefaultSecurityGroup(vpc.vpc_id.name))
        system.made.foundations[site.name] = Foundation(pair, topic, vpc)
