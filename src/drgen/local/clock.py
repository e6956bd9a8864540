"""The virtual clock: an RDS replica takes its 25 minutes on this clock, not on yours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Runs `speed` times as fast as real time, and can be pushed forward by hand.

    `speed` 0 stands still until `advance` is called.
    """

    def __init__(self, *, speed: float = 1.0, start: float | None = None) -> None:
        self._speed = speed
        self._real = time.monotonic()
        self._virtual = time.time() if start is None else start
        self._changed = threading.Condition()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        """Seconds since the epoch, virtual."""
        with self._changed:
            return self._now()

    def _now(self) -> float:
        return self._virtual + (time.monotonic() - self._real) * self._speed

    def advance(self, seconds: float) -> None:
        """Pushes the clock forward and wakes whoever sleeps on it."""
        with self._changed:
            self._virtual += seconds
            self._changed.notify_all()

    def set_speed(self, speed: float) -> None:
        with self._changed:
            self._virtual, self._real, self._speed = self._now(), time.monotonic(), speed
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Returns when `seconds` of virtual time have passed."""
        with self._changed:
            end = self._now() + seconds
            while (left := end - self._now()) > 0:
                self._changed.wait(timeout=left / self._speed if self._speed else None)

    def wait(self, done: Callable[[], bool], *, every: float, limit: float) -> bool:
        """Calls `done` every `every` virtual seconds; False if it did not become true within `limit`."""
        end = self.now() + limit
        while not done():
            if self.now() >= end:
                return False
            self.sleep(every)
        return True
