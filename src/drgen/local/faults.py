"""What is wrong with this AWS at the moment, because somebody asked for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from drgen.local.wire.models import GLOBAL_SERVICES, service_name

BUCKET_NAMES = frozenset({"CreateBucket", "DeleteBucket"})
"""S3 operations that need us-east-1 wherever the bucket is: names are unique in the world.

Source: AWS Fault Isolation Boundaries, appendix "Partitional service guidance", Amazon S3.
"""


class Faults:
    """Regions that are dark, services that throttle, and so on. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dark: set[str] = set()
        self._throttled: dict[str, int | None] = {}
        self._lost: dict[tuple[str, str], int] = {}
        self._expired = False
        self._latency_s = 0.0

    def dark(self, region: str) -> None:
        """From now on no request to `region` gets an answer, until `clear` or `light`."""
        with self._lock:
            self._dark.add(region)

    def light(self, region: str) -> None:
        """The region answers again."""
        with self._lock:
            self._dark.discard(region)

    def throttle(self, service: str, *, times: int | None = None) -> None:
        """Requests to the service are refused as too many: the next `times`, or all until `clear`."""
        with self._lock:
            self._throttled[service_name(service)] = times

    def expire_token(self) -> None:
        """Every request is refused because its credentials have expired."""
        with self._lock:
            self._expired = True

    def latency(self, seconds: float) -> None:
        """Every answer comes `seconds` of real time later."""
        with self._lock:
            self._latency_s = seconds

    def lose_answer(self, service: str, operation: str, *, times: int = 1) -> None:
        """The next `times` requests are carried out, but their answer never arrives."""
        with self._lock:
            self._lost[service_name(service), operation.lower()] = times

    def clear(self) -> None:
        with self._lock:
            self._dark.clear()
            self._throttled.clear()
            self._lost.clear()
            self._expired = False
            self._latency_s = 0.0

    def reaches(self, service: str, operation: str, region: str) -> bool:
        """Whether a request gets to whatever would answer it, the control plane of a global service included."""
        needed = {GLOBAL_SERVICES.get(service, region)}
        if service == "s3" and operation in BUCKET_NAMES:
            needed.add("us-east-1")
        with self._lock:
            return not needed & self._dark

    @property
    def expired(self) -> bool:
        return self._expired

    @property
    def latency_s(self) -> float:
        return self._latency_s

    def takes_throttle(self, service: str) -> bool:
        """Whether this request is one that is throttled; counts it."""
        with self._lock:
            if service not in self._throttled:
                return False
            left = self._throttled[service]
            if left is not None:
                self._throttled[service] = left - 1
                if left <= 1:
                    del self._throttled[service]
            return True

    def takes_answer(self, service: str, operation: str) -> bool:
        """Whether this request's answer is one that gets lost; counts it."""
        key = (service, operation.lower())
        with self._lock:
            left = self._lost.get(key, 0)
            if left:
                self._lost[key] = left - 1
                if left == 1:
                    del self._lost[key]
            return left > 0

    def present(self) -> Mapping[str, Any]:
        """What is wrong now, as values that JSON can hold; empty when all is well."""
        with self._lock:
            every = {
                "dark": sorted(self._dark),
                "throttled": {name: "until cleared" if n is None else n for name, n in sorted(self._throttled.items())},
                "lost answers": {f"{s}:{o}": n for (s, o), n in sorted(self._lost.items())},
                "expired token": self._expired,
                "latency": self._latency_s,
            }
        return {name: value for name, value in every.items() if value}
