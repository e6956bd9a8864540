"""The `drgen` command. Subcommands are loaded when they are used, so that `drgen --help` stays fast."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from drgen.errors import DrgenError

COMMANDS = {
    "init": "Write a commented workload file to start from.",
    "build": "Write the templates and the manifest of workloads.",
    "check": "Check all templates of a folder together, offline.",
    "plan": "Show what a deployment would change; change nothing.",
    "deploy": "Deploy a workload, stage by stage.",
    "status": "Show what is deployed, what is stale, and who writes now.",
    "outputs": "Print the outputs of the deployed stacks.",
    "destroy": "Delete a workload's stacks in reverse order.",
    "failover": "Move a workload to its recovery region.",
    "local": "Run and steer the embedded AWS.",
    "rules": "List the preflight rules, or show one.",
}
"""Every subcommand with its line in `drgen --help`; module `commands/<name>.py` holds it as `command`."""


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"drgen.cli.commands.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else " See `drgen --help`."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="drgen", message="drgen %(version)s")
def drgen() -> None:
    """Multi-region disaster recovery on AWS as plain, reviewed CloudFormation.

    WORKLOAD is a folder under templates/, or a path. Results go to stdout, progress to stderr.

    Exit codes: 0 done - 1 findings or a failed deployment - 2 wrong usage - 3 refused by a guard -
    4 locked by another run - 75 still running, try again - 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line and exits with its code."""
    try:
        code = drgen.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except DrgenError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
