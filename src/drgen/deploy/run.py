"""What all steps of one run share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drgen.deploy.clouds import Clouds
from drgen.model.deployment import Deployment
from drgen.model.events import Event
from drgen.model.plan import Plan, Step
from drgen.planning.templates import TemplateText


@dataclass(frozen=True)
class Run:
    """`allowed` are the addresses `STACK/LOGICALID` whose loss people accept; `approved` the plan not to go beyond.

    `resume` is the command that takes the run up again. `deletes_named` says that people named the workload whose
    stacks are deleted. Once `stop` is set no further step starts.
    """

    deployment: Deployment
    steps: tuple[Step, ...]
    templates: Mapping[str, TemplateText]
    clouds: Clouds
    resume: str
    allowed: frozenset[str] = frozenset()
    approved: Plan | None = None
    deletes_named: bool = False
    emit: Callable[[Event], None] = lambda event: None
    stop: threading.Event = field(default_factory=threading.Event)
