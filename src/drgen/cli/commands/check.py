"""`drgen check`: all templates of a folder, judged together."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import click

from drgen.cli.workloads import TEMPLATES, all_folders, folder
from drgen.cli.world import Folder, load_folder
from drgen.errors import UsageError
from drgen.files.manifest import MANIFEST
from drgen.model.finding import Finding, NotChecked, Severity, WorldReport
from drgen.preflight.cache import Cache, cache_folder
from drgen.preflight.garbage import collecting_rarely
from drgen.preflight.linting import lint_world
from drgen.preflight.rules.budget import budget
from drgen.preflight.run import Selection, check_world
from drgen.reports import findings as reports
from drgen.reports.baseline import Baseline, apart_from, read_baseline, written

FORMATS = ("text", "json", "sarif", "junit", "markdown")


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--fast", is_flag=True, help="Use AWS's native validator in place of cfn-lint: the same ids, for the inner loop."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print findings."
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there instead of to stdout.")
@click.option(
    "--select", multiple=True, metavar="ID", help="Only rules whose id begins with ID (repeat, or use commas)."
)
@click.option(
    "--ignore", multiple=True, metavar="ID", help="Not the rules whose id begins with ID (repeat, or use commas)."
)
@click.option(
    "--against",
    metavar="REV|DIR",
    help="What is deployed: a git revision, or a folder. Also tells what the update would replace, delete or detach.",
)
@click.option(
    "--live", is_flag=True, help="Also ask the account (read only): quotas, stacks, names, regions, service roles."
)
@click.option(
    "--baseline", type=click.Path(path_type=Path, dir_okay=False), help="Do not count the findings this file lists."
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all findings to this file, for --baseline, and exit 0.",
)
@click.option("--no-cache", is_flag=True, help="Ask the linter again, also about templates that did not change.")
def command(
    paths: tuple[str, ...],
    fast: bool,
    form: str,
    output: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    against: str | None,
    live: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    no_cache: bool,
) -> int:
    """Check all templates of a folder together, offline.

    PATH is a workload under templates/, or any folder with a deploy.yaml; without PATH, everything under templates/ is.
    The rules of drgen see all stacks at once (`drgen rules` lists them); cfn-lint judges each template in its own
    region with the parameters that the manifest gives.

    --live adds what only the account can show, with read-only calls in parallel. What it does not answer is listed as
    not checked.

    --baseline helps to begin in a repository that has findings: write them once with --write-baseline, commit the file,
    and only new ones count. An entry is a rule, an address and a message; lines may move.

    Exits 1 if there are errors or warnings, 0 otherwise; findings of severity info never fail a check. Input that
    cannot be read exits 2.
    """
    selection = Selection(_ids(select), _ids(ignore))
    cache = Cache(None if no_cache else cache_folder(os.environ, Path.cwd()))
    wanted = [_meant(path) for path in paths] or _all()
    if not wanted:
        raise UsageError("there is nothing to check", fix="give a folder that holds a deploy.yaml")
    known = _baseline(baseline) if baseline is not None else None
    with collecting_rarely():
        checked = [
            _checked(_loaded(path, against, several=len(wanted) > 1), selection, fast=fast, live=live, cache=cache)
            for path in wanted
        ]
    if write_baseline is not None:
        _write(write_baseline, written(checked), told=f"{write_baseline}: {reports.counts(checked)}")
        return 0
    if known is not None:
        checked, stale = apart_from(known, checked)
        for entry in stale:
            click.echo(f"{baseline}: {entry} is no longer found; remove it, or write the baseline again", err=True)
    if output is None:
        click.echo(_printed(checked, form), nl=False)
    else:
        _write(output, _printed(checked, form), told=reports.counts(checked))
    return 1 if any(f.severity is not Severity.INFO for report in checked for f in report.findings) else 0


def _loaded(path: Path, against: str | None, *, several: bool) -> Folder:
    if against is None:
        return load_folder(path)
    # The process that asks git is only needed here.
    from drgen.cli.against import earlier

    return load_folder(path, before=earlier(path, against, several=several))


def _write(path: Path, text: str, *, told: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    click.echo(told, err=True)


def _baseline(path: Path) -> Baseline:
    try:
        return read_baseline(path.read_text("utf-8"), file=str(path))
    except OSError as error:
        fix = "write it with --write-baseline"
        raise UsageError(f"the baseline cannot be read: {error.strerror}", at=str(path), fix=fix) from error


def _all() -> list[Path]:
    """Every workload, and every folder of templates that somebody wrote by hand."""
    return sorted({*all_folders(), *(manifest.parent for manifest in TEMPLATES.glob(f"*/{MANIFEST}"))})


def _ids(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip().upper() for text in given for part in text.split(",") if part.strip())


def _meant(argument: str) -> Path:
    path = Path(argument)
    return path if path.is_file() else folder(argument)


def _checked(found: Folder, selection: Selection, *, fast: bool, live: bool, cache: Cache) -> WorldReport:
    """The rules run here while the native validator starts in a thread, or cfn-lint in its processes."""
    unanswered: tuple[NotChecked, ...] = ()
    if live:
        # The module that asks is only needed here.
        from drgen.cli.live import look_at

        unanswered = tuple(entry for entry in look_at(found.world) if selection.has(entry.rule))
    if not fast:
        linted = _linted(found, selection, fast=False, cache=cache)
        ours, undecided = check_world(found.world, selection)
    else:
        # The native validator leaves Python while it compiles its rules, which takes longer than all of ours.
        with ThreadPoolExecutor(1) as pool:
            waiting: Future[tuple[Finding, ...]] = pool.submit(_linted, found, selection, fast=True, cache=cache)
            ours, undecided = check_world(found.world, selection)
            linted = waiting.result()
    ordered = sorted((*ours, *linted), key=lambda finding: (finding.file, finding.line, finding.rule, finding.address))
    known = budget(found.world)
    told = known.told() if known is not None else ""
    return WorldReport(found.path, tuple(ordered), (*undecided, *unanswered), told)


def _linted(found: Folder, selection: Selection, *, fast: bool, cache: Cache) -> tuple[Finding, ...]:
    if not selection.reaches_linter:
        return ()
    # Each import costs what only one of the two linters needs.
    if fast:
        from drgen.preflight.fastlint import fast_lint as linter
        from drgen.preflight.fastlint import rules_version
    else:
        from drgen.preflight.cfnlint import cfn_lint as linter
        from drgen.preflight.cfnlint import rules_version
    return lint_world(found.world, found.sources, selection, linter=linter, rules=rules_version(), cache=cache)


def _printed(checked: list[WorldReport], form: str) -> str:
    match form:
        case "json":
            return reports.as_json(checked)
        case "sarif":
            import importlib.metadata

            from drgen.reports.sarif import sarif

            return sarif(checked, version=importlib.metadata.version("drgen"))
        case "junit":
            from drgen.reports.junit import junit

            return junit(checked)
        case "markdown":
            return reports.markdown(checked)
    return reports.text(checked)
