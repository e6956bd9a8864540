"""Keeping the services' state in a folder, so that the embedded AWS can be stopped and started again."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def clock_start(folder: Path | None) -> float:
    """The virtual time to start at: never before the time at which the folder was kept."""
    kept = _read(folder).get("clock", 0.0) if folder is not None else 0.0
    return max(time.time(), float(kept))


class Keeper:
    """Writes the state of the services into a folder when it has changed, and at the end; without a folder, nothing."""

    def __init__(self, folder: Path | None, services: Mapping[str, Service], clock: Clock) -> None:
        self._folder = folder
        self._services = services
        self._clock = clock
        self._ended = threading.Event()
        self._written = ""
        self._thread = threading.Thread(target=self._watch, daemon=True, name="keeper")

    def restore(self) -> None:
        """Gives every service the state that was kept for it. Raises UsageError when the folder cannot be read."""
        if self._folder is None:
            return
        for name, state in _read(self._folder).get("services", {}).items():
            if name in self._services:
                self._services[name].restore(state)

    def start(self) -> None:
        if self._folder is not None:
            self._thread.start()

    def stop(self) -> None:
        """Keeps the state a last time."""
        self._ended.set()
        if self._folder is not None:
            if self._thread.is_alive():
                self._thread.join()
            self._keep(self._folder)

    def _watch(self) -> None:
        assert self._folder is not None
        while not self._ended.wait(EVERY_S):
            self._keep(self._folder)

    def _keep(self, folder: Path) -> None:
        states = json.dumps({name: service.dump() for name, service in self._services.items()}, sort_keys=True)
        if states == self._written and not self._ended.is_set():
            return
        folder.mkdir(parents=True, exist_ok=True)
        text = f'{{"version": {VERSION}, "clock": {self._clock.now()!r}, "services": {states}}}\n'
        fresh = _file(folder).with_suffix(".new")
        fresh.write_text(text, "utf-8")
        os.replace(fresh, _file(folder))
        self._written = states
