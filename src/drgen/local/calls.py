"""The record of every call that came in, except those that the embedded AWS makes of itself."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import islice

KEPT = 100_000


@dataclass(frozen=True)
class Recorded:
    """One call. `time` is virtual, in seconds since the epoch; `source` is "client" or "lambda".

    `status` is the HTTP status of the answer, 0 when none was given: the region was dark, or the answer got lost.
    """

    time: float
    service: str
    operation: str
    region: str
    source: str
    status: int

    @property
    def answered(self) -> bool:
        return self.status != 0


class Calls:
    """The last calls, oldest first; at most KEPT of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Recorded] = deque(maxlen=KEPT)
        self._seen = 0

    def add(self, call: Recorded) -> None:
        with self._lock:
            self._kept.append(call)
            self._seen += 1

    def mark(self) -> int:
        """A place in the record, for `since`."""
        with self._lock:
            return self._seen

    def since(self, mark: int = 0) -> tuple[Recorded, ...]:
        """The calls after `mark`, as far as they are still kept."""
        with self._lock:
            first = self._seen - len(self._kept)
            return tuple(islice(self._kept, max(0, mark - first), None))

    def clear(self) -> None:
        """Forgets the calls so far; marks taken before stay good."""
        with self._lock:
            self._kept.clear()
