"""Carries out one step of a run: decide by status, change set, guard, execute, follow, settle."""

from __future__ import annotations

from drgen.aws.changesets import ChangeSet
from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import CallFailed, CredentialsExpired
from drgen.deploy.deletion import delete_remains, delete_step
from drgen.deploy.follow import Operation, before, current_operation, follow, last_event
from drgen.deploy.prepare import (
    discard,
    live_parameters,
    make,
    overtaken,
    raise_if_missing,
    request_for,
    same_values,
    upload,
)
from drgen.deploy.run import Run
from drgen.deploy.settle import loosen_policy, settle
from drgen.deploy.telling import Telling, ended
from drgen.errors import DrgenError, Locked, Refused, StillRunning
from drgen.model.events import Outcome, StepEnded
from drgen.model.live import LiveStack
from drgen.model.plan import Pass, Step, Work
from drgen.planning.approval import approved_step, beyond
from drgen.planning.fingerprint import change_set_name, is_same_wish, operation_token
from drgen.planning.guard import dangers
from drgen.planning.parameters import Decided
from drgen.planning.statuses import Decision, ended_well, exists, is_running, row

_VOID = ("InvalidChangeSetStatus", "ChangeSetNotFound")
"""How ExecuteChangeSet says that the set was executed or removed before. Source: botocore cloudformation errors."""


def run_step(run: Run, step: Step) -> StepEnded:
    """What became of the step. Everything a person can act on is in the answer; only a bug raises."""
    try:
        return delete_step(run, step) if step.work is Work.DELETE else _Deployment(run, step).end()
    except Refused as error:
        return _stopped(step, Outcome.REFUSED, error)
    except Locked as error:
        return _stopped(step, Outcome.LOCKED, error)
    except StillRunning as error:
        return _stopped(step, Outcome.STILL_RUNNING, error)
    except CredentialsExpired as error:
        return _stopped(step, Outcome.NOT_STARTED, error)
    except DrgenError as error:
        return _stopped(step, Outcome.FAILED, error)


def _stopped(step: Step, outcome: Outcome, error: DrgenError) -> StepEnded:
    where = f"{error.at}: " if error.at else ""
    return ended(step, outcome, detail=f"{where}{error.problem}", fix=error.fix)


class _Deployment:
    def __init__(self, run: Run, step: Step) -> None:
        self.run = run
        self.step = step
        self.entry = step.entry
        self.at = f"{step.entry.stack_name} ({step.entry.region})"
        self.cloud: CloudFormation = run.clouds.cloudformation(step.entry.region)
        self.telling = Telling(run, step)
        self.before: LiveStack | None = None

    def end(self) -> StepEnded:
        live = self.cloud.stack(self.entry.stack_name)
        status = live.status if live else "DELETE_COMPLETE"
        match row(status).deploy:
            case Decision.FOLLOW_OR_LOCKED if live:
                return self._reattach(live)
            case Decision.WAIT if live:
                live = self._wait(live)
            case Decision.RECREATE_IF_EMPTY if live:
                return self._change(self._recreate(live))
            case Decision.CREATE | Decision.CREATE_IN_SHELL | Decision.UPDATE:
                pass
            case _:
                raise self._refusal(status)
        return self._change(live)

    def _refusal(self, status: str) -> Refused:
        found = row(status)
        fix = found.fix.format(stack=self.entry.stack_name, region=self.entry.region)
        return Refused(f"the stack is in {status}: {found.meaning}", at=self.at, fix=fix)

    def _wait(self, live: LiveStack) -> LiveStack:
        self.telling.note(f"waiting: the stack is in {live.status}")
        events = self.cloud.events(live.stack_id)
        return self._follow(live.stack_id, after=before(events, current_operation(events))).final

    def _recreate(self, live: LiveStack) -> LiveStack | None:
        """Deletes what is left of a failed creation if that is nothing; the stack can then be made anew."""
        delete_remains(self.run, self.step, live, refusal=self._refusal(live.status), telling=self.telling)
        return None

    def _reattach(self, live: LiveStack) -> StepEnded:
        """Follows the operation that is under way if it does what this step wants; raises Locked if it does not."""
        events = self.cloud.events(live.stack_id)
        operation = current_operation(events)
        begun = operation[0] if operation else None
        name = self._name(live_parameters(self.run, self.step, live))
        if begun is None or not is_same_wish(begun.token, name):
            who = "another run of drgen" if begun and begun.token.startswith("drgen-") else "somebody else"
            since = f" since {begun.at:%Y-%m-%d %H:%M:%S %Z}" if begun else ""
            raise Locked(
                f"the stack is in {live.status}{since}, begun by {who}",
                at=self.at,
                fix="wait until that operation has ended (`drgen status` shows it), then run this command again",
            )
        change = "create" if begun.status == "CREATE_IN_PROGRESS" else "update"
        self.telling.started(change, total=len(self.run.templates[self.step.id].resources), reattached=True)
        return self._outcome(self._follow(live.stack_id, after=before(events, operation)))

    def _change(self, live: LiveStack | None) -> StepEnded:
        self.before = live
        decided = live_parameters(self.run, self.step, live)
        raise_if_missing(self.step, decided)
        for name in decided.kept:
            self.telling.note(f"parameter {name} keeps its value: the region it comes from does not answer")
        if live and self.step.passes is Pass.FINAL and same_values(live, decided):
            return ended(self.step, Outcome.UNCHANGED)
        for key in upload(self.run, self.step):
            self.telling.note(f"uploaded {key}")
        name = self._name(decided)
        request = request_for(self.run, self.step, name=name, live=live, decided=decided)
        try:
            made = make(self.run, self.cloud, self.step, request)
        except (CallFailed, Locked) as error:
            return self._overtaken(error)
        if made.is_empty:
            discard(self.cloud, made, creates=request.creates)
            return self._settled(live or self._described(made.stack_id), Outcome.UNCHANGED)
        self._guarded(made, creates=request.creates)
        if live and exists(live):
            loosen_policy(self.cloud, live, self.entry, allowed=self.run.allowed, note=self.telling.note)
        after = last_event(self.cloud.events(made.stack_id))
        self.telling.started("create" if request.creates else "update", total=len(made.changes))
        try:
            self.cloud.execute(made.arn, token=operation_token(name, attempt=made.arn))
        except CallFailed as error:
            return self._overtaken(error)
        return self._outcome(self._follow(made.stack_id, after=after))

    def _overtaken(self, error: DrgenError) -> StepEnded:
        """Follows whoever was faster, if they do what this step wants; else raises `error`, or Locked."""
        live = self.cloud.stack(self.entry.stack_name)
        if live and is_running(live.status):
            return self._reattach(live)
        if isinstance(error, CallFailed) and error.code in _VOID:
            raise overtaken(self.entry.stack_name, self.entry.region) from error
        raise error

    def _name(self, decided: Decided) -> str:
        digest = self.run.templates[self.step.id].sha256
        return change_set_name(self.entry, self.step.passes, template_sha256=digest, parameters=decided.values)

    def _guarded(self, made: ChangeSet, *, creates: bool) -> None:
        """Raises Refused, and removes the change set, if it could lose data or goes beyond what was approved."""
        found = dangers(self.entry.stack, made.changes, allowed=self.run.allowed)
        if found:
            discard(self.cloud, made, creates=creates)
            what = "; ".join(f"{d.address} ({d.change.type}) {d.why}" for d in found)
            allow = " ".join(f"--allow {d.address}" for d in found)
            raise Refused(
                what, at=self.at, fix=f"undo the change in the workload file, or accept the loss with {allow}"
            )
        approved = approved_step(self.run.approved, self.step.id) if self.run.approved else None
        more = beyond(approved, made.changes) if approved else ()
        if more:
            discard(self.cloud, made, creates=creates)
            what = "; ".join(more)
            raise Refused(
                f"the change set does more than the plan: {what}", at=self.at, fix="make and review a new plan"
            )

    def _follow(self, stack_id: str, *, after: str) -> Operation:
        pace = self.run.clouds.pace(self.entry.region)
        return follow(self.cloud, stack_id, after=after, pace=pace, on_events=self.telling.resources)

    def _outcome(self, operation: Operation) -> StepEnded:
        if ended_well(operation.final.status):
            return self._settled(operation.final, Outcome.DONE, operation)
        return self.telling.failed(operation)

    def _settled(self, live: LiveStack, outcome: Outcome, operation: Operation | None = None) -> StepEnded:
        settle(self.run, self.entry, live, before=self.before, note=self.telling.note)
        return ended(self.step, outcome, operation=operation)

    def _described(self, stack_id: str) -> LiveStack:
        live = self.cloud.stack(stack_id)
        if live is None:
            raise DrgenError("the stack disappeared while it was deployed", at=self.at, fix="deploy again")
        return live
