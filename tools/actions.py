"""Holds every IAM action in the committed templates to the list of actions that AWS publishes. `make lint` runs it.

It runs in the environment of the scanners, where checkov brings policy_sentry with it, and imports nothing of drgen.
Source of the actions: policy_sentry's copy of the AWS Service Authorization Reference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

Actions = Callable[[str], frozenset[str]]
"""The actions of a service prefix in lower case, "rds" -> {"rds:createdbinstance", ...}; empty for no such service."""


class _Loader(yaml.SafeLoader):
    """Short forms such as !Sub become their plain arguments: no action stands in one."""


def _argument(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _argument)


def named(value: Any) -> Iterator[tuple[str, str]]:
    """Effect and action of every policy statement in `value`, also where a policy is written as one text."""
    if isinstance(value, str) and value.lstrip().startswith("{") and '"Effect"' in value:
        yield from named(json.loads(value))
    elif isinstance(value, dict):
        effect = value.get("Effect")
        if effect in ("Allow", "Deny"):
            listed = value.get("Action", [])
            yield from ((effect, action) for action in ([listed] if isinstance(listed, str) else listed))
            if "NotAction" in value:
                yield effect, "*"
        for inner in value.values():
            yield from named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner)


def problem(effect: str, action: str, known: Actions) -> str:
    """What is wrong with `action`; "" if nothing is. Only a denial may mean several actions."""
    service, _, name = action.partition(":")
    if "*" in action or "?" in action:
        return "stands for several actions; name each" if effect == "Allow" else ""
    if not known(service):
        return f"there is no service {service}"
    return "" if f"{service}:{name}".lower() in known(service) else f"{service} has no such action"


def report(folder: Path, known: Actions) -> tuple[list[str], int]:
    """One line for each wrong action of the templates below `folder`, and how many actions were looked at."""
    lines, looked_at = [], 0
    for path in sorted(folder.glob("*/*/*.yaml")):
        for title, resource in yaml.load(path.read_text("utf-8"), _Loader).get("Resources", {}).items():
            actions = sorted(set(named(resource)))
            looked_at += len(actions)
            wrong = ((action, text) for effect, action in actions if (text := problem(effect, action, known)))
            lines += [f"{path}: {title}: {action}: {text}" for action, text in wrong]
    return lines, looked_at


def main(folder: Path) -> int:
    from functools import cache

    from policy_sentry.querying.actions import get_actions_for_service

    @cache
    def known(service: str) -> frozenset[str]:
        return frozenset(action.lower() for action in get_actions_for_service(service))

    lines, looked_at = report(folder, known)
    print(*lines, f"{looked_at} IAM actions in {folder}, {len(lines)} unknown", sep="\n")
    return 1 if lines or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
