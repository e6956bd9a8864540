"""The commands as one click group, each loaded when it is used, and the exit code of a run."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import NoReturn

import click

from drgen.cli.main import COMMANDS, help_text
from drgen.errors import DrgenError


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"drgen.cli.commands.{name}").command
        return command

    def get_help(self, ctx: click.Context) -> str:
        return help_text()

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
    """Multi-region disaster recovery on AWS as plain, reviewed CloudFormation."""


def run(arguments: list[str]) -> NoReturn:
    """Runs the command line and exits with its code."""
    try:
        code = drgen.main(args=arguments, prog_name="drgen", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except DrgenError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        end_by(error)
    sys.exit(code if isinstance(code, int) else 0)


def end_by(error: OSError) -> NoReturn:
    """Ends the run with what the machine refused; without a word where only nobody reads on."""
    if isinstance(error, BrokenPipeError):
        # Python writes the rest of stdout once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if error.strerror is None:
        raise error
    where = f"{error.filename}: " if error.filename else ""
    click.echo(f"error: {where}{error.strerror}\n  fix: {_os_fix(error)}", err=True)
    sys.exit(1)


def _os_fix(error: OSError) -> str:
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "allow writing there, or work in another folder"
        case errno.ENOSPC | errno.EDQUOT:
            return "make room, then run the same command again"
        case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
            return "move away what is there"
        case _:
            return "put that right, then run the same command again"
