"""CreateStack, UpdateStack, DeleteStack and the other calls that change a stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation import operations
from drgen.local.cloudformation.operations import USER, Ask
from drgen.local.cloudformation.planning import check_order, planned
from drgen.local.cloudformation.policy import checked
from drgen.local.cloudformation.records import Stack, new_id
from drgen.local.cloudformation.requests import deployment, seen_before
from drgen.local.cloudformation.run import Engine, Run, Runs
from drgen.template.resolve import ResolveError

Answer = Mapping[str, Any]
UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
)
DOES_NOT_EXIST = "Stack [{}] does not exist"
_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


class StackCalls:
    """The calls that start an operation on a stack, or change a setting of one. Operations run in the background."""

    def __init__(self, engine: Engine, runs: Runs) -> None:
        self._engine = engine
        self._store = engine.store
        self._runs = runs

    def table(self) -> Mapping[str, Callable[[Call], Answer]]:
        return {
            "CreateStack": self.create,
            "UpdateStack": self.update,
            "DeleteStack": self.delete,
            "CancelUpdateStack": self.cancel_update,
            "ContinueUpdateRollback": self.continue_rollback,
            "RollbackStack": self.rollback,
            "SetStackPolicy": self.set_policy,
            "GetStackPolicy": self.get_policy,
            "UpdateTerminationProtection": self.protect,
        }

    def new_stack(self, region: str, name: str) -> Stack:
        """A stack of that name that nobody knows yet. Raises ApiError where the name is none."""
        if not _NAME.fullmatch(name):
            raise ApiError(
                "ValidationError",
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            )
        env = self._engine.env
        stack_id = f"arn:{env.partition}:cloudformation:{region}:{env.account}:stack/{name}/{new_id()}"
        return Stack(id=stack_id, name=name, region=region, created=env.now(), status="")

    def create(self, call: Call) -> Answer:
        params, token = call.params, call.params.get("ClientRequestToken")
        existing = self._store.find(call.region, str(params["StackName"]))
        if existing is not None:
            if token in existing.tokens and seen_before(existing, call, token):
                return {"StackId": existing.id}
            raise ApiError("AlreadyExistsException", f"Stack [{existing.name}] already exists")
        stack = self.new_stack(call.region, str(params["StackName"]))
        document, asked = deployment(params, self._engine.env, call.region, None)
        check_order(self._engine, stack, document, asked)
        on_failure = str(params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK"))
        seen_before(stack, call, token)
        stack.policy = checked(params["StackPolicyBody"]) if params.get("StackPolicyBody") else None
        stack.termination_protection = bool(params.get("EnableTerminationProtection", False))
        stack.timeout_minutes = params.get("TimeoutInMinutes")
        with self._store.lock:
            if self._store.find(call.region, stack.name) is not None:
                raise ApiError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
            self._store.add(stack)
            ask = Ask(asked, on_failure, deletes_retained=bool(params.get("RetainExceptOnCreate")))
            run = self.start_create(stack, ask, token)
        return {"StackId": stack.id, "OperationId": run.id}

    def update(self, call: Call) -> Answer:
        params, token = call.params, call.params.get("ClientRequestToken")
        stack = self._store.get(call.region, str(params["StackName"]), DOES_NOT_EXIST)
        if token in stack.tokens and seen_before(stack, call, token):
            return {"StackId": stack.id}
        check_updatable(stack)
        document, asked = deployment(params, self._engine.env, call.region, stack)
        check_order(self._engine, stack, document, asked)
        try:
            changes, anything = planned(self._engine, stack, document, asked)
        except ResolveError as error:
            raise ApiError("ValidationError", str(error)) from error
        if not anything:
            raise ApiError("ValidationError", "No updates are to be performed.")
        if params.get("StackPolicyBody"):
            stack.policy = checked(params["StackPolicyBody"])
        during = params.get("StackPolicyDuringUpdateBody")
        seen_before(stack, call, token)
        ask = Ask(
            asked,
            "DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK",
            policy=checked(during) if during else stack.policy,
            changes=changes,
            deletes_retained=bool(params.get("RetainExceptOnCreate")),
        )
        return {"StackId": stack.id, "OperationId": self.start_update(stack, ask, token).id}

    def start_create(self, stack: Stack, ask: Ask, token: str | None) -> Run:
        run = Run(self._engine, stack, "CREATE_STACK", token, ask.deletes_retained)
        with self._store.lock:
            self._store.begin(stack)
            stack.deployment, stack.disable_rollback = ask.deployment, ask.on_failure == "DO_NOTHING"
            run.enter("CREATE_IN_PROGRESS", USER)
            self._runs.start(run, lambda run: operations.create(run, ask))
        return run

    def start_import(self, stack: Stack, ask: Ask, imports: Mapping[str, str], token: str | None) -> Run:
        run = Run(self._engine, stack, "UPDATE_STACK", token)
        with self._store.lock:
            self._store.begin(stack)
            stack.stable, stack.deployment, stack.updated = stack.deployment, ask.deployment, run.now()
            run.enter("IMPORT_IN_PROGRESS", USER)
            self._runs.start(run, lambda run: operations.take_in(run, ask, imports))
        return run

    def start_update(self, stack: Stack, ask: Ask, token: str | None) -> Run:
        run = Run(self._engine, stack, "UPDATE_STACK", token, ask.deletes_retained)
        with self._store.lock:
            check_updatable(stack)
            self._store.begin(stack)
            if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
                stack.baseline = {resource.logical_id: resource.copy() for resource in stack.exists()}
                stack.stable = stack.deployment
            kept = ask.change_set.name if ask.change_set else ""
            stack.change_sets = {name: item for name, item in stack.change_sets.items() if name == kept}
            stack.deployment, stack.updated = ask.deployment, run.now()
            stack.disable_rollback = ask.on_failure == "DO_NOTHING"
            run.enter("UPDATE_IN_PROGRESS", USER)
            self._runs.start(run, lambda run: operations.update(run, ask))
        return run

    def delete(self, call: Call) -> Answer:
        params, token = call.params, call.params.get("ClientRequestToken")
        stack = self._store.find(call.region, str(params["StackName"]))
        if stack is None or stack.gone or stack.status == "DELETE_IN_PROGRESS":
            return {}
        retain = list(params.get("RetainResources") or ())
        force = params.get("DeletionMode") == "FORCE_DELETE_STACK"
        run = Run(self._engine, stack, "DELETE_STACK", token)
        with self._store.lock:
            _check_deletable(stack, retain)
            self._runs.cancel(stack.id)
            self._store.begin(stack)
            run.enter("DELETE_IN_PROGRESS", USER)
            self._runs.start(run, lambda run: operations.delete(run, retain=retain, force=force))
        return {}

    def cancel_update(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        with self._store.lock:
            if stack.status != "UPDATE_IN_PROGRESS":
                raise ApiError("ValidationError", "CancelUpdateStack cannot be called from current stack status")
            self._runs.cancel(stack.id)
        return {}

    def continue_rollback(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        skip = list(call.params.get("ResourcesToSkip") or ())
        run = Run(self._engine, stack, "CONTINUE_ROLLBACK", call.params.get("ClientRequestToken"))
        with self._store.lock:
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise ApiError(
                    "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not continue rollback."
                )
            wrong = [
                name for name in skip if name not in stack.resources or stack.resources[name].status != "UPDATE_FAILED"
            ]
            if wrong:
                raise ApiError(
                    "ValidationError",
                    f"The following resources cannot be skipped: [{', '.join(wrong)}]. "
                    "Only resources in UPDATE_FAILED can be.",
                )
            self._store.begin(stack)
            run.enter("UPDATE_ROLLBACK_IN_PROGRESS", USER)
            self._runs.start(run, lambda run: operations.roll_back_update(run, skip=skip))
        return {}

    def rollback(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        run = Run(self._engine, stack, "ROLLBACK", call.params.get("ClientRequestToken"))
        run.deletes_retained = bool(call.params.get("RetainExceptOnCreate"))
        with self._store.lock:
            if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
                raise ApiError(
                    "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
                )
            self._store.begin(stack)
            if stack.stable is None:
                run.enter("ROLLBACK_IN_PROGRESS", USER)
                self._runs.start(run, operations.roll_back_create)
            else:
                run.enter("UPDATE_ROLLBACK_IN_PROGRESS", USER)
                self._runs.start(run, operations.roll_back_update)
        return {"StackId": stack.id, "OperationId": run.id}

    def set_policy(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        if not call.params.get("StackPolicyBody"):
            raise ApiError("ValidationError", "The embedded AWS reads a stack policy from StackPolicyBody only")
        stack.policy = checked(str(call.params["StackPolicyBody"]))
        return {}

    def get_policy(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        return {} if stack.policy is None else {"StackPolicyBody": stack.policy}

    def protect(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        stack.termination_protection = bool(call.params["EnableTerminationProtection"])
        return {"StackId": stack.id}


def check_updatable(stack: Stack, *, stable: bool = False) -> None:
    """Raises ApiError (ValidationError) in a status that allows no update, or (`stable`) no import."""
    if stack.status not in UPDATABLE or (stable and stack.status.endswith("_FAILED")):
        raise ApiError("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def _check_deletable(stack: Stack, retain: list[str]) -> None:
    if stack.termination_protection:
        raise ApiError(
            "ValidationError", f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if stack.running and stack.status != "CREATE_IN_PROGRESS":
        raise ApiError("ValidationError", f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
    if retain and stack.status != "DELETE_FAILED":
        raise ApiError(
            "ValidationError",
            f"Invalid operation on stack [{stack.id}]. RetainResources is valid only for stacks in DELETE_FAILED",
        )
