"""`drgen failover`: starts a failover in the recovery region, or joins the one that runs, and follows it to its end."""

from __future__ import annotations

import getpass
import json
import shlex
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from drgen.cli.deploying import clouds, deployment_of
from drgen.errors import DrgenError, Interrupted, Locked, Refused, StillRunning, UsageError
from drgen.model.deployment import Deployment

if TYPE_CHECKING:
    from drgen.deploy.clouds import Clouds
    from drgen.recovery.execution import Execution, Machine, Operator, State
    from drgen.recovery.record import Record

MACHINE_OUTPUT = "FailoverMachineArn"
FUNCTION_OUTPUT = "FailoverFunctionName"
EXIT_CODES = {"done": 0, "refused": 3}


@dataclass(frozen=True)
class Following:
    """What following a run needs: who answers its question, how it is shown, and how the command is typed again."""

    workload: str
    region: str
    confirmed: bool
    as_json: bool
    poll_s: float
    again: str


@click.command("failover", help="Move WORKLOAD to its recovery region.")
@click.argument("workload")
@click.option("--to", "region", required=True, metavar="REGION", help="The region that takes over.")
@click.option("--planned", is_flag=True, help="Both regions are well: fence, drain, lose nothing.")
@click.option("--disaster", is_flag=True, help="Give the primary up even if it answers.")
@click.option(
    "--accept-data-loss", "accepted", type=click.FloatRange(min=0), metavar="SECONDS", help="Writes that may be lost."
)
@click.option("--confirm", metavar="NAME", help="The workload's name, where nobody is at a terminal to type it.")
@click.option("--dry-run", is_flag=True, help="Show what is observed and what would be done; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one per line.")
def command(
    workload: str,
    region: str,
    planned: bool,
    disaster: bool,
    accepted: float | None,
    confirm: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    from drgen.aws.failures import asking
    from drgen.recovery.execution import Operator

    if planned and disaster:
        raise UsageError("--planned and --disaster exclude each other", fix="give one of them, or neither")
    deployment = _deployment(workload, region, confirm)
    cloud = clouds()
    machine = _machine(deployment, region, cloud)
    request = {
        "incident": datetime.now(UTC).strftime("failover-%Y%m%dT%H%M%SZ"),
        "target": region,
        "mode": "planned" if planned else "disaster",
        "operator": getpass.getuser(),
        "accept_loss_s": accepted,
        "insist": disaster,
        "ask": True,
    }
    operator = Operator(machine, lambda service: _client(service, region))
    if dry_run:
        with asking("lambda.Invoke", region):
            return _dry_run(operator, request, as_json=as_json)
    with asking("stepfunctions.StartExecution", region):
        execution = operator.start(request)
    again = shlex.join(["drgen", "failover", workload, "--to", region])
    following = Following(deployment.name, region, confirm is not None, as_json, cloud.poll_s, again)
    verb = "joined, it was running already" if execution.joined else "started"
    _say(following, execution.name, verb)
    return _follow(operator, execution, following)


def _deployment(workload: str, region: str, confirm: str | None) -> Deployment:
    """The workload's deployment. Raises UsageError where `region` or the name that confirms is not one of it."""
    deployment = deployment_of(workload)
    offered = deployment.intent.recovery
    if offered and region not in offered:
        raise UsageError(f"{region} is not a recovery region of {deployment.name}", fix=f"use {', '.join(offered)}")
    if confirm is not None and confirm != deployment.name:
        raise UsageError(f"--confirm says {confirm!r}", fix=f"to confirm, give the workload's name: {deployment.name}")
    templates = [deployment.folder / entry.template for entry in deployment.stacks if entry.region == region]
    texts = [path.read_text("utf-8") for path in templates if path.is_file()]
    if not any(MACHINE_OUTPUT in text for text in texts):
        raise UsageError(
            f"{deployment.name} has nothing to fail over in {region}: no template there has a failover machine",
            fix="a database, services, or an API with a public name in its workload file bring one: docs/failover.md",
        )
    return deployment


def _client(service: str, region: str) -> Any:
    from drgen.recovery.clients import AwsClients

    return AwsClients(target_region=region, primary_region=region).target(service)


def _machine(deployment: Deployment, region: str, cloud: Clouds) -> Machine:
    """The machine of the workload in `region`, found in the outputs of that region's stacks only."""
    from drgen.recovery.execution import Machine

    names = [entry.stack_name for entry in deployment.stacks if entry.region == region and entry.action != "delete"]
    for name in dict.fromkeys(reversed(names)):
        live = cloud.cloudformation(region).stack(name)
        if live is not None and MACHINE_OUTPUT in live.outputs:
            return Machine(live.outputs[MACHINE_OUTPUT], live.outputs.get(FUNCTION_OUTPUT, ""), region)
    raise Refused(
        f"no stack of {deployment.name} in {region} has the output {MACHINE_OUTPUT}",
        fix=f"deploy the recovery layer: drgen deploy {deployment.name} --region {region}",
    )


def _dry_run(operator: Operator, request: dict[str, Any], *, as_json: bool) -> int:
    from drgen.cli.outlook import outlook
    from drgen.recovery.codec import encode
    from drgen.recovery.guards import Verdict

    try:
        found = operator.look(request)
    except RuntimeError as error:
        raise DrgenError(f"the failover function failed: {error}", fix="look at its log group") from error
    click.echo(json.dumps(encode(found)) if as_json else outlook(found), nl=as_json)
    return 3 if any(guard.verdict is Verdict.FAILED for guard in found.guards) else 0


def _follow(operator: Operator, execution: Execution, following: Following) -> int:
    """Shows the run until it ends, and answers its question on the way."""
    from drgen.aws.failures import CredentialsExpired, RegionUnreachable, asking

    shown = 0
    answered = ""
    try:
        while True:
            with asking("stepfunctions.GetExecutionHistory", following.region):
                state = operator.state(execution)
            if state.record is not None:
                if execution.joined and not shown:
                    asked = state.record.request
                    _say(following, execution.name, f"{asked.mode}, asked for by {asked.operator}, on its own terms")
                shown = _show_new(state.record, shown, following)
            if state.status != "RUNNING":
                return _end(execution, state, following)
            if state.waits_for_approval and state.record is not None:
                answered = _answer(operator, execution, state.record, following, answered)
            time.sleep(following.poll_s)
    except (KeyboardInterrupt, click.Abort):
        raise Interrupted(
            f"{execution.name} goes on without you", fix=f"follow it with the same command: {following.again}"
        ) from None
    except (CredentialsExpired, RegionUnreachable) as error:
        raise StillRunning(f"{execution.name} goes on: {error.problem}", fix=f"{following.again}") from error


def _show_new(record: Record, shown: int, following: Following) -> int:
    for entry in record.journal[shown:]:
        if following.as_json:
            click.echo(json.dumps({"code": "step", "at": entry.at, "phase": entry.phase, "text": entry.text}))
        else:
            at = datetime.fromtimestamp(entry.at, UTC).strftime("%H:%M:%S")
            click.echo(f"{at}  {entry.phase:<8}  {entry.text}", err=True)
    return len(record.journal)


def _say(following: Following, name: str, text: str) -> None:
    if following.as_json:
        click.echo(json.dumps({"code": "run", "incident": name, "text": text}))
    else:
        click.echo(f"{name}: {text}", err=True)


def _answer(operator: Operator, execution: Execution, record: Record, following: Following, answered: str) -> str:
    """Answers the question once its token is there; returns the token that has been used, or ""."""
    from drgen.aws.failures import asking

    with asking("ssm.GetParameter", following.region):
        token = operator.token(execution)
    if token and token != answered:
        approved = _approval(execution, record, following)
        with asking("stepfunctions.SendTaskSuccess", following.region):
            operator.answer(token, approved=approved, by=getpass.getuser())
    return token


def _approval(execution: Execution, record: Record, following: Following) -> bool:
    """Whether the promotion is approved: by --confirm, or by the name typed at a terminal; anything else declines."""
    from drgen.cli.recovering import question

    if following.confirmed:
        return True
    if not sys.stdin.isatty():
        raise StillRunning(
            f"{execution.name} waits for approval",
            fix=f"approve it with: {following.again} --confirm {following.workload}",
        )
    click.echo(question(record), err=True)
    typed: str = click.prompt(f"Type {following.workload} to approve, anything else to decline", err=True)
    return typed.strip() == following.workload


def _end(execution: Execution, state: State, following: Following) -> int:
    from drgen.cli.recovering import report_of, write_reports
    from drgen.recovery.guards import ONLY_RUN
    from drgen.reports.failover import as_text

    if state.record is None:
        raise DrgenError(
            f"{execution.name} ended as {state.error or state.status}: {state.cause or 'before its first step'}",
            fix="look at the log group of the failover function",
        )
    report = report_of(following.workload, execution, state, state.record)
    as_data, as_page = write_reports(report)
    if following.as_json:
        click.echo(json.dumps({"code": "report", **asdict(report)}))
    else:
        click.echo(as_text(report), nl=False)
    click.echo(f"report: {as_data} and {as_page}", err=True)
    if report.outcome == "refused" and report.reason.startswith(ONLY_RUN):
        return Locked.exit_code
    return EXIT_CODES.get(report.outcome, 1)
