"""Outputs of stacks: all of them, or those people look for after a deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from drgen.model.live import LiveStack

_GROUPS = (
    ("endpoints", re.compile(r"(Endpoint|Address|Url)$")),
    ("DNS", re.compile(r"(Record|RecordName|DnsName|DomainName)$")),
    ("dashboard", re.compile(r"Dashboard(Name|Url)?$")),
    ("function", re.compile(r"(Function|FunctionName|StateMachine|Machine)(Arn|Name)?$")),
)


def outputs_report(stacks: Sequence[tuple[str, LiveStack]]) -> str:
    """Every output, stack by stack."""
    lines = []
    for key, live in stacks:
        lines.append(f"{live.region}  {key}")
        lines += [f"    {name}: {value}" for name, value in sorted(live.outputs.items())]
    return "\n".join(lines) + "\n" if lines else ""


def outputs_json(stacks: Sequence[tuple[str, LiveStack]]) -> str:
    """`{stack: {"region": ..., "outputs": {...}}}`."""
    body = {key: {"region": live.region, "outputs": dict(live.outputs)} for key, live in stacks}
    return json.dumps(body, indent=2, sort_keys=True) + "\n"


def highlights(stacks: Sequence[tuple[str, LiveStack]]) -> str:
    """Outputs people look for, grouped by what they are; empty if no stack has one."""
    lines = []
    for title, pattern in _GROUPS:
        found = [
            f"  {live.region:14} {name}: {value}"
            for _, live in stacks
            for name, value in sorted(live.outputs.items())
            if pattern.search(name)
        ]
        if found:
            lines += [title, *found]
    return "\n".join(lines) + "\n" if lines else ""


def by_key(stacks: Mapping[str, object]) -> tuple[tuple[str, LiveStack], ...]:
    """Those of `stacks` that exist, in their order."""
    return tuple((key, live) for key, live in stacks.items() if isinstance(live, LiveStack))
