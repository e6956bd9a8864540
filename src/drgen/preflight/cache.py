"""Answers of linters on disk, by a key of everything that decides them. A cache that cannot be used is no error."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DAY_S = 24 * 3600
KEPT_S = 30 * DAY_S
"""How long an answer is kept that nobody reads."""

_PRUNED = "last-pruned"


class Cache:
    """`folder` is made when the first answer is written, with a .gitignore of its own; None means no cache.

    A file's time of change is when its answer was last read, to the day. Once a day, a write removes what was not read
    for 30 days.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, key: str) -> list[dict[str, Any]] | None:
        """The answer under `key`; None if there is none, or it cannot be read."""
        if self._folder is None:
            return None
        file = self._folder / f"{key}.json"
        try:
            answer = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        _note_reading(file)
        return answer if isinstance(answer, list) and all(isinstance(entry, dict) for entry in answer) else None

    def write(self, key: str, answer: list[dict[str, Any]]) -> None:
        """Keeps `answer`; another process that reads at the same time sees all of it or nothing."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", "utf-8")
            draft = self._folder / f"{key}.{os.getpid()}.draft"
            draft.write_text(json.dumps(answer), "utf-8")
            draft.replace(self._folder / f"{key}.json")
            self._prune(self._folder)
        except OSError:
            return

    def _prune(self, folder: Path) -> None:
        """Removes what was not read for long, at most once a day: a build writes many answers, one after the other."""
        now, mark = time.time(), folder / _PRUNED
        if mark.exists() and mark.stat().st_mtime > now - DAY_S:
            return
        mark.touch()
        with os.scandir(folder) as files:
            for file in files:
                if file.name.endswith((".json", ".draft")) and file.stat().st_mtime < now - KEPT_S:
                    Path(file.path).unlink(missing_ok=True)


def _note_reading(file: Path) -> None:
    # A cache that others wrote may be read only; then nobody prunes it here, either.
    with contextlib.suppress(OSError):
        if file.stat().st_mtime < time.time() - DAY_S:
            os.utime(file)


def cache_folder(environment: Mapping[str, str], here: Path) -> Path:
    """Where answers are kept: `$XDG_CACHE_HOME/drgen`, or `.drgen/cache` in the current folder."""
    home = environment.get("XDG_CACHE_HOME", "")
    return Path(home) / "drgen" if home else here / ".drgen" / "cache"
