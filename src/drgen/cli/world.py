"""From a folder with a manifest to the world that preflight judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from drgen.errors import InputErrors, Problem
from drgen.files.manifest import find_manifest, read_deployment
from drgen.model.deployment import Deployment
from drgen.preflight.world import World
from drgen.template.load import Template, load


@dataclass(frozen=True)
class Folder:
    """A deployment as read from disk: `world` for the rules, `sources` (bytes by template path) for the linters."""

    path: str
    world: World
    sources: Mapping[str, bytes]


def load_folder(path: Path, *, before: World | None = None) -> Folder:
    """The deployment in `path`, a folder or a manifest, as an update of `before`.

    Raises UsageError where there is no manifest, and InputErrors with the problems of all files that cannot be read.
    """
    manifest_path = find_manifest(_from_here(path))
    deployment = read_deployment(manifest_path)
    problems: list[Problem] = []
    templates: dict[str, Template] = {}
    sources: dict[str, bytes] = {}
    for name in dict.fromkeys(_template_paths(deployment)):
        file = deployment.folder / name
        try:
            sources[name] = file.read_bytes()
            templates[name] = load(sources[name], file=str(file))
        except InputErrors as error:
            problems += error.problems
        except OSError as error:
            fix = f"write the template, or correct its path in {manifest_path.name}"
            problems.append(Problem(str(file), 1, "", f"the template cannot be read: {error.strerror}", fix))
    if problems:
        raise InputErrors(problems)
    manifest = load(manifest_path.read_bytes(), file=str(manifest_path))
    return Folder(str(_from_here(path)), World(deployment, templates, manifest, before), sources)


def _from_here(path: Path) -> Path:
    """`path` relative to the current folder where it lies inside: reports are read on other machines, too."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _template_paths(deployment: Deployment) -> Iterator[str]:
    for entry in deployment.stacks:
        if entry.action != "delete":
            yield entry.template
        yield from entry.nested.values()
