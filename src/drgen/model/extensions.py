"""Components that other packages bring to drgen: entry points of the group `drgen.components`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "drgen.components"


def installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    """The components of all installed packages by name. It reads every package's metadata: ask only for a workload
    that has extensions."""
    from importlib.metadata import entry_points

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def problem(name: str, known: Mapping[str, tuple[EntryPoint, ...]]) -> tuple[str, str] | None:
    """Why `name` means no component, and what to do; None if it means exactly one."""
    entries = known.get(name, ())
    if not entries:
        near = difflib.get_close_matches(name, sorted(known), n=1)
        missing = f"install the package that declares {name} in the entry point group {GROUP}"
        return f"no installed package has a component {name}", f"did you mean {near[0]}?" if near else missing
    if len(entries) > 1:
        packages = " and ".join(sorted(entry.dist.name for entry in entries if entry.dist is not None))
        return f"{packages} both have a component {name}", "uninstall one of them"
    return None
