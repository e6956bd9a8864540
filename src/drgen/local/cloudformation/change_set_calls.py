"""The calls about change sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.cloudformation.document import parse
from drgen.local.cloudformation.importing import identifiers, only_imports
from drgen.local.cloudformation.operations import Ask
from drgen.local.cloudformation.paging import page, without_none
from drgen.local.cloudformation.planning import check_order, hidden_values, planned
from drgen.local.cloudformation.reading import parameters_shown, tags_shown, when
from drgen.local.cloudformation.records import ChangeSet, Stack, new_id
from drgen.local.cloudformation.rendering import rendered, without_values
from drgen.local.cloudformation.requests import deployment, seen_before
from drgen.local.cloudformation.run import Engine, Run
from drgen.local.cloudformation.stack_calls import DOES_NOT_EXIST, StackCalls, check_updatable
from drgen.template.resolve import ResolveError

Answer = Mapping[str, Any]
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_PAGE = 100


class ChangeSetCalls:
    def __init__(self, engine: Engine, stacks: StackCalls) -> None:
        self._engine = engine
        self._store = engine.store
        self._stacks = stacks

    def table(self) -> Mapping[str, Callable[[Call], Answer]]:
        return {
            "CreateChangeSet": self.create,
            "DescribeChangeSet": self.describe,
            "ListChangeSets": self.list,
            "DeleteChangeSet": self.delete,
            "ExecuteChangeSet": self.execute,
        }

    def create(self, call: Call) -> Answer:
        name, kind = str(call.params["ChangeSetName"]), str(call.params.get("ChangeSetType") or "UPDATE")
        if not _NAME.fullmatch(name):
            raise ApiError("ValidationError", f"Change set name {name} must match [a-zA-Z][-a-zA-Z0-9]* (128 at most)")
        found = self._store.find(call.region, str(call.params["StackName"]))
        if found is not None and name in found.change_sets:
            token = call.params.get("ClientToken")
            if token and token in found.tokens and seen_before(found, call, token):
                return {"Id": found.change_sets[name].id, "StackId": found.id}
            raise ApiError("AlreadyExistsException", f"ChangeSet {name} already exists")
        if kind == "UPDATE" and call.params.get("OnStackFailure") == "DELETE":
            raise ApiError("ValidationError", "OnStackFailure DELETE is valid only for change sets of type CREATE")
        stack = self._target(call, found, name, kind)
        change_set = self._drawn_up(call, stack, name, kind)
        with self._store.lock:
            if found is None:
                self._store.add(stack)
                Run(self._engine, stack, "CREATE_CHANGESET").enter("REVIEW_IN_PROGRESS", "User Initiated")
            seen_before(stack, call, call.params.get("ClientToken"))
            stack.change_sets[name] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def _drawn_up(self, call: Call, stack: Stack, name: str, kind: str) -> ChangeSet:
        env = self._engine.env
        document, asked = deployment(call.params, env, call.region, stack)
        check_order(self._engine, stack, document, asked)
        change_set = ChangeSet(
            id=f"arn:{env.partition}:cloudformation:{call.region}:{env.account}:changeSet/{name}/{new_id()}",
            name=name,
            kind=kind,
            deployment=asked,
            created=env.now(),
            description=call.params.get("Description"),
            on_stack_failure=call.params.get("OnStackFailure"),
        )
        if kind == "IMPORT":
            given = call.params.get("ResourcesToImport") or ()
            change_set.imports = identifiers(given, document, stack, self._store)
        try:
            changes, anything = planned(self._engine, stack, document, asked)
        except ResolveError as error:
            self._decide(change_set, str(error))
            return change_set
        problem = "" if anything or kind == "CREATE" else NO_CHANGES
        if kind == "IMPORT":
            changes, problem = only_imports(changes, change_set.imports, document, stack)
        hidden = hidden_values(document, asked)
        change_set.changes = [rendered(change, hidden) for change in changes]
        self._decide(change_set, problem)
        return change_set

    def _target(self, call: Call, found: Stack | None, name: str, kind: str) -> Stack:
        """The stack the change set is for; a new one, not stored yet, for CREATE."""
        match kind:
            case "CREATE":
                if found is not None and found.status != "REVIEW_IN_PROGRESS":
                    raise ApiError(
                        "ValidationError",
                        f"Stack [{found.name}] already exists and cannot be created again with the changeSet [{name}].",
                    )
                return found or self._stacks.new_stack(call.region, str(call.params["StackName"]))
            case "UPDATE":
                if found is None:
                    raise ApiError("ValidationError", DOES_NOT_EXIST.format(call.params["StackName"]))
                check_updatable(found)
                return found
            case "IMPORT":
                if found is None:
                    return self._stacks.new_stack(call.region, str(call.params["StackName"]))
                if found.status != "REVIEW_IN_PROGRESS":
                    check_updatable(found, stable=True)
                return found
        raise ApiError("ValidationError", f"There is no change set type {kind}")

    def _decide(self, change_set: ChangeSet, problem: str) -> None:
        change_set.reason = problem
        change_set.status = "FAILED" if problem else "CREATE_COMPLETE"
        change_set.execution = "UNAVAILABLE" if problem else "AVAILABLE"

    def describe(self, call: Call) -> Answer:
        stack, change_set = self._find(call)
        changes, token = page(change_set.changes, call.params.get("NextToken"), _PAGE)
        if not call.params.get("IncludePropertyValues"):
            changes = [without_values(change) for change in changes]
        return without_none(
            {
                **_summary(stack, change_set),
                "Parameters": parameters_shown(change_set.deployment),
                "Tags": tags_shown(change_set.deployment),
                "Capabilities": list(change_set.deployment.capabilities),
                "NotificationARNs": list(change_set.deployment.notification_arns),
                "OnStackFailure": change_set.on_stack_failure,
                "Changes": changes,
                "NextToken": token,
            }
        )

    def list(self, call: Call) -> Answer:
        stack = self._store.get(call.region, str(call.params["StackName"]), DOES_NOT_EXIST)
        with self._store.lock:
            found = sorted(stack.change_sets.values(), key=lambda item: item.created)
        return {"Summaries": [without_none(_summary(stack, change_set)) for change_set in found]}

    def delete(self, call: Call) -> Answer:
        try:
            stack, change_set = self._find(call)
        except ApiError as error:
            if error.code == "ChangeSetNotFound":
                return {}
            raise
        with self._store.lock:
            if change_set.execution == "EXECUTE_IN_PROGRESS":
                raise _wrong_status(change_set, "deleted", change_set.execution)
            stack.change_sets.pop(change_set.name, None)
        return {}

    def execute(self, call: Call) -> Answer:
        token = call.params.get("ClientRequestToken")
        stack, change_set = self._find(call)
        if token in stack.tokens and seen_before(stack, call, token):
            return {}
        given = call.params.get("DisableRollback")
        if given is not None and change_set.on_stack_failure:
            raise ApiError("ValidationError", "DisableRollback cannot be given for a change set with OnStackFailure")
        on_failure = change_set.on_stack_failure or ("DO_NOTHING" if given else "ROLLBACK")
        with self._store.lock:
            if change_set.execution != "AVAILABLE":
                status = change_set.status if change_set.status == "FAILED" else change_set.execution
                raise _wrong_status(change_set, "executed", status)
            if change_set.kind == "UPDATE":
                check_updatable(stack)
            asked, updates = change_set.deployment, change_set.kind == "UPDATE"
            changes = planned(self._engine, stack, parse(asked.final), asked)[0] if updates else ()
            seen_before(stack, call, token)
            change_set.execution = "EXECUTE_IN_PROGRESS"
            stack.change_set_id = change_set.id
            ask = Ask(
                asked,
                on_failure,
                policy=stack.policy,
                changes=changes,
                change_set=change_set,
                deletes_retained=bool(call.params.get("RetainExceptOnCreate")),
            )
            if change_set.kind == "UPDATE":
                self._stacks.start_update(stack, ask, token)
                return {}
            stack.change_sets = {change_set.name: change_set}
            if change_set.kind == "CREATE":
                self._stacks.start_create(stack, ask, token)
            else:
                self._stacks.start_import(stack, ask, change_set.imports, token)
        return {}

    def _find(self, call: Call) -> tuple[Stack, ChangeSet]:
        name, stack_name = str(call.params["ChangeSetName"]), call.params.get("StackName")
        if stack_name:
            stacks = [self._store.get(call.region, str(stack_name), DOES_NOT_EXIST)]
        else:
            stacks = self._store.stacks(call.region)
        with self._store.lock:
            for stack in stacks:
                for change_set in stack.change_sets.values():
                    if name in (change_set.id, change_set.name):
                        return stack, change_set
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


def _summary(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    return {
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "StackId": stack.id,
        "StackName": stack.name,
        "Status": change_set.status,
        "StatusReason": change_set.reason or None,
        "ExecutionStatus": change_set.execution,
        "Description": change_set.description,
        "CreationTime": when(change_set.created),
        "IncludeNestedStacks": False,
    }


def _wrong_status(change_set: ChangeSet, verb: str, status: str) -> ApiError:
    message = f"ChangeSet [{change_set.id}] cannot be {verb} in its current status of [{status}]"
    return ApiError("InvalidChangeSetStatus", message)
