"""`drgen build`: workload files to templates and manifests."""

from __future__ import annotations

import click

from drgen.cli.build_cache import BuildCache
from drgen.cli.building import CERTIFICATES, build
from drgen.cli.workloads import all_folders, folder
from drgen.errors import UsageError


@click.command("build")
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 with a diff where the committed files differ.")
def command(workloads: tuple[str, ...], check: bool) -> int:
    """Write the templates and the manifest of each WORKLOAD (default: all under templates/).

    The output depends on the workload file and on drgen alone. It never asks AWS.
    """
    folders = [folder(name) for name in workloads] or list(all_folders())
    if not folders:
        raise UsageError("there is no workload here", at="templates/", fix="run `drgen init NAME`")
    cache, differs = BuildCache(), False
    for path in folders:
        built = build(path, cache=cache)
        if check:
            diff = built.diff()
            differs = differs or bool(diff)
            click.echo(diff, nl=False)
            built.write_artifacts()
            continue
        changed = built.write()
        for file in changed:
            click.echo(f"{'wrote' if file.exists() else 'removed'} {file}")
        if built.lacks_certificates():
            text = (
                "without the certificates of RDS the probe talks to no database; docs/failover.md says how to add them"
            )
            click.echo(f"note: there is no {path / CERTIFICATES}: {text}", err=True)
        if not changed:
            click.echo(f"{path}: unchanged, {len(built.files)} files", err=True)
    if differs:
        click.echo("The committed files differ from what drgen builds: run `drgen build` and commit.", err=True)
    return 1 if differs else 0
