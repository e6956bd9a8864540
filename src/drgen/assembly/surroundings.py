"""What a service finds in its region: the names of what it uses, and the right to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import Sub

from drgen.assembly.system import Site, System
from drgen.builders import access
from drgen.model.database import Database
from drgen.model.services import Service, variable
from drgen.model.stack import StackDraft


@dataclass(frozen=True)
class Surroundings:
    """Variables of the container, and statements of its role."""

    variables: Mapping[str, Any]
    statements: list[Any]


def surroundings(system: System, site: Site, stack: StackDraft, wanted: Service) -> Surroundings:
    """What `wanted` declares to use, as it is in the region of `site`.

    What comes from another stack is a parameter: no task starts before it is there.
    """
    made, names, key = system.made, system.names, system.foundation(site).keys.data
    variables: dict[str, Any] = {}
    for name in wanted.tables:
        variables[variable("TABLE", name)] = stack.use(made.tables[name].made)
    for name in wanted.buckets:
        variables[variable("BUCKET", name)] = Sub(names.bucket(name, site.name))
    secrets = list(wanted.secrets)
    if system.workload.database is not None and wanted.database:
        variables |= _database(system, stack, system.workload.database)
        secrets.append(names.secret)
    statements = [
        *access.tables(
            stack,
            [
                access.TableUse(name, made.tables[name].arn(site.name), use == "read-write")
                for name, use in wanted.tables.items()
            ],
            key=key,
        ),
        *access.buckets(
            stack,
            [
                access.BucketUse(name, made.buckets[site.name, name].arn, key, use == "read-write")
                for name, use in wanted.buckets.items()
            ],
        ),
        *access.secrets(stack, secrets, key=key),
    ]
    if wanted.events:
        variables["EVENT_BUS"] = stack.use(made.buses[site.name].name)
        statements.append(access.bus(stack, made.buses[site.name].arn))
    return Surroundings(variables, statements)


def _database(system: System, stack: StackDraft, database: Database) -> dict[str, Any]:
    return {
        "DATABASE_HOST": _host(system, stack),
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": database.name,
        "DATABASE_SECRET": system.names.secret,
    }


def _host(system: System, stack: StackDraft) -> Any:
    """A name that follows a failover, so that no task need be started again: Aurora's own, or the private one."""
    if system.made.aurora is not None:
        return stack.use(system.made.aurora.writer)
    return system.workload.database_name
