"""`drgen destroy`: deletes a workload's stacks, consumers before producers."""

from __future__ import annotations

import shlex
import sys

import click

from drgen.cli.deploying import carry_out, deployment_of, destroy_run, order_of
from drgen.cli.progress import progress
from drgen.errors import Refused, UsageError
from drgen.model.deployment import Deployment


@click.command("destroy", help="Delete the stacks of WORKLOAD in reverse order.")
@click.argument("workload")
@click.option("--yes", is_flag=True, help="Do not ask for the name of the workload.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one per line.")
def command(workload: str, yes: bool, as_json: bool) -> int:
    from drgen.deploy.followers import refuse_writers_before_followers
    from drgen.deploy.inspect import live_stacks
    from drgen.reports.events import matrix, timeline
    from drgen.reports.outputs import by_key

    deployment = deployment_of(workload)
    run = destroy_run(deployment, resume=shlex.join(["drgen", "destroy", workload]))
    live = by_key(live_stacks(deployment, run.clouds))
    protected = [f"{stack.name} ({stack.region})" for _, stack in live if stack.termination_protection]
    if protected:
        raise Refused(
            f"termination protection is on for {', '.join(protected)}",
            at=deployment.name,
            fix="set `protection: false` in the workload file, run `drgen build` and `drgen deploy`, then destroy",
        )
    refuse_writers_before_followers(run)
    if not yes:
        _confirm(deployment.name, order_of(run.steps))
    finished = carry_out(run, progress(as_json=as_json))
    if not as_json:
        click.echo(matrix(finished), nl=False, err=True)
        click.echo(timeline(finished.steps), nl=False)
    _name_buckets(deployment)
    return finished.exit_code


def _name_buckets(deployment: Deployment) -> None:
    """Artifact buckets are shared by all workloads of a region, so they stay; people are told."""
    from drgen.planning.artifacts import STACK

    regions = dict.fromkeys(entry.region for entry in deployment.stacks if entry.artifacts)
    for region in regions:
        click.echo(f"kept: stack {STACK} in {region} with the artifact bucket of all workloads there", err=True)


def _confirm(name: str, order: str) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is at a terminal to confirm", fix="add --yes to delete the stacks without being asked")
    click.echo(order, nl=False, err=True)
    if click.prompt(f"This deletes all of it. Type {name} to go on", err=True) != name:
        raise Refused("the name was not typed", at=name, fix="type the name of the workload exactly")
