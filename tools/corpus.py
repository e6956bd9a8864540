"""Prints which failures of the corpus are caught, and by what. `make corpus` runs it.

    python tools/corpus.py [FOLDER] [--every]

FOLDER holds the cases (tests/corpus/README.md has the format); `--every` prints each case, not only those that are
missed or alarm falsely. Exits 1 if a good deployment gives an error or a warning.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drgen.cli.world import Folder, load_folder
from drgen.model.finding import Finding, Severity
from drgen.preflight.cache import Cache, cache_folder
from drgen.preflight.cfnlint import cfn_lint, rules_version
from drgen.preflight.linting import Job, Match, jobs, lint_world
from drgen.preflight.run import Selection, check_world

ROOT = Path(__file__).parent.parent
ALL = Selection()
STYLE = frozenset({"W3011", "W2001", "W1011"})
"""Rules of cfn-lint about retention, unused parameters and secrets in parameters: no fault of any case."""


@dataclass(frozen=True)
class Case:
    """One failure with what is found in its bad deployment, by whom, and every alarm of its good one."""

    name: str
    kind: str
    linter: tuple[str, ...]
    drgen: tuple[str, ...]
    alarms: tuple[str, ...]

    @property
    def outcome(self) -> str:
        if self.drgen:
            return "both" if self.linter else "drgen"
        return "cfn-lint" if self.linter else "missed"


def cases(folder: Path) -> list[Case]:
    """Every case below `folder`, in the order of names."""
    folders = sorted(path.parent for path in folder.glob("*/case.yaml"))
    worlds = {(path, twin): _loaded(path, twin) for path in folders for twin in ("bad", "good")}
    answers = dict(_answers(worlds.values()))
    return [_case(path, worlds[path, "bad"], worlds[path, "good"], answers) for path in folders]


def _loaded(folder: Path, twin: str) -> Folder:
    deployed = folder / "before"
    return load_folder(folder / twin, before=load_folder(deployed).world if deployed.is_dir() else None)


def _answers(worlds: Iterable[Folder]) -> Iterator[tuple[Job, tuple[Match, ...]]]:
    """What cfn-lint says of every template, each asked once; the processes share all that is not cached."""
    cache, rules = Cache(cache_folder(os.environ, ROOT)), rules_version()
    asked = dict.fromkeys(job for found in worlds for _, job in jobs(found.world, found.sources))
    missing = []
    for job in asked:
        cached = cache.read(job.key(rules))
        if cached is None:
            missing.append(job)
        else:
            yield job, tuple(Match(**{**entry, "path": tuple(entry["path"])}) for entry in cached)
    for job, matches in zip(missing, cfn_lint(missing) if missing else (), strict=True):
        cache.write(job.key(rules), [vars(match) for match in matches])
        yield job, matches


def _case(folder: Path, bad: Folder, good: Folder, answers: Mapping[Job, tuple[Match, ...]]) -> Case:
    about: Any = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    linted_bad, linted_good = (_linted(found, answers) for found in (bad, good))
    ours_bad, ours_good = (check_world(found.world, ALL)[0] for found in (bad, good))
    caught = ours_bad if about.get("severity") == "info" else _serious(ours_bad)
    alarms = [*_serious(ours_good), *(finding for finding in linted_good if finding.severity is Severity.ERROR)]
    return Case(
        name=folder.name,
        kind=str(about["kind"]),
        linter=tuple(sorted({f.rule for f in linted_bad} - {f.rule for f in linted_good} - STYLE)),
        drgen=tuple(f"{f.rule} {f.address}" for f in caught),
        alarms=tuple(f"{f.rule} {f.address}" for f in alarms),
    )


def _linted(found: Folder, answers: Mapping[Job, tuple[Match, ...]]) -> list[Finding]:
    def known(asked: Sequence[Job]) -> Sequence[tuple[Match, ...]]:
        return [answers[job] for job in asked]

    return _serious(lint_world(found.world, found.sources, ALL, linter=known, rules="", cache=Cache(None)))


def _serious(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is not Severity.INFO]


OUTCOMES = ("cfn-lint", "drgen", "both", "missed")


def table(found: Sequence[Case]) -> str:
    """How many cases of each kind are caught by cfn-lint alone, by drgen alone, by both, or missed."""
    lines = [f"{'kind':<18}{'cases':>7}" + "".join(f"{name:>10}" for name in OUTCOMES) + f"{'false':>10}"]
    for kind in (*sorted({case.kind for case in found}), "all"):
        chosen = [case for case in found if kind in (case.kind, "all")]
        counted = Counter(case.outcome for case in chosen)
        columns = [*(counted[name] for name in OUTCOMES), sum(bool(case.alarms) for case in chosen)]
        lines.append(f"{kind:<18}{len(chosen):>7}" + "".join(f"{count:>10}" for count in columns))
    return "\n".join(lines)


def details(found: Sequence[Case], *, every: bool) -> Iterator[str]:
    for case in found:
        if every or case.outcome == "missed" or case.alarms:
            yield f"{case.outcome:<9} {case.kind:<16} {case.name}"
            yield from (f"          {text}" for text in (*case.linter, *case.drgen)) if every else ()
            yield from (f"          false alarm: {text}" for text in case.alarms)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Print which failures of the corpus are caught, and by what.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests/corpus")
    parser.add_argument("--every", action="store_true", help="print each case with what was found")
    given = parser.parse_args(arguments)
    found = cases(given.folder)
    print(*details(found, every=given.every), table(found), sep="\n")
    return 1 if any(case.alarms for case in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
