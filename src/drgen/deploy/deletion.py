"""Deletes a stack, and says what it leaves."""

from __future__ import annotations

from drgen.aws.cloudformation import CloudFormation
from drgen.deploy.follow import before, current_operation, follow, last_event
from drgen.deploy.run import Run
from drgen.deploy.telling import Telling, ended
from drgen.errors import DrgenError, Locked, Refused
from drgen.model.events import Outcome, StepEnded
from drgen.model.live import LiveStack
from drgen.model.plan import Step
from drgen.model.stateful import STATEFUL
from drgen.planning.fingerprint import PREFIX, operation_token
from drgen.planning.statuses import Decision, left_behind, row


def delete_step(run: Run, step: Step) -> StepEnded:
    """Deletes the step's stack. Raises Refused for a protected one, Locked while somebody else works on it."""
    cloud = run.clouds.cloudformation(step.entry.region)
    live = cloud.stack(step.entry.stack_name)
    at = f"{step.entry.stack_name} ({step.entry.region})"
    decision = row(live.status).destroy if live else Decision.GONE
    if live is None or decision is Decision.GONE:
        return ended(step, Outcome.UNCHANGED, detail="not deployed")
    if decision is Decision.REFUSE:
        raise Refused(
            row(live.status).meaning, at=at, fix=row(live.status).fix.format(stack=live.name, region=live.region)
        )
    if decision is Decision.FOLLOW_OR_LOCKED:
        fix = "wait until that operation has ended, then run this command again"
        raise Locked(f"the stack is in {live.status}: {row(live.status).meaning}", at=at, fix=fix)
    telling = Telling(run, step)
    if decision is Decision.WAIT_THEN_DELETE:
        telling.note(f"waiting: the stack is in {live.status}")
        while row(live.status).destroy is Decision.WAIT_THEN_DELETE:
            run.clouds.pace(live.region).wait()
            live = cloud.stack(live.stack_id) or live
    _refuse_protected(run, step, live, cloud)
    return _delete(run, step, live, telling)


def delete_remains(run: Run, step: Step, live: LiveStack, *, refusal: DrgenError, telling: Telling) -> None:
    """Deletes a stack whose creation failed and that holds nothing. Raises `refusal` if anything is left in it."""
    cloud = run.clouds.cloudformation(live.region)
    left = left_behind({item.logical_id: item.status for item in cloud.resources(live.stack_id)})
    if left or live.termination_protection:
        what = f"; it still holds {', '.join(left)}" if left else "; termination protection is on"
        raise Refused(f"{refusal.problem}{what}", at=refusal.at, fix=refusal.fix)
    telling.note("removing the empty remains of a failed creation")
    end = _delete(run, step, live, Telling(run, step))
    if not end.outcome.is_good:
        raise DrgenError(end.detail, at=refusal.at, fix=end.fix)


def _refuse_protected(run: Run, step: Step, live: LiveStack, cloud: CloudFormation) -> None:
    at = f"{live.name} ({live.region})"
    if live.termination_protection:
        raise Refused(
            "termination protection is on",
            at=at,
            fix="set `protection: false` in the workload file, build and deploy, then destroy",
        )
    if run.deletes_named:
        return
    held = [
        f"{step.entry.stack}/{item.logical_id}"
        for item in cloud.resources(live.stack_id)
        if item.type in STATEFUL and item.status != "DELETE_COMPLETE"
    ]
    named = [address for address in held if address not in run.allowed]
    if named:
        allow = " ".join(f"--allow {address}" for address in named)
        raise Refused(f"deleting the stack would delete {', '.join(named)}", at=at, fix=f"accept that with {allow}")


def _delete(run: Run, step: Step, live: LiveStack, telling: Telling) -> StepEnded:
    cloud = run.clouds.cloudformation(live.region)
    events = cloud.events(live.stack_id)
    if live.status == "DELETE_IN_PROGRESS":
        after = before(events, current_operation(events))
        telling.started("delete", total=len(cloud.resources(live.stack_id)), reattached=True)
    else:
        after = last_event(events)
        telling.started("delete", total=len(cloud.resources(live.stack_id)))
        cloud.delete_stack(live.stack_id, token=operation_token(f"{PREFIX}delete", attempt=live.stack_id + after))
    done = follow(cloud, live.stack_id, after=after, pace=run.clouds.pace(live.region), on_events=telling.resources)
    for event in done.events:
        if event.status == "DELETE_SKIPPED":
            telling.note(f"kept: {event.logical_id} ({event.type}) {event.physical_id}")
    if done.final.status != "DELETE_COMPLETE":
        return telling.failed(done)
    return ended(step, Outcome.DONE, operation=done)
