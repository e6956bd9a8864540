"""What the rules of `drgen check` take without a linter, at best: on the systems, and on worlds that grow.

Processor time, so that a busy machine counts less. Run it with `make benchmarks`; it fails nothing. Imports and the
bundled schemas are not in the second figure of the systems: an editor or a server pays for them once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import yaml

from drgen.cli.world import load_folder
from drgen.preflight.garbage import collecting_rarely
from drgen.preflight.run import Selection, check_world

TEMPLATES = Path(__file__).parent.parent / "templates"
SIZES = (10, 50, 100, 200, 300)
SYSTEM_BUDGET_S = 0.3
STACK_BUDGET_MS = 6


def check(folders: Iterable[Path]) -> None:
    with collecting_rarely():
        for folder in folders:
            check_world(load_folder(folder).world, Selection())


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def grown(target: Path, stacks: int) -> int:
    """Writes a deployment of at least `stacks` stacks, and says how many: copies of the systems, each under names of
    its own."""
    entries: list[dict[str, object]] = []
    number = 0
    while len(entries) < stacks:
        _copy(systems()[number % len(systems())], target, number, entries)
        number += 1
    (target / "deploy.yaml").write_text(yaml.safe_dump({"stacks": entries}, sort_keys=False), "utf-8")
    return len(entries)


def _copy(folder: Path, target: Path, number: int, entries: list[dict[str, object]]) -> None:
    prefix = f"w{number:03}"

    def renamed(file: Path) -> str:
        return file.read_text("utf-8").replace(folder.name, prefix)

    for file in sorted(folder.glob("*/*.yaml")):
        copy = target / prefix / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(renamed(file), "utf-8")
    for entry in yaml.safe_load(renamed(folder / "deploy.yaml"))["stacks"]:
        kept = {key: entry[key] for key in ("stack", "region", "parameters", "capabilities") if key in entry}
        entries.append({**kept, "template": f"{prefix}/{entry['template']}"})


def systems() -> list[Path]:
    return sorted(path.parent for path in TEMPLATES.glob("*/deploy.yaml"))


def main() -> None:
    first = seconds(lambda: check(systems()))
    again = min(seconds(lambda: check(systems())) for _ in range(7))
    names = ", ".join(folder.name for folder in systems())
    print(f"{names}: {first * 1000:.0f} ms the first time, {again * 1000:.0f} ms then")
    print(f"  {again / SYSTEM_BUDGET_S:.2f} x the budget of {SYSTEM_BUDGET_S} s")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            made = grown(Path(folder), size)
            with collecting_rarely():
                load_s = min(seconds(partial(load_folder, Path(folder))) for _ in range(3))
            whole = min(seconds(partial(check, [Path(folder)])) for _ in range(3))
        stack_ms = whole * 1000 / made
        print(
            f"{made:>4} stacks: {whole * 1000:6.0f} ms, of it reading {load_s * 1000:5.0f} ms; "
            f"{stack_ms:5.2f} ms a stack, {stack_ms / STACK_BUDGET_MS:.2f} x the budget"
        )


if __name__ == "__main__":
    main()
