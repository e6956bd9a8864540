"""DR445, DR449: whom the groups of data stores and endpoints let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drgen.model.finding import Severity
from drgen.preflight.networks import GROUP, Block, admitted, block, blocks, overlapping, vpc_of
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import number
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]
INSTANCE = "AWS::RDS::DBInstance"
PORTS = (("postgres", 5432), ("aurora-postgresql", 5432), ("mysql", 3306), ("mariadb", 3306), ("aurora-mysql", 3306),
         ("sqlserver", 1433), ("oracle", 1521))  # fmt: skip
"""The port of a database that states none. Source: RDS API, CreateDBInstance, Port; CreateDBCluster for Aurora."""


@dataclass(frozen=True)
class Listens:
    """A type that listens behind the groups at `groups`; `port` is the one it has where the template states none."""

    type: str
    groups: str
    port: int | None = None


STORES = (
    Listens(INSTANCE, "VPCSecurityGroups"), Listens("AWS::RDS::DBCluster", "VpcSecurityGroupIds"),
    Listens("AWS::EFS::MountTarget", "SecurityGroups", 2049),
    Listens("AWS::ElastiCache::ReplicationGroup", "SecurityGroupIds", 6379),
    Listens("AWS::ElastiCache::ServerlessCache", "SecurityGroupIds", 6379),
    Listens("AWS::DocDB::DBCluster", "VpcSecurityGroupIds", 27017),
    Listens("AWS::Neptune::DBCluster", "VpcSecurityGroupIds", 8182),
    Listens("AWS::Redshift::Cluster", "VpcSecurityGroupIds", 5439),
)  # fmt: skip
"""Source: registry schemas (Port and its default); Amazon EFS User Guide, Using VPC security groups (NFS, 2049)."""

ENDPOINT = Listens("AWS::EC2::VPCEndpoint", "SecurityGroupIds", 443)


def _behind_groups(world: World, *rows: Listens) -> Iterator[tuple[Resource, str, float, list[Resource]]]:
    """What listens behind groups of the world: the property that names them, the port, and the groups."""
    for row in rows:
        for resource in world.resources(row.type):
            groups = [world.target(value, GROUP) for value in resource.values(row.groups)]
            known = [group for group in groups if group is not None]
            port = _port(world, resource, row)
            if port is not None and known and len(known) == len(groups):
                yield resource, row.groups, port, known


@rule(
    "DR445",
    "The groups of a data store let somebody in on its port",
    source="Amazon RDS User Guide, Controlling access with security groups; guides of the other services",
    severity=Severity.WARNING,
)
def store_is_reachable(world: World) -> Found:
    """The data store is there and nobody can connect: the rules admit another port. On the side of the
    replica, nobody notices before the failover.

    Fix: admit the port from the groups or blocks of the clients.
    """
    for resource, path, port, groups in _behind_groups(world, *STORES):
        open_somewhere = any(admitted(world, group, None) for group in groups)
        if open_somewhere and not any(admitted(world, group, port) for group in groups):
            message = f"no rule of {groups[0].logical_id} (stack {groups[0].stack.key}) admits port {port:g}"
            yield Fault(resource.place(path), message, f"admit port {port:g} from the clients")


def _port(world: World, resource: Resource, row: Listens) -> float | None:
    for path in ("Port", "DBPort"):
        if resource.has(path):
            return number(resource.value(path))
    if row.port is not None:
        return row.port
    engine = resource.text("Engine") or ""
    for value in resource.values("SourceDBInstanceIdentifier"):
        source = world.target(value, INSTANCE)
        if source is not None:
            return _port(world, source, row)
    matching = [port for name, port in PORTS if engine == name or engine.startswith(f"{name}-")]
    return matching[0] if matching else None


@rule(
    "DR449",
    "Data stores and endpoints of the recovery region let their own network in",
    source="Amazon VPC User Guide, Security group rules",
    severity=Severity.WARNING,
)
def own_network_is_let_in(world: World) -> Found:
    """The group was copied from the primary region with its blocks. As long as the primary region lives, its clients
    come over the peering; after the failover the clients of the recovery region are shut out.

    Fix: admit the block of the VPC that the group is in, too.
    """
    for resource, path, port, groups in _behind_groups(world, *STORES, ENDPOINT):
        home = vpc_of(world, groups[0].value("VpcId"))
        own = blocks(world, home) if home is not None else []
        if not own or resource.region not in world.recovery:
            continue
        sources = [source for group in groups for source in admitted(world, group, port)]
        wide = [found for source in sources if (found := _private(source))]
        if wide and len(wide) == len(sources) and not overlapping(wide, own):
            message = f"port {port:g} is open for {', '.join(map(str, wide))}, and the VPC has {own[0]}"
            yield Fault(resource.place(path), message, f"admit {own[0]}")


def _private(source: Resource | str) -> Block | None:
    """The block of private addresses that `source` is; None if it is anything else."""
    found = block(source) if isinstance(source, str) else None
    return found if found is not None and found.is_private and found.prefixlen > 0 else None
