"""What one field of a workload file alone cannot show: parts that do not fit each other, or AWS."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from importlib import import_module
from ipaddress import IPv4Network
from typing import NamedTuple

from drgen.files.objectives_checks import objectives
from drgen.files.regions_checks import recovery_regions
from drgen.files.strategy_checks import strategy
from drgen.model.names import partition_of
from drgen.model.workload import Workload
from drgen.template import bundled
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]
"""Where, what is wrong, and how to mend it."""


def _side_path(index: int) -> At:
    return ("regions", "primary") if index == 0 else ("regions", "recovery", index - 1)


def _regions(workload: Workload) -> Found:
    known = bundled.regions()
    for index, side in enumerate(workload.sides()):
        at = (*_side_path(index), "name")
        if side.name not in known:
            near = difflib.get_close_matches(side.name, sorted(known), n=1)
            yield at, f"{side.name} is no AWS region", f"did you mean {near[0]}?" if near else "use a region's code"
        if index and side.name == workload.regions.primary.name:
            yield at, "the recovery region is the primary region", "choose another region; one outage would take both"
        elif side.name in [earlier.name for earlier in workload.sides()[:index]]:
            yield at, f"{side.name} is listed twice", "list each recovery region once"
        yield from _partition(workload.regions.primary.name, side.name, at)
        at = (*_side_path(index), "zones")
        if side.zones and len(side.zones) != workload.network.zones:
            yield (
                at,
                f"{len(side.zones)} zones are listed, network.zones is {workload.network.zones}",
                "make them agree",
            )
        if len(set(side.zones)) != len(side.zones):
            yield at, "a zone is listed twice", "list each zone once"
        for zone in side.zones:
            if not zone.startswith(side.name) or zone == side.name:
                yield at, f"{zone} is no zone of {side.name}", f"write zones like {side.name}a"


def _partition(primary: str, name: str, at: At) -> Found:
    """Source: AWS General Reference, "Amazon Resource Names (ARNs)": "Each AWS account is scoped to one partition"."""
    if name in bundled.regions() and partition_of(name) != partition_of(primary):
        problem = f"{name} is in partition {partition_of(name)}, {primary} in {partition_of(primary)}"
        yield at, problem, "choose a region of the same partition; no account and no copy reaches into another"


def _blocks(workload: Workload) -> Found:
    taken: list[tuple[str, IPv4Network]] = []
    for index, side in enumerate(workload.sides()):
        at = (*_side_path(index), "cidr")
        for other, block in taken:
            if side.cidr.overlaps(block):
                free = next(b for b in IPv4Network("10.0.0.0/8").subnets(new_prefix=16) if not _overlaps(b, workload))
                problem = f"{side.cidr} overlaps {block} of {other}; VPCs with overlapping blocks cannot be peered"
                yield at, problem, f"choose a block outside it, for example {free}"
        taken.append((side.name, side.cidr))
        if side.cidr.prefixlen > 24:
            problem = f"{side.cidr} is too small for subnets in {workload.network.zones} zones; they would be below /28"
            yield at, problem, "use a /24 or a larger block"


def _overlaps(block: IPv4Network, workload: Workload) -> bool:
    return any(block.overlaps(side.cidr) for side in workload.sides())


def _names(workload: Workload) -> Found:
    for limit in workload.names.limits([side.name for side in workload.sides()]):
        if len(limit.name) > limit.most:
            problem = f"{limit.what} would be {limit.name!r}: {len(limit.name)} characters, AWS takes {limit.most}"
            yield ("name",), problem, f"shorten name or environment by {len(limit.name) - limit.most}"


_ALWAYS = (_regions, recovery_regions, _blocks, _names, strategy, objectives)


class Check(NamedTuple):
    """A check by module and function, imported for a workload that declares `section`."""

    section: str
    module: str
    function: str

    def load(self) -> Callable[[Workload], Found]:
        """The function."""
        found: Callable[[Workload], Found] = getattr(import_module(f"drgen.files.{self.module}"), self.function)
        return found


OF_SECTIONS = (
    Check("database", "database_checks", "database"),
    Check("functions", "application_checks", "check_functions"),
    Check("api", "application_checks", "check_api"),
    Check("dns", "names_checks", "names"),
    Check("backup", "backup_checks", "backup"),
    Check("canary", "canary_checks", "canary"),
    Check("buckets", "buckets_checks", "buckets"),
    Check("extensions", "extensions_checks", "extensions"),
    Check("database", "monitoring_checks", "monitoring"),
    Check("tables", "tables_checks", "tables"),
    Check("services", "services_checks", "services"),
    Check("tags", "tags_checks", "tags"),
)


def findings(workload: Workload) -> Found:
    """Every problem of a workload whose fields are all valid by themselves."""
    for check in _ALWAYS:
        yield from check(workload)
    for section_check in OF_SECTIONS:
        if getattr(workload, section_check.section):
            yield from section_check.load()(workload)
