"""Events that a rule sends to a bus of another region. The upstream emulator delivers within a region only.

PutEvents is looked at here, and answered upstream.

Source: EventBridge User Guide, "Sending and receiving events between AWS Regions" and "Event retry policy".
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import Call, PassOn
from drgen.local.bus import ForwardedEvent, dead_letter, envelope_of, matches, on_bus
from drgen.local.providers.provider import Environment

_TRY_FOR_S = 24 * 3600


class Forwarding:
    """Carries events across regions. What a dark region cannot take waits until the rule's limit on its age."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._waiting: list[ForwardedEvent] = []

    def operations(self) -> frozenset[str]:
        return frozenset({"PutEvents"})

    def handle(self, call: Call) -> Mapping[str, Any]:
        for entry in call.params.get("Entries") or ():
            source = str(entry.get("Source") or "")
            if source and not source.startswith("aws."):
                for event in self._forwarded(call, entry):
                    self._send(event)
        raise PassOn

    def _forwarded(self, call: Call, entry: Mapping[str, Any]) -> Iterator[ForwardedEvent]:
        """The event once for each target in another region."""
        bus = str(entry.get("EventBusName") or "default").rpartition("/")[2]
        try:
            detail = json.loads(str(entry.get("Detail") or "{}"))
        except ValueError:
            return
        envelope = envelope_of(
            self._env,
            region=call.region,
            source=str(entry["Source"]),
            detail_type=str(entry.get("DetailType") or ""),
            detail=detail,
            resources=list(entry.get("Resources") or ()),
        )
        for target in matches(self._env, call.region, bus, envelope):
            arn = str(target["Arn"]).split(":")
            if arn[2] == "events" and arn[3] != call.region:
                yield ForwardedEvent(
                    id=str(uuid.uuid4()),
                    origin=call.region,
                    region=arn[3],
                    bus=arn[5].rpartition("/")[2],
                    envelope=envelope,
                    target=dict(target),
                    since=self._env.now(),
                )

    def _send(self, event: ForwardedEvent) -> None:
        if not self._delivered(event):
            with self._lock:
                self._waiting.append(event)

    def _delivered(self, event: ForwardedEvent) -> bool:
        try:
            on_bus(self._env, event.region, event.bus, event.envelope)
        except (BotoCoreError, ClientError):
            return False
        return True

    def tick(self) -> None:
        """Tries again what waits, and gives up what is too old."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for event in waiting:
            limit = (event.target.get("RetryPolicy") or {}).get("MaximumEventAgeInSeconds", _TRY_FOR_S)
            if self._delivered(event):
                continue
            if self._env.now() - event.since > float(limit):
                dead_letter(self._env, event)
            else:
                with self._lock:
                    self._waiting.append(event)

    def dump(self) -> Any:
        with self._lock:
            return [copy.deepcopy(vars(event)) for event in self._waiting]

    def restore(self, state: Any) -> None:
        with self._lock:
            self._waiting = [ForwardedEvent(**event) for event in state]
