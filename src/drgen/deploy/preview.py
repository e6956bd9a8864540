"""What a deployment would do: real change sets, made, read and removed again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from drgen.aws.failures import RegionUnreachable
from drgen.deploy.executor import AT_ONCE
from drgen.deploy.prepare import discard, live_parameters, make, request_for, same_values
from drgen.deploy.run import Run
from drgen.deploy.settle import open_settings
from drgen.errors import DrgenError
from drgen.model.deployment import FromOutput
from drgen.model.live import LiveStack
from drgen.model.plan import (
    Action,
    Change,
    Foreseen,
    Known,
    Pass,
    Pending,
    Plan,
    Replacement,
    Step,
    StepPlan,
    Work,
)
from drgen.planning.artifacts import goes_by_bucket
from drgen.planning.fingerprint import change_set_name
from drgen.planning.guard import dangers
from drgen.planning.order import waves
from drgen.planning.parameters import Decided
from drgen.planning.statuses import Decision, exists, left_behind, row


def preview(run: Run, *, regions: tuple[str, ...]) -> Plan:
    """The plan of the run. Raises DrgenError where a region of the run does not answer: nothing is guessed."""
    view = _Preview(run)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for wave in waves(run.steps):
            view.plans.update({plan.step: plan for plan in pool.map(view.step_plan, wave)})
    return Plan(run.deployment.name, tuple(view.plans[step.id] for step in run.steps), regions, view.kept)


class _Preview:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.plans: dict[str, StepPlan] = {}
        self.kept: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def step_plan(self, step: Step) -> StepPlan:
        entry = step.entry
        cloud = self.run.clouds.cloudformation(entry.region)
        live = cloud.stack(entry.stack_name)
        if step.work is Work.DELETE:
            return self._plan(step, Foreseen.DELETE if exists(live) else Foreseen.ABSENT)
        found = row(live.status if live else "DELETE_COMPLETE")
        fix = found.fix.format(stack=entry.stack_name, region=entry.region)
        match found.deploy:
            case Decision.CREATE | Decision.CREATE_IN_SHELL | Decision.UPDATE:
                return self._deployment(step, live)
            case Decision.RECREATE_IF_EMPTY if live:
                left = left_behind({item.logical_id: item.status for item in cloud.resources(live.stack_id)})
                if not left:
                    return self._plan(step, Foreseen.RECREATE, changes=self._additions(step))
                return self._plan(step, Foreseen.REFUSED, reason=f"it still holds {', '.join(left)}", fix=fix)
            case Decision.FOLLOW_OR_LOCKED | Decision.WAIT if live:
                return self._plan(
                    step, Foreseen.LOCKED, reason=f"{live.status}: {found.meaning}", fix="wait for its end"
                )
        status = live.status if live else ""
        return self._plan(step, Foreseen.REFUSED, reason=f"{status}: {found.meaning}", fix=fix)

    def _deployment(self, step: Step, live: LiveStack | None) -> StepPlan:
        there = live if exists(live) else None
        decided, assumes = self._decide(step, live)
        self._note_kept(step, decided)
        if decided.missing:
            problems = "; ".join(missing.problem for missing in decided.missing)
            return self._plan(step, Foreseen.REFUSED, reason=problems, fix=decided.missing[0].fix)
        if there and step.passes is Pass.FINAL and same_values(there, decided):
            return replace(self._plan(step, Foreseen.UNCHANGED), assumes=assumes)
        settings = open_settings(self.run, step.entry, there) if step.passes is not Pass.FINAL else ()
        if decided.pending or self._waits_for_bucket(step):
            changes = () if there or step.passes is Pass.FINAL else self._additions(step)
            plan = self._plan(step, Foreseen.UNKNOWN, changes=changes, settings=settings)
            return replace(plan, pending=decided.pending or ("the template, which goes by the artifact bucket",))
        return replace(self._change_set(step, live, decided, settings), assumes=assumes)

    def _note_kept(self, step: Step, decided: Decided) -> None:
        for name in decided.kept:
            source = step.entry.parameters[name]
            if isinstance(source, FromOutput):
                region = self.run.deployment.entry(source.stack).region
                with self._lock:
                    self.kept[region] = tuple(sorted({*self.kept.get(region, ()), f"{step.entry.stack}.{name}"}))

    def _decide(self, step: Step, live: LiveStack | None) -> tuple[Decided, tuple[str, ...]]:
        """The parameters, with those pending whose stack this plan makes; and the outputs that may yet change."""
        decided = live_parameters(self.run, step, live)
        values = dict(decided.values)
        missing = list(decided.missing)
        assumes = []
        for name, source in step.entry.parameters.items():
            if not isinstance(source, FromOutput) or name in step.deferred or name in decided.kept:
                continue
            producers = [plan for plan in self.plans.values() if plan.stack == source.stack]
            if not any(plan.changes_something for plan in producers):
                continue
            if isinstance(values.get(name), Known) and self._keeps_stack(producers):
                assumes.append(f"{source.stack}.{source.output}")
                continue
            values[name] = Pending(source.stack, source.output)
            missing = [item for item in missing if item.parameter != name]
        return Decided(values, tuple(missing), decided.kept), tuple(assumes)

    def _keeps_stack(self, producers: list[StepPlan]) -> bool:
        return not any(plan.foreseen in (Foreseen.CREATE, Foreseen.RECREATE) for plan in producers)

    def _waits_for_bucket(self, step: Step) -> bool:
        """True if the template must come from a bucket: a plan uploads nothing, so there is no change set to read."""
        return goes_by_bucket(step.entry, size=self.run.templates[step.id].size)

    def _change_set(self, step: Step, live: LiveStack | None, decided: Decided, settings: tuple[str, ...]) -> StepPlan:
        cloud = self.run.clouds.cloudformation(step.entry.region)
        digest = self.run.templates[step.id].sha256
        name = change_set_name(step.entry, step.passes, template_sha256=digest, parameters=decided.values)
        request = request_for(self.run, step, name=f"plan-{name}", live=live, decided=decided)
        had_shell = live is not None and live.status == "REVIEW_IN_PROGRESS"
        try:
            made = make(self.run, cloud, step, request)
        except DrgenError as error:
            if isinstance(error, RegionUnreachable):
                raise
            return self._plan(step, Foreseen.REFUSED, reason=error.problem, fix=error.fix)
        discard(cloud, made, creates=request.creates and not had_shell)
        if made.is_empty:
            foreseen = Foreseen.UPDATE if settings else Foreseen.UNCHANGED
            return self._plan(step, foreseen, settings=settings)
        foreseen = Foreseen.CREATE if request.creates else Foreseen.UPDATE
        plan = self._plan(step, foreseen, changes=made.changes, settings=settings)
        found = dangers(step.entry.stack, made.changes, allowed=self.run.allowed)
        if not found:
            return plan
        reason = "; ".join(f"{danger.address} {danger.why}" for danger in found)
        return replace(plan, reason=reason, fix=" ".join(f"--allow {danger.address}" for danger in found))

    def _additions(self, step: Step) -> tuple[Change, ...]:
        resources = self.run.templates[step.id].resources
        return tuple(Change(name, kind, Action.ADD, Replacement.NONE) for name, kind in resources.items())

    def _plan(
        self,
        step: Step,
        foreseen: Foreseen,
        *,
        changes: tuple[Change, ...] = (),
        settings: tuple[str, ...] = (),
        reason: str = "",
        fix: str = "",
    ) -> StepPlan:
        template = self.run.templates.get(step.id)
        return StepPlan(
            step=step.id,
            stack=step.entry.stack,
            region=step.entry.region,
            stage=step.entry.stage,
            passes=step.passes,
            foreseen=foreseen,
            template_sha256=template.sha256 if template else "",
            changes=changes,
            settings=settings,
            reason=reason,
            fix=fix,
        )
