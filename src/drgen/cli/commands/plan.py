"""`drgen plan`: what a deployment would change, from real change sets that are removed again."""

from __future__ import annotations

from pathlib import Path

import click

from drgen.cli.deploying import deploy_run, deployment_of


@click.command("plan", help="Show what a deployment of WORKLOAD would change; change nothing.")
@click.argument("workload")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only the stacks of this region.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `deploy --plan`.")
@click.option("--allow", "allowed", multiple=True, metavar="STACK/LOGICALID", help="Accept the loss of this resource.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    workload: str,
    regions: tuple[str, ...],
    out: Path | None,
    allowed: tuple[str, ...],
    detailed_exitcode: bool,
    as_json: bool,
) -> int:
    from drgen.deploy.preview import preview
    from drgen.files.plan import plan_text
    from drgen.reports.plan import plan_report

    run = deploy_run(deployment_of(workload), regions=regions, allowed=allowed)
    plan = preview(run, regions=regions)
    if out:
        out.write_text(plan_text(plan), "utf-8")
    click.echo(plan_text(plan) if as_json else plan_report(plan), nl=False)
    return 2 if detailed_exitcode and plan.changes_something else 0
