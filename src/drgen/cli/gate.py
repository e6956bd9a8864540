"""The check before the first call: what is certain to fail, or to lose data, is not begun."""

from __future__ import annotations

import os
from pathlib import Path

from drgen.errors import DrgenError


def hold_to_check(path: Path) -> None:
    """Raises DrgenError with the findings if the fast check finds errors in the folder. Asks nobody."""
    from drgen.cli.world import load_folder
    from drgen.model.finding import Severity, WorldReport
    from drgen.preflight.cache import Cache, cache_folder
    from drgen.preflight.fastlint import fast_lint, rules_version
    from drgen.preflight.linting import lint_world
    from drgen.preflight.run import Selection, check_world
    from drgen.reports.findings import text

    found = load_folder(path)
    everything = Selection()
    ours, undecided = check_world(found.world, everything)
    cache = Cache(cache_folder(os.environ, Path.cwd()))
    linted = lint_world(found.world, found.sources, everything, linter=fast_lint, rules=rules_version(), cache=cache)
    errors = tuple(finding for finding in (*ours, *linted) if finding.severity is Severity.ERROR)
    if errors:
        report = WorldReport(found.path, errors, undecided)
        fix = "correct what is found, or deploy all the same with --no-check"
        raise DrgenError(f"the check found errors; nothing was deployed\n{text([report])}", fix=fix)
