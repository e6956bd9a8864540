"""`drgen status`: what is deployed, what is stale, and who writes now."""

from __future__ import annotations

import dataclasses
import json

import click

from drgen.cli.deploying import clouds, deployment_of


@click.command("status", help="Show what is deployed of WORKLOAD, what is stale, and who writes now.")
@click.argument("workload")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(workload: str, as_json: bool) -> int:
    from drgen.deploy.inspect import inspect
    from drgen.reports.status import status_report

    state = inspect(deployment_of(workload), clouds())
    if as_json:
        shown = dataclasses.asdict(state) | {"writers": state.writers}
        click.echo(json.dumps(shown, default=str, indent=2))
    else:
        click.echo(status_report(state), nl=False)
    return 0
