"""What the cache keeps, and for how long."""

from __future__ import annotations

import os
import time
from pathlib import Path

from drgen.preflight.cache import Cache

ANSWER = [{"rule": "E3012"}]
DAY_S = 24 * 3600


def age(file: Path, *, days: int) -> None:
    then = time.time() - days * DAY_S
    os.utime(file, (then, then))


def answers(folder: Path) -> set[str]:
    return {file.stem for file in folder.glob("*.json")}


def test_a_write_removes_what_nobody_read_for_30_days(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for key in ("old", "read", "young"):
        cache.write(key, ANSWER)
    (tmp_path / "broken-off.77.draft").write_text("[")
    for name, days in (("old.json", 31), ("broken-off.77.draft", 31), ("read.json", 31), ("young.json", 29)):
        age(tmp_path / name, days=days)
    age(tmp_path / "last-pruned", days=2)
    assert cache.read("read") == ANSWER
    cache.write("new", ANSWER)
    assert answers(tmp_path) == {"read", "young", "new"}
    assert list(tmp_path.glob("*.draft")) == []


def test_the_folder_is_looked_through_once_a_day(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write("old", ANSWER)
    age(tmp_path / "old.json", days=31)
    cache.write("new", ANSWER)
    assert answers(tmp_path) == {"old", "new"}
    age(tmp_path / "last-pruned", days=2)
    cache.write("newer", ANSWER)
    assert answers(tmp_path) == {"new", "newer"}


def test_reading_writes_at_most_once_a_day(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write("key", ANSWER)
    before = (tmp_path / "key.json").stat().st_mtime_ns
    assert cache.read("key") == ANSWER
    assert (tmp_path / "key.json").stat().st_mtime_ns == before
