"""`workload.yaml` -> Workload. Every problem at once, each with its line, what is wrong, and what to do."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from drgen.errors import InputErrors, Problem, UsageError
from drgen.model.workload import Workload
from drgen.template import bundled
from drgen.template.load import Path as At
from drgen.template.load import Template, load

WORKLOAD = "workload.yaml"

_SCHEMA = "see docs/workload.md for what stands here"

_STAND_IN: dict[str, Any] = {
    "name": "name",
    "environment": "prod",
    "strategy": "warm-standby",
    "objectives": {"rto": "1h", "rpo": "5m"},
    "regions": {
        "primary": {"name": "us-east-1", "cidr": "100.64.0.0/24"},
        "recovery": {0: {"name": "eu-west-1", "cidr": "100.64.1.0/24"}},
    },
    "database": {"engine": "postgres", "version": "16.9", "instance_class": "db.r6g.large"},
    "dns": {"zone": "db.internal"},
}
"""Stands in for broken parts while the other parts are checked; its own problems are never shown."""


def read_workload(path: Path) -> Workload:
    """The workload in `path`, a folder or the file. Raises InputErrors, or UsageError if there is no file."""
    file = path / WORKLOAD if path.is_dir() else path
    if not file.is_file():
        raise UsageError("there is no workload file", at=str(file), fix="run `drgen init NAME`, or give another folder")
    return parse_workload(file.read_bytes(), file=str(file))


def parse_workload(data: bytes, *, file: str) -> Workload:
    """The workload in `data`. Raises InputErrors."""
    document = load(data, file=file)
    try:
        workload = Workload.model_validate(document.body)
    except ValidationError as error:
        problems = [*_translated(error, document), *_checked_in_spite_of(error, document)]
        raise InputErrors(problems) from error
    problems = list(_checked(workload, document))
    if problems:
        raise InputErrors(problems)
    return workload


def _details(error: ValidationError) -> Iterator[Any]:
    for detail in error.errors(include_url=False):
        # A list with one broken item is counted as empty, too; the item's own problem says it better.
        if not (detail["type"] == "too_short" and detail["input"]):
            yield detail


def _translated(error: ValidationError, document: Template) -> Iterator[Problem]:
    for detail in _details(error):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        problem, fix = _wording(detail["type"], detail, path)
        yield _problem(document, path, problem, fix)


def _checked_in_spite_of(error: ValidationError, document: Template) -> Iterator[Problem]:
    """What is wrong with the parts that `error` leaves standing: one run shows a person everything."""
    body = copy.deepcopy(dict(document.body))
    broken = [detail["loc"] for detail in _details(error)]
    for path in broken:
        _replace(body, path)
    try:
        workload = Workload.model_validate(body)
    except ValidationError:
        return
    for at, problem, fix in _findings(workload):
        if not any(at[: len(path)] == path or path[: len(at)] == at for path in broken):
            yield _problem(document, at, problem, fix)


def _replace(body: Any, path: At) -> None:
    """Puts the stand-in's value at `path`, or removes what stands there if the stand-in has none."""
    stand_in: Any = _STAND_IN
    for part in path[:-1]:
        body = body[part]
        stand_in = stand_in.get(part) if isinstance(stand_in, dict) else None
    if not isinstance(body, dict):
        return
    if isinstance(stand_in, dict) and path[-1] in stand_in:
        body[str(path[-1])] = stand_in[path[-1]]
    else:
        body.pop(str(path[-1]), None)


def _wording(kind: str, detail: Any, path: At) -> tuple[str, str]:
    context = detail.get("ctx", {})
    given = detail["input"]
    match kind:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(path[-1]), _fields_at(path[:-1]), n=1)
            return "this key is not known", f"did you mean {near[0]}?" if near else f"remove it; {_SCHEMA}"
        case "missing":
            return "this is required and missing", f"add `{path[-1]}:`; {_SCHEMA}"
        case "string_pattern_mismatch":
            return f"{given!r} does not match {context['pattern']}", "use a value of that form"
        case "literal_error":
            return f"{given!r} is not possible here", f"use {context['expected']}"
        case "string_type":
            return f"{given!r} is read as {type(given).__name__}", f'put it in quotes: "{given}"'
        case "value_error":
            return str(context["error"]), "correct the value"
        case "too_long" | "string_too_long":
            return f"{given!r} is too long" if kind.startswith("string") else "too many are listed", detail["msg"]
    return detail["msg"], f"correct the value {given!r}; {_SCHEMA}"


def _fields_at(path: At) -> list[str]:
    """The keys allowed in the section at `path`."""
    model: Any = Workload
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            return []
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next((item for item in inner if isinstance(item, type) and issubclass(item, BaseModel)), None)
    return list(model.model_fields) if model is not None else []


def _problem(document: Template, path: At, problem: str, fix: str) -> Problem:
    name = ".".join(str(part) for part in path)
    return Problem(file=document.file, line=document.line(path), at=name, problem=problem, fix=fix)


def _checked(workload: Workload, document: Template) -> Iterator[Problem]:
    """What one field alone cannot show."""
    for at, problem, fix in _findings(workload):
        yield _problem(document, at, problem, fix)


_Found = Iterator[tuple[At, str, str]]


def _findings(workload: Workload) -> _Found:
    for check in (_regions, _blocks, _offerings, _names, _needs):
        yield from check(workload)


def _side_path(index: int) -> At:
    return ("regions", "primary") if index == 0 else ("regions", "recovery", index - 1)


def _regions(workload: Workload) -> _Found:
    known = bundled.regions()
    for index, side in enumerate(workload.sides()):
        at = (*_side_path(index), "name")
        if side.name not in known:
            near = difflib.get_close_matches(side.name, sorted(known), n=1)
            yield at, f"{side.name} is no AWS region", f"did you mean {near[0]}?" if near else "use a region's code"
        if index and side.name == workload.regions.primary.name:
            yield at, "the recovery region is the primary region", "choose another region; one outage would take both"
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


def _blocks(workload: Workload) -> _Found:
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


def _offerings(workload: Workload) -> _Found:
    database = workload.database
    known, deprecated = bundled.engine_versions(database.engine)
    current = sorted(
        (v for v in known - deprecated if "." in v), key=lambda v: [int(n) for n in v.split("-")[0].split(".")]
    )
    if database.version not in known or database.version in deprecated:
        major = database.version.split(".")[0]
        same = [version for version in current if version.split(".")[0] == major]
        state = "is deprecated" if database.version in deprecated else "is not offered"
        fix = f"use {same[-1]}" if same else f"use one of {', '.join(current[-3:])}"
        yield ("database", "version"), f"{database.engine} {database.version} {state} by RDS", fix
    for side in workload.sides():
        offered = bundled.instance_classes(database.engine, side.name)
        if offered and database.instance_class not in offered:
            near = difflib.get_close_matches(database.instance_class, sorted(offered), n=1)
            problem = f"{database.instance_class} is not offered for {database.engine} in {side.name}"
            fix = f"choose a class both regions have{', for example ' + near[0] if near else ''}"
            yield ("database", "instance_class"), problem, fix


def _names(workload: Workload) -> _Found:
    for limit in workload.names.limits([side.name for side in workload.sides()]):
        if len(limit.name) > limit.most:
            problem = f"{limit.what} would be {limit.name!r}: {len(limit.name)} characters, AWS takes {limit.most}"
            yield ("name",), problem, f"shorten name or environment by {len(limit.name) - limit.most}"


def _needs(workload: Workload) -> _Found:
    if "secretsmanager" not in workload.network.endpoints:
        problem = "the probe in the VPC reads the database's secret and has no path to Secrets Manager"
        yield ("network", "endpoints"), problem, "add secretsmanager"
    if not workload.network.peering:
        problem = "without peering the probe cannot reach the primary database"
        yield ("network", "peering"), problem, "set it to true"
    if "rds.force_ssl" in workload.database.parameters:
        yield ("database", "parameters", "rds.force_ssl"), "TLS is always forced", "remove it"
    if len(workload.tags) > 40:
        yield ("tags",), f"{len(workload.tags)} tags; AWS takes 50 and CloudFormation adds its own", "keep 40 or fewer"
