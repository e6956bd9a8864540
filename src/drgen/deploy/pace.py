"""How often a region is asked how far it is."""

from __future__ import annotations

import threading
import time


class Pace:
    """Spreads the polls of all stacks of one region: `poll_s` seconds between two of the same stack, and a tenth of
    that between any two, however many stacks are followed."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = poll_s
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, *, shortest: bool = False) -> None:
        """Returns when the caller may ask again. `shortest` is for what ends within seconds, such as a change set."""
        with self._lock:
            wanted = time.monotonic() + (min(self._poll_s, 1.0) if shortest else self._poll_s)
            turn = max(wanted, self._next)
            self._next = turn + self._poll_s / 10
        time.sleep(max(0.0, turn - time.monotonic()))
