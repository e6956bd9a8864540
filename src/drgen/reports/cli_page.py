"""docs/cli.md: every command with its own `--help`."""

from __future__ import annotations

import click


def page(group: click.Group) -> str:
    """The reference of `group` and all commands below it."""
    parts = ["# The command line", "", "Generated from the commands' own help by `make docs`.", ""]
    parts.extend(_entries(group, click.Context(group, info_name="drgen")))
    return "\n".join(parts).rstrip() + "\n"


def _entries(command: click.Command, context: click.Context) -> list[str]:
    lines = [f"## `{context.command_path}`", "", "```text", _help(command, context), "```", ""]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                lines.extend(_entries(child, click.Context(child, info_name=name, parent=context)))
    return lines


def _help(command: click.Command, context: click.Context) -> str:
    context.terminal_width = 100
    context.max_content_width = 100
    return command.get_help(context).strip()
