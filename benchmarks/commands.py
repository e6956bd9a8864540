"""How long the commands take, as medians and ratios. Run it with `make benchmarks`; it is no test and fails nothing.

Each command is a new process, as people run it. A ratio compares two commands on the same machine in the same minute.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DRGEN = str(BIN / "drgen")
WORKLOAD = "postgres-dr"


def median_s(command: Sequence[str], *, runs: int, environment: Mapping[str, str] | None = None) -> float:
    """The median wall time of `command` in seconds."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, check=False)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def cold_build_s() -> float:
    """The median wall time of a build whose cache is empty, in seconds."""
    taken = []
    for _ in range(9):
        with tempfile.TemporaryDirectory() as cache:
            taken.append(median_s([DRGEN, "build", WORKLOAD], runs=1, environment={"XDG_CACHE_HOME": cache}))
    return statistics.median(taken)


def modules_loaded(arguments: Sequence[str], *names: str) -> tuple[str, ...]:
    """Which of `names` the command imports."""
    code = (
        "import sys\nfrom drgen.cli.main import main\n"
        "try:\n    main(sys.argv[2:])\nexcept SystemExit:\n    pass\n"
        "print(*[n for n in sys.argv[1].split(',') if n in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, ",".join(names), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    last = run.stderr.strip().splitlines()[-1:] or [""]
    return tuple(name for name in last[0].split() if name in names)


def lint_commands() -> list[list[str]]:
    """The cfn-lint CLI over the same templates, once per region, informational rules on."""
    folder = ROOT / "templates" / WORKLOAD
    regions: dict[str, list[str]] = {}
    sys.path.insert(0, str(ROOT / "src"))
    from drgen.files.manifest import read_deployment

    for entry in read_deployment(folder).stacks:
        regions.setdefault(entry.region, []).append(str(folder / entry.template))
    return [[str(BIN / "cfn-lint"), "-c", "I", "-r", region, "-t", *files] for region, files in regions.items()]


def row(name: str, seconds: float, *, against: float | None = None, of: str = "") -> None:
    ratio = f"   {seconds / against:5.2f} x {of}" if against else ""
    print(f"{name:<44} {seconds * 1000:8.0f} ms{ratio}")


def main() -> None:
    python = median_s([sys.executable, "-c", "pass"], runs=15)
    row("python -c pass", python)
    row("drgen --help", median_s([DRGEN, "--help"], runs=15), against=python, of="python -c pass")
    budget = "the budget of 0.25 s"
    row("drgen build, nothing cached", cold_build_s(), against=0.25, of=budget)
    row("drgen build, built before", median_s([DRGEN, "build", WORKLOAD], runs=15), against=0.25, of=budget)
    lint = sum(median_s(command, runs=3) for command in lint_commands())
    row("cfn-lint, the same templates", lint)
    cache = Path(tempfile.mkdtemp())
    caches = {"XDG_CACHE_HOME": str(cache)}
    for name, extra in (("check", []), ("check --fast", ["--fast"])):
        cold = []
        for _ in range(3):
            shutil.rmtree(cache, ignore_errors=True)
            cold.append(median_s([DRGEN, "check", *extra, WORKLOAD], runs=1, environment=caches))
        row(f"drgen {name}, cold", statistics.median(cold), against=lint, of="cfn-lint")
        warm = median_s([DRGEN, "check", *extra, WORKLOAD], runs=5, environment=caches)
        row(f"drgen {name}, warm", warm, against=lint, of="cfn-lint")
    shutil.rmtree(cache, ignore_errors=True)
    for arguments in (["--help"], ["build", WORKLOAD], ["check", "--fast", WORKLOAD]):
        loaded = modules_loaded(arguments, "cfnlint", "boto3", "botocore") or ("neither cfn-lint nor boto3",)
        print(f"drgen {' '.join(arguments):<38} imports {', '.join(loaded)}")


if __name__ == "__main__":
    main()
