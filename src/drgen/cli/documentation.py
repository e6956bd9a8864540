"""The generated pages of docs/: `python -m drgen.cli.documentation` writes them, `--check` compares."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from drgen.cli.commands import rules
from drgen.cli.group import drgen
from drgen.reports import cli_page, events_page, workload_page

DOCS = Path("docs")


def pages() -> Mapping[str, str]:
    """Every generated page by its name below docs/."""
    return {
        "cli.md": cli_page.page(drgen),
        "events.md": events_page.page(),
        "rules.md": rules.markdown(),
        "workload.md": workload_page.page(),
        "workload.schema.json": workload_page.schema(),
    }


def main(arguments: list[str]) -> int:
    """Writes the pages, or with --check names those that differ and gives 1."""
    outdated = [name for name, text in pages().items() if _committed(name) != text]
    for name in outdated:
        if "--check" in arguments:
            print(f"{DOCS / name} is out of date: run `make docs` and commit", file=sys.stderr)
        else:
            (DOCS / name).write_text(pages()[name], "utf-8")
            print(f"wrote {DOCS / name}")
    return 1 if outdated and "--check" in arguments else 0


def _committed(name: str) -> str:
    path = DOCS / name
    return path.read_text("utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
