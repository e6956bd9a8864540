"""Answers of linters on disk, by a key of everything that decides them. A cache that cannot be used is no error."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Cache:
    """`folder` is made when the first answer is written, with a .gitignore of its own; None means no cache."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, key: str) -> list[dict[str, Any]] | None:
        """The answer under `key`; None if there is none, or it cannot be read."""
        if self._folder is None:
            return None
        try:
            answer = json.loads((self._folder / f"{key}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
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
        except OSError:
            return


def cache_folder(environment: Mapping[str, str], here: Path) -> Path:
    """Where answers are kept: `$XDG_CACHE_HOME/drgen`, or `.drgen/cache` in the current folder."""
    home = environment.get("XDG_CACHE_HOME", "")
    return Path(home) / "drgen" if home else here / ".drgen" / "cache"
