"""`drgen local`: the embedded AWS, started, steered and stopped."""

from __future__ import annotations

import json
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from drgen.local import control

PORT = 4577
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Seconds, from what people write: 90, 90s, 10m, 2h, 1d."""
    if value is None:
        return None
    written = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", value)
    if written is None:
        raise click.BadParameter(f"{value!r} is not a duration: write a number and s, m, h or d, for example 10m")
    return float(written[1]) * SECONDS[written[2]]


SPEED = click.FloatRange(0, 100_000)


@click.group("local")
def command() -> None:
    """Run and steer the embedded AWS: an AWS endpoint on this machine.

    \b
    drgen local up --speed 600      start it; ten minutes of AWS take a second
    eval "$(drgen local env)"       point every AWS client of this shell at it
    drgen deploy postgres-dr
    drgen local fault dark us-east-1
    drgen local down

    One server runs per folder; its note and its log are in .drgen/ (or in $DRGEN_LOCAL_HOME).
    """


@command.command()
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free port.")
@click.option(
    "--speed", default=1.0, show_default=True, type=SPEED, help="How many times as fast as real time it runs."
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this folder, and take up what was kept there.",
)
@click.option("--foreground", is_flag=True, help="Run in this process until Ctrl-C.")
def up(port: int, speed: float, state: Path | None, foreground: bool) -> int:
    """Start the embedded AWS.

    Returns when it answers. A second `up` starts nothing and says where the first one is.
    """
    if server := control.found():
        click.echo(f"already up at {server.endpoint} (process {server.pid})")
        return 0
    if foreground:
        control.serve(port=port, speed=speed, state=state, ready=announce)
        return 0
    server = control.start(port=port, speed=speed, state=state)
    announce(server)
    return 0


def announce(server: control.Server) -> None:
    click.echo(f"up at {server.endpoint} (process {server.pid})")
    click.echo('use it with: eval "$(drgen local env)"', err=True)


@command.command()
def down() -> int:
    """Stop the embedded AWS. It forgets everything unless it was started with --state."""
    server = control.found()
    if server is None:
        click.echo("nothing is up here")
        return 0
    control.stop(server)
    click.echo(f"stopped {server.endpoint}")
    return 0


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> int:
    """Show the clock, the faults and the stacks."""
    told = control.running().ask("GET", "status")
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return 0
    click.echo(f"endpoint  {told['endpoint']} (process {told['pid']}, up {told['uptime_s']:.0f} s)")
    click.echo(f"clock     {moment(told['time'])}, speed {told['speed']:g}")
    click.echo(f"calls     {told['calls']}")
    click.echo(f"faults    {faults_text(told['faults'])}")
    for region, stacks in told["stacks"].items():
        click.echo(f"{region}")
        for name, state in stacks.items():
            click.echo(f"  {name}  {state}")
    if not told["stacks"]:
        click.echo("no stacks")
    return 0


@command.command()
def env() -> int:
    """Print exports that point AWS clients here.

    Use them with: eval "$(drgen local env)"
    """
    from drgen.local.environment import ACCOUNT, SECRET

    server = control.running()
    values = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "DRGEN_POLL_SECONDS": "0.2",
    }
    if any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")):
        # A proxy cannot reach this machine's loopback.
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        values |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (direct, "127.0.0.1"))))
    for name, value in values.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    return 0


@command.command()
@click.option("--advance", callback=duration, metavar="DURATION", help="Push the clock forward, for example 10m or 2h.")
@click.option("--speed", type=SPEED, help="How many times as fast as real time it runs from now on; 0 stops it.")
def clock(advance: float | None, speed: float | None) -> int:
    """Show the clock, push it, or change its speed."""
    asked = {name: value for name, value in (("advance_s", advance), ("speed", speed)) if value is not None}
    told = control.running().ask("POST", "clock", asked)
    click.echo(f"{moment(told['time'])}, speed {told['speed']:g}")
    return 0


@command.group()
def fault() -> None:
    """Break something, or mend everything."""


def inject(kind: str, **values: Any) -> int:
    """Injects a fault and prints every fault there is now."""
    click.echo(faults_text(control.running().ask("POST", "faults", {"kind": kind, **values})))
    return 0


@fault.command()
@click.argument("region")
def dark(region: str) -> int:
    """REGION answers nothing any more.

    With us-east-1 the control planes of IAM, Route 53, CloudFront and Organizations go dark, and no S3 bucket can be
    made or deleted anywhere. DNS answers and health checks go on.
    """
    return inject("dark", region=region)


@fault.command()
@click.argument("region")
def light(region: str) -> int:
    """REGION answers again."""
    return inject("light", region=region)


@fault.command()
@click.argument("service")
@click.option("--times", type=click.IntRange(1), help="Only the next so many requests.")
def throttle(service: str, times: int | None) -> int:
    """Requests to SERVICE are refused as too many.

    SERVICE is botocore's name: rds, cloudformation, cloudwatch, ...
    """
    return inject("throttle", service=service, times=times)


@fault.command("expire-token")
def expire_token() -> int:
    """Every request's credentials have expired."""
    return inject("expire-token")


@fault.command()
@click.argument("seconds", type=click.FloatRange(0))
def latency(seconds: float) -> int:
    """Every answer comes SECONDS later, in real time."""
    return inject("latency", seconds=seconds)


@fault.command("lost-answer")
@click.argument("service")
@click.argument("operation")
@click.option("--times", default=1, show_default=True, type=click.IntRange(1), help="The next so many answers.")
def lost_answer(service: str, operation: str, times: int) -> int:
    """The next answer of OPERATION gets lost.

    The call itself is carried out.
    """
    return inject("lost-answer", service=service, operation=operation, times=times)


@fault.command()
def clear() -> int:
    """Mend everything."""
    control.running().ask("DELETE", "faults")
    click.echo("no faults")
    return 0


@command.command()
@click.option("--since", default=0, help="Only the calls after this mark; each run prints the next mark on stderr.")
@click.option("--region", help="Only the calls to this region.")
@click.option("--clear", "forget", is_flag=True, help="Forget the calls so far.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per call.")
def calls(since: int, region: str | None, forget: bool, as_json: bool) -> int:
    """List the API calls that came in.

    Time, region, service and operation, who called, HTTP status. Status 0 is a call that got no answer. What the
    embedded AWS asks itself is left out.
    """
    server = control.running()
    if forget:
        server.ask("DELETE", "calls")
        return 0
    told = server.ask("GET", f"calls?{urlencode({'since': since})}")
    for call in told["calls"]:
        if region in (None, call["region"]):
            click.echo(json.dumps(call) if as_json else call_text(call))
    click.echo(f"mark {told['mark']}", err=True)
    return 0


@command.command()
@click.argument("name")
@click.option("--region", default="", help="Ask as a resolver in a VPC of this region; private zones differ by VPC.")
@click.option("--type", "kind", default="A", show_default=True, help="The type of the record; a CNAME answers any.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dns(name: str, region: str, kind: str, as_json: bool) -> int:
    """Print what Route 53 answers for NAME now.

    The candidates and their health go to stderr. Exit code 1 when there is no answer.
    """
    asked = urlencode({"name": name, "region": region, "type": kind})
    told = control.running().ask("GET", f"dns?{asked}")
    if as_json:
        click.echo(json.dumps(told))
        return 0 if told["values"] else 1
    for value in told["values"]:
        click.echo(f"{told['name']}  {told['ttl']}  {told['type']}  {value}")
    if not told["values"]:
        click.echo(f"{told['name']}  {told['code']}")
    for one in told["candidates"]:
        health = "healthy" if one["healthy"] else "unhealthy"
        click.echo(
            f"  {one['set_identifier'] or '-'}  weight {one['weight']}  {health}  {', '.join(one['values'])}", err=True
        )
    return 0 if told["values"] else 1


def call_text(call: dict[str, Any]) -> str:
    what = f"{call['service']}:{call['operation'] or '?'}"
    return f"{moment(call['time'])}  {call['region']:<14}  {what:<44}  {call['source']:<6}  {call['status']}"


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def faults_text(faults: dict[str, Any]) -> str:
    def words(value: Any) -> str:
        match value:
            case True:
                return "yes"
            case list():
                return ", ".join(map(str, value))
            case dict():
                return ", ".join(f"{name} ({left})" for name, left in value.items())
            case _:
                return str(value)

    return "; ".join(f"{name}: {words(value)}" for name, value in faults.items()) or "none"
