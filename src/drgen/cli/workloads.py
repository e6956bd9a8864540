"""From what people type to a workload's folder."""

from __future__ import annotations

from pathlib import Path

from drgen.errors import UsageError

TEMPLATES = Path("templates")


def folder(argument: str) -> Path:
    """The folder that `argument` means: a name under `templates/`, or a path. Raises UsageError if there is none."""
    for candidate in (TEMPLATES / argument, Path(argument)):
        if candidate.is_dir():
            return candidate
    names = ", ".join(sorted(path.name for path in TEMPLATES.glob("*") if path.is_dir())) or "none"
    raise UsageError(
        f"there is no workload {argument!r}", fix=f"give a folder, or one of those under {TEMPLATES}/: {names}"
    )


def all_folders() -> tuple[Path, ...]:
    """Every workload under `templates/`, by name."""
    return tuple(sorted(path.parent for path in TEMPLATES.glob("*/workload.yaml")))
