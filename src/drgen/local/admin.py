"""The endpoints under /_drgen/, by which `drgen local` steers a running embedded AWS."""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from drgen.local.wire import models
from drgen.local.wire.message import Request, Response

if TYPE_CHECKING:
    from drgen.local.server import EmbeddedAws

PREFIX = "/_drgen/"
Values = Mapping[str, Any]


class Admin:
    """Answers what is under /_drgen/, and passes every other request on."""

    def __init__(self, aws: EmbeddedAws, onward: Callable[[Request], Response | None]) -> None:
        self._aws = aws
        self._onward = onward
        self._actions: Mapping[tuple[str, str], Callable[[Values], Any]] = {
            ("GET", "health"): self._health,
            ("GET", "status"): self._status,
            ("POST", "clock"): self._clock,
            ("GET", "faults"): lambda _: aws.faults.present(),
            ("POST", "faults"): self._fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "calls"): self._calls,
            ("DELETE", "calls"): self._clear_calls,
            ("GET", "dns"): self._dns,
            ("POST", "stop"): self._stop,
        }

    def answer(self, request: Request) -> Response | None:
        if not request.path.startswith(PREFIX):
            return self._onward(request)
        action = self._actions.get((request.method, request.path.removeprefix(PREFIX)))
        if action is None:
            return _json({"error": f"there is no {request.method} {request.path}"}, 404)
        try:
            values = json.loads(request.body) if request.body else dict(request.query)
            return _json(action(values), 200)
        except KeyError as error:
            return _json({"error": f"{request.path} needs {error}"}, 400)
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    def _health(self, _: Values) -> Any:
        return {"endpoint": self._aws.endpoint, "pid": os.getpid()}

    def _status(self, _: Values) -> Any:
        aws = self._aws
        return {
            "endpoint": aws.endpoint,
            "pid": os.getpid(),
            "uptime_s": round(time.time() - aws.started, 1),
            "time": aws.clock.now(),
            "speed": aws.clock.speed,
            "faults": aws.faults.present(),
            "calls": aws.calls.mark(),
            "stacks": aws.stacks(),
        }

    def _clock(self, values: Values) -> Any:
        if "speed" in values:
            self._aws.set_speed(float(values["speed"]))
        if "advance_s" in values:
            self._aws.clock.advance(float(values["advance_s"]))
            self._aws.tick()
        return {"time": self._aws.clock.now(), "speed": self._aws.clock.speed}

    def _fault(self, values: Values) -> Any:
        faults = self._aws.faults
        match values["kind"]:
            case "dark":
                faults.dark(_one_of(values["region"], models.region_names(), "region"))
            case "light":
                faults.light(_one_of(values["region"], models.region_names(), "region"))
            case "throttle":
                faults.throttle(_service(values["service"]), times=values.get("times"))
            case "expire-token":
                faults.expire_token()
            case "latency":
                faults.latency(float(values["seconds"]))
            case "lost-answer":
                service = models.model(_service(values["service"]))
                assert service is not None
                operation = _one_of(values["operation"], service.operation_names, "operation")
                faults.lose_answer(values["service"], operation, times=int(values.get("times", 1)))
            case other:
                raise ValueError(f"there is no fault {other!r}")
        return faults.present()

    def _clear_faults(self, _: Values) -> Any:
        self._aws.faults.clear()
        return self._aws.faults.present()

    def _calls(self, values: Values) -> Any:
        recorded = self._aws.calls.since(int(values.get("since", 0)))
        return {"mark": self._aws.calls.mark(), "calls": [asdict(call) for call in recorded]}

    def _clear_calls(self, _: Values) -> Any:
        self._aws.calls.clear()
        return {}

    def _dns(self, values: Values) -> Any:
        answer = self._aws.dns.answer(values["name"], values.get("type", "A"), region=values.get("region", ""))
        return asdict(answer)

    def _stop(self, _: Values) -> Any:
        self._aws.stopping.set()
        return {"stopping": True}


def _service(word: str) -> str:
    return _one_of(models.service_name(word), models.service_names(), "service")


def _one_of(word: str, known: Collection[str], what: str) -> str:
    """`word`, if it is one of `known`. Raises ValueError that names the nearest otherwise."""
    if word in known:
        return word
    near = difflib.get_close_matches(word, known, n=1)
    raise ValueError(f"there is no {what} {word!r}" + (f"; did you mean {near[0]}?" if near else ""))


def _json(value: Any, status: int) -> Response:
    return Response(status, (("Content-Type", "application/json"),), json.dumps(value).encode() + b"\n")
