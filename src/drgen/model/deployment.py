"""The deployment: which template goes to which region, in which order, and where each parameter comes from.

It is what `deploy.yaml` says (`files/manifest.py` reads and writes it), made by `drgen build` or by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class FromOutput:
    """A parameter's value is an output of another stack of the same deployment.

    A `late` value is not waited for: the stack is deployed without it first (its previous value, else the template's
    default) and a second time once the producer exists.
    """

    stack: str
    output: str
    late: bool = False


ParameterSource = str | FromOutput
"""A literal (always the text CloudFormation receives; lists are comma-separated), or where to fetch it."""


@dataclass(frozen=True)
class Artifact:
    """A file the stack needs in its region before it is deployed; `key` contains the SHA-256 of the content."""

    name: str
    path: str
    key: str


@dataclass(frozen=True)
class RevokeDefaultSecurityGroup:
    """After the stack is deployed: revoke every rule of the default security group of the VPC in output `vpc_output`.

    CloudFormation cannot do it: the group is not a resource of the template, and rules can only be added to it.
    """

    vpc_output: str


@dataclass(frozen=True)
class TellOutput:
    """When a deployment of the stack has made or changed `output`: tell people `text` and the output's value."""

    text: str
    output: str


AfterDeploy = RevokeDefaultSecurityGroup | TellOutput

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class StackEntry:
    """One stack of the manifest.

    `stack` is the key other entries use in `from:`; `stack_name` is CloudFormation's name.
    `template` is relative to the manifest's folder, and empty only where `action` is delete.
    `protect` names the logical ids whose replacement and deletion the stack policy denies.
    """

    stack: str
    template: str
    region: str
    stack_name: str
    stage: str = ""
    parameters: Mapping[str, ParameterSource] = field(default_factory=dict)
    sha256: str = ""
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    action: Action = "create"
    nested: Mapping[str, str] = field(default_factory=dict)
    template_delivery: Literal["inline", "s3"] | None = None
    artifacts: tuple[Artifact, ...] = ()
    termination_protection: bool = False
    protect: tuple[str, ...] = ()
    after: tuple[AfterDeploy, ...] = ()
    account: str = ""

    def upstream(self, *, late: bool = False) -> tuple[str, ...]:
        """Keys of the stacks whose outputs this one needs: before its first pass, or (late) before its second."""
        sources = [s for s in self.parameters.values() if isinstance(s, FromOutput) and s.late == late]
        return tuple(dict.fromkeys(s.stack for s in sources))


@dataclass(frozen=True)
class Intent:
    """What the deployment is for. `recovery` is empty where the manifest does not say."""

    primary: str = ""
    recovery: tuple[str, ...] = ()
    other: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployment:
    """A manifest: `path` is the manifest file; `stacks` are in deployment order.

    The same stack key may appear more than once (created, later updated or deleted) in hand-written manifests.
    """

    path: Path
    intent: Intent
    stacks: tuple[StackEntry, ...]
    account_state: Mapping[str, object] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def entry(self, key: str) -> StackEntry:
        """The first entry of stack `key`; KeyError if the manifest has none."""
        for entry in self.stacks:
            if entry.stack == key:
                return entry
        raise KeyError(key)
