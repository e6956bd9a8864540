"""`drgen deploy`: deploys the reviewed templates, stack by stack."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drgen.cli.deploying import carry_out, deploy_run, deployment_of
from drgen.cli.gate import hold_to_check
from drgen.cli.progress import progress

if TYPE_CHECKING:
    from drgen.deploy.run import Run
    from drgen.model.events import Finished


@click.command("deploy", help="Deploy WORKLOAD, stage by stage.")
@click.argument("workload")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only the stacks of this region.")
@click.option(
    "--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path), help="Do no more than this saved plan."
)
@click.option("--yes", is_flag=True, help="Do not ask at a terminal.")
@click.option("--allow", "allowed", multiple=True, metavar="STACK/LOGICALID", help="Accept the loss of this resource.")
@click.option("--no-check", is_flag=True, help="Leave out the offline check before the first call.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one per line.")
def command(
    workload: str,
    regions: tuple[str, ...],
    plan_file: Path | None,
    yes: bool,
    allowed: tuple[str, ...],
    no_check: bool,
    as_json: bool,
) -> int:
    from drgen.deploy.preview import preview
    from drgen.files.plan import read_plan
    from drgen.reports.plan import plan_report

    deployment = deployment_of(workload)
    resume = shlex.join(["drgen", "deploy", workload, *(f"--region={region}" for region in regions)])
    run = deploy_run(
        deployment,
        regions=regions,
        allowed=allowed,
        approved=read_plan(plan_file) if plan_file else None,
        resume=resume,
    )
    if not no_check:
        hold_to_check(deployment.path)
    if not (yes or plan_file) and sys.stdin.isatty() and sys.stderr.isatty():
        plan = preview(run, regions=regions)
        click.echo(plan_report(plan), err=True)
        if plan.changes_something and not click.confirm("Deploy this?", err=True):
            click.echo("nothing was deployed", err=True)
            return 0
        run = replace(run, approved=plan)
    finished = carry_out(run, progress(as_json=as_json))
    if not as_json:
        _report(run, finished)
    return finished.exit_code


def _report(run: Run, finished: Finished) -> None:
    """The matrix to stderr; what was asked for, the outputs and the timeline, to stdout."""
    from drgen.deploy.inspect import live_stacks
    from drgen.reports.events import matrix, timeline
    from drgen.reports.outputs import by_key, highlights

    click.echo(matrix(finished), nl=False, err=True)
    if finished.exit_code == 0:
        live = live_stacks(run.deployment, run.clouds)
        click.echo(highlights(by_key(live)), nl=False)
        click.echo(timeline(finished.steps), nl=False)
