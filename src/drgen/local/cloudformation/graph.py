"""Runs work in dependency order, everything that can run at once at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping

Work = Callable[[str], bool]
"""Does the work of one node; False if it failed."""


def run(needs: Mapping[str, frozenset[str]], work: Work, *, stop_at_failure: bool) -> set[str]:
    """Works through all nodes of `needs` (a graph without circles), each after those it needs; the nodes that ran well.

    After a failure nothing new starts if `stop_at_failure`, else only what needs the failed node does not. Work that
    has started is always waited for. If `work` raises, nothing new starts and the exception comes out at the end.
    """
    waiting = dict(needs)
    well: set[str] = set()
    finished: queue.Queue[tuple[str, bool | Exception]] = queue.Queue()
    running = 0
    stopped = False
    crash: Exception | None = None

    def worked(name: str) -> None:
        try:
            finished.put((name, work(name)))
        except Exception as error:
            finished.put((name, error))

    while True:
        ready = [] if stopped else [name for name, before in waiting.items() if before <= well]
        for name in ready:
            del waiting[name]
            threading.Thread(target=worked, args=(name,), daemon=True, name=f"cfn-{name}").start()
        running += len(ready)
        if not running:
            break
        name, result = finished.get()
        running -= 1
        if isinstance(result, Exception):
            crash, stopped = result, True
        elif result:
            well.add(name)
        elif stop_at_failure:
            stopped = True
    if crash is not None:
        raise crash
    return well


def reversed_graph(needs: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The same nodes the other way round: what must be deleted before each."""
    return {
        name: frozenset(other for other, before in needs.items() if name in before and other != name) for name in needs
    }
