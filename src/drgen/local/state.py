"""Keeping the services' state in a folder, so that the embedded AWS can be stopped and started again."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from drgen.errors import UsageError
from drgen.local.api import Service
from drgen.local.clock import Clock

EVERY_S = 2.0
"""Real time between two looks at the services; what a killed server has not kept is at most this old."""

VERSION = 1


def _file(folder: Path) -> Path:
    return folder / "services.json"


def _read(folder: Path) -> dict[str, Any]:
    path = _file(folder)
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(
            f"{path} is not JSON: {error}", fix="give another folder with --state, or delete this one"
        ) from error
    if not isinstance(kept, dict) or kept.get("version") != VERSION:
        raise UsageError(f"{path} was kept by another version of drgen", fix="give another folder with --state")
    return kept


def _locked(folder: Path) -> IO[str]:
    """An open file that holds the folder for this server. Raises UsageError when another one has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise UsageError(
            "another embedded AWS keeps its state here", at=str(folder), fix="stop it, or give another --state"
        ) from error
    return lock


class Keeper:
    """Writes the state of the services into a folder when it has changed, and at the end; without a folder, nothing.

    Making one takes the folder for this process. Raises UsageError when another one has it, or it cannot be read.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = _locked(folder) if folder is not None else None
        try:
            self._kept = _read(folder) if folder is not None else {}
        except BaseException:
            self.release()
            raise
        self._services: Mapping[str, Service] = {}
        self._now: Callable[[], float] = time.time
        self._ended = threading.Event()
        self._written = ""
        self._thread = threading.Thread(target=self._watch, daemon=True, name="keeper")

    def clock_start(self) -> float:
        """The virtual time to start at: never before the time at which the folder was kept."""
        return max(time.time(), float(self._kept.get("clock", 0.0)))

    def start(self, services: Mapping[str, Service], clock: Clock) -> None:
        """Gives every service the state that was kept for it, and keeps it from now on."""
        for name, state in self._kept.get("services", {}).items():
            if name in services:
                services[name].restore(state)
        self._services, self._now = services, clock.now
        if self._folder is not None:
            self._thread.start()

    def stop(self) -> None:
        """Keeps the state a last time, if it was started, and gives the folder up."""
        self._ended.set()
        try:
            if self._thread.is_alive():
                self._thread.join()
            if self._services:
                self._keep()
        finally:
            self.release()

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._keep()

    def _keep(self) -> None:
        if self._folder is None:
            return
        states = json.dumps({name: service.dump() for name, service in self._services.items()}, sort_keys=True)
        if states == self._written and not self._ended.is_set():
            return
        text = f'{{"version": {VERSION}, "clock": {self._now()!r}, "services": {states}}}\n'
        fresh = _file(self._folder).with_suffix(".new")
        fresh.write_text(text, "utf-8")
        os.replace(fresh, _file(self._folder))
        self._written = states
