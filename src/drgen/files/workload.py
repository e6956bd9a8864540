"""`workload.yaml` -> Workload. Every problem at once, each with its line, what is wrong, and what to do."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from drgen.errors import InputErrors, Problem, UsageError
from drgen.files.database_checks import OF_ANOTHER_ENGINE
from drgen.files.workload_checks import findings
from drgen.model.database import ENGINES
from drgen.model.fields import Elsewhere, Section
from drgen.model.workload import Workload
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
        problem, fix = _wording(detail["type"], detail)
        yield _problem(document, _path(detail), problem, fix)


def _path(detail: Any) -> At:
    """Where the problem is in the file. Pydantic also says that a key is meant, and by which engine it judges."""
    path = tuple(part for part in detail["loc"] if part != "[key]")
    return path[:1] + path[2:] if path[:1] == ("database",) and path[1:2] and path[1] in ENGINES else path


def _checked_in_spite_of(error: ValidationError, document: Template) -> Iterator[Problem]:
    """What is wrong with the parts that `error` leaves standing: one run shows a person everything."""
    body = copy.deepcopy(dict(document.body))
    broken = [_path(detail) for detail in _details(error)]
    for path in broken:
        _replace(body, path)
    try:
        workload = Workload.model_validate(body)
    except ValidationError:
        return
    for at, problem, fix in findings(workload):
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


def _wording(kind: str, detail: Any) -> tuple[str, str]:
    context, path = detail.get("ctx", {}), _path(detail)
    given = detail["input"]
    match kind:
        case "extra_forbidden":
            return _unknown(detail["loc"])
        case "missing":
            return "this is required and missing", f"add `{path[-1]}:`; {_SCHEMA}"
        case "string_pattern_mismatch":
            return f"{given!r} does not match {context['pattern']}", "use a value of that form"
        case "literal_error":
            engines = " or ".join(repr(engine) for engine in ENGINES)
            expected = engines if path == ("database", "engine") else context["expected"]
            return f"{given!r} is not possible here", f"use {expected}"
        case "string_type":
            return f"{given!r} is read as {type(given).__name__}", f'put it in quotes: "{given}"'
        case "value_error":
            problem, use, fix = str(context["error"]).partition("; use ")
            return problem, f"use {fix}" if use else "correct the value"
        case "too_long" | "string_too_long":
            return f"{given!r} is too long" if kind.startswith("string") else "too many are listed", detail["msg"]
    return detail["msg"], f"correct the value {given!r}; {_SCHEMA}"


def _unknown(location: At) -> tuple[str, str]:
    """What is said of a key that does not stand where it is."""
    *section, key = location
    if len(section) == 2 and (section[1], key) in OF_ANOTHER_ENGINE:
        return OF_ANOTHER_ENGINE[str(section[1]), str(key)]
    near = difflib.get_close_matches(str(key), _fields_at(section), n=1)
    return "this key is not known", f"did you mean {near[0]}?" if near else f"remove it; {_SCHEMA}"


def _fields_at(location: Sequence[str | int]) -> list[str]:
    """The keys allowed in the section at `location`, as pydantic writes it: with the engine behind `database`."""
    model: type[Section] | None = Workload
    for part in location:
        if isinstance(part, int):
            continue
        if part in ENGINES:
            model = ENGINES[part]
            continue
        field = model.model_fields.get(part) if model is not None else None
        model = _section(field.annotation) if field is not None else None
    return list(model.model_fields) if model is not None else []


def _section(annotation: Any) -> type[Section] | None:
    """The section that a field holds, or holds many of."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = [*getattr(annotation, "__metadata__", ()), *get_args(annotation)]
    elsewhere = next((item.section() for item in inner if isinstance(item, Elsewhere)), None)
    return elsewhere or next(filter(None, map(_section, inner)), None)


def _problem(document: Template, path: At, problem: str, fix: str) -> Problem:
    name = ".".join(str(part) for part in path)
    return Problem(file=document.file, line=document.line(path), at=name, problem=problem, fix=fix)


def _checked(workload: Workload, document: Template) -> Iterator[Problem]:
    """What one field alone cannot show."""
    for at, problem, fix in findings(workload):
        yield _problem(document, at, problem, fix)
