"""What plan, deploy and destroy share: from arguments to a run, and from a run to an exit code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from drgen.cli.progress import Progress
from drgen.cli.workloads import folder
from drgen.errors import Refused, UsageError
from drgen.files.manifest import read_deployment
from drgen.model.deployment import Deployment
from drgen.model.events import Finished
from drgen.model.plan import Plan, Step

if TYPE_CHECKING:
    from drgen.deploy.clouds import Clouds
    from drgen.deploy.run import Run

POLL_VARIABLE = "DRGEN_POLL_SECONDS"


def deployment_of(workload: str) -> Deployment:
    """The manifest of the workload: a folder name under `templates/`, a folder, or the manifest itself."""
    path = Path(workload)
    return read_deployment(path if path.is_file() else folder(workload))


def clouds() -> Clouds:
    """The clouds of the credentials and endpoints that the environment gives. Raises CredentialsMissing."""
    from drgen.deploy.clouds import Clouds

    text = os.environ.get(POLL_VARIABLE, "5")
    try:
        poll_s = float(text)
    except ValueError:
        poll_s = 0.0
    if not 0 < poll_s <= 600:
        raise UsageError(f"{POLL_VARIABLE} is {text!r}", fix="give seconds between 0 and 600, for example 5")
    found = Clouds(poll_s=poll_s)
    found.session.require_credentials()
    return found


def deploy_run(
    deployment: Deployment,
    *,
    regions: tuple[str, ...] = (),
    allowed: tuple[str, ...] = (),
    approved: Plan | None = None,
    resume: str = "",
) -> Run:
    """A run over the stacks of `regions`, or all. Templates are read and held against the manifest here.

    Raises UsageError for a region or an address that the manifest does not have, Refused for an edited template, a plan
    of other templates, or a manifest of another account.
    """
    from drgen.deploy.run import Run
    from drgen.planning.artifacts import with_bootstrap
    from drgen.planning.order import deploy_steps
    from drgen.planning.templates import read_templates

    _hold_to_manifest(deployment, regions, allowed)
    steps = deploy_steps(deployment, regions=regions)
    templates = read_templates(deployment.folder, steps)
    steps = with_bootstrap(steps, sizes={step: template.size for step, template in templates.items()})
    run = Run(
        deployment=deployment,
        steps=steps,
        templates={**templates, **read_templates(deployment.folder, [s for s in steps if s.id not in templates])},
        clouds=clouds(),
        resume=resume,
        allowed=frozenset(allowed),
        approved=approved,
    )
    if approved:
        _hold_to_plan(run, approved)
    _hold_to_account(run)
    return run


def _hold_to_manifest(deployment: Deployment, regions: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    known = tuple(dict.fromkeys(entry.region for entry in deployment.stacks))
    for region in regions:
        if region not in known:
            raise UsageError(f"no stack is in region {region}", fix=f"the manifest has {', '.join(known)}")
    stacks = {entry.stack for entry in deployment.stacks}
    for address in allowed:
        if address.split("/", 1)[0] not in stacks or "/" not in address:
            raise UsageError(
                f"--allow {address} names no resource", fix="write STACK/LOGICALID, as the refusal shows it"
            )


def destroy_run(deployment: Deployment, *, resume: str) -> Run:
    """A run that deletes every stack of the manifest, consumers first."""
    from drgen.deploy.run import Run
    from drgen.planning.order import destroy_steps

    steps = destroy_steps(deployment)
    run = Run(deployment, steps, {}, clouds(), resume, deletes_named=True)
    _hold_to_account(run)
    return run


def _hold_to_plan(run: Run, approved: Plan) -> None:
    if approved.workload != run.deployment.name:
        raise UsageError(f"the plan is for {approved.workload}", fix=f"make a plan for {run.deployment.name}")
    planned = {step.step: step for step in approved.steps}
    for step in run.steps:
        found = planned.get(step.id)
        template = run.templates.get(step.id)
        if found is None or (template and found.template_sha256 != template.sha256):
            what = "is not in the plan" if found is None else "has another template than when it was planned"
            raise Refused(f"stack {step.entry.stack} {what}", fix="make and review a new plan with `drgen plan --out`")


def _hold_to_account(run: Run) -> None:
    wanted = {step.entry.account: step for step in run.steps if step.entry.account}
    for account, step in wanted.items():
        present = run.clouds.account(step.entry.region)
        if present != account:
            raise Refused(
                f"stack {step.entry.stack} belongs to account {account}, and these credentials to {present}",
                fix=f"use credentials of account {account}",
            )


def carry_out(run: Run, progress: Progress) -> Finished:
    """Executes the run and shows it. The first Ctrl-C stops starting stacks, the second leaves at once."""
    from drgen.deploy.executor import execute

    finished: Finished | None = None
    with progress, _first_interrupt_sets(run.stop):
        for event in execute(run):
            progress.show(event)
            if isinstance(event, Finished):
                finished = event
    assert finished is not None
    return finished


@contextmanager
def _first_interrupt_sets(stop: threading.Event) -> Iterator[None]:
    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def order_of(steps: tuple[Step, ...]) -> str:
    """The steps in waves, one line each: what may run side by side."""
    from drgen.planning.order import waves

    lines = [f"{number}. {', '.join(step.id for step in wave)}" for number, wave in enumerate(waves(steps), start=1)]
    return "\n".join(lines) + "\n"
