"""The operator's side: starts a failover or joins the one that runs, follows it, and answers its question.

Every call goes to the recovery region. Errors of botocore are passed on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drgen.recovery.codec import decode
from drgen.recovery.guards import Guard
from drgen.recovery.kinds import Facts
from drgen.recovery.names import approval_parameter
from drgen.recovery.record import Record
from drgen.recovery.steps import Step

PAGE = 100


@dataclass(frozen=True)
class Machine:
    """A state machine and the function it drives."""

    arn: str
    function: str
    region: str


@dataclass(frozen=True)
class Execution:
    """A run of the machine; `joined` if it was running already."""

    arn: str
    joined: bool

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[-1]


@dataclass(frozen=True)
class Outlook:
    """What a failover would find and do now."""

    facts: Facts
    guards: tuple[Guard, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class State:
    """How far a run is. `status` is that of the execution, `error` and `cause` how it ended, both "" otherwise.

    `record` is None before the first turn; `waits_for_approval` is True between the question and its answer.
    """

    status: str
    record: Record | None
    waits_for_approval: bool = False
    objectives: tuple[float, float] | None = None
    error: str = ""
    cause: str = ""


class Operator:
    """Talks to one machine. `client` makes a boto3 client of the recovery region for a service."""

    def __init__(self, machine: Machine, client: Any) -> None:
        self._machine = machine
        self._client = client
        self._states = client("stepfunctions")

    def look(self, request: Mapping[str, Any]) -> Outlook:
        """What a failover would find and do; changes nothing. Raises RuntimeError if the function itself fails."""
        payload = json.dumps({"command": "look", "request": dict(request)}).encode()
        answer = self._client("lambda").invoke(FunctionName=self._machine.function, Payload=payload)
        shown = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise RuntimeError(str(shown.get("errorMessage", shown)))
        return Outlook(decode(shown["facts"]), decode(shown["guards"]), decode(shown["steps"]))

    def start(self, request: Mapping[str, Any]) -> Execution:
        """Starts a run named after the incident; a run that is under way is joined instead."""
        running = self._states.list_executions(stateMachineArn=self._machine.arn, statusFilter="RUNNING")["executions"]
        if running:
            oldest = min(running, key=lambda e: (e["startDate"], e["executionArn"]))
            return Execution(oldest["executionArn"], joined=True)
        started = self._states.start_execution(
            stateMachineArn=self._machine.arn,
            name=request["incident"],
            input=json.dumps({"request": dict(request)}),
        )
        return Execution(started["executionArn"], joined=False)

    def state(self, execution: Execution) -> State:
        """How far the run is, from the end of its history."""
        described = self._states.describe_execution(executionArn=execution.arn)
        turn, waits = self._last_turn(execution)
        objectives = turn.get("objectives")
        return State(
            status=described["status"],
            record=decode(turn["record"]) if "record" in turn else None,
            waits_for_approval=waits and described["status"] == "RUNNING",
            objectives=(objectives["rto_s"], objectives["rpo_s"]) if objectives else None,
            error=described.get("error", ""),
            cause=described.get("cause", ""),
        )

    def _last_turn(self, execution: Execution) -> tuple[Mapping[str, Any], bool]:
        """What the last finished turn returned, and whether the question was entered and not left since."""
        token: dict[str, str] = {}
        asking: bool | None = None
        while True:
            page = self._states.get_execution_history(
                executionArn=execution.arn, reverseOrder=True, maxResults=PAGE, includeExecutionData=True, **token
            )
            for event in page["events"]:
                entered = event.get("stateEnteredEventDetails", {}).get("name")
                left = event.get("stateExitedEventDetails", {})
                if asking is None and (entered or left):
                    asking = entered == "Ask"
                if left.get("name") == "Decide":
                    return json.loads(left["output"]), bool(asking)
            if not page.get("nextToken"):
                return {}, bool(asking)
            token = {"nextToken": page["nextToken"]}

    def token(self, execution: Execution) -> str:
        """The task token that answers the question of the run; "" until the function has left it."""
        ssm = self._client("ssm")
        try:
            shown = ssm.get_parameter(Name=approval_parameter(self._machine.arn))["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return ""
        left = json.loads(shown)
        return str(left["token"]) if left["execution"] == execution.arn else ""

    def answer(self, token: str, *, approved: bool, by: str) -> None:
        """Answers the question. Somebody else may have been quicker; the run then goes by that answer."""
        output = json.dumps({"approved": approved, "by": by, "reason": "" if approved else "declined"})
        with contextlib.suppress(self._states.exceptions.TaskTimedOut, self._states.exceptions.InvalidToken):
            self._states.send_task_success(taskToken=token, output=output)
