"""`drgen outputs`: the outputs of the deployed stacks."""

from __future__ import annotations

import click

from drgen.cli.deploying import clouds, deployment_of


@click.command("outputs", help="Print the outputs of the deployed stacks of WORKLOAD.")
@click.argument("workload")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def command(workload: str, as_json: bool) -> int:
    from drgen.aws.failures import RegionUnreachable
    from drgen.deploy.inspect import live_stacks
    from drgen.reports.outputs import by_key, outputs_json, outputs_report

    live = live_stacks(deployment_of(workload), clouds())
    dark = [found for found in live.values() if isinstance(found, RegionUnreachable)]
    for problem in dict.fromkeys(found.problem for found in dark):
        click.echo(f"warning: {problem}; the outputs of its stacks are missing", err=True)
    stacks = by_key(live)
    click.echo(outputs_json(stacks) if as_json else outputs_report(stacks), nl=False)
    return 1 if dark and len(dark) == len(live) else 0
