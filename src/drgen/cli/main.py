"""The `drgen` command. `drgen --help` needs no library at all; everything else loads what it uses."""

from __future__ import annotations

import sys
from typing import NoReturn

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

_HELP = """\
Usage: drgen [OPTIONS] COMMAND [ARGS]...

  Multi-region disaster recovery on AWS as plain, reviewed CloudFormation.

  WORKLOAD is a folder under templates/, or a path. Results go to stdout,
  progress to stderr. `drgen COMMAND --help` explains a command.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
{commands}

Exit codes:
    0  done, or nothing to do
    1  findings, or a failed deployment
    2  wrong usage, or problems in a file (plan --detailed-exitcode: changes)
    3  refused by a guard
    4  locked by another run
   75  still running, try again
  130  interrupted"""


def help_text() -> str:
    """What `drgen --help` prints."""
    width = max(map(len, COMMANDS)) + 2
    return _HELP.format(commands="\n".join(f"  {name:<{width}}{about}" for name, about in COMMANDS.items()))


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--help"], ["-h"]):
        try:
            print(help_text(), flush=True)
        except OSError as error:
            from drgen.cli.group import end_by

            end_by(error)
        sys.exit(0)
    from drgen.cli.group import run

    run(given)
