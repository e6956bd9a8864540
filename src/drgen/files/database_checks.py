"""What a single field of section `database` cannot show."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from drgen.model.database import Aurora, Postgres
from drgen.model.workload import Workload
from drgen.template import bundled
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]

OF_ANOTHER_ENGINE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("aurora-postgresql", "multi_az"): (
        "an Aurora cluster outlives the loss of a zone by having more than one instance",
        "remove it, and set instances",
    ),
    ("aurora-postgresql", "storage_gib"): ("Aurora's storage grows by itself", "remove it"),
    ("postgres", "instances"): ("engine postgres has one instance per region", "remove it, or see multi_az"),
    ("postgres", "storage"): ("engine postgres has storage of a given size", "remove it, and set storage_gib"),
    ("postgres", "instance_parameters"): ("engine postgres has no cluster", "move them to parameters"),
}
"""Keys that only the other engine takes: what is wrong with them, and how to mend it."""

MEMBERS = 16
"""Instances of the primary cluster and secondary clusters, together.

Source: Amazon Aurora User Guide, "Configuration requirements of an Amazon Aurora global database": 15 readers in the
primary cluster, less one for each secondary region."""

SECONDARIES = 10
"""Source: Amazon Aurora User Guide, "Using Amazon Aurora Global Database"."""


def database(workload: Workload) -> Found:
    """What the engine does not offer, and what the database needs around it."""
    wanted = workload.database
    if wanted is None:
        return
    yield from _versions(wanted)
    yield from _classes(workload, wanted)
    if isinstance(wanted, Aurora):
        yield from _global(workload, wanted)
    yield from _needs(workload, wanted)


def _versions(wanted: Postgres | Aurora) -> Found:
    known, deprecated = bundled.engine_versions(wanted.engine)
    if wanted.version in known - deprecated:
        return
    current = sorted(
        (v for v in known - deprecated if v.replace(".", "").isdecimal() and "." in v),
        key=lambda v: [int(number) for number in v.split(".")],
    )
    same = [version for version in current if version.split(".")[0] == wanted.version.split(".")[0]]
    state = "is deprecated" if wanted.version in deprecated else "is not offered"
    fix = f"use {same[-1]}" if same else f"use one of {', '.join(current[-3:])}"
    yield ("database", "version"), f"{wanted.engine} {wanted.version} {state} by RDS", fix


def _classes(workload: Workload, wanted: Postgres | Aurora) -> Found:
    """Source: Amazon Aurora User Guide, "Configuration requirements of an Amazon Aurora global database"."""
    if isinstance(wanted, Aurora) and wanted.instance_class.startswith("db.t"):
        problem = f"{wanted.instance_class} is a burstable class; a global database takes memory-optimized ones only"
        yield ("database", "instance_class"), problem, "choose a class of family r or x"
        return
    for side in workload.sides():
        offered = bundled.instance_classes(wanted.engine, side.name)
        if offered and wanted.instance_class not in offered:
            near = difflib.get_close_matches(wanted.instance_class, sorted(offered), n=1)
            problem = f"{wanted.instance_class} is not offered for {wanted.engine} in {side.name}"
            fix = f"choose a class both regions have{', for example ' + near[0] if near else ''}"
            yield ("database", "instance_class"), problem, fix


def _global(workload: Workload, wanted: Aurora) -> Found:
    for index, side in enumerate(workload.sides()):
        types = bundled.resource_types(side.name)
        if types and "AWS::RDS::GlobalCluster" not in types:
            at: At = ("regions", "primary", "name") if index == 0 else ("regions", "recovery", index - 1, "name")
            yield at, f"CloudFormation has no Aurora global databases in {side.name}", "use engine: postgres"
    others = len(workload.regions.recovery)
    if others > SECONDARIES:
        problem = f"a global database has {SECONDARIES} secondary regions at most"
        yield ("regions", "recovery"), problem, "list fewer regions, or use engine: postgres"
    if wanted.instances.primary + others > MEMBERS:
        problem = f"with {others} recovery regions the primary cluster has {MEMBERS - others} instances at most"
        yield ("database", "instances", "primary"), problem, f"use {MEMBERS - others} or less"


def _needs(workload: Workload, wanted: Postgres | Aurora) -> Found:
    if "secretsmanager" not in workload.network.endpoints:
        problem = "the probe in the VPC reads the database's secret and has no path to Secrets Manager"
        yield ("network", "endpoints"), problem, "add secretsmanager"
    if not workload.network.peering:
        problem = "without peering the probe cannot reach the primary database"
        if isinstance(wanted, Aurora):
            problem = "the writer of a global database changes regions, and without peering only one region reaches it"
        yield ("network", "peering"), problem, "set it to true"
    if "rds.force_ssl" in wanted.parameters:
        yield ("database", "parameters", "rds.force_ssl"), "TLS is always forced", "remove it"
    if workload.dns is None and isinstance(wanted, Postgres):
        yield ("dns",), "a failover moves the database's name, and there is none", "declare dns with a zone"
