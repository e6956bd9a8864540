"""`drgen init`: a workload file to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from drgen.cli.workloads import TEMPLATES
from drgen.errors import UsageError

EXAMPLES = ("postgres-dr", "postgres-regulated", "payments", "web-app")


@click.command("init")
@click.argument("name")
@click.option("--from", "example", type=click.Choice(EXAMPLES), default="postgres-dr", help="What to start from.")
def command(name: str, example: str) -> int:
    """Write templates/NAME/workload.yaml, commented, and build nothing yet."""
    if not re.fullmatch(r"[a-z](-?[a-z0-9])*", name) or len(name) > 20:
        raise UsageError(f"{name!r} cannot start AWS names", fix="use up to 20 lower-case letters, digits and hyphens")
    path = TEMPLATES / name / "workload.yaml"
    if path.exists():
        raise UsageError("there is a workload already", at=str(path), fix="edit it, or choose another name")
    text = (files("drgen.files") / "examples" / f"{example}.yaml").read_text("utf-8").replace("NAME", name)
    Path(path.parent).mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    click.echo(f"wrote {path}")
    click.echo(f"next: edit it, then run `drgen build {name}` and `drgen check {name}`", err=True)
    return 0
