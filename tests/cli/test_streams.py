"""What drgen says when the machine it runs on refuses something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def drgen(*arguments: str, folder: Path, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drgen", *arguments]
    return subprocess.run(command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "templates").touch()
    ended = drgen("init", "orders", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == "error: templates/orders: Not a directory\n  fix: move away what is there\n"


@pytest.mark.parametrize("arguments", [("--help",), ("rules",), ("check", "--help")])
def test_a_reader_that_left_hears_no_complaint(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = drgen(*arguments, folder=tmp_path, stdout=writer)
    os.close(writer)
    assert ended.stderr == ""
