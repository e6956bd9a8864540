"""Deployment -> the text of `deploy.yaml`, the counterpart of `manifest.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import yaml

from drgen.model.deployment import (
    AfterDeploy,
    Artifact,
    Deployment,
    FromOutput,
    ParameterSource,
    RevokeDefaultSecurityGroup,
    StackEntry,
    TellOutput,
)


class _Dumper(yaml.CSafeDumper):
    """Parameters that come from a stack are written on one line."""


class _Inline(dict[str, Any]):
    pass


_Dumper.add_representer(
    _Inline, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)


def write_deployment(deployment: Deployment, *, header: str) -> bytes:
    """The manifest's bytes below `header`, a comment; `read_deployment` reads them back as the same value."""
    recovery: Any = list(deployment.intent.recovery)
    intent = _Inline(primary=deployment.intent.primary, recovery=recovery[0] if len(recovery) == 1 else recovery)
    parts = [f"# {header}\n", _dump({"intent": intent}), "stacks:\n"]
    parts.extend(_dump([_entry(entry)]) for entry in deployment.stacks)
    return "".join(parts).encode()


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True))


def _entry(entry: StackEntry) -> dict[str, Any]:
    """Keys in reading order; what is empty or the default is left out."""
    optional: Mapping[str, Any] = {
        "stack_name": entry.stack_name if entry.stack_name != entry.stack else "",
        "stage": entry.stage,
        "sha256": entry.sha256,
        "capabilities": list(entry.capabilities),
        "termination_protection": entry.termination_protection,
        "protect": list(entry.protect),
        "parameters": {name: _source(source) for name, source in entry.parameters.items()},
        "artifacts": [_artifact(artifact) for artifact in entry.artifacts],
        "after": [_after(step) for step in entry.after],
        "tags": dict(entry.tags),
    }
    required = {"stack": entry.stack, "template": entry.template, "region": entry.region}
    return {**required, **{key: value for key, value in optional.items() if value}}


def _source(source: ParameterSource) -> Any:
    if not isinstance(source, FromOutput):
        return source
    inline = _Inline({"from": _Inline(stack=source.stack, output=source.output)})
    if source.late:
        inline["late"] = True
    return inline


def _after(step: AfterDeploy) -> _Inline:
    match step:
        case RevokeDefaultSecurityGroup(vpc_output):
            return _Inline(revoke_default_security_group=vpc_output)
        case TellOutput(text, output):
            return _Inline(tell=text, output=output)
        case _:
            assert_never(step)


def _artifact(artifact: Artifact) -> _Inline:
    return _Inline(name=artifact.name, path=artifact.path, key=artifact.key)
